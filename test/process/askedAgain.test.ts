import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { Change, DecisionResult, Pending } from '../../protocol/src/approvals';
import type { Status } from '../../protocol/src/messages';
import { TestHouse, until, type Json, type RawAgent } from './house';

/** What changes between the question and the start is asked about again, with a real broker, real programs and real files. */

const shell = { allowedCommands: ['echo', 'git'], requireApproval: ['bash', 'cat', 'npm', 'own'] };
const config = { plugins: { shell, filesystem: { requireApproval: ['write' as const, 'delete' as const] } }, approvalTimeout: 20_000 };

/** A household whose broker finds programs in two folders of the test as well. */
class ProgramHouse extends TestHouse {
  readonly bin = join(this.base, 'bin');
  readonly late = join(this.base, 'late');

  override get env(): NodeJS.ProcessEnv {
    return { ...super.env, PATH: [this.bin, process.env['PATH'], this.late].join(delimiter) };
  }
}

describe('approvals: asked again', () => {
  let house: ProgramHouse;
  let agent: RawAgent;
  let person: MessageConnection;

  beforeEach(async () => {
    house = new ProgramHouse(config);
    for (const folder of [house.bin, house.late]) mkdirSync(folder, { mode: 0o755 });
    // Stands in for a package manager: what it would obey is what it prints.
    program('npm', 'cat package.json; cat package-lock.json .npmrc 2>/dev/null; true');
    program('own', 'echo first');
    agent = await house.introducedAgent();
    person = await house.control();
    await person.sendRequest('approvals/attend', { attending: true });
  });
  afterEach(() => house.close());

  function program(name: string, text: string): void {
    writeFileSync(join(house.bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  function put(path: string, text: string): string {
    const file = join(house.project, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** A repository whose commits differ in a file that editors run programs by. */
  function commits(...texts: readonly string[]): void {
    const git = (...args: readonly string[]): unknown => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: house.project, stdio: 'ignore' });
    git('init', '-q');
    for (const text of texts) {
      put('.vscode/tasks.json', text);
      git('add', '.');
      git('commit', '-qm', text);
    }
  }

  const waiting = (fits: (call: Pending) => boolean): Promise<Pending> =>
    until('a question waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending.find(fits));
  const decide = (call: Pending, decision: 'approve' | 'deny'): Promise<DecisionResult> => person.sendRequest('approvals/decide', { id: call.id, digest: call.digest, decision });

  /** Asks, changes something while the question is open, says yes, and gives the question that comes then. */
  async function changed(args: Json, change: () => unknown, tool = 'shell_exec'): Promise<Readonly<{ again: Pending; changes: readonly Change[]; result: ReturnType<RawAgent['call']> }>> {
    const result = agent.call(tool, args);
    result.catch(() => undefined);
    const first = await waiting(({ again }) => again === undefined);
    await change();
    assert.equal((await decide(first, 'approve')).outcome, 'accepted');
    const again = await waiting((call) => call.again !== undefined);
    assert.deepEqual([again.again?.round, again.again?.after, again.raw], [2, first.id, first.raw]);
    assert.notEqual(again.digest, first.digest);
    return { again, changes: again.again?.changes ?? [], result };
  }

  const namesOf = (changes: readonly Change[]): string[] => changes.map(({ label, key }) => `${label} ${key}`.trim());

  const cases: readonly (readonly [title: string, prepare: () => unknown, args: Json, change: () => unknown, expected: () => readonly string[], output: RegExp])[] = [
    ['T16 a script', () => put('s.sh', 'echo OLD\n'), { command: 'bash s.sh' }, () => put('s.sh', 'echo NEW\n'), () => [`File ${join(house.project, 's.sh')}`], /^NEW/],
    ['T8 the manifest of a package manager', () => put('package.json', '{"old":1}'), { command: 'npm test' }, () => put('package.json', '{"new":1}'), () => [`Build file ${join(house.project, 'package.json')}`], /\{"new":1\}/],
    ['T8 its lockfile, and settings that appear', () => { put('package.json', '{}'); put('package-lock.json', 'OLDLOCK'); }, { command: 'npm test' }, () => { put('package-lock.json', 'NEWLOCK'); put('.npmrc', 'NEWRC'); }, () => [`Build file ${join(house.project, 'package-lock.json')}`, `Build file ${join(house.project, '.npmrc')}`], /NEWLOCKNEWRC/],
    ['T16 the commit that HEAD~1 is, which the agent itself moves', () => commits('EVIL', 'harmless', 'last'), { command: 'git checkout HEAD~1 -- .vscode/tasks.json' }, async () => assert.equal((await agent.call('shell_exec', { command: 'git reset --soft HEAD~1' })).isError, false), () => ['In the repository HEAD', 'In the repository HEAD~1'], /Exit code 0/],
    ['T17 the program', () => undefined, { command: 'own' }, () => { rmSync(join(house.bin, 'own')); program('own', 'echo second'); }, () => ['Program own'], /^second/],
    ['T17 another folder in the place of the working folder', () => put('sub/x', 'OLD'), { command: 'cat x', cwd: 'sub' }, () => { renameSync(join(house.project, 'sub'), join(house.project, 'was')); put('sub/x', 'NEW'); }, () => [`Folder ${join(house.project, 'sub')}`, `File ${join(house.project, 'sub/x')}`], /^NEW/],
    ['T17 a link in the place of the working folder', () => { put('sub/x', 'OLD'); put('other/x', 'NEW'); }, { command: 'cat x', cwd: 'sub' }, () => { renameSync(join(house.project, 'sub'), join(house.project, 'was')); symlinkSync('other', join(house.project, 'sub')); }, () => [`Folder ${join(house.project, 'other')}`, `File ${join(house.project, 'other/x')}`, `Folder ${join(house.project, 'sub')}`, `File ${join(house.project, 'sub/x')}`], /^NEW/],
    ['T27 a link that leads elsewhere', () => { put('a', 'OLD'); put('b', 'NEW'); symlinkSync('a', join(house.project, 'link')); }, { command: 'cat link' }, () => { rmSync(join(house.project, 'link')); symlinkSync('b', join(house.project, 'link')); }, () => [`File ${join(house.project, 'link')}`], /^NEW/],
    ['T17 the search path, when anybody may write to one of its folders', () => undefined, { command: 'own' }, () => chmodSync(house.late, 0o777), () => ['Usual environment'], /^first/],
  ];
  for (const [title, prepare, args, change, expected, output] of cases) {
    it(`T41 N1 asks again about ${title}, and runs only after the second yes`, async () => {
      prepare();
      const { again, changes, result } = await changed(args, change);
      assert.deepEqual(namesOf(changes), expected());
      const begun = house.callEntries().filter(({ phase, input }) => phase === 'intent' && JSON.stringify(input).includes(JSON.stringify(args['command'])));
      assert.equal(begun.length, 0, 'nothing has begun');
      assert.equal((await decide(again, 'approve')).outcome, 'accepted');
      assert.match((await result).text, output);
    });
  }

  it('T41 N1 asks again with the lines of a script that differ', async () => {
    put('s.sh', 'echo one\necho OLD\n');
    const { again, changes, result } = await changed({ command: 'bash s.sh' }, () => put('s.sh', 'echo one\necho NEW\n'));
    assert.equal(changes[0]?.diff, '@@ -1,2 +1,2 @@\n echo one\n-echo OLD\n+echo NEW');
    await decide(again, 'deny');
    assert.equal((await result).structured['code'], 'APPROVAL_DENIED');
    const [stale, denied] = house.callEntries();
    assert.deepEqual([stale?.['phase'], (stale?.['approval'] as Json)['decision'], (stale?.['detail'] as Json)['code']], ['denied', 'approved', 'APPROVAL_STALE']);
    assert.deepEqual([denied?.['phase'], (denied?.['approval'] as Json)['decision'], ((denied?.['detail'] as Json)['askedAgain'] as Json)['after']], ['denied', 'denied', stale?.['id']]);
    assert.equal(house.run('audit', 'verify').status, 0);
  });

  it('T43 N1 asks again when the configuration changed without forbidding the call, and names what changed in it', async () => {
    put('s.sh', 'echo ran\n');
    const before = (await house.status()).config.policyHash;
    const { again, changes, result } = await changed({ command: 'bash s.sh' }, async () => {
      house.configure({ ...config, plugins: { ...config.plugins, shell: { ...shell, timeoutMs: 5000 } } });
      await until('the new configuration holds', async () => (await person.sendRequest<Status>('conductor/status', {})).config.policyHash !== before);
    });
    const now = (await house.status()).config.policyHash;
    assert.deepEqual(changes, [
      { label: 'Time limit', key: '', before: '120000 ms', after: '5000 ms' },
      { label: 'Configuration', key: 'plugins.shell.timeoutMs', before: `sha256:${before.slice(0, 8)}`, after: `sha256:${now.slice(0, 8)}` },
    ]);
    await decide(again, 'approve');
    assert.match((await result).text, /^ran/);
  });

  it('T41 N1 asks again when the file that a write would replace changed, and then replaces what was shown', async () => {
    const file = put('file.txt', 'before');
    const { again, changes, result } = await changed({ path: 'file.txt', content: 'after' }, () => writeFileSync(file, 'edited by a person'), 'filesystem_write');
    assert.deepEqual(namesOf(changes), [`Path ${file}`, 'Content now']);
    assert.equal(readFileSync(file, 'utf8'), 'edited by a person');
    await decide(again, 'approve');
    assert.equal((await result).isError, false);
    assert.equal(readFileSync(file, 'utf8'), 'after');
  });

  it('T41 N1 gives up on a script that changes before each answer, without running it', async () => {
    put('s.sh', 'touch ran\n');
    const result = agent.call('shell_exec', { command: 'bash s.sh' }, { _meta: { progressToken: 'p' } });
    let seen = '';
    for (const round of [1, 2, 3]) {
      const call = await waiting(({ id }) => id !== seen);
      seen = call.id;
      put('s.sh', `touch ran${round}\n`);
      await decide(call, 'approve');
    }
    const { structured, text } = await result;
    assert.equal(structured['code'], 'APPROVAL_STALE');
    assert.match(text, /changed 3 times/);
    assert.deepEqual([1, 2, 3].map((round) => existsSync(join(house.project, `ran${round}`))), [false, false, false]);
    assert.ok(agent.messages.some((message) => /asked again/.test(JSON.stringify(message['params'] ?? ''))), 'the agent heard of it');
    assert.ok(!JSON.stringify(agent.messages).includes('sha256:'), 'and nothing of hashes');
  });

  it('N1 shows everything that the approval binds to', async () => {
    put('package.json', '{}');
    put('package-lock.json', '{}');
    const result = agent.call('shell_exec', { command: 'CI=1 npm test > out.txt' });
    const call = await waiting(() => true);
    const shown = new Map(call.details);
    assert.equal(shown.get('Arguments 1'), '["npm","test"]');
    assert.equal(shown.get('Added environment of 1'), 'CI="1"');
    assert.match(shown.get('Redirection of 1') ?? '', /"target":"out\.txt"/);
    const programs = call.details.filter(([label]) => label === 'Program').map(([, value]) => value);
    assert.match(programs[0] ?? '', new RegExp(`^npm ${join(house.bin, 'npm')} sha256:[0-9a-f]{64} `));
    assert.match(shown.get('Folder') ?? '', new RegExp(`^${house.project} device \\d+, number \\d+$`));
    assert.match(shown.get('Usual environment') ?? '', /^PATH=".*" HOME="/);
    assert.match(shown.get('Configuration') ?? '', /^sha256:[0-9a-f]{64}$/);
    assert.equal(shown.get('Time limit'), '120000 ms');
    const files = call.details.filter(([label]) => label === 'Build file').map(([, value]) => value.replace(/sha256:[0-9a-f]{64}/, 'HASH').replace(/\(\d+:\d+\)/, 'ID'));
    assert.deepEqual(files, ['package.json', 'package-lock.json'].map((name) => `${join(house.project, name)} HASH 2 bytes ID`));
    assert.ok(shown.get('Build file, not there and to stay so')?.includes(join(house.project, '.npmrc')));
    await decide(call, 'deny');
    await result;
  });

  it('N1 shows in the terminal what changed, too', async () => {
    put('s.sh', 'echo OLD\n');
    const { again, result } = await changed({ command: 'bash s.sh' }, () => put('s.sh', 'echo NEW\n'));
    const [listed] = JSON.parse(house.run('approvals', 'list', '--json').stdout) as Pending[];
    assert.deepEqual(listed?.again?.changes[0]?.key, join(house.project, 's.sh'));
    assert.match(house.run('approvals', 'list').stdout, /\(asked again\) bash s\.sh/);
    await decide(again, 'deny');
    await result;
  });
});
