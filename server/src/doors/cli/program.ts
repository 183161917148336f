import type { Command } from 'commander';
import { keepMemoryOutOfCores } from '../../base/coreDumps';
import { addApprovals } from './approvals';
import { addAudit } from './audit';
import { addBackends } from './backends';
import { addBreakers } from './breakers';
import { addBroker } from './broker';
import { addConfig } from './config';
import { addDoctor } from './doctor';
import { answer, configDir, emptyProgram } from './frame';
import { addGrants } from './grants';
import { addMcp } from './mcp';
import { addPolicy } from './policy';
import { addSecrets } from './secrets';

/** Everything of the `conductor` command but an agent's pipe. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  // What a person types may be a secret.
  keepMemoryOutOfCores();
  await answer(createProgram(), argv);
}

/** The commands, each in a file named like its noun. */
export function createProgram(): Command {
  const program = emptyProgram();
  addMcp(program, configDir);
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
