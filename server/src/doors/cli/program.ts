import type { Command } from 'commander';
import { addApprovals } from './approvals';
import { addAudit } from './audit';
import { addBackends } from './backends';
import { addBreakers } from './breakers';
import { addBroker } from './broker';
import { addConfig } from './config';
import { addDoctor } from './doctor';
import { answer, configDir, emptyProgram } from './frame';
import { addGrants } from './grants';
import { addPolicy } from './policy';
import { addSecrets } from './secrets';

/** Everything of the `conductor` command but an agent's pipe. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  await answer(createProgram(), argv);
}

/** The commands, each in a file named like its noun. */
export function createProgram(): Command {
  const program = emptyProgram();
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
