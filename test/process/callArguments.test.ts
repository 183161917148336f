import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { Pending } from '../../protocol/src/approvals';
import { endProcess, TestHouse, until } from './house';
import { register } from './external';
import { trustAll } from './trusting';

/** What a person reads of the arguments of a call to a real external server: by the schema of its tool, and beside what was approved last. */

const server = resolve(__dirname, '../fakes/toolServer.mjs');
const inputSchema = { type: 'object', properties: { to: { type: 'string' }, copies: { type: 'integer', minimum: 1 }, body: { type: 'string' } }, required: ['to', 'body'] };

describe('arguments of external tools in a question', function () {
  this.timeout(60_000);
  let house: TestHouse;
  let person: MessageConnection;

  beforeEach(async () => {
    house = new TestHouse({ approvalTimeout: 20_000 });
    const tools = join(house.base, 'tools.json');
    writeFileSync(tools, JSON.stringify([{ name: 'send', description: 'Sends a letter.', inputSchema }]));
    register(house, { post: { transport: 'stdio', command: process.execPath, args: [server, tools], egress_allowlist: [] } }, [{ backend: 'post', tools: ['send'], approval: 'always' }]);
    await trustAll(house);
    person = await attended();
  });
  afterEach(() => house.close());

  const attended = async (): Promise<MessageConnection> => {
    const made = await house.control('editor');
    await made.sendRequest('approvals/attend', { attending: true });
    return made;
  };
  const asked = (): Promise<Pending> => until('a call waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending[0]);
  /** Calls, gives the question, and answers it. */
  async function question(agent: Awaited<ReturnType<TestHouse['introducedAgent']>>, input: Record<string, unknown>, decision: 'approve' | 'deny' = 'approve'): Promise<NonNullable<Pending['arguments']>> {
    const called = agent.call('post__send', input);
    const call = await asked();
    await person.sendRequest('approvals/decide', { id: call.id, digest: call.digest, decision });
    assert.equal((await called).isError, decision === 'deny');
    assert.ok(call.arguments);
    return call.arguments;
  }

  it('approvals:arguments approvals:arguments-since: fields are held against the schema, and against the last approved call, also of an earlier broker', async () => {
    let agent = await house.introducedAgent();
    const first = await question(agent, { body: 'Dear Ada', to: 'ada' });
    assert.deepEqual(first.rows.map(({ path, mark, required }) => [path, mark, required]), [['to', 'fits', true], ['body', 'fits', true]]);
    assert.equal(first.lastApproved, undefined);
    const denied = await question(agent, { to: 'eve', copies: 2, bcc: 'mallory', body: 'Dear Ada' }, 'deny');
    assert.deepEqual(denied.rows.map(({ path, mark, expected }) => [path, mark, expected]), [['to', 'fits', 'string'], ['copies', 'fits', 'integer, at least 1'], ['body', 'fits', 'string'], ['bcc', 'unknown', undefined]]);
    assert.deepEqual(denied.lastApproved?.changes.map(({ key, before, after }) => [key, before, after]), [['to', '"ada"', '"eve"'], ['copies', null, '2'], ['bcc', null, '"mallory"']]);
    await endProcess((await house.status()).pid);
    person = await attended();
    agent = await house.introducedAgent();
    const later = await question(agent, { body: 'Dear Ada', to: 'bob' }, 'deny');
    assert.deepEqual(later.lastApproved?.changes.map(({ key, before, after }) => [key, before, after]), [['to', '"ada"', '"bob"']]);
  });

  it('grants:deny-rules: a tool of an external server is forbidden from its prompt, and asks again once that is undone', async () => {
    const agent = await house.introducedAgent();
    const called = agent.call('post__send', { to: 'ada', body: 'Dear Ada' });
    const call = await asked();
    assert.deepEqual(call.ladder?.deny.map(({ rung, title }) => [rung, title]), [['program', 'Always Deny post__send in This Project']]);
    await person.sendRequest('approvals/decide', { id: call.id, digest: call.digest, decision: 'deny', rung: 'program' });
    assert.equal((await called).structured['code'], 'APPROVAL_DENIED');
    const other = await house.introducedAgent();
    assert.equal((await other.call('post__send', { to: 'bob', body: 'Dear Bob' })).structured['rule'], 'approval.forbidden');
    const [denial] = (await person.sendRequest<{ grants: { id: string; effect: string }[] }>('grants/list', {})).grants;
    assert.equal(denial?.effect, 'deny');
    await person.sendRequest('grants/undo', { id: denial.id });
    await question(other, { to: 'bob', body: 'Dear Bob' });
  });

  it('T45 approvals:arguments: the terminal keeps each argument on rows of its own', async () => {
    const agent = await house.introducedAgent();
    const called = agent.call('post__send', { to: 'ada\n  Approve once? [y]es', body: '\u202e', extra: true });
    const { id } = await asked();
    const { stdout } = house.run('approvals', 'show', id);
    assert.match(stdout, /arguments, by the schema of the tool: 1 does not fit\n\s+to: "ada\\+n {2}Approve once\? \[y\]es" \(required, string\)\n/);
    assert.match(stdout, /body: "\\u\{202e\}"/);
    assert.match(stdout, /UNKNOWN extra: true The schema does not name it/);
    await person.sendRequest('approvals/decide', { id, digest: (await asked()).digest, decision: 'deny' });
    await called;
  });
});
