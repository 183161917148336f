import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSuccess, GitProject } from '../../../../test/fakes/gitProject';
import { codeOf } from '../../../../test/fakes/shellProject';
import { digestOfFacts, shownFacts } from '../fact';
import type { Prepared } from '../tool';

describe('git.commit', () => {
  let ground: GitProject;
  beforeEach(() => {
    ground = new GitProject();
    ground.put('a.txt', 'one\n');
    ground.put('b.txt', 'one\n');
    ground.save('first');
  });
  afterEach(() => ground.remove());

  const detail = (prepared: Prepared, label: string): string => [...prepared.show.details, ...shownFacts(prepared.facts)].filter(([name]) => name === label).map(([, value]) => value).join('\n');
  const last = (format: string): string => ground.git('log', '-1', `--format=${format}`).trim();
  const filesOf = (commit = 'HEAD'): string[] => ground.git('show', '--ignore-submodules=dirty', '--format=', '--name-only', commit).trim().split('\n');

  it('git:commit-asks: asks by default, and shows message, author, files and hooks', async () => {
    ground.put('a.txt', 'two\n');
    ground.git('add', 'a.txt');
    ground.put('.git/hooks/pre-commit', '#!/bin/sh\nexit 0\n', 0o755);
    const prepared = await ground.prepareGit('commit', { message: 'second\n\n# kept' });
    assert.deepEqual([prepared.verdict.verdict, prepared.verdict.rule, prepared.readOnly], ['approve', 'git.asks', false]);
    assert.equal(prepared.show.raw, 'git commit\n\nsecond\n\n# kept');
    assert.equal(detail(prepared, 'Author'), 'Ada <ada@example.com>');
    assert.equal(detail(prepared, 'Files'), '+1 -1  a.txt');
    assert.equal(detail(prepared, 'Hooks'), 'pre-commit run if you approve');
    assert.match(detail(prepared, 'Commits onto'), /^On branch main at [0-9a-f]{10}\.$/);
    assert.match(detail(prepared, 'Program'), /\/git sha256:[0-9a-f]{64} /);
    const { structured } = assertSuccess(await ground.start(prepared));
    assert.deepEqual([structured?.['commit'], structured?.['branch'], structured?.['asShown']], [ground.git('rev-parse', 'HEAD').trim(), 'main', true]);
    assert.deepEqual([last('%B'), last('%an'), filesOf()], ['second\n\n# kept', 'Ada', ['a.txt']]);
  });

  it('git:commit-scope: takes what is staged, the named files with new ones among them, or all known files', async () => {
    ground.put('a.txt', 'two\n');
    ground.put('b.txt', 'two\n');
    ground.put('new/c.txt', 'new\n');
    ground.put('*', 'star\n');
    ground.git('add', 'b.txt');
    const named = assertSuccess(await ground.call('commit', { message: 'named', files: ['a.txt', 'new', '*'] }));
    assert.deepEqual(filesOf(), ['*', 'a.txt', 'new/c.txt']);
    assert.match(named.text, /^Committed [0-9a-f]{10} on main\./);
    assert.equal(ground.git('diff', '--cached', '--name-only').trim(), 'b.txt', 'what was staged stays staged');
    ground.put('a.txt', 'three\n');
    assertSuccess(await ground.call('commit', { message: 'staged' }));
    assert.deepEqual(filesOf(), ['b.txt']);
    assertSuccess(await ground.call('commit', { message: '-a --amend', all: true }));
    assert.deepEqual([filesOf(), last('%s')], [['a.txt'], '-a --amend']);
    assert.equal(ground.git('rev-list', '--count', 'HEAD').trim(), '4');
  });

  it('git:commit-hooks T16: hooks in another folder are named, and run only as they were', async () => {
    ground.put('tools/hooks/pre-commit', '#!/bin/sh\n', 0o755);
    ground.git('config', 'core.hooksPath', 'tools/hooks');
    ground.put('a.txt', 'two\n');
    const prepared = await ground.prepareGit('commit', { message: 'x', files: ['a.txt'] });
    assert.equal(detail(prepared, 'Hooks'), 'tools/hooks/pre-commit run if you approve');
    ground.put('tools/hooks/pre-commit', `#!/bin/sh\ntouch ${ground.canary}\n`, 0o755);
    assert.equal(codeOf(await ground.start(prepared)), 'APPROVAL_STALE');
    assert.equal(existsSync(ground.canary), false);
    assertSuccess(await ground.call('commit', { message: 'x', files: ['a.txt'] }));
    assert.equal(existsSync(ground.canary), true, 'git runs it, so that this test can fail');
  });

  it('git:commit-bound T16: the branch that a merge was begun with', async () => {
    ground.git('branch', 'good');
    ground.git('checkout', '-q', '-b', 'evil');
    ground.git('commit', '-q', '--allow-empty', '-m', 'evil');
    ground.git('checkout', '-q', 'good');
    ground.git('commit', '-q', '--allow-empty', '-m', 'good');
    ground.git('checkout', '-q', 'main');
    ground.git('merge', '-q', '--no-commit', '--no-ff', 'good');
    const merge = (branch: string): void => (ground.git('merge', '--quit'), void ground.git('merge', '-q', '--no-commit', '--no-ff', branch));
    const prepared = await ground.prepareGit('commit', { message: 'merged' });
    assert.equal(detail(prepared, 'Merges'), ground.git('rev-parse', 'good').trim());
    merge('evil');
    assert.equal(codeOf(await ground.start(prepared)), 'APPROVAL_STALE');
    ground.settle([], ['git']);
    const line = await ground.prepare('git commit -m merged');
    merge('good');
    assert.equal(codeOf(await ground.start(line)), 'APPROVAL_STALE');
    assertSuccess(await ground.call('commit', { message: 'merged' }));
    assert.equal(last('%P').split(' ').at(-1), ground.git('rev-parse', 'good').trim());
  });

  it('git:commit-bound: a submodule that the repository wants left out is shown all the same', async () => {
    const inner = (...args: readonly string[]): string => ground.gitIn('sub', ...args);
    ground.put('sub/f', 'one\n');
    inner('init', '-q');
    inner('add', '.');
    inner('commit', '-q', '-m', 'one');
    ground.git('add', 'sub');
    ground.git('commit', '-q', '-m', 'with sub');
    ground.git('config', 'diff.ignoreSubmodules', 'all');
    inner('commit', '-q', '--allow-empty', '-m', 'two');
    ground.put('a.txt', 'two\n');
    ground.git('add', '-f', 'sub', 'a.txt');
    const prepared = await ground.prepareGit('commit', { message: 'x' });
    assert.match(detail(prepared, 'Files'), /sub/);
    assert.equal(assertSuccess(await ground.start(prepared)).structured?.['asShown'], true);
    assert.deepEqual(filesOf(), ['a.txt', 'sub']);
    ground.git('config', '--unset', 'diff.ignoreSubmodules');
    for (const given of [{ files: ['sub'] }, { all: true }]) {
      inner('commit', '-q', '--allow-empty', '-m', 'seen');
      const bound = await ground.prepareGit('commit', { message: 'x', ...given });
      inner('commit', '-q', '--allow-empty', '-m', 'unseen');
      assert.equal(codeOf(await ground.start(bound)), 'APPROVAL_STALE', JSON.stringify(given));
    }
  });

  it('git:commit-scope: commits deletions', async () => {
    ground.git('rm', '-q', 'a.txt');
    assertSuccess(await ground.call('commit', { message: 'gone', files: ['a.txt'] }));
    assert.deepEqual([filesOf(), ground.git('ls-files').trim()], [['a.txt'], 'b.txt']);
  });

  it('T41 git:commit-bound: asks again when the index, a file, the branch, the last commit or a hook changed', async () => {
    const changes: readonly (readonly [string, Record<string, unknown>, () => void])[] = [
      ['the index', {}, () => (ground.put('b.txt', 'sneaked\n'), ground.git('add', 'b.txt'))],
      ['a staged file', {}, () => (ground.put('a.txt', 'two!\n'), ground.git('add', 'a.txt'))],
      ['a named file', { files: ['a.txt'] }, () => ground.put('a.txt', 'TWO\n')],
      ['another known file', { all: true }, () => ground.put('b.txt', 'sneaked\n')],
      ['the branch', {}, () => ground.git('checkout', '-q', '-B', 'side')],
      ['the last commit', {}, () => ground.git('commit', '-q', '--allow-empty', '--only', '-m', 'between')],
    ];
    for (const [what, given, change] of changes) {
      ground.git('checkout', '-q', '-f', '-B', 'main', 'HEAD');
      ground.put('a.txt', `two ${what}\n`);
      ground.git('add', 'a.txt');
      const prepared = await ground.prepareGit('commit', { message: 'x', ...given });
      assert.equal(digestOfFacts(prepared.facts), digestOfFacts((await ground.prepareGit('commit', { message: 'x', ...given })).facts), `${what}: the same twice`);
      change();
      const before = ground.git('rev-parse', 'HEAD');
      assert.notEqual(digestOfFacts(prepared.facts), digestOfFacts((await ground.prepareGit('commit', { message: 'x', ...given })).facts), what);
      assert.equal(codeOf(await ground.start(prepared)), 'APPROVAL_STALE', what);
      assert.equal(ground.git('rev-parse', 'HEAD'), before, what);
      ground.git('reset', '-q', '--hard');
    }
    ground.put('a.txt', 'again\n');
    ground.git('add', 'a.txt');
    const prepared = await ground.prepareGit('commit', { message: 'x' });
    ground.put('.git/hooks/pre-commit', `#!/bin/sh\ntouch ${ground.canary}\n`, 0o755);
    assert.notEqual(digestOfFacts(prepared.facts), digestOfFacts((await ground.prepareGit('commit', { message: 'x' })).facts));
    assert.equal(codeOf(await ground.start(prepared)), 'APPROVAL_STALE');
    assert.equal(existsSync(ground.canary), false);
  });

  it('git:commit-hooks: an approved commit runs them, and a hook that says no is heard', async () => {
    ground.put('a.txt', 'two\n');
    ground.git('add', 'a.txt');
    ground.put('.git/hooks/pre-commit', '#!/bin/sh\necho "no tabs please" >&2\nexit 1\n', 0o755);
    assert.match(await ground.trouble('commit', { message: 'x' }), /no tabs please/);
    ground.put('.git/hooks/pre-commit', `#!/bin/sh\necho sneaked > ${ground.project}/b.txt\ngit add b.txt\n`, 0o755);
    const { structured, text } = assertSuccess(await ground.call('commit', { message: 'x' }));
    assert.equal(structured?.['asShown'], false);
    assert.match(text, /What was committed is not what was shown/);
  });

  it('git:commit-silent: where settings let it, it runs without asking, and then no hook runs', async () => {
    ground.configure({ plugins: { git: { requireApproval: [] } } });
    ground.put('a.txt', 'two\n');
    ground.git('add', 'a.txt');
    assert.equal(await ground.judgedAs('commit', { message: 'x' }), 'allow git.allowed');
    const prepared = await ground.prepareGit('commit', { message: 'x' });
    ground.put('.git/hooks/pre-commit', `#!/bin/sh\ntouch ${ground.canary}\n`, 0o755);
    assert.equal(codeOf(await ground.start(prepared)), 'APPROVAL_STALE', 'the hook appeared after the verdict');
    assert.equal(await ground.judgedAs('commit', { message: 'x' }), 'approve shell.gitHooks');
    assert.equal(existsSync(ground.canary), false);
  });

  it('git:commit-trouble: says what is wrong and what to do', async () => {
    assert.match(await ground.trouble('commit', { message: 'x' }), /Nothing is staged/);
    assert.match(await ground.trouble('commit', { message: ' \n' }), /message is empty/);
    assert.match(await ground.trouble('commit', { message: 'a\ud800' }), /surrogate/);
    assert.match(await ground.trouble('commit', { message: 'a\0b' }), /NUL/);
    assert.match(await ground.trouble('commit', { message: 'x', files: ['a.txt'] }), /no changes/);
    assert.match(await ground.trouble('commit', { message: 'x', files: ['missing.txt'] }), /knows no file missing\.txt/);
    assert.match(await ground.trouble('commit', { message: 'x', files: ['a.txt'], all: true }), /not both/);
    ground.put('.gitignore', 'dist\n');
    ground.put('dist/x', 'x');
    assert.match(await ground.trouble('commit', { message: 'x', files: ['dist/x'] }), /ignores it/);
    assert.equal(await ground.judgedAs('commit', { message: 'a\u202eb', files: ['.gitignore'] }), 'deny shell.hidden');
    assert.equal(await ground.judgedAs('commit', { message: 'x', files: ['../x'] }), 'deny path.outside');
    symlinkSync(ground.folder, join(ground.project, 'out'));
    assert.equal(await ground.judgedAs('commit', { message: 'x', files: ['out/x'] }), 'deny path.outside');
  });

  it('git:commit-identity: nobody commits namelessly', async () => {
    ground.git('config', '--unset', 'user.name');
    ground.git('config', 'user.useConfigOnly', 'true');
    ground.git('config', '--unset', 'user.email');
    ground.put('a.txt', 'two\n');
    ground.git('add', 'a.txt');
    const own = process.env['HOME'];
    process.env['HOME'] = ground.folder;
    try {
      const outcome = await ground.call('commit', { message: 'x' });
      assert.ok(outcome.kind === 'failure');
      assert.match(outcome.error.message, /does not know who commits/);
      assert.match(outcome.error.next, /git config --global user\.name/);
    } finally {
      process.env['HOME'] = own;
    }
  });

  it('git:commit-standing: the first commit, a detached head, a merge', async () => {
    ground.git('checkout', '-q', '--orphan', 'fresh');
    const first = assertSuccess(await ground.call('commit', { message: 'root' }));
    assert.deepEqual([first.structured?.['branch'], first.structured?.['parent'], first.structured?.['asShown']], ['fresh', undefined, true]);
    ground.git('checkout', '-q', '--detach');
    ground.put('a.txt', 'detached\n');
    assert.match(assertSuccess(await ground.call('commit', { message: 'd', all: true })).text, /on a detached head/);
    ground.git('checkout', '-q', '-b', 'side', 'main');
    ground.put('a.txt', 'side\n');
    ground.save('side');
    ground.git('checkout', '-q', 'main');
    ground.put('a.txt', 'main\n');
    ground.save('main');
    assert.throws(() => ground.git('merge', 'side'));
    assert.match(await ground.trouble('commit', { message: 'm' }), /Conflicts are not resolved in a\.txt/);
    ground.put('a.txt', 'both\n');
    ground.git('add', 'a.txt');
    assert.match(await ground.trouble('commit', { message: 'm', files: ['a.txt'] }), /only as a whole/);
    const prepared = await ground.prepareGit('commit', { message: 'm' });
    assert.match(detail(prepared, 'Commits onto'), /A merge is in progress/);
    assertSuccess(await ground.start(prepared));
    assert.equal(last('%P').split(' ').length, 2);
  });

  it('git:inside: refuses to commit staged files that lie outside the project', async () => {
    rmSync(join(ground.project, '.git'), { recursive: true });
    ground.gitIn('..', 'init', '-q', '-b', 'main');
    ground.gitIn('..', 'config', 'user.name', 'Ada');
    ground.gitIn('..', 'config', 'user.email', 'ada@example.com');
    writeFileSync(join(ground.folder, 'outside.txt'), 'x\n');
    ground.gitIn('..', 'add', 'outside.txt', 'project/a.txt');
    assert.match(await ground.trouble('commit', { message: 'x' }), /outside the project \(outside\.txt\)/);
    assertSuccess(await ground.call('commit', { message: 'x', files: ['a.txt', 'b.txt'] }));
    assert.deepEqual(filesOf(), ['project/a.txt', 'project/b.txt']);
  });

  it('keeps the message whole, whatever it holds', async () => {
    ground.put('a.txt', 'two\n');
    const message = `Fix "quotes" & $(things) 'here'\n\n\t# not a comment\nünïcode 🎉\n${'long '.repeat(2000)}end`;
    assertSuccess(await ground.call('commit', { message, all: true }));
    assert.equal(last('%B'), message);
    assert.equal(readFileSync(join(ground.project, '.git/COMMIT_EDITMSG'), 'utf8').trim(), message);
  });
});
