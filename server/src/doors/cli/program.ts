import { homedir } from 'node:os';
import { Command } from 'commander';
import { configDirOf } from '../../../../link/src/address';
import { addApprovals } from './approvals';
import { addAudit } from './audit';
import { addBackends } from './backends';
import { addBreakers } from './breakers';
import { addBroker } from './broker';
import { addConfig } from './config';
import { addDoctor } from './doctor';
import { addGrants } from './grants';
import { addPolicy } from './policy';
import { addSecrets } from './secrets';
import { version } from '../../base/version';

/** Everything of the `conductor` command but an agent's pipe. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  // Whoever reads only the first lines has seen enough.
  process.stdout.on('error', () => process.exit(0));
  await createProgram().parseAsync([...argv]);
}

/** The commands, each in a file named like its noun. */
export function createProgram(): Command {
  const program = new Command('conductor')
    .description('Stands between coding agents and your machine: judges, asks, runs and records what they do.')
    .version(version)
    .showHelpAfterError()
    // 1 is the answer "tampered" or "not valid" of some commands; a wrong word must not look like one.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .enablePositionalOptions();
  const configDir = (): string => configDirOf(process.env, homedir());
  addMcp(program);
  addAudit(program, configDir);
  addConfig(program, configDir);
  addApprovals(program, configDir);
  addGrants(program, configDir);
  addSecrets(program, configDir);
  addBackends(program, configDir);
  addBreakers(program, configDir);
  addBroker(program, configDir);
  addPolicy(program, configDir);
  addDoctor(program, configDir);
  return program;
}

// `mcp start` itself never comes here: conductor.ts starts it without loading all this.
function addMcp(program: Command): void {
  program
    .command('mcp')
    .description('Serve agents')
    .command('start')
    .description('Serve one agent over standard input and output (MCP). Put this command into the configuration of your agent.')
    .option('--project <dir>', 'folder that the agent works in; default: the current folder')
    .action(() => program.error('conductor mcp start: write it exactly as "conductor mcp start [--project DIR]".'));
}
