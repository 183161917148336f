import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from '../../../base/childProcess';
import type { Binary } from '../resolve';
import type { Confinement } from './confinement';
import { besides } from '../temporary';
import { quoted } from './runtime';

/** The command as it stands in the plan, and the folder of this run. */
export type Unwrapped = Readonly<{ binary: Binary; args: readonly string[]; folder: string; temporary: string; environment: Readonly<Record<string, string>> }>;

/** What to start, so that the command starts inside of everything that confines it. */
export type Wrapped = Pick<Child, 'file' | 'args' | 'argv0' | 'politely'>;

/** Puts the limiter and the sandbox around a command. Without either it is started by itself, under its own name. */
export function wrap(command: Unwrapped, confinement: Confinement | undefined): Wrapped {
  const { sandbox, limiter, word = command.binary.path } = confinement ?? {};
  if (sandbox === undefined && limiter === undefined) return { file: command.binary.path, argv0: command.binary.name, args: command.args };
  const limited = limiter === undefined ? [word, ...command.args] : [limiter.binary.path, ...limiter.args, word, ...command.args];
  if (sandbox === undefined) return { file: limited[0] ?? '', args: limited.slice(1), argv0: 'prlimit' };
  if (sandbox.kind === 'bubblewrap') return { file: sandbox.binary.path, args: [...sandbox.args, '--bind', command.temporary, command.temporary, '--chdir', command.folder, '--', ...limited], argv0: 'bwrap', politely: 'children' };
  const { runtime, settings } = sandbox;
  return { file: runtime.node.path, args: [runtime.srt.path, '--settings', writeSettings(settings, command.temporary), '-c', shellLine(limited, command.environment)], argv0: 'node' };
}

/** The runtime changes variables. Those of proxies are how hosts are reached; the folder of the run is put back, and what gives git another way to ssh is taken out where git is kept from it. */
function shellLine(words: readonly string[], environment: Readonly<Record<string, string>>): string {
  const added = ['JAVA_TOOL_OPTIONS', ...(environment['GIT_CONFIG_NOSYSTEM'] === '1' ? ['GIT_SSH_COMMAND'] : [])];
  return `unset ${added.join(' ')}; export TMPDIR=${quoted(environment['TMPDIR'] ?? '/tmp')}; exec ${words.map(quoted).join(' ')}`;
}

function writeSettings(settings: string, temporary: string): string {
  mkdirSync(besides(temporary), { recursive: true, mode: 0o700 });
  const file = join(besides(temporary), `${randomBytes(8).toString('hex')}.json`);
  const parsed = JSON.parse(settings) as { filesystem: Record<'allowRead' | 'allowWrite', unknown[]> };
  for (const list of ['allowRead', 'allowWrite'] as const) parsed.filesystem[list].push({ path: temporary, literal: true });
  writeFileSync(file, JSON.stringify(parsed), { mode: 0o600 });
  return file;
}
