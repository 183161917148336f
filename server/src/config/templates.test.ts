import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getNodeValue } from 'jsonc-parser';
import { backendsSchema, reservedBackendNames } from '../../../protocol/src/backends';
import { externalPolicySchema } from '../../../protocol/src/externalPolicy';
import { parseJsonc } from './jsonc';

const templates = join(__dirname, '..', '..', '..', 'templates');

async function valueOf(name: string): Promise<unknown> {
  const { root, problems } = parseJsonc(await readFile(join(templates, name), 'utf8'));
  assert.deepEqual(problems, []);
  return root === undefined ? undefined : getNodeValue(root);
}

describe('templates to copy', () => {
  it('backends:templates: both are valid, and every rule names a backend of the other', async () => {
    const { backends } = backendsSchema.parse(await valueOf('mcp_backends.example.json'));
    const policy = externalPolicySchema.parse(await valueOf('external_mcp_policy.example.json'));
    assert.deepEqual([...new Set([...policy.rules, ...policy.deny].map(({ backend }) => backend))].filter((name) => !Object.hasOwn(backends, name)), []);
    assert.ok(policy.rules.length > 2);
  });
});

describe('the files about external servers', () => {
  const backend = (one: object) => backendsSchema.safeParse({ version: 1, backends: { a: one } }).success;
  const stdio = { transport: 'stdio', command: 'x' };
  const refused: [title: string, value: object][] = [
    ['an unknown transport', { transport: 'websocket', url: 'ws://x' }], ['no transport', { command: 'x' }], ['a command with an address', { ...stdio, url: 'https://x' }],
    ['an unknown key', { ...stdio, environment: {} }], ['a reference that nobody knows', { ...stdio, env: { A: '${env:HOME}' } }], ['a half reference', { ...stdio, env: { A: '${secret:x}' } }],
    ['a variable name with =', { ...stdio, env: { 'A=B': 'x' } }], ['an address with a user', { transport: 'http', url: 'https://me@x.com/' }], ['T70 an address with a fragment', { transport: 'http', url: 'https://evil.com#.allowed.com' }],
    ['T70 a host with a path', { ...stdio, egress_allowlist: ['a.com/x'] }], ['T70 a host with a user', { ...stdio, egress_allowlist: ['allowed@evil.com'] }], ['T70 a host in capitals', { ...stdio, egress_allowlist: ['A.com'] }], ['T70 a trailing dot', { ...stdio, egress_allowlist: ['a.com.'] }],
    ['a time limit of 0', { ...stdio, timeout_ms: 0 }], ['a relative folder', { ...stdio, cwd: 'x' }], ['an unset time', { ...stdio, preflight: { ttl: 3 } }],
  ];
  for (const [title, value] of refused) it(`backends:schema refuses ${title}`, () => assert.equal(backend(value), false));

  it('backends:schema accepts a secret within a value and a dollar that is none', () => {
    assert.equal(backend({ ...stdio, env: { A: 'Bearer ${secret:a.b}', PRICE: '$5' }, egress_allowlist: ['a.com:443', '*.b.com', '*', '[::1]:80', '127.0.0.1'] }), true);
  });

  it("T57: names that are Conductor's own or would blur the names of tools are refused", () => {
    for (const name of [...reservedBackendNames, 'Conductor', 'a__b', '_a', 'a_', '', 'ä', 'a b', 'a'.repeat(33)]) assert.equal(backendsSchema.safeParse({ version: 1, backends: Object.fromEntries([[name, stdio]]) }).success, false, name);
  });

  const policies: [title: string, value: object][] = [
    ['T39 another default', { version: '1', default: 'allow' }], ['T39 an unknown approval', { version: '1', rules: [{ backend: 'a', tools: ['t'], approval: 'sometimes' }] }], ['T39 an unknown version', { version: '2' }],
    ['T39 an unknown key', { version: '1', rule: [] }], ['a pattern of tools', { version: '1', rules: [{ backend: 'a', tools: ['get_*'] }] }], ['every backend', { version: '1', rules: [{ backend: '*', tools: ['t'] }] }], ['no tools', { version: '1', rules: [{ backend: 'a', tools: [] }] }],
    ['an empty condition', { version: '1', rules: [{ backend: 'a', tools: ['t'], arguments: { p: {} } }] }], ['a hidden character in a name', { version: '1', rules: [{ backend: 'a', tools: ['t\u200b'] }] }],
  ];
  for (const [title, value] of policies) it(`backends:schema refuses ${title}`, () => assert.equal(externalPolicySchema.safeParse(value).success, false));
});
