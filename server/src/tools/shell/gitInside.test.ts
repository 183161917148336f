import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askGit, askGitText } from './gitQuestion';
import { maxInnerRepositories } from './repository';
import { resolveBinary } from './resolve';
import { ShellProject } from '../../../../test/fakes/shellProject';

const allowed = ['git', 'cat', 'cd', 'sleep', 'echo'];

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

  it('T7 is silent in a submodule, whose configuration says where its own files are, and asks where it says anything else', async () => {
    const source = join(ground.folder, 'source');
    mkdirSync(source);
    ground.gitIn('../source', 'init', '-q', '-b', 'main');
    ground.gitIn('../source', 'commit', '-q', '--allow-empty', '-m', 'x');
    ground.git('submodule', 'add', '-q', source, 'sub');
    mkdirSync(join(ground.project, 'sub/deep'));
    for (const line of ['git -C sub status', 'git -C sub/deep log --oneline', 'git -C sub diff']) await ground.silent(line);
    for (const place of [ground.project, join(ground.project, 'sub/deep'), '../..', ground.folder]) {
      ground.git('config', '-f', '.git/modules/sub/config', 'core.worktree', place);
      assert.match(await ground.verdict('git -C sub status'), /^approve shell\.git/, place);
    }
  });

  it('T7 asks before a submodule is moved or removed, since git rewrites .gitmodules', async () => {
    inner('emb');
    ground.git('add', 'emb');
    ground.git('commit', '-q', '-m', 'two');
    for (const line of ['git mv emb emb2', 'git rm emb', 'git rm -q emb']) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    assert.equal(await ground.verdict('git mv a.txt b.txt'), 'allow shell.allowed');
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
