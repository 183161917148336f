import assert from 'node:assert/strict';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, LoggingMessageNotificationSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { conductor, TestHouse, until, type Json } from './house';
import { program, register } from './external';
import { trustAll } from './trusting';

/** What passes between agents and external servers besides calls of tools, with the official server and clients. */

const transportOf = (house: TestHouse) => ({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> });
const tools = ['echo', 'trigger-sampling-request', 'trigger-elicitation-request', 'get-roots-list', 'toggle-subscriber-updates', 'toggle-simulated-logging', 'simulate-research-query'];

describe('what passes besides tools', () => {
  let house: TestHouse;

  before(async () => {
    house = new TestHouse();
    register(house, { everything: program('server-everything/dist/index.js'), other: program('server-everything/dist/index.js'), silent: program('server-memory/dist/index.js') }, [
      { backend: 'everything', tools: [...tools, 'resources/read', 'prompts/get', 'completion/complete', 'logging/setLevel', 'tasks/get', 'sampling/createMessage', 'elicitation/create', 'roots/list'] },
      { backend: 'other', tools: ['echo', 'prompts/get'] },
    ]);
    await trustAll(house);
  });
  after(() => house.close());

  async function connected(client: Client): Promise<Client> {
    await client.connect(new StdioClientTransport(transportOf(house)));
    await until('the servers are there', async () => {
      const names = (await client.listTools()).tools.map(({ name }) => name);
      return names.includes('everything__echo') && names.includes('other__echo');
    });
    return client;
  }

  it('backends:resources: resources are listed, read and completed, prompts got under names of their own', async () => {
    const client = await connected(new Client({ name: 'sdk', version: '1' }));
    try {
      const { resources } = await client.listResources();
      const { resourceTemplates } = await client.listResourceTemplates();
      assert.ok(resources.length > 0 && resourceTemplates.length > 0);
      const read = await client.readResource({ uri: resources[0]?.uri ?? '' });
      assert.equal(read.contents[0]?.uri, resources[0]?.uri);
      const { prompts } = await client.listPrompts();
      assert.ok(['everything__simple-prompt', 'other__simple-prompt'].every((name) => prompts.some((prompt) => prompt.name === name)));
      const prompt = await client.getPrompt({ name: 'other__simple-prompt' });
      assert.match(JSON.stringify(prompt.messages), /prompt/);
      const completed = await client.complete({ ref: { type: 'ref/prompt', name: 'everything__completable-prompt' }, argument: { name: 'department', value: 'E' } });
      assert.ok(completed.completion.values.includes('Engineering'));
      assert.ok(house.callEntries().some(({ tool, phase }) => tool === 'everything/resources/read' && phase === 'done'));
    } finally {
      await client.close();
    }
  });

  it('T53: what the policy does not list of a server passes in no direction', async () => {
    const agent = await house.introducedAgent();
    await until('the server is there', async () => (await agent.call('other__echo', { message: 'a' })).text.includes('a'));
    const guessed = await agent.request('completion/complete', { ref: { type: 'ref/prompt', name: 'other__completable-prompt' }, argument: { name: 'department', value: 'E' } });
    assert.ok(guessed['error'] !== undefined);
    assert.equal((await agent.call('other/prompts/get', { name: 'simple-prompt' })).structured['code'], 'UNKNOWN_TOOL');
    for (const method of ['tasks/update', 'resources/write', 'sampling/createMessage', 'elicitation/create']) assert.equal(((await agent.request(method))['error'] as Json)['code'], -32601, method);
  });

  it('backends:tasks: a task of a server runs to its result, is recorded step by step, and belongs to the client that began it', async () => {
    const client = await connected(new Client({ name: 'tasker', version: '1' }));
    const stranger = await house.introducedAgent('2025-11-25');
    try {
      await until('the tool that needs tasks is there', async () => (await client.listTools()).tools.some(({ name }) => name === 'everything__simulate-research-query'));
      let taskId = '';
      let result: unknown;
      for await (const message of client.experimental.tasks.callToolStream({ name: 'everything__simulate-research-query', arguments: { topic: 'tea' } }, undefined, { task: { ttl: 60_000 } })) {
        if (message.type === 'taskCreated') taskId = message.task.taskId;
        if (message.type === 'error') throw message.error;
        if (message.type === 'result') result = message.result;
      }
      assert.match(JSON.stringify(result), /tea/);
      assert.equal((await client.experimental.tasks.getTask(taskId)).status, 'completed');
      assert.ok((await client.experimental.tasks.listTasks()).tasks.some((task) => task.taskId === taskId));
      for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) assert.match(JSON.stringify((await stranger.request(method, { taskId }))['error']), /No task with this id was begun by this client/, method);
      assert.deepEqual(((await stranger.request('tasks/list'))['result'] as Json)['tasks'], []);
      const recorded = house.callEntries().filter(({ phase }) => phase === 'done').map(({ tool }) => String(tool));
      assert.ok(['everything__simulate-research-query', 'everything/tasks/get', 'everything/tasks/result'].every((tool) => recorded.includes(tool)), [...new Set(recorded)].join());
    } finally {
      await client.close();
    }
  });

  it('backends:said: prompts and instructions are held back until approved, and the instructions reach agents then', async () => {
    const agent = house.agent();
    const { instructions } = (await agent.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }))['result'] as Json;
    assert.match(String(instructions), /^Conductor runs these tools[^]*The external server everything says of itself: /);
  });

  it('backends:lending: a server samples, asks and sees roots of the client that called it, as far as the policy lists it', async () => {
    const client = new Client({ name: 'lender', version: '1' }, { capabilities: { sampling: {}, elicitation: {}, roots: { listChanged: true } } });
    const seen: string[] = [];
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
      seen.push(JSON.stringify(params.messages));
      return { model: 'fake', role: 'assistant', content: { type: 'text', text: 'sampled text' } };
    });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada', check: true } }));
    let folder = 'lent';
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///${folder}`, name: folder }] }));
    await connected(client);
    try {
      await until('the tool that needs the ability is there', async () => JSON.stringify(await client.callTool({ name: 'everything__trigger-sampling-request', arguments: { prompt: 'hello there', maxTokens: 10 } })).includes('sampled text'));
      assert.match(seen.join(), /hello there/);
      assert.match(JSON.stringify(await client.callTool({ name: 'everything__trigger-elicitation-request', arguments: {} })), /Ada/);
      assert.match(JSON.stringify(await client.callTool({ name: 'everything__get-roots-list', arguments: {} })), /file:\/\/\/lent/);
      folder = 'moved';
      await client.sendRootsListChanged();
      await until('the server asked for the folders again', async () => JSON.stringify(await client.callTool({ name: 'everything__get-roots-list', arguments: {} })).includes('file:///moved'));
      for (const tool of ['sampling/createMessage', 'elicitation/create', 'roots/list']) assert.ok(house.callEntries().some((entry) => entry['tool'] === `everything/${tool}` && entry['phase'] === 'intent'), tool);
    } finally {
      await client.close();
    }
  });

  it('T60: what one client follows and lets be reported reaches no other', async () => {
    const [one, two] = [new Client({ name: 'one', version: '1' }), new Client({ name: 'two', version: '1' })];
    const heard: Record<string, string[]> = { one: [], two: [] };
    for (const [name, client] of [['one', one], ['two', two]] as const) {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard[name]?.push(params.uri));
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard[name]?.push(String(params.level)));
      await connected(client);
    }
    try {
      const uri = (await one.listResources()).resources[0]?.uri ?? '';
      await one.subscribeResource({ uri });
      await one.setLoggingLevel('debug');
      await one.callTool({ name: 'everything__toggle-subscriber-updates', arguments: {} });
      await one.callTool({ name: 'everything__toggle-simulated-logging', arguments: {} });
      await until('it hears of the resource and of what is reported', () => heard['one']?.includes(uri) === true && heard['one'].length > 1);
      assert.deepEqual(heard['two'], []);
    } finally {
      await one.close();
      await two.close();
    }
  });

  it('backends:eras: a client of 2026-07-28 reads, gets and follows what servers of 2025 offer', async () => {
    const client = new ModernClient({ name: 'modern', version: '2' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new ModernTransport(transportOf(house)));
    try {
      const resources = await until('the server is there', async () => {
        const found = (await client.listResources()).resources;
        return found.length > 0 && found;
      });
      const uri = resources[0]?.uri ?? '';
      assert.equal((await client.readResource({ uri })).contents[0]?.uri, uri);
      assert.match(JSON.stringify((await client.getPrompt({ name: 'everything__simple-prompt' })).messages), /prompt/);
    } finally {
      await client.close();
    }
  });
});
