import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';

describe('git: what Conductor asks before it judges', () => {
  let bin: string;
  let ground: ShellProject;
  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'conductor-git-'));
    mkdirSync(join(bin, 'programs'));
  });
  afterEach(() => {
    ground.remove();
    rmSync(bin, { recursive: true, force: true });
  });

  /** A project with one commit, whose git is a script. */
  function projectWith(script: string): void {
    writeFileSync(join(bin, 'programs', 'git'), `#!/bin/sh\n${script}\nexec /usr/bin/git "$@"\n`, { mode: 0o755 });
    ground = new ShellProject(['git'], [], {}, [join(bin, 'programs')]);
    ground.put('a', 'a');
    ground.git('init', '-q');
    ground.git('add', '.');
    ground.git('commit', '-qm', 'one');
    ground.put('a', 'b');
    ground.git('commit', '-qam', 'two');
  }

  it('T19 git:questions-bounded: a line that would put too many questions asks a person', async () => {
    projectWith(`echo >> ${bin}/starts`);
    const { verdict } = await ground.prepare(Array.from({ length: 6 }, (_, index) => `git cherry-pick ${Array.from({ length: 30 }, (__, at) => (at === index ? '@~0' : '@')).join(' ')}`).join(' ; '));
    assert.equal(verdict.verdict, 'approve');
    assert.match(verdict.reason, /more than 256 questions/);
    assert.ok(readFileSync(join(bin, 'starts'), 'utf8').length < 320);
  });

  it('T19 one folder is asked about once, however often and in whatever spelling a line names it', async () => {
    projectWith(`echo >> ${bin}/starts`);
    assert.equal(await ground.verdict(Array.from({ length: 40 }, (_, index) => `git -C ${'./'.repeat(index + 1)} status`).join(' ; ')), 'allow shell.allowed');
    assert.ok(readFileSync(join(bin, 'starts'), 'utf8').length < 8);
  });

  it('T7 a git that does not obey what is set for it asks', async () => {
    projectWith('unset GIT_CONFIG_COUNT');
    const { verdict } = await ground.prepare('git status');
    assert.equal(`${verdict.verdict} ${verdict.rule}`, 'approve shell.gitUnknown');
    assert.match(verdict.reason, /older than 2\.31/);
  });
});
