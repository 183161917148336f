import assert from 'node:assert/strict';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

  it('T7 takes what stands behind "--" for files, whatever they are called', async () => {
    ground.git('init', '-q', '-b', 'main');
    ground.git('add', '.');
    ground.git('commit', '-q', '-m', 'one');
    ground.git('config', 'diff.external', ground.script);
    ground.put('b.txt', 'c\n');
    for (const line of ['git diff -- --no-ext-diff --no-textconv b.txt', 'git log -p -S --no-ext-diff', 'git diff b.txt']) await ground.run(line);
    assert.equal(existsSync(ground.canary), false);
  });

  it('T7 asks for paths from the top of a repository that begins above the project', async () => {
    ground.gitIn('..', 'init', '-q', '-b', 'main');
    ground.gitIn('..', 'add', 'outside.txt', 'project');
    ground.gitIn('..', 'commit', '-q', '-m', 'one');
    for (const path of [':/', ':/outside.txt', ':(top)', ':(icase,top)Out*', ':!/project', ':^/x']) for (const line of [`git grep secret -- '${path}'`, `git diff -- '${path}'`, `git add '${path}'`]) assert.equal(await ground.verdict(line), 'approve shell.outside', line);
    assert.equal(await ground.verdict("git grep secret ':/'"), 'approve shell.outside');
    assert.equal(await ground.verdict('git add -A'), 'approve shell.outside');
    for (const line of ['git grep b', 'git diff .', "git grep b -- ':!x'", 'git add .', 'git add -A .']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
    ground.git('init', '-q', '-b', 'main');
    assert.equal(await ground.verdict("git grep b -- ':/'"), 'allow shell.allowed', 'the top is the project');
  });
});
