import { setFlagsFromString } from 'node:v8';
import { addVerify } from './auditVerify';
import { answer, configDir, emptyProgram } from './frame';

/** The newest Node.js of which it is known that it understands the flag below; a newer one would complain of one that is gone. */
const newestKnown = 24;

/** `conductor audit verify` alone: a log can be long, and what else the command can do is not kept in memory beside it. */
export async function runVerify(argv: readonly string[]): Promise<void> {
  // Every line leaves a little garbage and nothing else, so that a larger space for it would only be memory.
  if (Number.parseInt(process.versions.node, 10) <= newestKnown) setFlagsFromString('--semi-space-growth-factor=1');
  const program = emptyProgram();
  addVerify(program.command('audit'), configDir);
  await answer(program, argv);
}
