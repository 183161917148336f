import { createHash } from 'node:crypto';
import type { Judgement } from '../../rules/allowlist';
import { notThere, type Fact } from '../fact';
import type { Bound } from './binding';
import { binariesOf, type Plan, type PlannedCommand } from './plan';
import type { Binary } from './resolve';
import { meaningFact } from './meanings';
import { termsOf } from './sandbox/confinement';

/** The facts of a plan: everything that will happen and what it rests on, named for a person and compared before the start. */

/** What is known of a plan besides itself. */
export type Around = Readonly<{
  judgement: Judgement;
  /** SHA-256 of programs by path; empty for a plan that nobody is asked about. */
  hashes: ReadonlyMap<string, string>;
  /** The environment that every command gets, without the names that are another each time. */
  environment: Readonly<Record<string, string>>;
}>;

/** Names that lead to a fresh folder of each run. */
const ofTheRun: ReadonlySet<string> = new Set(['TMPDIR', 'TEMP', 'TMP']);

/** The environment of every command, without the names that are another each time. */
export function usualEnvironment(environment: Readonly<Record<string, string>>): Fact {
  return environmentFact('Usual environment', Object.entries(environment).filter(([name]) => !ofTheRun.has(name)));
}

/** The facts of a plan, in the order in which a person reads them. */
export function factsOf(plan: Plan, around: Around): readonly Fact[] {
  const commands = plan.steps.flatMap((step) => step.commands.map((command, index) => ({ command, before: index > 0 ? '| ' : operators[step.joint] })));
  return [
    ...around.judgement.parts.filter((part) => part.verdict !== 'allow').map((part) => one(`Why (${part.rule})`, part.reason)),
    ...commands.flatMap(({ command, before }, index) => commandFacts(command, before, index + 1)),
    ...plan.ground.map(([path, identity]): Fact => ({ label: 'Folder', key: path, value: identity, lasting: 'a folder' })),
    ...uniqueBinaries(commands.map(({ command }) => command)).map((binary) => programFact(binary, around.hashes)),
    ...plan.bound.map(boundFact),
    ...plan.meanings.map((meaning) => meaningFact(meaning, plan.meanings.some(({ folder }) => folder !== meaning.folder))),
    ...commands.flatMap(({ command }, index) => sandboxFacts(command, commands.length === 1 ? '' : String(index + 1))),
    one('Time limit', `${plan.timeoutMs} ms`),
    one('Limits', limitsOf(plan)),
    usualEnvironment(around.environment),
  ];
}

const operators: Readonly<Record<Plan['steps'][number]['joint'], string>> = { first: '', '&&': '&& ', '||': '|| ', ';': '; ' };

/** What one command gets. */
export function commandFacts(command: PlannedCommand, before: string, number: number): readonly Fact[] {
  const additions = Object.entries(command.additions);
  return [
    one(`Arguments ${number}`, `${before}${JSON.stringify(command.argv)}`),
    ...command.redirections.map((redirection, index): Fact => ({ label: `Redirection of ${number}`, key: String(index + 1), value: JSON.stringify(Object.fromEntries(Object.entries(redirection).sort())) })),
    ...(additions.length === 0 ? [] : [environmentFact(`Added environment of ${number}`, additions)]),
    ...(command.secrets ?? []).map(({ variable, name, changedAt }): Fact => ({ label: `Secret for ${number}`, key: variable, value: `${name}, ${changedAt === undefined ? 'not there' : `set ${changedAt}`}` })),
  ];
}

/** The level in words, and a hash of all that the sandbox is told. */
export function sandboxFacts({ confinement }: PlannedCommand, key: string): readonly Fact[] {
  if (confinement === undefined || confinement.level === '') return [];
  const terms = confinement.sandbox === undefined ? [] : [{ label: 'Sandbox layout', key, value: `sha256:${createHash('sha256').update(JSON.stringify(termsOf(confinement))).digest('hex')}` }];
  return [{ label: 'Sandbox', key, value: confinement.level }, ...terms];
}

/** What a line may use up, in words. */
export function limitsOf({ steps, processes }: Plan): string {
  const limiters = new Set(steps.flatMap((step) => step.commands.flatMap(({ confinement }) => confinement?.limiter?.args.slice(0, -1).join(' ') ?? [])));
  return [`processes at a time: ${processes === 0 ? 'any number' : processes}`, ...limiters].join('; ');
}

/** Values are written as JSON text, so that none can look like the next name, and are kept out of the log. */
function environmentFact(label: string, entries: readonly (readonly [string, string])[]): Fact {
  return { ...one(label, entries.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ')), unlogged: true };
}

function uniqueBinaries(commands: readonly PlannedCommand[]): readonly Binary[] {
  return [...new Map(commands.flatMap(binariesOf).map((binary) => [`${binary.name}\0${binary.path}`, binary])).values()];
}

/** Keyed by its name: another program behind the same name is a change of that name. */
export function programFact({ name, path, prefix, identity }: Binary, hashes: ReadonlyMap<string, string>): Fact {
  const script = prefix.length === 0 ? '' : ` ${JSON.stringify(prefix)}`;
  const hash = hashes.get(path);
  const known = `${path}${script}${hash === undefined ? '' : ` sha256:${hash}`}`;
  return { label: 'Program', key: name, value: `${known} (${identity})`, ...(hash === undefined || hash === 'unreadable' ? {} : { lasting: known }) };
}

/** A path that the answer rests on. */
export function boundFact({ path, state, label, text }: Bound): Fact {
  // Bytes and place say what a file is; which number it has on its disk changes with every editor that saves it.
  const lasting = /^(?:sha256:[0-9a-f]{64}|folder)/.test(state) ? { lasting: state.replace(/ \([0-9]+:[0-9]+\)/, '') } : {};
  return { label, key: path, value: state === 'missing' ? notThere : state, ...lasting, ...(text === undefined ? {} : { text }) };
}

function one(label: string, value: string): Fact {
  return { label, key: '', value };
}
