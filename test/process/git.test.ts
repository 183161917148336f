import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { DecisionResult, Pending } from '../../protocol/src/approvals';
import { conductor, TestHouse, until, type Json } from './house';

/** The git tools as an agent sees them: the official client, a real broker, a real repository, and a person who answers. */

describe('git tools at the broker', () => {
  let house: TestHouse;
  let client: Client;
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: house.project, encoding: 'utf8' }).trim();
  const call = async (name: string, args: Json = {}): Promise<Json> => (await client.callTool({ name, arguments: args })).structuredContent as Json;

  before(async () => {
    house = new TestHouse({ approvalTimeout: 20_000 });
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'Ada');
    git('config', 'user.email', 'ada@example.com');
    writeFileSync(join(house.project, 'a.txt'), 'one\n');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    client = new Client({ name: 'sdk', version: '1' });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> }));
  });
  after(async () => {
    await client.close();
    await house.close();
  });

  it('git:process: looks without asking, and commits what a person approved', async () => {
    writeFileSync(join(house.project, 'a.txt'), 'two\n');
    const { tools } = await client.listTools();
    assert.deepEqual(tools.filter((tool) => tool.name.startsWith('git_')).map((tool) => [tool.name, tool.annotations?.readOnlyHint]), [['git_status', true], ['git_diff', true], ['git_log', true], ['git_commit', false]]);
    assert.deepEqual((await call('git_status'))['changed'], [{ path: 'a.txt', change: 'modified' }]);
    assert.deepEqual((await call('git_diff'))['files'], [{ path: 'a.txt', added: 1, removed: 1 }]);
    assert.equal(((await call('git_log'))['commits'] as Json[])[0]?.['subject'], 'first');

    const person = await house.control();
    await person.sendRequest('approvals/attend', { attending: true });
    const committed = call('git_commit', { message: 'second', all: true });
    const pending = await until('the commit waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending[0]);
    assert.equal(pending.raw, 'git commit --all\n\nsecond');
    assert.deepEqual(pending.details.find(([label]) => label === 'Files'), ['Files', '+1 -1  a.txt']);
    assert.equal(git('rev-list', '--count', 'HEAD'), '1');
    assert.equal((await person.sendRequest<DecisionResult>('approvals/decide', { id: pending.id, digest: pending.digest, decision: 'approve' })).outcome, 'accepted');
    assert.equal((await committed)['commit'], git('rev-parse', 'HEAD'));
    assert.equal(git('log', '-1', '--format=%s %an'), 'second Ada');
    const ended = house.callEntries().filter((entry) => entry['tool'] === 'git.commit').map((entry) => [entry['phase'], entry['result']]);
    assert.deepEqual(ended, [['intent', 'admitted'], ['done', 'success']]);
  });

  it('T41 git:process: a file that changed while the person thought is asked about again, with what changed', async () => {
    writeFileSync(join(house.project, 'a.txt'), 'three\n');
    const person = await house.control();
    await person.sendRequest('approvals/attend', { attending: true });
    const refused = call('git_commit', { message: 'third', files: ['a.txt'] });
    const pending = await until('the commit waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending[0]);
    writeFileSync(join(house.project, 'a.txt'), 'swapped\n');
    await person.sendRequest<DecisionResult>('approvals/decide', { id: pending.id, digest: pending.digest, decision: 'approve' });
    const again = await until('it is asked again', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending.find((each) => each.again !== undefined));
    const change = again.again?.changes.find(({ label }) => label === 'File to commit');
    assert.equal(change?.key, 'a.txt');
    assert.match(JSON.stringify(change), /-three.*\+swapped/);
    await person.sendRequest<DecisionResult>('approvals/decide', { id: again.id, digest: again.digest, decision: 'deny' });
    assert.equal((await refused)['code'], 'APPROVAL_DENIED');
    assert.equal(git('log', '-1', '--format=%s'), 'second');
  });
});
