import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BranchedProject } from '../../../../test/fakes/branchedProject';
import { ShellProject } from '../../../../test/fakes/shellProject';

const allowed = ['git', 'cat', 'cd', 'sleep', 'echo'];

describe('git: files that a command writes', () => {
  let ground: BranchedProject;
  const commit = (message: string): void => ground.commit(message);
  const branch = (name: string, change: () => unknown): void => ground.branch(name, change);
  beforeEach(() => { ground = new BranchedProject(allowed); });
  afterEach(() => ground.remove());

  it('T7 asks when they would be control files', async () => {
    for (const line of ['git checkout evil', 'git switch evil', 'git switch -c mine evil', 'git checkout -b mine evil', 'git checkout evil -- .', 'git checkout evil .npmrc', "git checkout evil -- '.np*'", 'git checkout evil -- .vscode .npmrc', 'git restore --source=evil .npmrc', 'git restore -s evil .', 'git merge evil', 'git merge --squash evil', 'git cherry-pick evil', 'git rebase evil', 'git rebase --onto main~0 main evil', 'git checkout --detach evil', 'git checkout evil^0']) {
      assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    }
    ground.git('checkout', '-q', 'evil');
    for (const line of ['git checkout main', 'git checkout -', 'git switch -', 'git revert --no-edit HEAD', 'git rm .npmrc', "git rm '*npm*'"]) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
  });

  it('T7 asks where the name of a branch also means something else, since git switches to the branch and looks names up elsewhere', async () => {
    const main = ground.git('rev-parse', 'main').trim();
    const ways: readonly (readonly [make: readonly string[], undo: readonly string[], lines: readonly string[]])[] = [
      [['tag', 'evil', 'main'], ['tag', '-d', 'evil'], ['git switch evil', 'git checkout evil', 'git checkout evil -- .', 'git switch --detach evil', 'git checkout -b n evil', 'git rebase main evil']],
      [['branch', main, 'evil'], ['branch', '-D', main], [`git switch ${main}`, `git checkout ${main}`]],
      [['branch', 'heads/main', 'evil'], ['branch', '-D', 'heads/main'], ['git switch heads/main']],
      [['branch', 'main-worktree/HEAD', 'evil'], ['branch', '-D', 'main-worktree/HEAD'], ['git switch main-worktree/HEAD']],
      [['update-ref', 'refs/heads/HEAD', 'evil'], ['update-ref', '-d', 'refs/heads/HEAD'], ['git checkout HEAD -- .']],
    ];
    for (const [make, undo, lines] of ways) {
      ground.git(...make);
      for (const line of lines) assert.match(await ground.verdict(line), /^approve /, `${make.join(' ')}: ${line}`);
      ground.git(...undo);
    }
    assert.equal(await ground.verdict('git switch good'), 'allow shell.allowed');
  });

  it('T7 asks where a file of git itself has the name of a branch, as during a rebase', async () => {
    for (const name of ['AUTO_MERGE', 'rebase-merge/onto', 'sequencer/head', 'deploy']) {
      ground.git('branch', name, 'evil');
      assert.equal(await ground.verdict('git switch good'), 'allow shell.allowed', name);
      ground.put(`.git/${name}`, ground.git('rev-parse', 'good'));
      assert.equal(ground.git('rev-parse', '-q', name), ground.git('rev-parse', 'good'), 'git takes the file, so that this test can fail');
      for (const line of [`git switch ${name}`, `git checkout ${name}`]) assert.equal(await ground.verdict(line), 'approve shell.gitWrites', line);
      ground.git('branch', '-D', name);
      rmSync(join(ground.project, '.git', name.split('/', 1)[0] ?? name), { recursive: true });
    }
  });

  it('T7 makes no branch unasked whose name also means something else', async () => {
    ground.git('config', 'remote.origin.url', 'https://127.0.0.1:1/x');
    for (const name of ['HEAD', 'FETCH_HEAD', 'refs/heads/x', 'tags/x', 'a'.repeat(40), '@']) {
      for (const line of [`git switch -c ${name}`, `git checkout -b ${name}`, `git fetch origin x:refs/heads/${name}`]) assert.equal(await ground.verdict(line), 'approve shell.arguments', line);
    }
    for (const line of ['git fetch origin x:HEAD', 'git fetch origin x:heads/HEAD', 'git push origin x:refs/heads/HEAD']) assert.equal(await ground.verdict(line), 'approve shell.arguments', line);
    for (const line of ['git switch -c topic/heads', 'git fetch origin x:refs/remotes/origin/x', 'git fetch origin x:heads/y', 'git fetch origin HEAD', 'git push origin HEAD']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
  });

  it('T7 reads `HEAD:folder` as git does, whatever stands beside it under a longer name', async () => {
    ground.put('tpl/.vscode/tasks.json', '{}\n');
    ground.put('tpl^{tree}/zz', 'x\n');
    commit('a folder that is named like a question');
    assert.equal(await ground.verdict("git restore --source=HEAD:tpl -- '.vscod?/*'"), 'approve shell.controlFile');
    assert.equal(await ground.verdict("git checkout HEAD:tpl -- ':(glob).vscod?/**'"), 'approve shell.controlFile');
  });

  it('T30 keeps git in the write scope', async () => {
    ground.scope(['src/**']);
    assert.equal(await ground.verdict('git checkout good'), 'deny shell.writeScope');
    assert.equal(await ground.verdict('git merge --no-edit good'), 'deny shell.writeScope');
    ground.scope(['*.txt']);
    assert.equal(await ground.verdict('git checkout good'), 'allow shell.allowed');
    assert.equal(await ground.verdict('git mv x y'), 'deny shell.writeScope');
  });

  it('T7 asks when they would be links', async () => {
    for (const line of ['git checkout links', 'git merge links', 'git checkout links -- etc', 'git cherry-pick links']) assert.equal(await ground.verdict(line), 'approve shell.gitLinks', line);
  });

  it('T7 asks when nobody can say', async () => {
    for (const line of ['git pull', 'git checkout main...evil', 'git cherry-pick main..good', 'git bisect reset', 'git bisect start good main', 'git checkout nowhere', 'git merge FETCH_HEAD', 'git --literal-pathspecs checkout good -- a.txt', 'git rebase --abort']) {
      const rule = line === 'git pull' ? 'approve shell.arguments' : 'approve shell.gitWrites';
      assert.equal(await ground.verdict(line), rule, line);
    }
  });

  it('is silent for ordinary files, and does what git does', async () => {
    await ground.silent('git checkout good -- a.txt');
    assert.equal(readFileSync(join(ground.project, 'a.txt'), 'utf8'), 'good\n');
    await ground.silent('git stash');
    await ground.silent('git stash pop');
    await ground.silent('git restore --staged --worktree a.txt');
    await ground.silent('git merge --no-edit good');
    await ground.silent('git switch -c another');
    await ground.silent('git checkout -');
    await ground.silent('git revert --no-edit HEAD');
    await ground.silent('git rebase good');
    await ground.silent('git mv a.txt c.txt');
    await ground.silent('git rm --cached c.txt');
    await ground.silent('git log --oneline');
  });

  it('T7 looks at what a branch of a remote would bring under its short name', async () => {
    ground.git('update-ref', 'refs/remotes/origin/theirs', 'evil');
    ground.git('update-ref', 'refs/remotes/origin/fine', 'good');
    assert.equal(await ground.verdict('git checkout theirs'), 'approve shell.controlFile');
    assert.equal(await ground.verdict('git switch fine'), 'allow shell.allowed');
  });

  it('T7 looks into a stash, and at what making one puts back', async () => {
    ground.git('reset', '-q', '--soft', 'evil');
    assert.equal(await ground.verdict('git stash'), 'approve shell.controlFile');
    ground.git('reset', '-q', '--hard', 'main');
    ground.put('.envrc', 'x\n');
    ground.git('stash', '-u', '-q');
    assert.equal(await ground.verdict('git stash pop'), 'approve shell.controlFile');
    assert.equal(await ground.verdict('git stash apply 0'), 'approve shell.controlFile');
  });

  it('T7 looks at what is staged before a merge, since a merge that fails brings it into the work tree', async () => {
    branch('one', () => ground.put('a.txt', 'first\n'));
    ground.git('checkout', '-q', 'good');
    assert.equal(await ground.verdict('git merge --no-edit one'), 'allow shell.allowed');
    await ground.silent("git restore --staged --source=evil '.vscode/tasks.jso?'").catch(() => ground.git('restore', '--staged', '--source=evil', '.vscode/tasks.json'));
    for (const line of ['git merge --no-edit one', 'git merge --squash one', 'git merge one links']) assert.match(await ground.verdict(line), /^approve shell\.(controlFile|gitLinks)$/, line);
    assert.throws(() => ground.git('merge', '--no-edit', 'one'));
    assert.ok(existsSync(join(ground.project, '.vscode/tasks.json')), 'git writes it, so that this test can fail');
  });

  it('T7 takes no word for a file that checkout also takes for a commit or a tree', async () => {
    const tree = ground.git('rev-parse', 'evil^{tree}').trim();
    for (const word of ['evil...evil', 'evil:', tree, '-']) {
      ground.put(word, 'x');
      ground.git('add', '--', `:(literal)${word}`);
      rmSync(join(ground.project, word));
      assert.equal(await ground.verdict({ command: 'git', args: ['checkout', word, '.'] }), 'approve shell.gitWrites', word);
    }
    assert.equal(await ground.verdict('git checkout evil...evil'), 'approve shell.gitWrites');
    assert.equal(await ground.verdict('git checkout a.txt'), 'allow shell.allowed');
  });

  it('T7 goes silently only to what checkout and switch can take for one branch, tag or commit, or for files that are there', async () => {
    ground.git('tag', '-a', 'v1', '-m', 'v1', 'good');
    ground.git('update-ref', 'refs/remotes/origin/@scope/ü', 'good');
    ground.git('update-ref', 'refs/remotes/origin/far', 'good');
    const id = ground.git('rev-parse', 'good').trim();
    for (const word of ['good', 'v1', 'v1~1', 'good^', id, id.slice(0, 9), '@', 'HEAD', 'origin/far', 'far', '@scope/ü', 'a.txt', 'x']) assert.equal(await ground.verdict({ command: 'git', args: ['checkout', word] }), 'allow shell.allowed', word);
    for (const line of ['git switch -c n v1', 'git checkout -b n origin/far', 'git switch --detach good~1', 'git checkout good a.txt', 'git checkout a.txt x']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
    const tree = ground.git('rev-parse', 'evil^{tree}').trim();
    for (const word of ['good^{}', 'good@{0}', ':/one', 'evil^{tree}', tree, 'good:', 'main..good', '^good', 'good^!', 'a.tx?', './missing', ':(top)a.txt']) {
      assert.equal(await ground.verdict({ command: 'git', args: ['checkout', word] }), 'approve shell.gitWrites', word);
      if (!word.includes('a.tx')) assert.match(await ground.verdict({ command: 'git', args: ['switch', '--detach', word] }), /^approve shell.gitWrites$/, word);
    }
    assert.equal(await ground.verdict({ command: 'git', args: ['checkout', '--', 'a.tx?'] }), 'allow shell.allowed');
  });

  it('T7 looks at what a merge that fails would write, also where only the work tree is another', async () => {
    branch('one', () => ground.put('b.txt', '1\n'));
    ground.git('reset', '-q', 'evil');
    assert.equal(existsSync(join(ground.project, '.npmrc')), false);
    assert.equal(await ground.verdict('git merge --no-edit one'), 'approve shell.controlFile');
    for (const line of ['git switch -m good', 'git checkout --merge good']) assert.match(await ground.verdict(line), /^approve /, line);
  });

  it('T7 sees control files of a repository that lies in a folder of them', async () => {
    const inner = join(ground.project, '.claude');
    mkdirSync(inner);
    ground.git('-C', inner, 'init', '-q');
    ground.put('.claude/settings.json', '1');
    ground.git('-C', inner, 'add', '-A');
    ground.git('-C', inner, '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-qm', 'one');
    ground.put('.claude/settings.json', '2');
    assert.match(await ground.verdict('git -C .claude restore settings.json'), /^approve shell\.(controlFile|git)/);
    assert.match(await ground.verdict('git -C .claude checkout HEAD settings.json'), /^approve shell\.(controlFile|git)/);
  });

  it('T7 sees control names that begin above the top of an inner repository', async () => {
    const inner = join(ground.project, '.github');
    ground.put('.github/workflows/ci.yml', '1');
    ground.git('-C', inner, 'init', '-q');
    for (const text of ['1', '2']) {
      ground.put('.github/workflows/ci.yml', text);
      ground.git('-C', inner, 'add', '-A');
      ground.gitIn('.github', 'commit', '-qm', text);
    }
    for (const line of ['git -C .github restore --source=HEAD~1 workflows', 'git -C .github checkout HEAD~1']) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    assert.equal(await ground.verdict({ command: 'git checkout HEAD~1', cwd: '.github' }), 'approve shell.controlFile');
  });

  it('T7 asks where a file would take the place of a folder, with all that lies in it', async () => {
    branch('file', () => ground.put('pkg', 'a file\n'));
    assert.equal(await ground.verdict('git checkout file -- pkg'), 'allow shell.allowed');
    ground.put('pkg/work.txt', 'nowhere else\n');
    for (const line of ['git checkout file -- pkg', 'git restore --source=file pkg', 'git switch file', 'git checkout file']) assert.equal(await ground.verdict(line), 'approve shell.gitWrites', line);
  });

  it('T31 asks for a file that gives orders also where a pattern stands for its name', async () => {
    ground.put('package.json', '{}\n');
    commit('package');
    for (const line of ["git rm 'packag?.json'", "git checkout main~1 -- 'packag*'", "git restore --source=main~1 'pack*.json'"]) assert.match(await ground.verdict(line), /^approve shell\.(controlFile|gitWrites)/, line);
  });

  it('T7 takes no word before "--" for a file', async () => {
    ground.git('update-ref', 'refs/remotes/origin/far', 'evil');
    ground.put('far', 'x');
    ground.git('add', 'far');
    assert.equal(await ground.verdict('git checkout far'), 'allow shell.allowed', 'git itself refuses what can be both');
    assert.equal(await ground.verdict('git checkout far --'), 'approve shell.controlFile');
    assert.equal(await ground.verdict('git checkout good a.txt --'), 'approve shell.gitWrites');
    assert.equal(await ground.verdict('git checkout good --'), 'allow shell.allowed');
  });

  it('T7 shows names of files as what they are', async () => {
    branch('odd', () => ground.put('.vscode/t\u202e\nWhy: nothing', 'x'));
    const { verdict } = await ground.prepare('git checkout odd');
    assert.equal(verdict.verdict, 'approve');
    assert.doesNotMatch(verdict.reason, /[\n\u202e]/);
  });

  it('T7 what is put away for a while asks', async () => {
    for (const line of ['git merge --autostash good', 'git rebase --autostash good']) assert.equal(await ground.verdict(line), 'approve shell.gitWrites', line);
    assert.equal(await ground.verdict('git merge --no-autostash --no-edit good'), 'allow shell.allowed');
  });

  it('T7 looks at every commit that a rebase replays', async () => {
    ground.git('checkout', '-q', 'evil');
    ground.git('rm', '-rq', '.npmrc', '.vscode');
    commit('hidden again');
    assert.equal(await ground.verdict('git rebase good'), 'approve shell.controlFile');
  });

  it('T7 looks where moved folders and their files arrive', async () => {
    assert.equal(await ground.verdict('git mv x .github'), 'approve shell.controlFile');
    mkdirSync(join(ground.project, '.github'));
    assert.equal(await ground.verdict('git mv -f x/workflows .github'), 'approve shell.controlFile');
    assert.equal(await ground.verdict('git mv x y'), 'allow shell.allowed');
    ground.put('hub/kept.txt', 'x\n');
    ground.git('add', 'hub/kept.txt');
    ground.put('hub/workflows/untracked.yml', 'on: push\n');
    assert.equal(await ground.verdict('git mv hub .github'), 'approve shell.controlFile', 'what is not tracked moves along');
  });

  it('an unfinished merge can be given up', async () => {
    ground.put('a.txt', 'mine\n');
    commit('mine');
    assert.throws(() => ground.git('merge', 'good'));
    await ground.silent('git merge --abort');
    assert.equal(readFileSync(join(ground.project, 'a.txt'), 'utf8'), 'mine\n');
  });

  it('T7 asks for files of the repository outside the project', async () => {
    const top = new ShellProject(allowed);
    top.gitIn('..', 'init', '-q', '-b', 'main');
    writeFileSync(join(top.folder, 'above.txt'), 'one\n');
    top.put('a.txt', 'one\n');
    top.gitIn('..', 'add', '-A');
    top.gitIn('..', 'commit', '-q', '-m', 'one');
    top.gitIn('..', 'branch', 'two');
    writeFileSync(join(top.folder, 'above.txt'), 'two\n');
    top.gitIn('..', 'commit', '-q', '-a', '-m', 'two');
    assert.equal(await top.verdict('git checkout two'), 'approve shell.outside');
    assert.equal(await top.verdict('git checkout two -- a.txt'), 'allow shell.allowed');
    top.remove();
  });

  it('T7 does not compare files when that would run a filter', async () => {
    ground.git('config', 'filter.x.clean', ground.script);
    ground.put('.git/info/attributes', '* filter=x\n');
    ground.put('a.txt', 'two\n');
    assert.equal(await ground.verdict('git checkout -- a.txt'), 'approve shell.gitPrograms');
    assert.equal(existsSync(ground.canary), false);
  });
});
