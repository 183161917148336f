import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentHouse } from './mcp/house';
import { serveAgent } from './mcp/serve';

/** At start every door shows that it goes through the decision: a call that no configuration allows must come back refused (T92). */

/** A command that no configuration can allow: its name is not one that the schema accepts. */
export const forbiddenCommand = 'conductor:proof';

/** How long a proof may take, in milliseconds. */
const patience = 5000;

/**
 * Sends forbidden tool calls through the door for agents, to a house that takes the real decisions but leaves no trace and asks nobody:
 * a command without a name, a look into Conductor's own folder, and a change that always asks.
 */
export async function proveAgentDoor(house: AgentHouse, configDir: string): Promise<boolean> {
  const client = { name: 'proof', version: '1' };
  const answers = await converse(house, [
    { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: client } },
    ...forbidden(configDir).map((params, index) => ({ jsonrpc: '2.0', id: index + 2, method: 'tools/call', params })),
  ]);
  return forbidden(configDir).every((_, index) => answers.some((line) => line.startsWith(`{"jsonrpc":"2.0","id":${String(index + 2)},"result":`) && /"isError":true.*"kind":"refused"/.test(line)));
}

/** Calls that no configuration allows. */
export function forbidden(configDir: string): readonly object[] {
  return [
    { name: 'shell_exec', arguments: { command: forbiddenCommand } },
    { name: 'filesystem_list', arguments: { path: configDir } },
    { name: 'filesystem_write', arguments: { path: '.git/conductor-proof', content: '' } },
  ];
}

function converse(house: AgentHouse, messages: readonly object[]): Promise<string[]> {
  const lines: string[] = [];
  return new Promise((resolve) => {
    const done = (): void => {
      stream.destroy();
      resolve(lines);
    };
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, next) => {
        lines.push(...chunk.toString('utf8').split('\n').filter((line) => line !== ''));
        next();
        if (lines.length >= messages.length) done();
      },
    });
    void sleep(patience, undefined, { ref: false }).then(done);
    serveAgent(stream, house);
    stream.push(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
  });
}
