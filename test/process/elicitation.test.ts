import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { ConfigInput } from '../../protocol/src/config';
import { conductor, TestHouse, type Json } from './house';

/** The approver of last resort: the agent's own client, where the settings allow it and nobody else is there. */

type Reply = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string> };

const approve: Reply = { action: 'accept', content: { decision: 'approve' } };
const config = (approvals: ConfigInput['approvals'] = { elicitation: true }): ConfigInput => ({ plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir'] } }, approvals, approvalTimeout: 10_000 });

describe('approval through the agent’s own client', function () {
  this.timeout(60_000);
  let house: TestHouse;

  beforeEach(() => {
    house = new TestHouse(config());
  });
  afterEach(() => house.close());

  const made = (name: string): boolean => existsSync(join(house.project, name));
  const start = () => ({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> });
  const structured = (result: unknown): Json => (result as { structuredContent?: Json }).structuredContent ?? {};

  type Result = { [member: string]: unknown };
  type Tried = Readonly<{ forms: Json[]; mkdir(name: string): Promise<Result>; write(content: string): Promise<Result>; close(): Promise<void> }>;

  /** The official clients of both eras, which answer every form alike. */
  const eras: Readonly<Record<string, (reply: Reply, declares?: boolean) => Promise<Tried>>> = {
    'of 2025-11-25': async (reply, declares = true) => {
      const forms: Json[] = [];
      const client = new Client({ name: 'sdk', version: '1' }, { capabilities: declares ? { elicitation: {} } : {} });
      if (declares) client.setRequestHandler(ElicitRequestSchema, ({ params }) => (forms.push(params as unknown as Json), reply));
      await client.connect(new StdioClientTransport(start()));
      return { forms, mkdir: (name) => client.callTool({ name: 'shell_exec', arguments: { command: `mkdir ${name}` } }), write: (content) => client.callTool({ name: 'filesystem_write', arguments: { path: 'long', content } }), close: () => client.close() };
    },
    'of 2026-07-28': async (reply, declares = true) => {
      const forms: Json[] = [];
      const client = new ModernClient({ name: 'modern', version: '2' }, { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: declares ? { elicitation: { form: {} } } : {} });
      if (declares) client.setRequestHandler('elicitation/create', ({ params }) => (forms.push(params as unknown as Json), reply));
      await client.connect(new ModernTransport(start()));
      return { forms, mkdir: (name) => client.callTool({ name: 'shell_exec', arguments: { command: `mkdir ${name}` } }), write: (content) => client.callTool({ name: 'filesystem_write', arguments: { path: 'long', content } }), close: () => client.close() };
    },
  };

  for (const [era, open] of Object.entries(eras)) {
    it(`approvals:elicitation: a client ${era} shows the action, and its yes runs it once, named as the weaker level`, async () => {
      const client = await open(approve);
      try {
        const result = await client.mkdir('asked');
        assert.equal(result['isError'], false, JSON.stringify(result));
        assert.equal(made('asked'), true);
        assert.match(JSON.stringify(result['content']), /Approved through the agent's own client/);
        assert.equal((structured(result)['approval'] as Json)['level'], 'client');
        assert.match(String(client.forms[0]?.['message']), /^[^\n]+\n {4}mkdir asked\nin /);
        const intent = house.callEntries().find(({ phase }) => phase === 'intent');
        assert.deepEqual([(intent?.['approval'] as Json)['level'], String((intent?.['approval'] as Json)['by']).split(' ')[0]], ['client', 'agent']);
        await client.mkdir('asked');
        assert.equal(client.forms.length, 2);
        const { status, stdout } = house.run('audit', 'verify', '--strict');
        assert.equal(status, 0, stdout);
        assert.match(stdout, /2 of them were passed on by the agent's own client/);
      } finally {
        await client.close();
      }
    });

    const noes: readonly (readonly [string, Reply, string])[] = [
      ['a decline', { action: 'decline' }, 'APPROVAL_DENIED'], ['a form that was sent as it came', { action: 'accept', content: { decision: 'deny' } }, 'APPROVAL_DENIED'],
      ['an accepted form without a decision', { action: 'accept', content: {} }, 'APPROVAL_DENIED'], ['a form that was closed', { action: 'cancel' }, 'APPROVAL_UNAVAILABLE'],
    ];
    for (const [what, reply, code] of noes) {
      it(`approvals:elicitation: ${what} at a client ${era} runs nothing`, async () => {
        const client = await open(reply);
        try {
          assert.equal(structured(await client.mkdir('no'))['code'], code);
          assert.equal(made('no'), false);
          assert.equal(house.callEntries().at(-1)?.['phase'], 'denied');
        } finally {
          await client.close();
        }
      });
    }

    const never: readonly (readonly [string, ConfigInput['approvals'], boolean])[] = [['the settings do not say so', {}, true], ['signatures are wanted', { elicitation: true, requireSigned: true }, true], ['it does not declare elicitation', { elicitation: true }, false]];
    for (const [what, approvals, declares] of never) {
      it(`T40 approvals:elicitation: a client ${era} is not asked when ${what}`, async () => {
        house.configure(config(approvals));
        const client = await open(approve, declares);
        try {
          assert.equal(structured(await client.mkdir('never'))['code'], 'APPROVAL_UNAVAILABLE');
          assert.deepEqual(client.forms, []);
          assert.equal(made('never'), false);
        } finally {
          await client.close();
        }
      });
    }

    it(`T40 approvals:elicitation: a client ${era} is not asked while a terminal attends`, async () => {
      const person = await house.control('cli');
      await person.sendRequest('approvals/attend', { attending: true });
      house.configure({ ...config(), approvalTimeout: 300 });
      const client = await open(approve);
      try {
        assert.equal(structured(await client.mkdir('attended'))['code'], 'APPROVAL_TIMEOUT');
        assert.deepEqual(client.forms, []);
      } finally {
        await client.close();
      }
    });

    it(`T45 approvals:elicitation: what a client ${era} cannot be shown whole is not asked there`, async () => {
      const client = await open(approve);
      try {
        assert.equal(structured(await client.write('x'.repeat(5000)))['code'], 'APPROVAL_UNAVAILABLE');
        assert.deepEqual(client.forms, []);
      } finally {
        await client.close();
      }
    });
  }

  it('T40 T60: an answer to a question that was not asked, or was asked of another client, approves nothing', async () => {
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} }, 'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' } };
    const call = async (agent: ReturnType<TestHouse['agent']>, rest: Json = {}): Promise<Json> => (await agent.request('tools/call', { name: 'shell_exec', arguments: { command: 'mkdir forged' }, _meta: meta, ...rest }))['result'] as Json;
    const [one, two] = [house.agent(), house.agent()];
    const inputResponses = { 'conductor.approval': { action: 'accept', content: { decision: 'approve' } } };
    assert.equal((await call(one, { inputResponses, requestState: 'made up' }))['resultType'], 'input_required');
    const asked = await call(one);
    assert.equal(asked['resultType'], 'input_required');
    assert.equal((await call(two, { inputResponses, requestState: asked['requestState'] }))['resultType'], 'input_required');
    assert.equal((await call(one, { inputResponses: { other: inputResponses['conductor.approval'] }, requestState: asked['requestState'] }))['resultType'], 'input_required');
    assert.equal(made('forged'), false);
    const { requestState } = await call(one);
    assert.equal(((await call(one, { inputResponses, requestState }))['structuredContent'] as Json)['exitCode'], 0);
    assert.equal(made('forged'), true);
  });
});
