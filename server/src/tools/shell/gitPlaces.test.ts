import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema } from '../../../../protocol/src/config';
import { codeOf, ShellProject } from '../../../../test/fakes/shellProject';
import { repositoriesAmong } from '../../rules/gitLayout';
import { createFilesystemTools } from '../filesystem/tools';
import { gitGround } from './facts';

const programs = ['git', 'tee', 'cp', 'mv', 'rm', 'ln', 'mkdir', 'touch', 'cat', 'cd', 'ls'];

describe('git: places that it obeys under any name', () => {
  let ground: ShellProject;
  beforeEach(() => {
    ground = new ShellProject(programs);
    ground.git('init', '-q', '-b', 'main');
    ground.git('config', 'user.name', 't');
    ground.git('config', 'user.email', 't@example.com');
    ground.put('a.txt', 'one\n');
    ground.git('add', '.');
    ground.git('commit', '-q', '-m', 'one');
  });
  afterEach(() => ground.remove());

  async function file(tool: string, input: Record<string, unknown>): Promise<string> {
    const config = configSchema.parse({ plugins: { filesystem: { requireApproval: [] } } });
    const prepared = await createFilesystemTools().find(({ name }) => name === `filesystem.${tool}`)?.prepare(input, { project: ground.project, configDir: ground.configDir, config, signal: new AbortController().signal });
    prepared?.release?.();
    return `${prepared?.verdict.verdict} ${prepared?.verdict.rule}`;
  }

  /** Each line and each file must ask. */
  async function asks(lines: readonly string[], paths: readonly string[]): Promise<void> {
    for (const line of lines) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    for (const path of paths) {
      const stat = statSync(join(ground.project, path), { throwIfNoEntry: false });
      if (stat?.isDirectory() !== true) assert.equal(await file('write', { path, content: 'x' }), 'approve path.control', path);
      if (stat !== undefined) assert.equal(await file('delete', { path, recursive: true }), 'approve path.control', path);
    }
  }

  it('git:places T7 T24: the folder to which the .git file of an inner repository points', async () => {
    for (const name of ['inner', 'store']) mkdirSync(join(ground.project, name));
    execFileSync('git', ['init', '-q', '--separate-git-dir', join(ground.project, 'store/x'), join(ground.project, 'inner')], { stdio: 'ignore' });
    await asks(['tee store/x/hooks/post-commit', 'cp a.txt store/x/config', 'mv store/x/HEAD a', 'mv store/x y', 'rm store/x/HEAD', 'cp a.txt store/x/info/attributes', 'mkdir store/x/more', 'cp a.txt inner/../store/x/hooks/pre-commit'], ['store/x/hooks/post-commit', 'store/x/config', 'store/x', 'store', 'store/x/new']);
    for (const line of ['cat store/x/config', 'ls store/x', 'mv store elsewhere', 'tee store/y']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
    assert.equal(await file('write', { path: 'store/y', content: 'x' }), 'allow filesystem.inside');
  });

  it('T7 the folder of a work tree whose repository lies under another name', async () => {
    ground.git('worktree', 'add', '-q', 'tree', '-b', 'side');
    renameSync(join(ground.project, '.git/worktrees/tree'), join(ground.project, 'store'));
    ground.put('tree/.git', `gitdir: ${ground.project}/store\n`);
    ground.put('store/commondir', `${ground.project}/.git\n`);
    assert.equal(ground.gitIn('tree', 'rev-parse', '--abbrev-ref', 'HEAD').trim(), 'side', 'git obeys it, so that this test can fail');
    await asks(['tee store/config.worktree', 'tee store/commondir'], ['store/config.worktree', 'store/commondir']);
  });

  it('T7 what would make a folder one: the last of its three parts asks', async () => {
    await ground.silent('mkdir -p b/objects b/refs');
    assert.equal(await file('write', { path: 'b/config', content: 'x' }), 'allow filesystem.inside');
    await asks(['tee b/HEAD', 'cp a.txt b/HEAD', 'mv a.txt b/HEAD'], ['b/HEAD']);
    ground.put('c/HEAD', 'ref: refs/heads/main\n');
    await ground.silent('mkdir c/refs');
    await asks(['mkdir c/objects', 'mkdir -p c/objects/pack', 'mv b/objects c/objects'], ['c/objects/pack/x']);
    ground.put('d/HEAD', 'ref: refs/heads/main\n');
    await asks(['tee d/commondir'], ['d/commondir']);
  });

  it('T7 a commit that brings one', async () => {
    ground.git('checkout', '-q', '-b', 'evil');
    for (const name of ['HEAD', 'config', 'objects/keep', 'refs/keep']) ground.put(`lib/${name}`, 'x\n');
    ground.git('add', '.');
    ground.git('commit', '-q', '-m', 'bare');
    ground.git('checkout', '-q', 'main');
    for (const line of ['git checkout evil', 'git switch evil', 'git merge evil', 'git checkout evil -- lib']) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
  });

  it('T7 hooks, attributes and configuration that the repository names', async () => {
    ground.put('tools/hooks/pre-commit', '#!/bin/sh\n', 0o755);
    ground.put('more/gitconfig', '[core]\n\tattributesFile = "rules # of git" ; a comment\n');
    ground.git('config', 'core.hooksPath', 'tools/hooks');
    ground.git('config', 'include.path', '../more/gitconfig');
    await asks(['tee tools/hooks/post-commit', 'cp a.txt tools/hooks/pre-commit', 'tee more/gitconfig', "tee 'rules # of git'", 'mv tools gone', 'mv more x', 'ln -sfn a.txt tools'], ['tools/hooks/post-commit', 'tools/hooks/pre-commit', 'tools/hooks', 'more/gitconfig', 'rules # of git']);
    for (const line of ['tee tools/x', 'tee rules', 'cd tools && ls', 'mkdir tools/x', 'cat tools/hooks/pre-commit']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
    ground.git('checkout', '-q', '-b', 'other');
    ground.put('tools/hooks/pre-commit', '#!/bin/sh\ntrue\n', 0o755);
    ground.git('add', 'tools');
    ground.gitIn('.', '-c', 'core.hooksPath=/dev/null', 'commit', '-q', '-m', 'hook');
    ground.git('checkout', '-q', 'main');
    ground.git('config', '--unset', 'include.path');
    for (const line of ['git restore --source=other tools', 'git restore -s other .']) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
  });

  it('T7 hooks that an inner repository or a further work tree names below its own top', async () => {
    ground.git('config', 'core.hooksPath', 'hooks');
    ground.git('worktree', 'add', '-q', 'tree', '-b', 'side');
    mkdirSync(join(ground.project, 'inner'));
    ground.gitIn('inner', 'init', '-q');
    ground.gitIn('inner', 'config', 'core.hooksPath', 'tools/hooks');
    await asks(['tee tree/hooks/pre-commit', 'tee inner/tools/hooks/pre-commit', 'mv a.txt inner/tools', 'mkdir inner/tools'], ['tree/hooks/pre-commit', 'inner/tools/hooks/pre-commit']);
    for (const line of ['tee inner/hooks/pre-commit', 'tee tree/tools/x']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
  });

  it('asks for hooks only where git would run one of that name', async () => {
    ground.git('branch', 'other');
    ground.git('config', 'remote.origin.url', 'https://127.0.0.1:1/x');
    const expect = async (asking: readonly string[], silent: readonly string[]): Promise<void> => {
      for (const line of asking) assert.equal(await ground.verdict(line), 'approve shell.gitHooks', line);
      for (const line of silent) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
    };
    ground.put('a.txt', 'two\n');
    ground.put('.git/hooks/pre-commit', '#!/bin/sh\n', 0o755);
    await expect(['git commit -am x', 'git cherry-pick other', 'git rebase other'], ['git switch other', 'git reset HEAD', 'git push origin main']);
    ground.put('.git/hooks/reference-transaction', '#!/bin/sh\n', 0o755);
    await expect(['git switch other', 'git reset HEAD', 'git push origin main'], ['git status', 'git add a.txt']);
    // Those in the repository's own folder count no more.
    ground.git('config', 'core.hooksPath', 'tools/hooks');
    await expect([], ['git commit -am x', 'git switch other', 'git push origin main']);
    ground.put('tools/hooks/post-checkout', '#!/bin/sh\n', 0o755);
    await expect(['git switch other'], ['git push origin main']);
  });

  it('T16 an approved command of git runs the hooks of another folder only as they were', async () => {
    ground.put('hooks/pre-commit', '#!/bin/sh\n', 0o755);
    ground.git('config', 'core.hooksPath', 'hooks');
    for (const name of ['pre-commit', 'post-commit']) {
      ground.put('a.txt', `for ${name}\n`);
      const prepared = await ground.prepare('git commit -m x a.txt');
      assert.equal(prepared.verdict.verdict, 'approve');
      ground.put(`hooks/${name}`, `#!/bin/sh\ntouch ${ground.canary}\n`, 0o755);
      assert.equal(codeOf(await ground.start(prepared)), 'APPROVAL_STALE', name);
    }
    assert.equal(existsSync(ground.canary), false);
    await ground.run('git commit -m x a.txt');
    assert.equal(existsSync(ground.canary), true, 'git runs them, so that this test can fail');
  });

  it('T19 looks at each folder of many names once, and at no more than can be looked through', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `src/a/${index % 7}/f${index}`);
    const started = process.cpuUsage();
    assert.deepEqual(gitGround(ground.project).among(ground.project, names), []);
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 2_000_000, `${user + system} microseconds of CPU`);
    assert.deepEqual(gitGround(ground.project).among(ground.project, [...names, 'src/a/3/HEAD', '.git/x']), ['.git/x']);
    assert.equal(gitGround(ground.project).among(ground.project, Array.from({ length: 20_001 }, (_, index) => `src/${index}/f`)), 'tooMany');
    ground.put('b/objects/x', '');
    ground.put('b/refs/x', '');
    ground.git('config', 'core.hooksPath', 'tools/hooks');
    assert.deepEqual(gitGround(ground.project).among(ground.project, ['b/HEAD', 'b/config', 'tools', 'tools/hooks', 'tools/hooks/a/b', 'tools/x', 'c']), ['b/HEAD', 'tools', 'tools/hooks', 'tools/hooks/a/b']);
  });

  it('finds repositories among names, however many there are', () => {
    assert.deepEqual(repositoriesAmong(['HEAD', 'objects/a', 'refs/b', 'x/HEAD', 'x/refs/a', 'y/head', 'y/commondir', 'z/objects', 'z/refs', 'zz/HEAD/objects', 'zz/HEAD/refs']), ['', 'y']);
    const many = Array.from({ length: 20_000 }, (_, index) => `a/${index}/HEAD`);
    assert.deepEqual(repositoriesAmong(many), []);
    assert.deepEqual(repositoriesAmong([]), []);
  });
});
