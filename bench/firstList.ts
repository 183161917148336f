import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const conductor = resolve(__dirname, '../dist/conductor.js');

/** Milliseconds from the start of `conductor mcp start` to the answer of its first tools/list. */
export async function firstList({ env, project }: Readonly<{ env: NodeJS.ProcessEnv; project: string }>): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, [conductor, 'mcp', 'start', '--project', project], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const send = (message: object): unknown => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } } });
  send({ id: 2, method: 'tools/list' });
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.includes('"id":2')) break;
  }
  const took = performance.now() - began;
  child.kill('SIGKILL');
  return took;
}
