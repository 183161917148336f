import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BackendInput } from '../../protocol/src/backends';
import type { ExternalPolicy } from '../../protocol/src/externalPolicy';
import type { TestHouse } from './house';

const servers = resolve(__dirname, '../../node_modules/@modelcontextprotocol');

/** One of the official servers as a backend. */
export function program(path: string, ...args: string[]): BackendInput {
  return { transport: 'stdio', command: process.execPath, args: [join(servers, path), ...args], egress_allowlist: [] };
}

/** Puts external servers into a household whose broker has not started; nobody is asked about what the rules list. */
export function register(house: TestHouse, backends: Record<string, BackendInput>, rules: (Partial<ExternalPolicy['rules'][number]> & { backend: string; tools: string[] })[]): void {
  writeFileSync(join(house.configDir, 'mcp_backends.json'), JSON.stringify({ version: 1, backends }), { mode: 0o600 });
  writeFileSync(join(house.configDir, 'external_mcp_policy.json'), JSON.stringify({ version: '1', rules: rules.map((rule) => ({ approval: 'never', ...rule })) }), { mode: 0o600 });
}
