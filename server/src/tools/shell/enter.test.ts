import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';

const allowed = ['git', 'cat', 'cd', 'sleep', 'echo'];

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
