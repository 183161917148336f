import assert from 'node:assert/strict';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { DecisionResult, Pending } from '../../protocol/src/approvals';
import { TestHouse, until, type Json } from './house';

/** Calls that halt until a person answers, with a real agent on one side and a real connection of a person on the other. */

const config = { plugins: { shell: { allowedCommands: ['echo', 'touch'], requireApproval: ['mkdir'] } }, approvalTimeout: 20_000 };

describe('approvals at the broker', () => {
  let house: TestHouse;

  beforeEach(() => {
    house = new TestHouse(config);
  });
  afterEach(() => house.close());

  const attend = async (role: 'cli' | 'editor' = 'cli'): Promise<MessageConnection> => {
    const person = await house.control(role);
    await person.sendRequest('approvals/attend', { attending: true });
    return person;
  };
  const pendingAt = (person: MessageConnection, count: number): Promise<Pending[]> =>
    until(`${String(count)} calls wait`, async () => {
      const { pending } = await person.sendRequest<{ pending: Pending[] }>('approvals/list', {});
      return pending.length === count ? pending : undefined;
    });
  const decide = (person: MessageConnection, call: Pending | undefined, decision: 'approve' | 'deny', more: Json = {}): Promise<DecisionResult> =>
    person.sendRequest('approvals/decide', { id: call?.id, digest: call?.digest, decision, ...more });

  it('approvals:approve-once: a halted call runs after approval, and only that one', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const first = agent.call('shell_exec', { command: 'mkdir made' });
    const [call] = await pendingAt(person, 1);
    assert.equal(call?.raw.includes('mkdir made'), true);
    assert.equal(call.cwd, house.project);
    assert.equal(existsSync(join(house.project, 'made')), false);
    assert.equal((await decide(person, call, 'approve')).outcome, 'accepted');
    assert.equal((await first).isError, false);
    assert.equal(existsSync(join(house.project, 'made')), true);
    void agent.call('shell_exec', { command: 'mkdir made' }).catch(() => undefined);
    await pendingAt(person, 1);
    const intent = house.callEntries().find((entry) => entry['phase'] === 'intent');
    assert.equal((intent?.['approval'] as Json)['decision'], 'approved');
  });

  it('T45 redaction:shown: what has the form of a token is shown whole, to windows and terminals, and in files that are to be written', async () => {
    const wrapped = `-----BEGIN PRIVATE KEY-----\n/bin/sh\n${'a'.repeat(64)}\n-----END PRIVATE KEY-----`;
    const token = `ghp_${'a1B2'.repeat(9)}`;
    const [window, terminal] = [await attend('editor'), await attend('cli')];
    const agent = await house.introducedAgent();
    const calls = [agent.call('shell_exec', { command: 'mkdir', args: [wrapped, token] }), agent.call('filesystem_write', { path: '.npmrc', content: `${wrapped}\n${token}\n` })];
    for (const person of [window, terminal]) {
      const pending = await pendingAt(person, 2);
      const [command, file] = [pending.find(({ tool }) => tool === 'shell.exec'), pending.find(({ tool }) => tool === 'filesystem.write')];
      assert.deepEqual(JSON.parse(command?.raw ?? '[]'), ['mkdir', wrapped, token]);
      assert.equal(JSON.stringify(pending).includes('removed'), false);
      const { files } = await person.sendRequest<{ files: Json[] }>('approvals/content', { id: file?.id, digest: file?.digest });
      assert.equal(JSON.stringify(files).includes(JSON.stringify(`${wrapped}\n${token}\n`).slice(1, -1)), true);
    }
    for (const call of await pendingAt(terminal, 2)) assert.equal((await decide(terminal, call, 'deny')).outcome, 'accepted');
    await Promise.all(calls);
    // The log keeps a commitment to what it leaves out.
    assert.equal(JSON.stringify(house.callEntries()).includes(token), false);
  });

  it('approvals:deny-with-reason: a denied call never runs, and the agent reads why', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const called = agent.call('shell_exec', { command: 'mkdir never' });
    const [call] = await pendingAt(person, 1);
    await decide(person, call, 'deny', { reason: 'use the existing folder' });
    const result = await called;
    assert.equal(result.structured['code'], 'APPROVAL_DENIED');
    assert.match(result.text, /use the existing folder/);
    assert.equal(existsSync(join(house.project, 'never')), false);
  });

  it('approvals:declined-before: the same plan again, however it is said, is refused without a question and with the reason; another plan asks', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const called = agent.call('shell_exec', { command: 'mkdir never' });
    const [call] = await pendingAt(person, 1);
    await decide(person, call, 'deny', { reason: 'use the existing folder' });
    await called;
    for (const command of ['mkdir never', "  mkdir   'never'"]) {
      const { structured, text } = await agent.call('shell_exec', { command });
      assert.deepEqual([structured['kind'], structured['rule']], ['refused', 'approval.declinedBefore']);
      assert.match(text, /use the existing folder/);
    }
    const other = agent.call('shell_exec', { command: 'mkdir other' });
    await decide(person, (await pendingAt(person, 1))[0], 'deny');
    await other;
  });

  it('T47: several wait at once, none blocks another, and the second may be answered first', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const one = agent.call('shell_exec', { command: 'mkdir one' });
    const two = agent.call('shell_exec', { command: 'mkdir two' });
    const pending = await pendingAt(person, 2);
    assert.deepEqual((await agent.request('ping'))['result'], {});
    assert.equal((await agent.call('shell_exec', { command: 'echo free' })).isError, false);
    await decide(person, pending.find((call) => call.raw.includes('two')), 'approve');
    assert.equal((await two).isError, false);
    assert.equal(existsSync(join(house.project, 'one')), false);
    await decide(person, pending.find((call) => call.raw.includes('one')), 'deny');
    assert.equal((await one).structured['code'], 'APPROVAL_DENIED');
  });

  it('approvals:timeout: nobody answers, so the call is denied', async () => {
    house.configure({ ...config, approvalTimeout: 300 });
    await attend();
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'mkdir late' })).structured['code'], 'APPROVAL_TIMEOUT');
    assert.equal(existsSync(join(house.project, 'late')), false);
    assert.equal(house.callEntries().at(-1)?.['result'], 'timeout');
  });

  it('approvals:nobody-there: without editor and terminal the call is denied at once', async () => {
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'mkdir alone' })).structured['code'], 'APPROVAL_UNAVAILABLE');
  });

  it('T46: the last window closes while a call waits: denied and recorded', async () => {
    const person = await attend('editor');
    const agent = await house.introducedAgent();
    const called = agent.call('shell_exec', { command: 'mkdir closed' });
    await pendingAt(person, 1);
    person.end();
    person.dispose();
    assert.equal((await called).structured['code'], 'APPROVAL_UNAVAILABLE');
    assert.equal(existsSync(join(house.project, 'closed')), false);
    assert.equal(house.callEntries().at(-1)?.['result'], 'denied');
  });

  it('T46: two windows answer one call: the first answer holds, the other is told', async () => {
    const [left, right] = [await attend('editor'), await attend('editor')];
    const agent = await house.introducedAgent();
    const called = agent.call('shell_exec', { command: 'mkdir twice' });
    const [call] = await pendingAt(left, 1);
    const outcomes = (await Promise.all([decide(left, call, 'deny'), decide(right, call, 'approve')])).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes.sort(), ['accepted', 'answered']);
    const result = await called;
    assert.equal(result.isError, !existsSync(join(house.project, 'twice')));
  });

  it('T41: an answer for other bytes is no answer', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    void agent.call('shell_exec', { command: 'mkdir bytes' }).catch(() => undefined);
    const [call] = await pendingAt(person, 1);
    const outcome = await decide(person, call === undefined ? undefined : { ...call, digest: '0'.repeat(64) }, 'approve');
    assert.equal(outcome.outcome, 'other');
    await pendingAt(person, 1);
    assert.equal(existsSync(join(house.project, 'bytes')), false);
  });

  it('T43: rules that change while a call waits withdraw the question, and the call is denied by the new rule', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const called = agent.call('shell_exec', { command: 'mkdir changed' });
    const [call] = await pendingAt(person, 1);
    house.configure({ plugins: { shell: { allowedCommands: ['echo'] } } });
    await pendingAt(person, 0);
    assert.equal((await decide(person, call, 'approve')).outcome, 'gone');
    assert.equal((await called).structured['rule'], 'shell.notListed');
    assert.equal(existsSync(join(house.project, 'changed')), false);
  });

  it('T41: a file that another one replaced while its deletion waited is not deleted by the approval', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const file = join(house.project, 'file.txt');
    writeFileSync(file, 'before');
    const called = agent.call('filesystem_delete', { path: 'file.txt' });
    const [call] = await pendingAt(person, 1);
    writeFileSync(`${file}.new`, 'another');
    renameSync(`${file}.new`, file);
    await decide(person, call, 'approve');
    const again = await until('it is asked again', async () => (await pendingAt(person, 1)).find(({ id }) => id !== call?.id));
    await decide(person, again, 'deny');
    assert.equal((await called).structured['code'], 'APPROVAL_DENIED');
    assert.equal(existsSync(file), true);
  });

  it('approvals:withdrawn: a cancelled call leaves the desk and never runs', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const request = agent.request('tools/call', { name: 'shell_exec', arguments: { command: 'mkdir cancelled' } });
    request.catch(() => undefined);
    const [call] = await pendingAt(person, 1);
    agent.notify('notifications/cancelled', { requestId: request.id });
    await pendingAt(person, 0);
    assert.equal((await decide(person, call, 'approve')).outcome, 'gone');
    assert.equal(existsSync(join(house.project, 'cancelled')), false);
    await until('the withdrawal is recorded', () => house.callEntries().some(({ result }) => result === 'cancelled'));
  });

  it('approvals:agent-gone: an agent that ends withdraws its calls', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    agent.call('shell_exec', { command: 'mkdir gone' }).catch(() => undefined);
    await pendingAt(person, 1);
    agent.child.kill('SIGKILL');
    await pendingAt(person, 0);
  });

  it('approvals:progress: an agent that gave a progress token hears that its call waits', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const called = agent.call('shell_exec', { command: 'mkdir progress' }, { _meta: { progressToken: 'token-1' } });
    const [call] = await pendingAt(person, 1);
    await until('progress comes', () => agent.messages.some((message) => message['method'] === 'notifications/progress' && (message['params'] as Json)['progressToken'] === 'token-1'));
    await decide(person, call, 'approve');
    assert.equal((await called).isError, false);
  });
});
