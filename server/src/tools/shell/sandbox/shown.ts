import type { Confinement } from './confinement';

/** What people, agents and the log are told of the sandbox. */

type Line = Readonly<{ steps: readonly Readonly<{ commands: readonly Readonly<{ argv: readonly string[]; confinement?: Confinement }>[] }>[] }>;

/** The sandbox of each command of a line in one text; nothing where none was asked for. */
export function levelOf(line: Line): Readonly<{ sandbox?: string }> {
  const commands = line.steps.flatMap((step) => step.commands).filter(({ confinement }) => confinement !== undefined);
  const levels = new Set(commands.map(({ confinement }) => confinement?.level ?? ''));
  if ([...levels].every((level) => level === '')) return {};
  const [only] = levels;
  if (levels.size === 1 && only !== undefined) return { sandbox: only };
  return { sandbox: commands.map(({ argv, confinement }) => `${argv[0] ?? ''}: ${confinement?.level === '' || confinement === undefined ? 'none' : confinement.level}`).join('; ') };
}
