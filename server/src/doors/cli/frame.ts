import { homedir } from 'node:os';
import { Command } from 'commander';
import { configDirOf } from '../../../../link/src/address';
import { version } from '../../base/version';

/** The command without its commands: how it names itself, and what it does with words that it does not know. */
export function emptyProgram(): Command {
  return new Command('conductor')
    .description('Stands between coding agents and your machine: judges, asks, runs and records what they do.')
    .version(version)
    .showHelpAfterError()
    // 1 is the answer "tampered" or "not valid" of some commands; a wrong word must not look like one.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .enablePositionalOptions();
}

/** The folder of the user's configuration. Throws when the environment names one that cannot be. */
export function configDir(): string {
  return configDirOf(process.env, homedir());
}

/** Does what the arguments say. */
export async function answer(program: Command, argv: readonly string[]): Promise<void> {
  // Whoever reads only the first lines has seen enough.
  process.stdout.on('error', () => process.exit(0));
  await program.parseAsync([...argv]);
}
