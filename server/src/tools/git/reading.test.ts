import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GitProject } from '../../../../test/fakes/gitProject';
import type { FileCount } from './diff';

describe('git.status, git.diff and git.log', () => {
  let ground: GitProject;
  beforeEach(() => {
    ground = new GitProject();
    ground.put('a.txt', 'one\ntwo\n');
    ground.put('src/b.txt', 'b\n');
    ground.save('first');
  });
  afterEach(() => ground.remove());

  it('git:status: says branch, upstream, and what is staged, changed, untracked and renamed', async () => {
    ground.put('a.txt', 'one\nthree\n');
    ground.put('new file\n\u202e.txt', 'x');
    ground.git('mv', 'src/b.txt', 'src/c.txt');
    const { structured, text } = await ground.answer('status');
    const { repository, branch, head, staged, changed, untracked, clean, truncated } = structured ?? {};
    assert.deepEqual({ repository, branch, head }, { repository: ground.project, branch: 'main', head: ground.git('rev-parse', 'HEAD').trim() });
    assert.deepEqual({ staged, changed, untracked, clean, truncated }, { staged: [{ path: 'src/c.txt', change: 'renamed', from: 'src/b.txt' }], changed: [{ path: 'a.txt', change: 'modified' }], untracked: ['new file\n\u202e.txt'], clean: false, truncated: false });
    assert.match(text, /^On branch main at [0-9a-f]{10}\.\nStaged:\n {2}renamed: src\/b\.txt -> src\/c\.txt\nChanged, not staged:\n {2}modified: a\.txt\nUntracked:\n {2}new file\\n\\u\{202e\}\.txt$/);
    assert.deepEqual((await ground.answer('status', { path: 'src' })).structured?.['changed'], []);
    assert.deepEqual((await ground.answer('status', { path: 'a.txt', untracked: 'none' })).structured?.['staged'], []);
  });

  it('git:standing: names every state of a repository', async () => {
    assert.match((await ground.answer('status')).text, /Nothing to commit\.$/);
    ground.git('checkout', '-q', '--detach');
    assert.match((await ground.answer('status')).text, /^Detached head at [0-9a-f]{10}\./);
    ground.git('checkout', '-q', '-b', 'side', 'main');
    ground.put('a.txt', 'side\n');
    ground.save('side');
    ground.git('checkout', '-q', 'main');
    ground.put('a.txt', 'main\n');
    ground.save('main');
    assert.throws(() => ground.git('merge', 'side'));
    const { text, structured } = await ground.answer('status');
    assert.match(text, /A merge is in progress\.\nIn conflict:\n {2}modified by both: a\.txt/);
    assert.deepEqual([structured?.['operation'], structured?.['conflicts']], ['merge', [{ path: 'a.txt', change: 'modified by both' }]]);
    ground.git('checkout', '-q', '--orphan', 'fresh', '-f');
    assert.match((await ground.answer('status')).text, /^On branch fresh, without a commit yet\./);
    assert.match(await ground.trouble('log'), /On branch fresh, without a commit yet\. There is no history to show\./);
    rmSync(join(ground.project, '.git'), { recursive: true });
    for (const name of ['status', 'diff', 'log']) assert.match(await ground.trouble(name), /lies in no git repository/);
  });

  it('git:status: says how far the branch is from its upstream', async () => {
    ground.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    ground.git('config', 'remote.origin.url', 'https://example.com/x.git');
    ground.git('config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*');
    ground.git('branch', '-q', '-u', 'origin/main');
    ground.put('a.txt', 'x\n');
    ground.save('second');
    const { text, structured } = await ground.answer('status');
    assert.deepEqual([structured?.['upstream'], structured?.['ahead'], structured?.['behind']], ['origin/main', 1, 0]);
    assert.match(text, /1 ahead of and 0 behind origin\/main\./);
  });

  it('git:diff: counts and shows changes, staged or not, and between revisions', async () => {
    ground.put('a.txt', 'one\nthree\n');
    ground.put('bin', 'a\0b');
    ground.git('add', 'bin');
    const changed = await ground.answer('diff');
    assert.deepEqual(changed.structured?.['files'], [{ path: 'a.txt', added: 1, removed: 1 }]);
    assert.match(changed.text, /^\+1 -1 {2}a\.txt\n\ndiff --git a\/a\.txt b\/a\.txt\n[^]*\n one\n-two\n\+three$/);
    const staged = await ground.answer('diff', { staged: true });
    assert.deepEqual(staged.structured?.['files'], [{ path: 'bin', binary: true }]);
    ground.save('second');
    const between = await ground.answer('diff', { from: 'HEAD~1', to: 'main', statOnly: true });
    assert.deepEqual((between.structured?.['files'] as FileCount[]).map(({ path }) => path), ['a.txt', 'bin']);
    assert.equal(between.structured?.['patch'], '');
    assert.equal((await ground.answer('diff')).text, 'No differences.');
    assert.equal((await ground.answer('diff', { path: 'src', from: 'HEAD~1' })).text, 'No differences.');
    ground.git('mv', 'a.txt', 'moved.txt');
    assert.deepEqual((await ground.answer('diff', { staged: true })).structured?.['files'], [{ path: 'moved.txt', from: 'a.txt', added: 0, removed: 0 }]);
  });

  it('git:diff: cuts a long patch at a line and says so', async () => {
    ground.put('a.txt', `${'line\n'.repeat(200_000)}`);
    const { truncated, structured, text } = await ground.answer('diff');
    assert.equal(truncated, true);
    assert.deepEqual(structured?.['files'], [{ path: 'a.txt', added: 200_000, removed: 2 }]);
    assert.match(text, /\n\[There is more than is shown; name a path, or use statOnly\]$/);
    assert.ok(String(structured?.['patch']).length <= 256 * 1024 && String(structured?.['patch']).endsWith('+line\n'));
  });

  it('git:log: tells commits as data, and pages', async () => {
    ground.put('a.txt', 'x\n');
    ground.git('add', '-A');
    ground.git('commit', '-q', '-m', 'second, with (a) [bracket]\n\nBody line.\nAnother.', '--author=Bob <bob@example.com>');
    ground.put('src/b.txt', 'y\n');
    ground.save('third');
    const { structured, text } = await ground.answer('log', { limit: 2 });
    const commits = structured?.['commits'] as Record<string, unknown>[];
    assert.deepEqual(commits.map(({ subject, body, author, email }) => [subject, body, author, email]), [['third', '', 't', 't@example.com'], ['second, with (a) [bracket]', 'Body line.\nAnother.', 'Bob', 'bob@example.com']]);
    assert.deepEqual([commits[0]?.['names'], commits[0]?.['parents'], structured?.['nextSkip']], [['HEAD -> main'], [commits[1]?.['id']], 2]);
    assert.match(text, /\n\[There are more; call again with skip 2\]$/);
    const subjects = async (given: Record<string, unknown>): Promise<unknown[]> => ((await ground.answer('log', given)).structured?.['commits'] as Record<string, unknown>[]).map(({ subject }) => subject);
    assert.deepEqual(await subjects({ skip: 2 }), ['first']);
    assert.deepEqual(await subjects({ path: 'a.txt' }), ['second, with (a) [bracket]', 'first']);
    assert.deepEqual(await subjects({ path: 'src' }), ['third', 'first']);
    assert.deepEqual(await subjects({ message: '[BRACKET]' }), ['second, with (a) [bracket]']);
    assert.deepEqual(await subjects({ author: 'bob@' }), ['second, with (a) [bracket]']);
    assert.deepEqual(await subjects({ revision: 'HEAD~2' }), ['first']);
    assert.deepEqual(await subjects({ since: '2090-01-01' }), []);
  });

  it('T7 takes no revision or path for an option, and no word for both', async () => {
    for (const given of [{ from: '--output=x' }, { from: 'a..b' }, { from: 'HEAD:a.txt' }, { from: '^HEAD' }, { from: 'a b' }, { to: '-p' }]) await assert.rejects(ground.prepareGit('diff', given), JSON.stringify(given));
    ground.put('--output=stolen', 'x\n');
    ground.put('HEAD', 'x\n');
    ground.put('*', 'star\n');
    ground.save('odd names');
    ground.put('*', 'star 2\n');
    ground.put('a.txt', 'changed\n');
    assert.deepEqual((await ground.answer('diff', { path: '*' })).structured?.['files'], [{ path: '*', added: 1, removed: 1 }], 'a star is a name');
    assert.equal((await ground.answer('diff', { path: '--output=stolen' })).text, 'No differences.');
    assert.equal((await ground.answer('diff', { path: 'HEAD' })).text, 'No differences.');
    assert.match(await ground.trouble('diff', { from: 'a.txt' }), /"a\.txt" is no commit of this repository/);
    assert.match(await ground.trouble('log', { revision: 'missing' }), /"missing" is no commit/);
    assert.match(await ground.trouble('diff', { to: 'HEAD' }), /"to" needs "from"/);
  });

  it('T24 refuses paths outside, and Conductor\'s own folder', async () => {
    symlinkSync(ground.folder, join(ground.project, 'out'));
    for (const name of ['status', 'diff', 'log']) {
      for (const path of ['..', '/etc', 'out/config', ground.configDir]) assert.match(await ground.judgedAs(name, { path }), /^deny path\.(outside|conductor)$/, `${name} ${path}`);
    }
  });

  it('git:inside: of a repository that is larger than the project, only what lies in the project', async () => {
    rmSync(join(ground.project, '.git'), { recursive: true });
    ground.gitIn('..', 'init', '-q', '-b', 'main');
    writeFileSync(join(ground.folder, 'outside.txt'), 'one\n');
    ground.gitIn('..', 'add', 'outside.txt', 'project');
    ground.gitIn('..', 'commit', '-q', '-m', 'all');
    ground.put('a.txt', 'changed\n');
    writeFileSync(join(ground.folder, 'outside.txt'), 'two\n');
    writeFileSync(join(ground.folder, 'outside2.txt'), 'two\n');
    assert.deepEqual((await ground.answer('status')).structured?.['changed'], [{ path: 'project/a.txt', change: 'modified' }]);
    assert.doesNotMatch(JSON.stringify(await ground.answer('status')), /outside/);
    assert.doesNotMatch(JSON.stringify(await ground.answer('diff')), /outside/);
  });

  it('git:nested: names the repository of the path', async () => {
    mkdirSync(join(ground.project, 'inner'));
    ground.gitIn('inner', 'init', '-q', '-b', 'side');
    const { structured } = await ground.answer('status', { path: 'inner' });
    assert.deepEqual([structured?.['repository'], structured?.['branch']], [join(ground.project, 'inner'), 'side']);
  });

  it('git:settings: the plugin has its own switch and its own list', async () => {
    ground.configure({ plugins: { git: { enabled: false } } });
    for (const name of ['status', 'diff', 'log', 'commit']) assert.equal(await ground.judgedAs(name, name === 'commit' ? { message: 'x' } : {}), 'deny git.disabled');
    ground.configure({ plugins: { shell: { enabled: false, requireApproval: ['git'] }, git: { requireApproval: ['log'] } } });
    assert.equal(await ground.judgedAs('status'), 'allow git.allowed');
    assert.equal(await ground.judgedAs('log'), 'approve git.asks');
  });
});
