import type { ByteStream } from '../../rules/redaction/stream';
import type { Edges } from './output';
import type { PlannedCommand, Step } from './plan';

/** Secrets that the user declared for programs: each reaches the one command that was meant, in a variable, and nothing else (T77). */

/** A variable and the secret that it gets, by name. */
export type GivenSecret = Readonly<{ variable: string; name: string; /** When the secret was changed last; undefined when it is not there, or nobody can know. */ changedAt: string | undefined }>;

/** Values that one run uses; overwritten at the release. */
export type SecretLease = Readonly<{ value(name: string): Buffer; release(): void }>;

/** What the tool needs of the store, and of redaction. */
export type SecretRoom = Readonly<{
  changedAt(name: string): string | undefined;
  /** Records the use; rejects when one of them cannot be had. */
  lease(names: readonly string[]): Promise<SecretLease>;
  /** A stream that takes secrets out of what a program writes, before any of it is cut. */
  stream(): ByteStream;
  /** The same for what it writes into another program or a file, which may be no text: piece by piece that could give a secret away. */
  between(): ByteStream;
  /** What cleans both sides of a cut in what any program wrote, whether it was given a secret or not. */
  edges: Edges;
}>;

const reference = /^\$\{secret:([^}]+)\}$/;

/** Names in the settings for each program, as `plugins.shell.secrets` has them. */
export function secretNames(declared: Readonly<Record<string, Readonly<Record<string, string>>>>): readonly string[] {
  return [...new Set(Object.values(declared).flatMap((variables) => Object.values(variables).map(nameIn)))];
}

/** The same steps, each command with the secrets that are declared for its program. A program inside of another gets none. */
export function withSecrets(steps: readonly Step[], declared: Readonly<Record<string, Readonly<Record<string, string>>>>, changedAt: SecretRoom['changedAt']): readonly Step[] {
  if (Object.keys(declared).length === 0) return steps;
  return steps.map((step) => ({ ...step, commands: step.commands.map((command) => given(command, declared, changedAt)) }));
}

function given(command: PlannedCommand, declared: Readonly<Record<string, Readonly<Record<string, string>>>>, changedAt: SecretRoom['changedAt']): PlannedCommand {
  const variables = command.binary !== undefined && Object.hasOwn(declared, command.argv[0]) ? declared[command.argv[0]] : undefined;
  if (variables === undefined) return command;
  return { ...command, secrets: Object.entries(variables).map(([variable, text]) => ({ variable, name: nameIn(text), changedAt: changedAt(nameIn(text)) })) };
}

function nameIn(text: string): string {
  return reference.exec(text)?.[1] ?? text;
}
