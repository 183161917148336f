import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, ShellProject } from '../../../../test/fakes/shellProject';
import { differences } from '../fact';

describe('approvals: what words of git mean', () => {
  let ground: ShellProject;
  beforeEach(() => {
    ground = new ShellProject(['git', 'ls', 'true'], ['touch']);
    ground.git('init', '-q', '-b', 'main');
    ground.git('config', 'user.name', 't');
    ground.git('config', 'user.email', 't@example.com');
    for (const text of ['first', 'EVIL', 'harmless', 'last']) commit(text);
    ground.git('branch', 'other', 'HEAD~1');
  });
  afterEach(() => ground.remove());

  function commit(text: string): void {
    ground.put('.vscode/tasks.json', `${text}\n`);
    ground.put('text', `${text}\n`);
    ground.git('add', '.');
    ground.git('commit', '-qm', text);
  }

  /** Everything that a person who is asked about the line would be told was changed. */
  async function toldOf(line: string, change: () => unknown): Promise<readonly string[]> {
    const before = await ground.prepare(line);
    assert.equal(before.verdict.verdict, 'approve', line);
    await change();
    const told = differences(before.facts, (await ground.prepare(line)).facts).map(({ label, key }) => `${label}: ${key}`);
    assert.equal(codeOf(await ground.start(before)), 'APPROVAL_STALE', line);
    return told;
  }

  it('T16 N1 a grant for one command is tied to what its words mean', async () => {
    for (const line of ['git checkout other -- .vscode', 'ls && git checkout other', 'git reset --hard other']) {
      const reach = (await ground.prepare(line)).reach?.();
      const unit = reach?.kind === 'commands' ? reach.units.at(-1) : undefined;
      assert.ok(unit?.ties.some(({ label, key, value }) => label === 'In the repository' && key === 'other' && value === ground.git('rev-parse', 'other').trim()), line);
      assert.deepEqual(unit?.standing.filter(({ label }) => label === 'In the repository'), []);
    }
  });

  it('approvals:revision-bound T16: an approved revision that is another one by now runs nothing', async () => {
    assert.deepEqual(await toldOf('git checkout HEAD~1 -- .vscode/tasks.json', () => ground.silent('git reset --soft HEAD~1')), ['In the repository: HEAD', 'In the repository: HEAD~1']);
    assert.equal(readFileSync(join(ground.project, '.vscode/tasks.json'), 'utf8'), 'last\n');
  });

  it('T16: what is approved for the branch that HEAD stands for is not done to another one at the same commit', async () => {
    ground.git('branch', 'feature');
    assert.deepEqual(await toldOf('git reset --hard HEAD~2', () => ground.silent('git switch feature')), ['In the repository: HEAD', 'In the repository: HEAD~2']);
  });

  it('T16: a tag that takes the name of a branch while a person is asked', async () => {
    assert.ok((await toldOf('git checkout other -- .vscode/tasks.json', () => ground.git('tag', 'other', 'other'))).includes('In the repository: other'));
  });

  for (const line of ['git restore --no-recurse-submodules -sother .vscode/tasks.json', 'git pull -q --no-rebase --no-edit . other:x', "git push origin 'refs/heads/*:refs/heads/*'"]) {
    it(`T16: ${line}: what names a branch in a form that is not understood`, async () => {
      assert.ok((await toldOf(line, () => ground.git('update-ref', 'refs/heads/other', 'main~2'))).includes('In the repository: all branches and tags'));
    });
  }

  const move = (): unknown => ground.git('update-ref', 'refs/heads/other', 'main~2');

  for (const line of ['git checkout other -- .vscode', 'git checkout other', 'git switch other', 'git restore --source=other .vscode', 'git restore -s other .vscode', 'timeout 9 git checkout other -- .vscode', 'git -c x.y=z log main..other', 'git unheard-of other', 'git unheard-of --from=^other']) {
    it(`T16: ${line}`, async () => {
      ground.settle(['git', 'timeout']);
      const told = await toldOf(line, move);
      assert.ok(told.includes('In the repository: other'), told.join());
    });
  }

  it('T16: a branch of another repository, where a last commit was before, and what was fetched', async () => {
    ground.git('update-ref', 'refs/remotes/origin/theirs', 'main~1');
    assert.deepEqual(await toldOf('git checkout theirs', () => ground.git('update-ref', 'refs/remotes/origin/theirs', 'main~2')), ['In the repository: theirs']);
    ground.put('.git/FETCH_HEAD', `${ground.git('rev-parse', 'main~1').trim()}\t\tbranch 'x' of y\n`);
    const told = await toldOf('git checkout FETCH_HEAD -- .vscode', () => ground.put('.git/FETCH_HEAD', `${ground.git('rev-parse', 'main~2').trim()}\t\tbranch 'x' of y\n`));
    assert.ok(told.includes('In the repository: FETCH_HEAD'), told.join());
    ground.git('checkout', '-q', '-b', 'a', 'main~2');
    ground.git('checkout', '-q', 'main~1');
    assert.ok((await toldOf('git checkout - -- .vscode', () => ground.git('checkout', '-q', 'main'))).includes('In the repository: @{-1}'));
  });

  it('T16: what is staged, and a stash', async () => {
    ground.settle([], ['git']);
    ground.put('text', 'seen\n');
    ground.git('add', 'text');
    const stage = (text: string) => () => (ground.put('text', text), ground.git('add', 'text'));
    assert.deepEqual(await toldOf("git commit -m 'what is seen'", stage('unseen\n')), ['In the repository: what is staged']);
    assert.ok((await toldOf('git restore text', stage('unseen again\n'))).includes('In the repository: what is staged'));
    ground.git('stash');
    ground.put('text', 'second\n');
    assert.ok((await toldOf('git stash pop', () => ground.git('stash'))).includes('In the repository: stash@{0}'));
  });

  it('T16: all that a push takes along, and a stash that nobody named', async () => {
    ground.settle([], ['git']);
    for (const line of ['git push', 'git push --all', 'git push origin', 'git push --tags origin main']) {
      const told = await toldOf(line, () => ground.git('update-ref', 'refs/heads/other', line.endsWith('--all') ? 'main' : `main~${line.length % 3}`));
      assert.ok(told.includes('In the repository: all branches and tags'), `${line}: ${told.join()}`);
      ground.git('update-ref', 'refs/heads/other', 'main~3');
    }
    const stash = (text: string): unknown => (ground.put('text', text), ground.git('stash'));
    stash('a');
    assert.ok((await toldOf('git stash drop', () => stash('b'))).includes('In the repository: stash@{0}'));
  });

  it('T16: the stash that a number names, and all of them where the form is not understood', async () => {
    ground.settle([], ['git']);
    const stash = (text: string): unknown => (ground.put('text', text), ground.git('stash'));
    for (const text of ['a', 'b', 'c']) stash(text);
    for (const line of ['git stash drop 1', 'git stash drop -q 1', "git stash drop 'stash@{1}'", 'git stash pop 1', 'git stash branch new 1']) assert.ok((await toldOf(line, () => ground.git('stash', 'drop', '-q', 'stash@{1}'))).includes('In the repository: stash@{1}'), (stash(line), line));
    assert.ok((await toldOf('git stash clear', () => stash('d'))).includes('In the repository: all stashes'));
  });

  it('T16: git clean keeps what is staged, so that it rests on it', async () => {
    ground.put('new', 'x\n');
    ground.git('add', 'new');
    assert.deepEqual(await toldOf('git clean -fd', () => ground.silent('git rm --cached -q new')), ['In the repository: what is staged']);
    assert.equal(readFileSync(join(ground.project, 'new'), 'utf8'), 'x\n');
  });

  it('approvals:unnamed-bound T16: files that nobody names are taken as they were shown, or not at all', async () => {
    ground.settle([], ['git']);
    ground.put('text', 'seen\n');
    for (const line of ['git commit -am x', 'git commit --all -m x', 'git add --update', 'git add -u .']) assert.deepEqual(await toldOf(line, () => ground.put('text', `unseen by ${line}\n`)), ['In the repository: all changed files'], line);
    for (const line of ["git commit -m x 'te*'", 'git commit -m x :/']) assert.ok((await toldOf(line, () => ground.put('text', `unseen by ${line}\n`))).includes('In the repository: all changed files'), line);
    for (const line of ['git add -A', 'git add --all']) assert.deepEqual(await toldOf(line, () => ground.put(`new by ${line}`, 'x')), ['In the repository: all changed and new files'], line);
    assert.deepEqual(await toldOf('git commit -am x', () => ground.put('text', 'unseen\n', 0o755)), ['In the repository: all changed files']);
    assert.ok((await ground.prepare('git commit -am x')).facts.some(({ key, value }) => key === 'all changed files' && value.startsWith('1: text sha256:')));
    assert.equal((await ground.run('git commit -qam x')).kind, 'success');
    assert.equal(ground.git('show', 'HEAD:text'), 'unseen\n');
  });

  it('T16: tells where they are not bound, since comparing them would run programs', async () => {
    ground.settle([], ['git']);
    const told = async (line: string): Promise<boolean> => (await ground.prepare(line)).show.details.some(([label, text]) => label === 'Not bound' && text.includes('all changed files'));
    for (const line of ['git commit -am x', 'git add -A', 'git add text', 'git commit -m x -- -a']) assert.equal(await told(line), false, line);
    ground.git('config', 'filter.x.clean', ground.script);
    ground.put('.git/info/attributes', '* filter=x\n');
    ground.put('text', 'longer than before\n');
    for (const line of ['git commit -am x', 'git commit --all -m x', 'git add -A', 'git add --update']) assert.equal(await told(line), true, line);
    for (const line of ['git add text', 'git commit -m x -- -a']) assert.equal(await told(line), false, line);
    assert.equal(existsSync(ground.canary), false);
  });

  it('T16: a later command of the line is told to be loose, once an earlier one may change what it means', async () => {
    const loose = async (line: string) => (await ground.prepare(line)).show.details.filter(([label]) => label === 'Not bound').map(([, text]) => text.split(':', 1)[0] ?? '').filter((text) => !text.startsWith('/'));
    assert.deepEqual(await loose('git checkout other -- .vscode && touch x'), []);
    assert.deepEqual(await loose('ls && git checkout other -- .vscode'), []);
    assert.deepEqual(await loose('git reset --soft other && git checkout HEAD~1 -- .vscode'), ['HEAD', 'HEAD~1', 'what is staged']);
  });

  it('runs what was approved', async () => {
    const outcome = await ground.run('ls && git checkout HEAD~1 -- .vscode/tasks.json && git reset --soft other && git checkout HEAD~1 -- .vscode/tasks.json');
    assert.equal(outcome.kind, 'success', JSON.stringify(outcome));
    assert.equal(readFileSync(join(ground.project, '.vscode/tasks.json'), 'utf8'), 'EVIL\n');
  });

  it('refuses more words than anybody could look up', async () => {
    assert.equal(await ground.verdict(`git unheard-of ${Array.from({ length: 33 }, (_, index) => `main~${index}`).join(' ')}`), 'deny shell.manyFiles');
  });
});
