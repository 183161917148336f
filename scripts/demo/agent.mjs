// A scripted agent: a real MCP client that makes three calls through Conductor, and says what came back.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Ten minutes: as long as the sample configuration lets a call wait. */
const patience = 600_000;

/**
 * Runs the three calls. `command` is the path of the conductor script, `project` the sample folder.
 * @returns {Promise<boolean[]>} for each call whether it succeeded
 */
export async function runAgent({ command, project, env, say = console.log }) {
  const client = new Client({ name: 'sample-agent', version: '1.0.0' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [command, 'mcp', 'start', '--project', project], env, stderr: 'inherit' }));
  const call = async (what, name, args) => {
    say(`\nagent> ${what}`);
    const result = await client.callTool({ name, arguments: args }, undefined, { timeout: patience, onprogress: ({ message }) => say(`       ${message}`), resetTimeoutOnProgress: true });
    for (const line of result.content.map(({ text }) => text).join('\n').split('\n')) say(`       ${line}`);
    return result.isError !== true;
  };
  try {
    return [
      await call('reads README.md (inside the project: allowed)', 'filesystem_read', { path: 'README.md' }),
      await call('runs "npm run greet" (npm asks first: answer it in VS Code)', 'shell_exec', { command: 'npm run greet' }),
      await call('runs "curl http://example.com" (not on the list: refused)', 'shell_exec', { command: 'curl http://example.com' }),
    ];
  } finally {
    await client.close();
  }
}

/** Waits until a window of VS Code is connected to the broker. */
export async function waitForEditor({ command, env, timeoutMs }) {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(1000)) {
    const { stdout } = spawnSync(process.execPath, [command, 'doctor', '--json'], { env, encoding: 'utf8' });
    if (connectedEditors(stdout) > 0) return true;
  }
  return false;
}

function connectedEditors(text) {
  try {
    return JSON.parse(text).status?.connections?.editor ?? 0;
  } catch {
    return 0;
  }
}
