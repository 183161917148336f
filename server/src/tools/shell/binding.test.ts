import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import { maxBound } from './binding';
import { codeOf, ShellProject } from '../../../../test/fakes/shellProject';
import { digestOfFacts, shownFacts } from '../fact';

const allowed = ['git', 'cat', 'cd', 'sleep', 'echo', 'true'];
const asking = ['bash', 'make', 'chmod', 'cp', 'npm', 'rm', 'tee', 'touch', 'false'];

describe('approvals: what they are bound to', () => {
  let ground: ShellProject;
  beforeEach(() => {
    ground = new ShellProject(allowed, asking);
  });
  afterEach(() => ground.remove());

  /** Asks, changes something while the question is open, and says yes. */
  async function changedMeanwhile(line: string, change: () => unknown): Promise<Outcome> {
    const prepared = await ground.prepare(line);
    assert.equal(prepared.verdict.verdict, 'approve', line);
    change();
    return ground.start(prepared);
  }

  /** Says yes at once, and changes something while the first step runs. */
  async function changedUnderway(line: string, change: () => unknown): Promise<Outcome> {
    const prepared = await ground.prepare(line);
    const running = ground.start(prepared);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await change();
    return running;
  }

  function stdoutOf(outcome: Outcome): unknown {
    return outcome.kind === 'refused' ? outcome.reason : outcome.structured?.['stdout'];
  }

  it('T16 files that stand inside a longer word', async () => {
    for (const line of ["bash -c 'source ./s.sh'", "bash -ec 'true; bash s.sh'", "bash -c '. \"./s.sh\"'", "bash --rcfile=s.sh -c 'x=s.sh'"]) {
      ground.put('s.sh', 'echo approved');
      assert.equal(codeOf(await changedMeanwhile(line, () => ground.put('s.sh', 'echo changed'))), 'APPROVAL_STALE', line);
    }
  });

  it('T16 what an interpreter completes a name to', async () => {
    ground.settle([], ['node', 'python3']);
    ground.put('s.js', 'console.log(1)\n');
    const lines = [['python3 -m tools.migrate', 'tools/migrate.py'], ['python3 -m tools.migrate', 'tools/__init__.py'], ['python3 tools', 'tools/__main__.py'], ['node -r ./setup s.js', 'setup.js'], ['node --require=./setup s.js', 'setup.cjs'], ['node other', 'other.js'], ['node other', 'other/index.js'], ['node -r ./more s.js', 'more/package.json']] as const;
    for (const [line, file] of lines) {
      ground.put(file, '');
      assert.equal(codeOf(await changedMeanwhile(line, () => ground.put(file, ' '))), 'APPROVAL_STALE', `${line}: ${file}`);
      rmSync(join(ground.project, file));
      assert.equal(codeOf(await changedMeanwhile(line, () => ground.put(file, ' '))), 'APPROVAL_STALE', `${line}: ${file}, made meanwhile`);
      rmSync(join(ground.project, file));
    }
    ground.put('tools/migrate.py', '');
    const reach = (await ground.prepare('python3 -m tools.migrate')).reach?.();
    assert.ok(reach?.kind === 'commands' && reach.units[0]?.ties.some(({ key, value }) => key.endsWith('/tools/migrate.py') && value.startsWith('sha256:')), 'a grant is tied to it as well');
  });

  it('T16 N1 what a program text loads, however its language spells it', async () => {
    const programs = ['python3', 'node', 'perl', 'ruby', 'bash'];
    ground.settle(['sed', 'cat', 'echo'], programs);
    ground.put('s.pl', '1;\n');
    const lines = [
      ['python3 -mtools.migrate', 'tools/migrate.py'], ['python3 -Bm tools.migrate', 'tools/__init__.py'], ["python3 -c 'import tools.migrate'", 'tools/migrate.py'], ["python3 -c 'from tools import migrate'", 'tools/migrate.py'],
      ["python3 -c 'import tools.migrate'", 'tools/__pycache__/migrate.cpython-311.pyc'], ["echo 'import migrate' | python3", 'migrate.py'], ['python3 -m tools.migrate', 'tools/__pycache__/migrate.cpython-311.pyc'],
      [`node -e 'require("./setup")'`, 'setup.js'], [`node -e 'import("./lib/setup.mjs")'`, 'lib/setup.mjs'], [`node -p 'require("./setup")'`, 'setup/index.js'], ['perl -Ilib -MFoo::Bar s.pl', 'lib/Foo/Bar.pm'], ["bash -c 'eval \"$(cat s.sh)\"'", 's.sh'],
    ] as const;
    for (const [line, file] of lines) {
      ground.put(file, '');
      assert.equal(codeOf(await changedMeanwhile(line, () => ground.put(file, ' '))), 'APPROVAL_STALE', `${line}: ${file}`);
      const before = await ground.prepare(line);
      rmSync(join(ground.project, file));
      const without = await ground.prepare(line);
      assert.notDeepEqual(without.facts, before.facts, `${line}: ${file}, made meanwhile`);
      assert.match(new Map(without.show.details).get('Not bound') ?? (line.includes('-m tools') ? 'the program text' : ''), /the program text/, line);
    }
  });

  it('T8 T16 N1 what a Makefile includes, itself or through another one', async () => {
    ground.settle([], ['make']);
    ground.put('Makefile', 'x:\n\t@echo $(Y)\ninclude rules.mk \\\n  missing.mk\n-include build/$(WHICH).mk\n');
    ground.put('rules.mk', 'sinclude sub/more.inc # x\n');
    for (const file of ['rules.mk', 'sub/more.inc', 'build/a.mk', 'missing.mk']) {
      ground.put(file, file === 'rules.mk' ? 'sinclude sub/more.inc # x\n' : 'Y = 1\n');
      assert.equal(codeOf(await changedMeanwhile('make x', () => ground.put(file, 'Y = 2\n'))), 'APPROVAL_STALE', file);
      if (file === 'missing.mk') continue;
      ground.put('rules.mk', 'sinclude sub/more.inc # x\n');
      const reach = (await ground.prepare('make x')).reach?.();
      assert.ok(reach?.kind === 'commands' && reach.units[0]?.ties.some(({ key, value }) => key.endsWith(`/${file}`) && value.startsWith('sha256:')), `a grant is tied to ${file}`);
    }
  });

  it('T7 T16 configuration that the repository includes', async () => {
    ground.git('init', '-q');
    ground.put('build/inc', '[filter "x"]\n\tclean = cat\n');
    ground.git('config', 'include.path', '../build/inc');
    ground.put('.gitattributes', '*.txt filter=x\n');
    ground.put('sub/n.txt', 'n');
    for (const given of [{ command: 'git add sub/n.txt' }, { command: 'git add n.txt', cwd: 'sub' }, { command: 'git -C sub add n.txt' }]) {
      ground.put('build/inc', '[filter "x"]\n\tclean = cat\n');
      const prepared = await ground.prepare(given);
      assert.equal(prepared.verdict.verdict, 'approve');
      ground.put('build/inc', `[filter "x"]\n\tclean = ${ground.script}\n`);
      assert.equal(codeOf(await ground.start(prepared)), 'APPROVAL_STALE', given.command);
    }
    assert.ok(!existsSync(ground.canary));
  });

  it('T16 a file in a folder that an earlier command only looked at', async () => {
    ground.settle(['ls', 'sleep', 'cat'], ['bash']);
    ground.put('src/s.sh', 'echo approved');
    const outcome = await changedUnderway('sleep 0.5 | ls src && bash src/s.sh', () => ground.put('src/s.sh', 'echo changed'));
    assert.equal(codeOf(outcome), 'APPROVAL_STALE', JSON.stringify(outcome));
    ground.put('src/s.sh', 'echo approved');
    assert.equal(codeOf(await changedUnderway('sleep 0.5 && cat src/s.sh && bash src/s.sh', () => ground.put('src/s.sh', 'echo changed'))), 'APPROVAL_STALE');
  });

  it('T7 T16 the hooks of the repository that git works in, whatever else is called -C', async () => {
    ground.git('init', '-q');
    ground.put('a', 'a');
    ground.git('add', '.');
    ground.git('commit', '-qm', 'one');
    ground.gitIn('.', 'init', '-q', 'sub');
    ground.git('branch', 'sub');
    ground.put('.git/hooks/pre-commit', '#!/bin/sh\ntrue\n', 0o755);
    ground.put('a', 'b');
    assert.equal(codeOf(await changedMeanwhile('git commit -a -C sub', () => ground.put('.git/hooks/pre-commit', `#!/bin/sh\n${ground.script}\n`, 0o755))), 'APPROVAL_STALE');
    assert.ok(!existsSync(ground.canary));
  });

  it('T16 the file of a redirection', async () => {
    ground.put('s.sh', 'echo GOOD\n');
    assert.equal(stdoutOf(await ground.run('bash < s.sh')), 'GOOD\n');
    assert.equal(codeOf(await changedMeanwhile('bash < s.sh', () => ground.put('s.sh', 'echo SWAPPED\n'))), 'APPROVAL_STALE');
  });

  it('T16 a large file that is read through a redirection is bound by its bytes, or not read at all', async () => {
    const large = `echo GOOD\n${'# filler\n'.repeat(1_100_000)}`;
    ground.put('large.sh', large);
    assert.equal(stdoutOf(await ground.run('bash < large.sh')), 'GOOD\n');
    assert.equal(codeOf(await changedMeanwhile('bash < large.sh', () => ground.put('large.sh', large.replace('GOOD', 'EVIL')))), 'APPROVAL_STALE');
    truncateSync(ground.put('huge.sh', 'echo UNSEEN\n'), 65 * 1024 * 1024);
    const outcome = await ground.run('bash < huge.sh');
    assert.ok(outcome.kind === 'failure' && outcome.error.code === 'INVALID_INPUT', JSON.stringify(outcome));
  });

  it('T16 a file behind @', async () => {
    ground.put('s.txt', 'GOOD\n');
    for (const line of ['bash -c true @s.txt', 'bash -c true x=@s.txt', "bash -c true 'x=<s.txt;type=y'"]) {
      assert.equal(codeOf(await changedMeanwhile(line, () => ground.put('s.txt', `SWAPPED ${line}\n`))), 'APPROVAL_STALE', line);
    }
  });

  it('T16 T41 each step at its turn', async () => {
    ground.git('init', '-q', '-b', 'main');
    ground.put('b.sh', 'echo EVIL\n');
    ground.git('add', '.');
    ground.git('commit', '-q', '-m', 'x');
    ground.git('branch', 'two');
    ground.put('b.sh', 'echo GOOD\n');
    assert.equal(stdoutOf(await ground.run('sleep 0 && bash b.sh')), 'GOOD\n');
    ground.put('wait.sh', 'until test -e ready; do sleep 0.05; done\n');
    const outcome = await changedUnderway('bash wait.sh && bash b.sh', async () => {
      await ground.silent('git checkout two -- b.sh');
      ground.put('ready', '');
    });
    assert.equal(codeOf(outcome), 'APPROVAL_STALE');
  });

  it('T16 a missing script that appears, and one that appears as a link', async () => {
    const late = await changedUnderway('sleep 0.5 && bash late.sh', () => ground.put('late.sh', 'echo UNSEEN\n'));
    assert.equal(codeOf(late), 'APPROVAL_STALE');
    ground.put('other.sh', 'echo UNSEEN\n');
    const link = await changedMeanwhile('bash later.sh', () => symlinkSync('other.sh', join(ground.project, 'later.sh')));
    assert.equal(codeOf(link), 'APPROVAL_STALE');
  });

  it('T8 what a builder reads without being told', async () => {
    ground.put('Makefile', 'go:\n\t@echo GOOD\n');
    assert.equal(codeOf(await changedMeanwhile('make go', () => ground.put('Makefile', 'go:\n\t@echo SWAPPED\n'))), 'APPROVAL_STALE');
    assert.equal(codeOf(await changedMeanwhile('make go', () => ground.put('GNUmakefile', 'go:\n\t@echo FIRST\n'))), 'APPROVAL_STALE');
    ground.put('sub/Makefile', 'go:\n\t@echo GOOD\n');
    assert.equal(codeOf(await changedMeanwhile('make -C sub go', () => ground.put('sub/Makefile', 'go:\n\t@echo SWAPPED\n'))), 'APPROVAL_STALE');
    ground.put('package.json', '{"scripts":{"test":"true"}}');
    ground.put('sub/x', '');
    assert.equal(codeOf(await changedMeanwhile('npm test', () => ground.put('.npmrc', 'script-shell=evil\n'))), 'APPROVAL_STALE');
    assert.equal(codeOf(await changedMeanwhile('cd sub && npm test', () => ground.put('package.json', '{"scripts":{"test":"false"}}'))), 'APPROVAL_STALE');
  });

  it('T7 the hooks and the configuration that an approved git obeys', async () => {
    ground.git('init', '-q', '-b', 'main');
    const hook = (text: string): string => ground.put('.git/hooks/pre-commit', `#!/bin/sh\n${text}\n`, 0o755);
    hook('true');
    assert.equal(codeOf(await changedMeanwhile('git commit -q --allow-empty -m x', () => hook(`touch ${ground.canary}`))), 'APPROVAL_STALE');
    assert.equal(codeOf(await changedMeanwhile('git commit -q --allow-empty -m x', () => ground.git('config', 'core.editor', 'evil'))), 'APPROVAL_STALE');
    assert.equal(existsSync(ground.canary), false);
  });

  it('T27 a folder that becomes a link', async () => {
    const outside = join(ground.folder, 'outside');
    mkdirSync(outside, { mode: 0o755 });
    mkdirSync(join(ground.project, 'dd'));
    const outcome = await changedMeanwhile('chmod -R 700 dd', () => {
      renameSync(join(ground.project, 'dd'), join(ground.project, 'ee'));
      symlinkSync(outside, join(ground.project, 'dd'));
    });
    assert.deepEqual([codeOf(outcome), statSync(outside).mode & 0o777], ['APPROVAL_STALE', 0o755]);
    mkdirSync(join(ground.project, 'ff'));
    const another = await changedMeanwhile('chmod -R 700 ff', () => {
      renameSync(join(ground.project, 'ff'), join(ground.project, 'gg'));
      mkdirSync(join(ground.project, 'ff'));
    });
    assert.equal(codeOf(another), 'APPROVAL_STALE');
  });

  it('T27 a link that leads to another file of the same bytes', async () => {
    const outside = join(ground.folder, 'same.txt');
    writeFileSync(outside, 'v');
    chmodSync(outside, 0o600);
    ground.put('vic.txt', 'v');
    const link = join(ground.project, 'lnk');
    symlinkSync('vic.txt', link);
    const outcome = await changedMeanwhile('chmod 644 lnk', () => {
      rmSync(link);
      symlinkSync(outside, link);
    });
    assert.deepEqual([codeOf(outcome), statSync(outside).mode & 0o777], ['APPROVAL_STALE', 0o600]);
  });

  it(`T41 refuses more than ${maxBound} files, and binds all up to there`, async () => {
    const names = Array.from({ length: maxBound }, (_, index) => `f${index}`);
    for (const name of names) ground.put(name, 'x');
    ground.put('s.sh', 'echo GOOD\n');
    assert.equal(await ground.verdict(`cat ${names.join(' ')} && bash s.sh`), 'deny shell.manyFiles');
    const fewer = `cat ${names.slice(0, 200).join(' ')} && bash s.sh`;
    assert.equal(codeOf(await changedMeanwhile(fewer, () => ground.put('s.sh', 'echo SWAPPED\n'))), 'APPROVAL_STALE');
  });

  it('lets a line work on its own files, and says that these are not bound', async () => {
    ground.put('s.sh', 'echo GOOD\n');
    assert.equal(stdoutOf(await ground.run('cp s.sh t.sh && bash t.sh')), 'GOOD\n');
    assert.equal(stdoutOf(await ground.run('echo "echo NEW" > s.sh && bash s.sh')), 'NEW\n');
    assert.equal(stdoutOf(await ground.run('rm t.sh && cp s.sh t.sh && bash t.sh && rm -r t.sh')), 'NEW\n');
    ground.put('dir/x', '');
    assert.equal(stdoutOf(await ground.run('touch dir/a && cp s.sh dir && bash dir/s.sh')), 'NEW\n');
    const { show, facts } = await ground.prepare('echo "echo NEW" > s.sh && bash s.sh');
    assert.match(new Map(show.details).get('Not bound') ?? '', /s\.sh: an earlier command/);
    assert.equal(shownFacts(facts).filter(([label]) => label === 'File').length, 1);
  });

  it('T27 a step may not turn a name into a link for the next one', async () => {
    ground.settle(allowed, [...asking, 'ln']);
    ground.put('good.sh', 'echo GOOD\n');
    ground.put('evil.sh', 'echo EVIL\n');
    assert.equal(codeOf(await ground.run('ln -sf evil.sh good.sh && bash good.sh')), 'APPROVAL_STALE');
  });

  it('T41 another digest for another state', async () => {
    ground.put('s.sh', 'echo 1\n');
    const first = await ground.prepare('bash s.sh');
    assert.equal(digestOfFacts((await ground.prepare('bash s.sh')).facts), digestOfFacts(first.facts));
    ground.put('s.sh', 'echo 2\n');
    assert.notEqual(digestOfFacts((await ground.prepare('bash s.sh')).facts), digestOfFacts(first.facts));
  });

  it('T27 a silent step must still be silent at its turn', async () => {
    writeFileSync(join(ground.folder, 'secret.txt'), 'secret\n');
    ground.put('notes.txt', 'notes\n');
    assert.equal(await ground.silent('sleep 0 && cat notes.txt'), 'notes\n');
    const outcome = await changedUnderway('sleep 0.5 && cat notes.txt', () => {
      rmSync(join(ground.project, 'notes.txt'));
      symlinkSync('../secret.txt', join(ground.project, 'notes.txt'));
    });
    assert.deepEqual([codeOf(outcome), outcome.kind === 'failure' && /outside the project/.test(outcome.error.message)], ['APPROVAL_STALE', true]);
  });

  it('T7 T27 a silent git must still be silent at its turn', async () => {
    ground.git('init', '-q', '-b', 'main');
    ground.put('a.txt', 'one\n');
    ground.git('add', '.');
    ground.git('commit', '-q', '-m', 'one');
    ground.put('a.txt', 'two\n');
    const outcome = await changedUnderway('sleep 0.5 && git status', () => {
      ground.git('config', 'filter.x.clean', ground.script);
      ground.put('.git/info/attributes', '* filter=x\n');
    });
    assert.equal(codeOf(outcome), 'APPROVAL_STALE');
    assert.equal(existsSync(ground.canary), false);
  });

  it('an approved step may have no other reason to ask than those that were shown', async () => {
    ground.put('a.txt', 'a\n');
    writeFileSync(join(ground.folder, 'secret.txt'), 'secret\n');
    mkdirSync(join(ground.project, 'dir'));
    const outcome = await changedUnderway('touch x && sleep 0.5 && cat dir/a.txt', () => symlinkSync('../../secret.txt', join(ground.project, 'dir/a.txt')));
    assert.equal(codeOf(outcome), 'APPROVAL_STALE');
  });
});
