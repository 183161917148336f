#!/usr/bin/env node
import { resolve } from 'node:path';

/** The `conductor` command. An agent's pipe starts with as little as possible; everything else is loaded when it is asked for. */

const [group, action, ...rest] = process.argv.slice(2);

if (group === 'mcp' && action === 'start' && !rest.includes('--help') && !rest.includes('-h')) void startPipe(rest);
else if (group === 'audit' && action === 'verify') void import('./verifyProgram').then(({ runVerify }) => runVerify(process.argv));
else void import('./program').then(({ runProgram }) => runProgram(process.argv));

async function startPipe(args: readonly string[]): Promise<void> {
  const project = projectOf(args);
  if (project === undefined) {
    process.stderr.write(`conductor mcp start: unknown argument "${args.join(' ')}". Usage: conductor mcp start [--project DIR]\n`);
    process.exit(2);
  }
  const { runPipe } = await import('./pipe');
  runPipe(project);
}

// Undefined when the arguments are not understood.
function projectOf(args: readonly string[]): string | undefined {
  const [flag, value, ...more] = args;
  if (flag === undefined) return process.cwd();
  const inline = /^--project=(.+)$/.exec(flag)?.[1];
  if (inline !== undefined && value === undefined) return resolve(inline);
  return flag === '--project' && value !== undefined && more.length === 0 ? resolve(value) : undefined;
}
