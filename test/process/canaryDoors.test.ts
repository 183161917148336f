import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import type { BackendInput } from '../../protocol/src/backends';
import { filesWith, holds } from './canaries';
import { register } from './external';
import { until, type Json } from './house';
import { freePort, HttpTestHouse, stateless } from './httpHouse';
import { trustAll } from './trusting';

/** The doors that the long canary proof does not go through: agents over HTTP, and every command that prints what happened. */
describe('the canary proof at the other doors', function () {
  this.timeout(120_000);
  const canaries = { shell: 'cAnary-Sh3ll/9x+Zq&7Lm "w8" Tr', backend: 'cAnary_B4ckend.5kQw8zRt2nVx6' } as const;
  const values = Object.values(canaries);
  let house: HttpTestHouse;

  before(async () => {
    house = new HttpTestHouse(await freePort(), { server: { logLevel: 'debug' }, plugins: { shell: { allowedCommands: ['printenv'], secrets: { printenv: { CANARY: '${secret:canary.shell}' } } } } });
    register(house, { echoing: { transport: 'stdio', command: process.execPath, args: [resolve(__dirname, '../fakes/echoingServer.mjs')], env: { CANARY: '${secret:canary.backend}' }, egress_allowlist: [] } satisfies BackendInput }, [{ backend: 'echoing', tools: ['*'] }]);
    const control = await house.control('cli');
    for (const [name, value] of Object.entries(canaries)) await control.sendRequest('credentials/set', { name: `canary.${name}`, value });
    await trustAll(house);
    await house.opened();
  });
  after(() => house.close());

  const call = async (name: string, args: Json = {}, path = '/mcp'): Promise<string> => {
    const { body, headers } = stateless('tools/call', { name, arguments: args, _meta: { progressToken: 'p' } });
    return (await house.send(body, headers, { path })).text;
  };

  it('redaction:doors: T72: no byte of a secret leaves over HTTP, in sessions or without, in answers, errors, reports or lists', async () => {
    const said = [await call('shell_exec', { command: 'printenv CANARY' }), await until('the server is there', async () => {
      const text = await call('echoing__say');
      return text.includes('‹secret canary.backend›') && text;
    })];
    assert.ok(said.every((text) => text.includes('‹secret canary.')), said[0]);
    for (const name of ['echoing__fail', 'echoing__refuse']) said.push(await call(name));
    for (const name of ['say', 'fail', 'refuse']) said.push(await call(name, {}, '/mcp/echoing'));
    for (const command of [`printenv ${canaries.shell}`, `printenv ${Buffer.from(canaries.backend).toString('hex')}`, 'printenv NOTHING']) said.push(await call('shell_exec', { command }));
    for (const method of ['tools/list', 'server/discover', 'resources/list', 'prompts/list', 'nonsense']) {
      const { body, headers } = stateless(method);
      said.push((await house.send(body, headers)).text);
    }
    const { text, headers } = await house.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } } }));
    const session = { 'Mcp-Session-Id': String(headers['mcp-session-id']), 'MCP-Protocol-Version': '2025-06-18' };
    said.push(text, JSON.stringify(headers));
    for (const name of ['echoing__say', 'echoing__refuse']) said.push((await house.send(JSON.stringify({ jsonrpc: '2.0', id: name, method: 'tools/call', params: { name, arguments: {}, _meta: { progressToken: name } } }), session)).text);
    assert.deepEqual(said.filter((each) => holds(Buffer.from(each), values)), []);
  });

  it('redaction:doors: T72: no command prints one', async () => {
    await call('shell_exec', { command: 'printenv CANARY' });
    const lines = ['secrets list --json', 'secrets slots list --json', 'config setup', 'config validate --json', 'audit show 1', 'audit export', 'audit stats', 'audit verify --json', 'doctor --json', 'backends list', 'backends show echoing', 'backends needs', 'approvals list', 'grants list', 'breakers list', 'policy explain', 'mcp http', 'secrets delete nothing.there', 'secrets unlock', 'secrets rotate', 'secrets import'];
    for (const line of lines) {
      const { stdout, stderr } = house.run(...line.split(' '));
      assert.ok(`${stdout}${stderr}`.length > 0, line);
      assert.ok(!holds(Buffer.from(stdout + stderr), values), line);
    }
    assert.deepEqual(filesWith(house.configDir, values), []);
  });
});
