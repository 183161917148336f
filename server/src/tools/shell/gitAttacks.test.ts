import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gitEnvironment, type GitMode } from './environment';
import { askGit, askGitText } from './gitQuestion';
import { maxInnerRepositories } from './repository';
import { resolveBinary } from './resolve';
import { ShellProject } from '../../../../test/fakes/shellProject';

const allowed = ['git', 'cat', 'cd', 'sleep', 'echo'];

describe('git: operands that may be files', () => {
  let ground: ShellProject;
  beforeEach(() => {
    ground = new ShellProject(allowed);
    writeFileSync(join(ground.folder, 'outside.txt'), 'secret\n');
    writeFileSync(join(ground.configDir, 'control.key'), 'key\n');
    ground.put('b.txt', 'b\n');
    ground.put('ab:c/x', 'x\n');
  });
  afterEach(() => ground.remove());

  it('T7 takes a name with a colon for a file where git does', async () => {
    for (const line of ["git diff --no-index 'ab:c/../../outside.txt' b.txt", "git diff 'ab:c/../../outside.txt' b.txt", "git grep --no-index x 'ab:c/../../outside.txt'", 'git diff --no-index HEAD:../x b.txt']) {
      assert.equal(await ground.verdict(line), 'approve shell.outside', line);
    }
    assert.equal(await ground.verdict("git diff --no-index 'ab:c/../../config/control.key' b.txt"), 'deny shell.ownFolder');
    symlinkSync('/etc', join(ground.project, 'ab:c/etc'));
    assert.equal(await ground.verdict("git diff --no-index 'ab:c/etc/passwd' b.txt"), 'approve shell.outside');
    assert.equal(await ground.verdict("git diff --no-index 'ab:c/x' b.txt"), 'allow shell.allowed');
  });

  it('still shows files of history without asking', async () => {
    ground.git('init', '-q', '-b', 'main');
    ground.git('add', '.');
    ground.git('commit', '-q', '-m', 'one');
    assert.equal(await ground.silent('git show HEAD:b.txt'), 'b\n');
    assert.equal(await ground.verdict('git show HEAD:../b.txt'), 'approve shell.outside');
  });
});

describe('git: repositories inside a repository', () => {
  let ground: ShellProject;
  beforeEach(() => {
    ground = new ShellProject(allowed);
    ground.git('init', '-q', '-b', 'main');
    ground.put('a.txt', 'one\n');
    ground.git('add', '.');
    ground.git('commit', '-q', '-m', 'one');
  });
  afterEach(() => ground.remove());

  /** A repository at a path, with one file that the filter `x` would clean, and changed content. */
  function inner(path: string): void {
    mkdirSync(join(ground.project, path), { recursive: true });
    ground.gitIn(path, 'init', '-q', '-b', 'main');
    ground.put(`${path}/.gitattributes`, '* filter=x\n');
    ground.put(`${path}/f`, 'one\n');
    ground.gitIn(path, 'add', '.');
    ground.gitIn(path, 'commit', '-q', '-m', 'inner');
    ground.put(`${path}/f`, 'two\n');
  }

  const entering = ['git status', 'git diff', 'git add -u', 'git describe --all --dirty', 'git diff-index HEAD', 'git stash list', 'git -C emb status'];

  it('T7 asks when one that the index knows names programs', async () => {
    inner('emb');
    ground.git('add', 'emb');
    ground.git('commit', '-q', '-m', 'two');
    for (const line of ['git status', 'git diff']) await ground.silent(line);
    ground.gitIn('emb', 'config', 'filter.x.clean', ground.script);
    for (const line of entering) assert.equal(await ground.verdict(line), 'approve shell.gitPrograms', line);
    assert.equal(existsSync(ground.canary), false);
    // As long as before, so that git has to read it through the filter to see whether it changed.
    ground.put('emb/f', 'six\n');
    ground.git('status');
    assert.equal(existsSync(ground.canary), true, 'git alone runs it, so that this test can fail');
  });

  it('T7 looks at every depth', async () => {
    inner('emb/deep');
    ground.gitIn('emb', 'init', '-q', '-b', 'main');
    ground.gitIn('emb', 'add', 'deep');
    ground.gitIn('emb', 'commit', '-q', '-m', 'holds deep');
    ground.git('add', 'emb');
    await ground.silent('git status');
    ground.gitIn('emb/deep', 'config', 'filter.x.clean', ground.script);
    assert.equal(await ground.verdict('git status'), 'approve shell.gitPrograms');
  });

  it('T7 does not care what a submodule is called, or that its configuration lies elsewhere', async () => {
    const source = join(ground.folder, 'source');
    mkdirSync(source);
    ground.gitIn('../source', 'init', '-q', '-b', 'main');
    ground.gitIn('../source', 'commit', '-q', '--allow-empty', '-m', 'x');
    for (const name of ['info', 'hooks', 'a/b/c/d/e']) {
      const path = `sub-${name.length}`;
      ground.git('submodule', 'add', '-q', '--name', name, source, path);
      assert.equal(await ground.verdict('git status'), 'allow shell.allowed', name);
      ground.gitIn(path, 'config', 'filter.x.clean', ground.script);
      assert.equal(await ground.verdict('git status'), 'approve shell.gitPrograms', name);
      ground.gitIn(path, 'config', '--unset', 'filter.x.clean');
    }
  });

  it('T7 asks when there are more of them than are looked at', async () => {
    inner('emb');
    const id = ground.gitIn('emb', 'rev-parse', 'HEAD').trim();
    for (let index = 0; index <= maxInnerRepositories; index += 1) {
      mkdirSync(join(ground.project, `e${index}`));
      symlinkSync(join(ground.project, 'emb/.git'), join(ground.project, `e${index}/.git`));
      ground.git('update-index', '--add', '--cacheinfo', `160000,${id},e${index}`);
    }
    const { verdict } = await ground.prepare('git status');
    assert.equal(verdict.rule, 'shell.gitUnknown');
    assert.match(verdict.reason, /more than 40 repositories/);
  });

  it('T7 keeps the monitor and the hooks of an inner repository from running', async () => {
    inner('emb');
    ground.git('add', 'emb');
    ground.gitIn('emb', 'config', 'core.fsmonitor', ground.script);
    ground.put('emb/.git/hooks/post-index-change', `#!/bin/sh\ntouch ${ground.canary}\n`, 0o755);
    for (const line of ['git status', 'git diff', 'git add -u']) await ground.silent(line);
    assert.equal(existsSync(ground.canary), false);
  });

  it('T7 reads the configuration of a work tree of its own', async () => {
    ground.git('config', 'extensions.worktreeConfig', 'true');
    ground.git('worktree', 'add', '-q', 'tree', '-b', 'side');
    assert.equal(await ground.verdict('git -C tree status'), 'allow shell.allowed');
    ground.gitIn('tree', 'config', '--worktree', 'filter.x.clean', ground.script);
    assert.equal(await ground.verdict('git -C tree status'), 'approve shell.gitPrograms');
    assert.equal(await ground.verdict('git status'), 'allow shell.allowed');
  });

  it('says that git gave no answer in time', async () => {
    const slow = join(ground.folder, 'slow');
    mkdirSync(slow);
    writeFileSync(join(slow, 'git'), '#!/bin/sh\nexec sleep 100\n', { mode: 0o755 });
    const git = resolveBinary('git', [slow]);
    assert.ok(!('refused' in git));
    const asking = { git, environment: { PATH: '/usr/bin:/bin' }, patienceMs: 200 };
    assert.deepEqual(await askGit(['config', '--list'], ground.project, asking), { unknown: 'git config gave no answer within 0.2 seconds' });
    assert.deepEqual(await askGitText(['config', '--list'], ground.project, asking), { unknown: 'git config gave no answer within 0.2 seconds' });
  });
});

describe('git: other repositories', () => {
  let ground: ShellProject;
  before(() => {
    ground = new ShellProject(allowed);
    ground.git('init', '-q', '-b', 'main');
    ground.git('commit', '-q', '--allow-empty', '-m', 'one');
    ground.git('init', '-q', '--bare', join(ground.project, 'evil.git'));
    writeFileSync(join(ground.project, 'evil.git/hooks/pre-receive'), `#!/bin/sh\ntouch ${ground.canary}\n`, { mode: 0o755 });
  });
  after(() => ground.remove());

  async function withConfig(pairs: readonly (readonly [string, string])[], line: string): Promise<string> {
    for (const [key, value] of pairs) ground.git('config', '--add', key, value);
    const found = await ground.verdict(line);
    for (const [key] of pairs) ground.git('config', '--unset-all', key);
    return found;
  }

  it('T7 asks for remotes that are folders, files or anything but https and ssh', async () => {
    for (const url of ['./evil.git', 'evil.git', '/tmp/x', 'file:///tmp/x', '../x', 'ext::sh -c x', 'http://example.com/x', 'git://example.com/x', 'ssh://-oProxyCommand=x/y', '-oProxyCommand=x:y', 'C:/x', 'fd::3', 'https::x']) {
      assert.equal(await withConfig([['remote.origin.url', url]], 'git push origin HEAD'), 'approve shell.gitAddress', url);
    }
    for (const url of ['https://example.com/a.git', 'https://me@example.com/a', 'ssh://git@example.com:22/a', 'git@example.com:a/b.git', 'example.com:a']) {
      assert.equal(await withConfig([['remote.origin.url', url]], 'git push origin HEAD'), 'allow shell.allowed', url);
    }
  });

  it('T7 reads every other key that sends git somewhere', async () => {
    const plain = ['remote.origin.url', 'https://example.com/a.git'] as const;
    const keys = [['branch.main.remote', './evil.git'], ['branch.main.pushRemote', './evil.git'], ['remote.pushDefault', 'evil.git'], ['remote.origin.pushurl', './evil.git'], ['url./tmp/x/.insteadOf', 'https://example.com/'], ['url.ext::sh .pushInsteadOf', 'https://'], ['http.proxy', 'http://evil'], ['http.https://example.com/.sslVerify', 'false'], ['remote.origin.mirror', 'true'], ['remote.origin.push', '+refs/heads/*:refs/heads/*']] as const;
    for (const pair of keys) assert.equal(await withConfig([plain, pair], 'git push'), 'approve shell.gitAddress', pair[0]);
    assert.equal(await withConfig([plain, ['branch.main.remote', 'origin'], ['url.git@example.com:.insteadOf', 'https://example.com/']], 'git push'), 'allow shell.allowed');
    assert.equal(await withConfig([plain, ['branch.main.remote', './evil.git']], 'git fetch'), 'approve shell.gitAddress');
    assert.equal(await withConfig([plain, ['branch.main.remote', './evil.git']], 'git remote -v'), 'allow shell.allowed');
  });

  it('T7 asks when git would take the name origin for a folder', async () => {
    assert.equal(await ground.verdict('git fetch'), 'approve shell.arguments');
    assert.equal(await withConfig([['remote.other.url', 'https://example.com/a.git']], 'git push'), 'approve shell.arguments');
    assert.equal(await withConfig([['remote.other.url', 'https://example.com/a.git'], ['branch.main.remote', 'other']], 'git push'), 'allow shell.allowed');
  });

  it('T7 lets git itself refuse other transports as well', () => {
    const push = (mode: GitMode): unknown => execFileSync('git', ['push', './evil.git', 'HEAD:x'], { cwd: ground.project, stdio: 'pipe', env: { PATH: '/usr/bin:/bin', HOME: ground.folder, ...gitEnvironment(mode) } });
    assert.throws(() => push('personal'), /transport 'file' not allowed/);
    assert.throws(() => push('neutral'), /transport 'file' not allowed/);
    assert.equal(existsSync(ground.canary), false);
    push('approved');
    assert.equal(existsSync(ground.canary), true, 'the hook of the other side runs, so that this test can fail');
    rmSync(ground.canary);
  });

  it('T7 looks once more before it pushes', async () => {
    ground.git('config', 'remote.origin.url', 'https://127.0.0.1:1/x');
    const prepared = await ground.prepare('git push origin HEAD');
    assert.equal(prepared.verdict.verdict, 'allow');
    ground.git('config', 'remote.origin.url', './evil.git');
    const outcome = await ground.start(prepared);
    assert.equal(outcome.kind, 'refused');
    assert.equal(existsSync(ground.canary), false);
    ground.git('config', '--unset', 'remote.origin.url');
  });

  it('T7 shows the own configuration of the user only when asked', async () => {
    for (const line of ['git config --global --list', 'git config --list --show-origin', 'git config -l', 'git config --system --list', 'git config --get-regexp .', 'git config --get http.extraHeader', 'git config list', 'git config --local --includes --list']) {
      assert.equal(await ground.verdict(line), 'approve shell.arguments', line);
    }
    for (const line of ['git config --local --list', 'git config --local --get core.bare', 'git config user.name', 'git config --get remote.origin.url']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
  });
});

describe('git: files that a command writes', () => {
  let ground: ShellProject;
  /** Branches: `evil` holds control files and a link, `good` only an ordinary change; both leave from the only commit of `main`. */
  beforeEach(() => {
    ground = new ShellProject(allowed);
    ground.git('init', '-q', '-b', 'main');
    ground.git('config', 'user.name', 't');
    ground.git('config', 'user.email', 't@example.com');
    ground.put('a.txt', 'one\n');
    ground.put('x/workflows/ci.yml', 'x\n');
    commit('one');
    branch('good', () => ground.put('a.txt', 'good\n'));
    branch('evil', () => {
      ground.put('.npmrc', 'script-shell=evil\n');
      ground.put('.vscode/tasks.json', '{}\n');
    });
    branch('links', () => symlinkSync('/etc', join(ground.project, 'etc')));
  });
  afterEach(() => ground.remove());

  function commit(message: string): void {
    ground.git('add', '-A');
    ground.git('commit', '-q', '-m', message);
  }

  function branch(name: string, change: () => unknown): void {
    ground.git('checkout', '-q', '-b', name, 'main');
    change();
    commit(name);
    ground.git('checkout', '-q', 'main');
  }

  it('T7 asks when they would be control files', async () => {
    for (const line of ['git checkout evil', 'git switch evil', 'git switch -c mine evil', 'git checkout -b mine evil', 'git checkout evil -- .', 'git checkout evil .npmrc', "git checkout evil -- '.np*'", 'git checkout evil -- .vscode .npmrc', 'git restore --source=evil .npmrc', 'git restore -s evil .', 'git merge evil', 'git merge --squash evil', 'git cherry-pick evil', 'git rebase evil', 'git rebase --onto main~0 main evil', 'git checkout --detach evil', 'git checkout evil^0']) {
      assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    }
    ground.git('checkout', '-q', 'evil');
    for (const line of ['git checkout main', 'git checkout -', 'git switch -', 'git revert --no-edit HEAD', 'git rm .npmrc', "git rm '*npm*'"]) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
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

  it('T7 follows names that this side of a merge has changed', async () => {
    ground.put('settings.json', 'one\ntwo\nthree\nfour\n');
    commit('settings');
    branch('theirs', () => ground.put('settings.json', 'one\ntwo\nthree\nevil\n'));
    mkdirSync(join(ground.project, '.vscode'));
    ground.git('mv', 'settings.json', '.vscode/settings.json');
    commit('moved');
    assert.equal(await ground.verdict('git merge theirs'), 'approve shell.controlFile');
    assert.equal(await ground.verdict('git cherry-pick theirs'), 'approve shell.controlFile');
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

describe('cd: one walk for judge and runner', () => {
  let ground: ShellProject;
  before(() => {
    ground = new ShellProject(allowed);
  });
  after(() => ground.remove());

  it('T13 T27 asks where the text and the walk disagree, and runs where the walk leads', async () => {
    mkdirSync(join(ground.project, 'a/b/c/d'), { recursive: true });
    symlinkSync('a/b/c/d', join(ground.project, 'link'));
    writeFileSync(join(ground.folder, 'outside.txt'), 'secret\n');
    ground.put('a/b/outside.txt', 'inside\n');
    const asked = await ground.prepare('cd link/.. && cat ../outside.txt');
    assert.equal(asked.verdict.rule, 'shell.outside');
    const outcome = await ground.start(asked);
    assert.ok(outcome.kind === 'success' && outcome.structured?.['stdout'] === 'inside\n');
    assert.equal(await ground.verdict('cd link/.. && cat ../../../../config/control.key'), 'deny shell.ownFolder');
    assert.equal(await ground.verdict('cd link/.. && cat ../config/x'), 'deny shell.ownFolder');
    assert.equal(await ground.silent('cd link && cat ../../outside.txt'), 'inside\n');
  });

  it('T27 does not enter a folder that has become another', async () => {
    ground.put('here/x', 'here\n');
    ground.put('there/x', 'there\n');
    symlinkSync('here', join(ground.project, 'way'));
    const prepared = await ground.prepare('sleep 0.3 && cd way && cat x');
    assert.equal(prepared.verdict.verdict, 'allow');
    const running = ground.start(prepared);
    rmSync(join(ground.project, 'way'));
    symlinkSync('there', join(ground.project, 'way'));
    const outcome = await running;
    assert.deepEqual([outcome.kind, outcome.kind === 'failure' && outcome.error.code], ['failure', 'APPROVAL_STALE']);
  });
});
