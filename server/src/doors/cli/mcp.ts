import { join } from 'node:path';
import type { Command } from 'commander';
import { httpTokenFile } from '../http/token';
import { withBroker } from './approvals';
import { print, run } from './terminal';

/** `conductor mcp`: how agents reach Conductor. `start` itself never comes here: conductor.ts starts it without loading all this. */
export function addMcp(program: Command, configDir: () => string): void {
  const mcp = program.command('mcp').description('Serve agents');
  mcp
    .command('start')
    .description('Serve one agent over standard input and output (MCP). Put this command into the configuration of your agent.')
    .option('--project <dir>', 'folder that the agent works in; default: the current folder')
    .action(() => program.error('conductor mcp start: write it exactly as "conductor mcp start [--project DIR]".'));
  mcp
    .command('http')
    .description('Say where agents find Conductor over HTTP, starting the broker where none runs; exit 1 when the door is not open')
    .action(() => run(() => tell(configDir())));
}

async function tell(configDir: string): Promise<number> {
  return await withBroker(configDir, async (broker) => {
    const { doors } = await broker.request('conductor/status', {});
    const door = doors.find(({ door: name }) => name === 'http');
    if (door === undefined) print('The HTTP door is closed. Set "server": { "transport": "http" } in the configuration to open it.');
    else print(door.message);
    if (door?.open !== true) return 1;
    print(`Agents send two headers: "Authorization: Bearer" with the content of ${join(configDir, httpTokenFile)}, and "Conductor-Project" with the absolute folder that they work in.`);
    print('One external server alone, under the names of its own: the same address with /<backend> after it.');
    return 0;
  });
}
