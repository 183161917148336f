import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { conductor, TestHouse, until, type Json } from './house';

/** Agents at the real door: `conductor mcp start`, a real broker behind it. */

const managing = ['disable_external_mcp_backend', 'enable_external_mcp_backend', 'get_external_mcp_backend', 'list_external_mcp_backends', 'preflight_external_mcp_backend', 'remove_external_mcp_backend', 'set_external_mcp_backend', 'set_external_mcp_policy'];
const errorOf = (answer: Json): Json => answer['error'] as Json;

describe('agents over stdio', () => {
  let house: TestHouse;

  before(() => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo', 'ls'] } } });
    writeFileSync(join(house.project, 'note.txt'), 'a note\n');
  });
  after(() => house.close());

  it('mcp:sdk-client: the official client lists and calls tools', async () => {
    const client = new Client({ name: 'sdk', version: '1' });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> }));
    try {
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map((tool) => tool.name).sort(), ['filesystem_delete', 'filesystem_edit', 'filesystem_list', 'filesystem_read', 'filesystem_search', 'filesystem_write', 'git_commit', 'git_diff', 'git_log', 'git_status', 'shell_exec', ...managing].sort());
      const read = await client.callTool({ name: 'filesystem_read', arguments: { path: 'note.txt' } });
      assert.match(JSON.stringify(read.content), /a note/);
      const ran = await client.callTool({ name: 'shell_exec', arguments: { command: 'echo hello' } });
      assert.match(JSON.stringify(ran.content), /hello/);
      // commands:progress: it comes before the result.
      const heard: (string | undefined)[] = [];
      await client.callTool({ name: 'shell_exec', arguments: { command: 'echo on the way' } }, undefined, { onprogress: ({ message }) => heard.push(message) });
      assert.ok(heard.includes('on the way'), heard.join());
    } finally {
      await client.close();
    }
  });

  for (const revision of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    it(`mcp:revisions: a session of ${revision}`, async () => {
      const agent = house.agent();
      const answer = await agent.request('initialize', { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'raw', version: '1' } });
      assert.equal((answer['result'] as Json)['protocolVersion'], revision);
      agent.notify('notifications/initialized');
      assert.match((await agent.call('filesystem_read', { path: 'note.txt' })).text, /a note/);
    });
  }

  it('mcp:revisions: the official client of 2026-07-28, without a session', async () => {
    const client = new ModernClient({ name: 'modern', version: '2' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new ModernTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> }));
    try {
      const { tools } = await client.listTools();
      assert.ok(tools.some((tool) => tool.name === 'shell_exec'));
      const ran = await client.callTool({ name: 'shell_exec', arguments: { command: 'echo modern' } });
      assert.match(JSON.stringify(ran.content), /modern/);
      assert.ok(house.callEntries().some((entry) => (entry['actor'] as Json)['client'] === 'modern 2'));
    } finally {
      await client.close();
    }
  });

  it('mcp:revisions: an unknown revision without a session is told which are served', async () => {
    const agent = house.agent();
    const answer = await agent.request('tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2031-01-01', 'io.modelcontextprotocol/clientCapabilities': {} } });
    assert.equal(errorOf(answer)['code'], -32022);
    assert.deepEqual((errorOf(answer)['data'] as Json)['supported'], ['2026-07-28']);
  });

  it('mcp:audited: every call leaves a decision and an outcome', async () => {
    const agent = await house.introducedAgent();
    const before = house.callEntries().length;
    for (let i = 0; i < 5; i += 1) await agent.call('filesystem_read', { path: 'note.txt' });
    const entries = house.callEntries().slice(before);
    assert.deepEqual(entries.map((entry) => entry['phase']), Array.from({ length: 5 }, () => ['intent', 'done']).flat());
  });

  it('mcp:refusal: an unlisted command is refused with the rule and a next step, and recorded', async () => {
    const agent = await house.introducedAgent();
    const result = await agent.call('shell_exec', { command: 'curl http://example.com' });
    assert.equal(result.isError, true);
    assert.equal(result.structured['rule'], 'shell.notListed');
    assert.match(result.text, /Next: /);
    assert.equal(house.callEntries().at(-1)?.['result'], 'denied');
  });

  it('mcp:dotted-names: the published dotted names are accepted, too', async () => {
    const agent = await house.introducedAgent();
    assert.match((await agent.call('filesystem.read', { path: 'note.txt' })).text, /a note/);
  });

  it('T50: a tools/call without id, with id null, or with params that are no object never runs', async () => {
    const agent = await house.introducedAgent();
    const before = house.callEntries().filter((entry) => entry['phase'] === 'intent').length;
    const [list, text] = [agent.answerTo(901), agent.answerTo(902)];
    agent.line(JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params: { name: 'shell_exec', arguments: { command: 'echo sneaky' } } }));
    agent.line(JSON.stringify({ jsonrpc: '2.0', id: null, method: 'tools/call', params: { name: 'shell_exec', arguments: { command: 'echo sneaky' } } }));
    agent.line(JSON.stringify({ jsonrpc: '2.0', id: 901, method: 'tools/call', params: ['shell_exec'] }));
    agent.line(JSON.stringify({ jsonrpc: '2.0', id: 902, method: 'tools/call', params: 'shell_exec' }));
    assert.equal(errorOf(await list)['code'], -32602);
    assert.equal(errorOf(await text)['code'], -32602);
    await agent.request('ping');
    assert.equal(house.callEntries().filter((entry) => entry['phase'] === 'intent').length, before);
    assert.ok(agent.messages.some((message) => message['id'] === null && errorOf(message)['code'] === -32600));
  });

  it('T51: a batch is refused as a whole', async () => {
    const agent = await house.introducedAgent('2025-03-26');
    const before = house.callEntries().filter((entry) => entry['phase'] === 'intent').length;
    const answer = agent.answerTo(null);
    agent.line(JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'shell_exec', arguments: { command: 'echo batch' } } }]));
    assert.match(String(errorOf(await answer)['message']), /Batches are not accepted/);
    assert.equal(house.callEntries().filter((entry) => entry['phase'] === 'intent').length, before);
  });

  const nonsense: readonly (readonly [string, string, RegExp])[] = [
    ['text that is not JSON', 'hello there', /not one JSON object/],
    ['two objects on one line', '{"jsonrpc":"2.0","id":7,"method":"ping"}{"jsonrpc":"2.0","id":8,"method":"ping"}', /not one JSON object/],
    ['a duplicate member', '{"jsonrpc":"2.0","id":7,"method":"ping","method":"tools/call"}', /stands twice/],
    ['a duplicate member deep inside', '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"shell_exec","arguments":{"command":"echo a","command":"echo b"}}}', /stands twice/],
    ['a member in capitals', '{"jsonrpc":"2.0","Method":"tools/call","params":{}}', /lower-case/],
    ['a bare string', '"ping"', /JSON object/],
    ['deep nesting', `{"jsonrpc":"2.0","method":"ping","params":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`, /./],
  ];
  for (const [what, line, reason] of nonsense) {
    it(`T52: ${what} is refused with the reason, and the connection goes on`, async () => {
      const agent = await house.introducedAgent();
      const answer = agent.answerTo(null);
      agent.line(line);
      assert.match(String(errorOf(await answer)['message']), reason);
      assert.deepEqual((await agent.request('ping'))['result'], {});
    });
  }

  for (const method of ['tasks/list', 'completion/complete', 'resources/read', 'prompts/get', 'conductor/drain', 'approvals/decide', 'tools/call/now', '__proto__', 'constructor']) {
    it(`T53: the method ${method} is refused and recorded`, async () => {
      const agent = await house.introducedAgent();
      assert.equal(errorOf(await agent.request(method))['code'], -32601);
      await until('the refusal is recorded', () => house.callEntries().some((entry) => (entry['input'] as Json)['method'] === method && entry['result'] === 'denied'));
    });
  }

  it('T63: a line of 100 MB is dropped with an error, and memory stays bounded', async () => {
    const agent = await house.introducedAgent();
    const answer = agent.answerTo(null);
    const chunk = 'x'.repeat(1_000_000);
    for (let i = 0; i < 100; i += 1) if (!agent.child.stdin.write(chunk)) await new Promise((resolve) => agent.child.stdin.once('drain', resolve));
    agent.line('');
    assert.match(String(errorOf(await answer)['message']), /at most/);
    assert.deepEqual((await agent.request('ping'))['result'], {});
    assert.ok((await house.status()).memoryMb < 200);
  });

  it('mcp:invalid-input: arguments that do not fit the schema are refused by name', async () => {
    const agent = await house.introducedAgent();
    const result = await agent.call('filesystem_read', { path: 7, extra: true });
    assert.equal(result.structured['code'], 'INVALID_INPUT');
    assert.match(result.text, /path/);
  });

  it('mcp:unknown-tool: a tool that is not there is refused, names of built-in properties too', async () => {
    const agent = await house.introducedAgent();
    for (const name of ['shell_kill', 'constructor', '__proto__']) assert.equal((await agent.call(name)).structured['code'], 'UNKNOWN_TOOL', name);
  });

  it('mcp:before-initialize: nothing is served before the introduction', async () => {
    const agent = house.agent();
    assert.match(String(errorOf(await agent.request('tools/call', { name: 'shell_exec', arguments: { command: 'echo early' } }))['message']), /initialize/);
  });

  it('mcp:no-project: a whole disk is no project, and the agent is told so', async () => {
    const client = new Client({ name: 'rootless', version: '1' });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', '/'], env: house.env as Record<string, string> }));
    const result = await client.callTool({ name: 'filesystem_read', arguments: { path: 'etc/passwd' } });
    await client.close();
    assert.match(JSON.stringify(result.content), /PROJECT_MISSING/);
  });
});
