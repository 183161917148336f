import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { BackendInput } from '../../protocol/src/backends';
import { program, register } from './external';
import { trustAll } from './trusting';
import { conductor, endProcess, TestHouse, until, type Json } from './house';

/** Real external MCP servers behind a real broker. */

const transportOf = (house: TestHouse) => ({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> });

describe('external servers', () => {
  let house: TestHouse;

  before(async () => {
    house = new TestHouse();
    mkdirSync(join(house.base, 'shared'));
    writeFileSync(join(house.base, 'shared', 'a.txt'), 'text of a shared file\n');
    register(house, {
      files: program('server-filesystem/dist/index.js', join(house.base, 'shared')),
      everything: program('server-everything/dist/index.js'),
      memory: { ...program('server-memory/dist/index.js'), env: { MEMORY_FILE_PATH: join(house.base, 'memory.jsonl') } } as BackendInput,
    }, [
      { backend: 'files', tools: ['read_text_file', 'list_directory'] },
      { backend: 'files', tools: ['directory_tree'], approval: 'always' },
      { backend: 'everything', tools: ['echo', 'get-sum', 'trigger-long-running-operation', 'get-structured-content', 'get-annotated-message'] },
      { backend: 'everything', tools: ['get-tiny-image'], rate: { calls: 2, per_s: 600 } },
      { backend: 'memory', tools: ['*'] },
    ]);
    await trustAll(house);
  });
  after(() => house.close());

  it('backends:listed: the official client sees the tools that the policy lists, and calls them', async () => {
    const client = new Client({ name: 'sdk', version: '1' });
    await client.connect(new StdioClientTransport(transportOf(house)));
    try {
      const names = await until('all servers are there', async () => {
        const { tools } = await client.listTools();
        const found = tools.map(({ name }) => name);
        return ['files__read_text_file', 'everything__echo', 'memory__read_graph'].every((name) => found.includes(name)) && found;
      });
      assert.ok(!names.includes('files__write_file'), 'what the policy does not list is hidden');
      const { content } = await client.callTool({ name: 'files__read_text_file', arguments: { path: join(house.base, 'shared', 'a.txt') } });
      assert.match(JSON.stringify(content), /text of a shared file/);
      const structured = await client.callTool({ name: 'everything__get-structured-content', arguments: { location: 'New York' } });
      assert.deepEqual(Object.keys(structured.structuredContent as Json).sort(), ['conditions', 'humidity', 'temperature']);
    } finally {
      await client.close();
    }
  });

  it('backends:promised-output: what Conductor says in place of a tool that promised a schema is read by the official client', async () => {
    const client = new Client({ name: 'sdk', version: '1' });
    await client.connect(new StdioClientTransport(transportOf(house)));
    try {
      await until('the server is there', async () => (await client.listTools()).tools.find(({ name, outputSchema }) => name === 'files__directory_tree' && outputSchema !== undefined));
      const refused = await client.callTool({ name: 'files__directory_tree', arguments: { path: join(house.base, 'shared') } });
      assert.equal(refused.isError, true);
      assert.match(JSON.stringify(refused.content), /APPROVAL_UNAVAILABLE/);
      assert.equal((refused._meta?.['conductor/outcome'] as Json)['kind'], 'refused');
    } finally {
      await client.close();
    }
  });

  it('backends:default-deny: a tool that the policy does not list is refused, whoever names it, and recorded', async () => {
    const agent = await house.introducedAgent();
    await until('the server is there', async () => (await agent.call('files__list_directory', { path: join(house.base, 'shared') })).text.includes('a.txt'));
    const refused = await agent.call('files__write_file', { path: join(house.base, 'shared', 'b.txt'), content: 'x' });
    assert.equal(refused.structured['rule'], 'external.notListed');
    assert.equal(house.callEntries().at(-1)?.['result'], 'denied');
  });

  it('backends:rate: who calls more often than the policy lets is told how long to wait, and not that something is broken', async () => {
    const agent = await house.introducedAgent();
    for (const _ of [1, 2]) assert.equal((await agent.call('everything__get-tiny-image')).isError, false);
    const { structured, text } = await agent.call('everything__get-tiny-image');
    assert.deepEqual([structured['code'], structured['rule']], ['RATE_LIMITED', 'external.rate']);
    assert.ok(Number(structured['retryAfterMs']) > 0 && Number(structured['retryAfterMs']) <= 600_000);
    assert.match(text, /Wait for retryAfterMs/);
    assert.doesNotMatch(text, /breaker|failed repeatedly/);
    assert.equal((await agent.call('everything__echo', { message: 'others go on' })).isError, false);
  });

  it('backends:audited: every call of an external tool leaves a decision and an outcome', async () => {
    const agent = await house.introducedAgent();
    await until('the server is there', async () => (await agent.call('everything__echo', { message: 'a' })).text.includes('a'));
    const before = house.callEntries().length;
    for (let i = 0; i < 3; i += 1) await agent.call('everything__echo', { message: String(i) });
    assert.deepEqual(house.callEntries().slice(before).map(({ phase }) => phase), ['intent', 'done', 'intent', 'done', 'intent', 'done']);
  });

  it('T60: progress of several clients at once keeps to each one and its own token, and comes before the result', async () => {
    const agents = await Promise.all(['a', 'b'].map(() => house.introducedAgent()));
    await until('the server is there', async () => (await agents[0]?.call('everything__echo', { message: 'a' }))?.text.includes('a'));
    await Promise.all(agents.map(async (agent, index) => {
      // Both use the same id and token.
      const answer = agent.answerTo(77);
      agent.line(JSON.stringify({ jsonrpc: '2.0', id: 77, method: 'tools/call', params: { name: 'everything__trigger-long-running-operation', arguments: { duration: 1, steps: 3 + index }, _meta: { progressToken: 'same' } } }));
      await answer;
      const progress = agent.messages.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params as Json);
      assert.deepEqual(progress.map(({ progressToken, progress: step, total }) => [progressToken, step, total]), Array.from({ length: 3 + index }, (_, step) => ['same', step + 1, 3 + index]));
      assert.equal(agent.messages.at(-1)?.['id'], 77);
    }));
  });

  it('backends:eras: a client of 2026-07-28 in front of servers of 2025', async () => {
    const client = new ModernClient({ name: 'modern', version: '2' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new ModernTransport(transportOf(house)));
    try {
      await until('the server is there', async () => (await client.listTools()).tools.some(({ name }) => name === 'everything__get-sum'));
      const { content } = await client.callTool({ name: 'everything__get-sum', arguments: { a: 2, b: 3 } });
      assert.match(JSON.stringify(content), /5/);
    } finally {
      await client.close();
    }
  });

  it('B23: a killed server comes back at the next call, and the others never notice', async () => {
    const agent = await house.introducedAgent();
    await until('the server is there', async () => (await agent.call('memory__read_graph')).isError === false);
    const { pid } = await house.status();
    const child = await until('its process is found', () => childOf(pid, 'server-memory'));
    await endProcess(child, 'SIGKILL');
    assert.match((await agent.call('everything__echo', { message: 'still here' })).text, /still here/);
    await until('it is back', async () => (await agent.call('memory__read_graph')).isError === false);
  });
});

/** The process below another whose command line holds a word. Linux only. */
function childOf(parent: number, word: string): number | undefined {
  return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map(Number).find((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(parent) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });
}
