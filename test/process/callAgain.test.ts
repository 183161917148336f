import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import { registrationOf } from '../../protocol/src/approvers';
import type { Decision, DecisionResult, Pending } from '../../protocol/src/approvals';
import type { ConfigInput } from '../../protocol/src/config';
import { signAnswer } from '../../protocol/src/statement';
import { conductor, TestHouse, until, type Json, type RawAgent } from './house';

/** Clients that give up on a call after a while: they are answered before, and the call that comes again finds its question. */

const config = (approvals: ConfigInput['approvals'] = {}): ConfigInput => ({ plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir', 'bash'] } }, approvals: { callAgainAfterSeconds: 0.3, ...approvals } });
const seed = Buffer.alloc(32, 7);

describe('calls of clients that cannot be kept waiting', function () {
  this.timeout(60_000);
  let house: TestHouse;

  beforeEach(() => {
    house = new TestHouse(config());
  });
  afterEach(() => house.close());

  const attend = async (): Promise<MessageConnection> => {
    const person = await house.control('editor');
    await person.sendRequest('approvals/attend', { attending: true });
    return person;
  };
  const listed = async (person: MessageConnection): Promise<Pending[]> => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending;
  const waiting = (person: MessageConnection, count = 1): Promise<Pending[]> => until(`${String(count)} wait`, async () => {
    const pending = await listed(person);
    return pending.length === count ? pending : undefined;
  });
  const decide = (person: MessageConnection, call: Pending | undefined, decision: 'approve' | 'deny', more: Partial<Decision> = {}): Promise<DecisionResult> =>
    person.sendRequest('approvals/decide', { id: call?.id, digest: call?.digest, decision, ...more });
  const made = (name: string): boolean => existsSync(join(house.project, name));
  const parked = (): Json[] => house.entries().filter(({ tool }) => tool === 'approval.parked');
  const mkdir = (agent: RawAgent, name: string): ReturnType<RawAgent['call']> => agent.call('shell_exec', { command: `mkdir ${name}` });
  const intact = (): void => {
    const { status, stdout } = house.run('audit', 'verify', '--strict');
    assert.equal(status, 0, stdout);
  };

  /** A call that was answered with "call again", and its question. */
  async function parkedCall(agent: RawAgent, person: MessageConnection, name: string): Promise<Pending> {
    const { structured } = await mkdir(agent, name);
    assert.equal(structured['kind'], 'approval.pending');
    const call = (await listed(person)).find(({ raw }) => raw.includes(name));
    assert.ok(call);
    return call;
  }

  it('approvals:call-again T44: the official client with a limit of its own calls twice, its person answers once, and the call runs once', async () => {
    const person = await attend();
    await person.sendRequest('approvals/register', registrationOf(seed, 'editor', 'a test'));
    const client = new Client({ name: 'sdk', version: '1' });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> }));
    try {
      const call = { name: 'shell_exec', arguments: { command: 'mkdir twice' } };
      const first = await client.callTool(call, undefined, { timeout: 5_000 });
      assert.equal(first.isError, true);
      assert.deepEqual([(first.structuredContent as Json)['kind'], (first.structuredContent as Json)['callAgainWithinMs']], ['approval.pending', 120_000]);
      assert.match(JSON.stringify(first.content), /nothing has run.*same arguments/);
      const [question] = await waiting(person);
      assert.ok(question);
      const second = client.callTool(call, undefined, { timeout: 20_000 });
      await sleep(50);
      assert.deepEqual((await listed(person)).map(({ id }) => id), [question.id]);
      const { outcome, parked: waits } = await decide(person, question, 'approve', signAnswer(question, { id: question.id, digest: question.digest, decision: 'approve' }, seed, new Date().toISOString()));
      assert.deepEqual([outcome, waits], ['accepted', undefined]);
      assert.equal((await second).isError, false);
      assert.equal(made('twice'), true);
      const entries = house.callEntries();
      assert.deepEqual(entries.map(({ phase, call: id }) => [phase, id]), [['intent', question.id], ['done', question.id]]);
      assert.equal((entries[0]?.['detail'] as Json)['calledAgain'], 1);
      assert.equal((entries[0]?.['approval'] as Json)['id'], question.id);
      assert.deepEqual(parked().map(({ call: id, phase }) => [phase, id]), [['event', question.id]]);
      intact();
    } finally {
      await client.close();
    }
  });

  it('approvals:call-again: so does the client of 2026-07-28', async () => {
    const person = await attend();
    const client = new ModernClient({ name: 'modern', version: '2' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new ModernTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> }));
    try {
      const call = { name: 'shell_exec', arguments: { command: 'mkdir modern' } };
      assert.equal(((await client.callTool(call)).structuredContent as Json)['kind'], 'approval.pending');
      const [question] = await waiting(person);
      const answered = await decide(person, question, 'approve');
      assert.deepEqual([answered.outcome, answered.parked], ['accepted', true]);
      assert.match(answered.message, /^Approved once\. It waits until its agent, which was told so, calls again\.$/);
      assert.equal((await client.callTool(call)).isError, false);
      assert.equal(made('modern'), true);
    } finally {
      await client.close();
    }
  });

  it('approvals:call-again T44: an answer that nobody waits for runs nothing; the call that comes next gets it, and the one after asks anew', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const question = await parkedCall(agent, person, 'later');
    assert.equal((await decide(person, question, 'approve')).outcome, 'accepted');
    await sleep(300);
    assert.equal(made('later'), false);
    assert.equal((await mkdir(agent, 'later')).isError, false);
    assert.equal(made('later'), true);
    assert.deepEqual(await listed(person), []);
    const again = await parkedCall(agent, person, 'later');
    assert.notEqual(again.id, question.id);
    intact();
  });

  it('approvals:call-again: a no that nobody waits for is recorded at once, and the next call reads why', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const question = await parkedCall(agent, person, 'never');
    await decide(person, question, 'deny', { reason: 'use the folder that is there' });
    const denied = await until('the no is recorded', () => house.callEntries().find(({ id }) => id === question.id));
    assert.deepEqual([denied['phase'], (denied['approval'] as Json)['decision']], ['denied', 'denied']);
    const { structured, text } = await mkdir(agent, 'never');
    assert.equal(structured['code'], 'APPROVAL_DENIED');
    assert.match(text, /use the folder that is there/);
    assert.deepEqual(await listed(person), []);
    assert.equal(made('never'), false);
    intact();
  });

  it('T60 T61: nobody but the agent that asked finds the question, or takes it back', async () => {
    const person = await attend();
    const [mine, other] = [await house.introducedAgent(), await house.introducedAgent()];
    const question = await parkedCall(mine, person, 'mine');
    await decide(person, question, 'approve');
    const { structured } = await mkdir(other, 'mine');
    assert.equal(structured['kind'], 'approval.pending');
    for (let id = 0; id < 6; id += 1) other.notify('notifications/cancelled', { requestId: id });
    await other.request('ping');
    assert.equal(made('mine'), false);
    assert.equal((await mkdir(mine, 'mine')).isError, false);
    assert.equal(made('mine'), true);
    intact();
  });

  it('T41: another call of the same agent does not find the question', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    await decide(person, await parkedCall(agent, person, 'asked'), 'approve');
    assert.equal((await mkdir(agent, 'other')).structured['kind'], 'approval.pending');
    assert.equal((await agent.call('shell_exec', { command: 'mkdir asked', timeoutMs: 5000 })).structured['kind'], 'approval.pending');
    assert.deepEqual([made('asked'), made('other')], [false, false]);
  });

  it('T41 T43: what changed since is asked about again, with the difference', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    writeFileSync(join(house.project, 's.sh'), 'echo OLD\n');
    const call = (): ReturnType<RawAgent['call']> => agent.call('shell_exec', { command: 'bash s.sh' });
    assert.equal((await call()).structured['kind'], 'approval.pending');
    const [question] = await waiting(person);
    await decide(person, question, 'approve');
    writeFileSync(join(house.project, 's.sh'), 'echo NEW\n');
    assert.equal((await call()).structured['kind'], 'approval.pending');
    const [again] = await waiting(person);
    assert.equal(again?.again?.after, question?.id);
    assert.match(JSON.stringify(again?.again?.changes), /-echo OLD/);
    await decide(person, again, 'approve');
    assert.match((await call()).text, /^NEW/);
    intact();
  });

  for (const answered of [true, false]) {
    it(`approvals:not-fetched T46: a question that the agent does not come for is denied, ${answered ? 'also after a yes' : 'and leaves the desk'}`, async () => {
      house.configure(config({ callAgainWithinSeconds: 0.5 }));
      const person = await attend();
      const agent = await house.introducedAgent();
      const question = await parkedCall(agent, person, 'gone');
      if (answered) await decide(person, question, 'approve');
      const entry = await until('it is recorded', () => house.callEntries().find(({ id }) => id === question.id));
      assert.deepEqual([entry['phase'], entry['result'], (entry['verdict'] as Json)['rule'], (entry['approval'] as Json)['decision']], ['denied', 'timeout', 'approval.notFetched', answered ? 'approved' : 'withdrawn']);
      assert.deepEqual(await listed(person), []);
      assert.equal((await mkdir(agent, 'gone')).structured['kind'], 'approval.pending');
      assert.equal(made('gone'), false);
      intact();
    });
  }

  it('approvals:withdrawn T46: an agent that takes back the call, or leaves, takes its question with it', async () => {
    const person = await attend();
    const [one, two] = [await house.introducedAgent(), await house.introducedAgent()];
    const call = one.request('tools/call', { name: 'shell_exec', arguments: { command: 'mkdir back' } });
    await call;
    await parkedCall(two, person, 'left');
    await waiting(person, 2);
    one.notify('notifications/cancelled', { requestId: call.id });
    await waiting(person, 1);
    two.child.kill('SIGKILL');
    await waiting(person, 0);
    assert.deepEqual(house.callEntries().map(({ result }) => result), ['cancelled', 'cancelled']);
    intact();
  });

  it('approvals:withdrawn: a client that cancels whatever has ended keeps its question, and one that takes back the second call does not', async () => {
    const person = await attend();
    const agent = house.agent();
    await agent.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'opencode', version: '1.0' } });
    const params = { name: 'shell_exec', arguments: { command: 'mkdir kept' } };
    const first = agent.request('tools/call', params);
    await first;
    agent.notify('notifications/cancelled', { requestId: first.id });
    const second = agent.request('tools/call', params);
    second.catch(() => undefined);
    await agent.request('ping');
    await waiting(person);
    agent.notify('notifications/cancelled', { requestId: second.id });
    await waiting(person, 0);
    assert.equal(made('kept'), false);
  });

  it('T46: a broker that leaves denies what was approved and not fetched', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const question = await parkedCall(agent, person, 'ended');
    await decide(person, question, 'approve');
    await person.sendRequest('conductor/drain', {});
    const entry = await until('it is recorded', () => house.callEntries().find(({ id }) => id === question.id));
    assert.deepEqual([entry['phase'], (entry['verdict'] as Json)['rule']], ['denied', 'approval.closed']);
    assert.equal(made('ended'), false);
  });

  it('approvals:call-again: 0 lets every call wait on', async () => {
    house.configure(config({ callAgainAfterSeconds: 0 }));
    const person = await attend();
    const agent = await house.introducedAgent();
    const called = mkdir(agent, 'patient');
    const [question] = await waiting(person);
    await sleep(600);
    await decide(person, question, 'approve');
    assert.equal((await called).isError, false);
    assert.deepEqual(parked(), []);
  });
});
