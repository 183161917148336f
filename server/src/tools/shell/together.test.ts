import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema } from '../../../../protocol/src/config';
import { ShellProject } from '../../../../test/fakes/shellProject';
import { planCommand } from './plan';
import { runPlan } from './run';
import { markOf } from './runMark';
import { machineWith } from './tool';

/** What changes where names lead, while another command was judged by where they led. Real programs, real links. */

const listed = ['ln', 'mv', 'cp', 'cat', 'tee', 'touch', 'mkdir', 'rm', 'nice', 'git', 'echo', 'sleep', 'ls', 'cd'];

describe('commands:ground stays as it was judged', function () {
  this.timeout(60_000);
  let shell: ShellProject;
  let outside = '';

  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(() => {
    shell = new ShellProject(listed);
    outside = join(shell.folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'SECRET');
    shell.put('A/sub/secret', 'harmless');
    // A poisoned repository brings the link along that no agent may make.
    mkdirSync(join(shell.project, 'B'));
    symlinkSync('../../outside', join(shell.project, 'B/sub'));
    symlinkSync('A', join(shell.project, 'x'));
  });
  afterEach(() => shell.remove());

  it('T27 asks where a pipe would turn a name away under its neighbour', async () => {
    assert.equal(await shell.verdict('cat - x/sub/secret'), 'allow shell.allowed');
    for (const line of ['ln -sfn B x | cat - x/sub/secret', 'ln -sfn B x | nice nice nice tee x/sub/planted']) {
      assert.equal(await shell.verdict(line), 'approve shell.together', line);
    }
    assert.equal(await shell.verdict('ln -sfn B x'), 'allow shell.allowed');
  });

  it('T27 asks where a pipe would keep the names of the project for as long as it likes', async () => {
    shell.settle([...listed, 'tail', 'head', 'node', 'yes', 'grep', 'awk', 'wc', 'jq']);
    shell.put('s.js', '');
    for (const line of ['sleep 600 | rm -i x', 'cp a b | sleep 600', 'node s.js | rm -i x', 'sleep 9 | nice rm -i x', 'yes | grep x | rm -i f', "awk 'BEGIN { while (1) { } }' | rm -i f", "rm -v f | awk 'BEGIN { while (1) { } }'", "rm -v f | jq -n 'def f: f; f'", 'rm -v f | nice grep x A', 'git rm --cached f | cat - f']) assert.equal(await shell.verdict(line), 'approve shell.together', line);
    for (const line of ['echo y | rm -i x', 'yes | rm -i x', 'mv -v a b | head -3', 'mv -v a b 2>&1 | grep a | tee log | wc -l', 'sleep 1 && rm x']) assert.notEqual(await shell.verdict(line), 'approve shell.together', line);
  });

  it('T27 ends what goes through names for long while somebody waits to change them', async () => {
    const context = { project: shell.project, configDir: shell.configDir, config: configSchema.parse({ plugins: { shell: { allowedCommands: listed } } }), signal: new AbortController().signal };
    const planned = await planCommand({ command: 'sleep 600 | cat - A/sub/secret' }, context, machineWith(process.env['PATH'] ?? ''));
    assert.ok(planned.plan !== undefined && planned.verdict.verdict === 'allow');
    const using = runPlan(planned.plan, { project: shell.project, mark: markOf(shell.configDir), signal: context.signal, progress: () => undefined, again: planned.again, longestUseMs: 300 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal((await shell.run('mv A/sub/secret A/moved')).kind, 'success');
    const outcome = await using;
    assert.ok(outcome.kind === 'failure' && outcome.error.code === 'CONFLICT', JSON.stringify(outcome));
  });

  it('T27 asks where a pipe would give a branch another meaning under git checkout', async () => {
    shell.git('init', '-q', '-b', 'main');
    shell.git('add', 'A');
    shell.git('commit', '-qm', 'one');
    shell.git('branch', 't');
    assert.equal(await shell.verdict('git checkout t'), 'allow shell.allowed');
    assert.equal(await shell.verdict('git branch -m t u | nice git branch -m e t | nice nice git checkout t'), 'approve shell.together');
  });

  it('T24 no link that leads out comes about without a question', async () => {
    await shell.silent('mkdir -p deep/er deep/est');
    await shell.silent({ command: 'ln', args: ['-s', '../../outside', 'l'], cwd: 'deep/er' });
    for (const line of ['mv deep/er E', 'mv deep/er/l l', 'cp -r deep/er E', 'cp -a deep/er E', 'cp -P deep/er/l l', 'cp -d deep/er/l l', 'mv deep/er ../project/E', 'cd deep && mv er ..']) {
      assert.equal(await shell.verdict(line), 'approve shell.carriedLink', line);
    }
    assert.equal(await shell.verdict('ln -s deep/er/../../../outside o'), 'approve shell.arguments');
    // Links that stay below what is moved lead nowhere else from its new place.
    await shell.silent({ command: 'ln', args: ['-s', '../A', 'in'], cwd: 'deep' }).catch(() => undefined);
    shell.put('tree/a/f', 'f');
    symlinkSync('../a/f', join(shell.project, 'tree/a/g'));
    await shell.silent('mv tree moved');
    assert.ok(lstatSync(join(shell.project, 'moved/a/g')).isSymbolicLink());
  });

  it('T62 looks through a place once, however it is spelled, and through so many names in all', async () => {
    for (const folder of ['one', 'two']) for (let file = 0; file < 2_100; file += 1) shell.put(`${folder}/f${file}`, '');
    shell.put('to/x', 'x');
    assert.equal(await shell.verdict('mv one ./one .//one ././one to'), 'allow shell.allowed');
    assert.equal(await shell.verdict('mv one two to'), 'approve shell.carriedLink');
  });

  it('T24 what leads inside only through a link before ".." asks', async () => {
    await shell.silent('mkdir -p deep/er/est');
    symlinkSync('deep/er/est', join(shell.project, 'd'));
    shell.put('deep/secret', 's');
    assert.equal(await shell.verdict('cat d/../../secret'), 'approve shell.outside');
    assert.equal(await shell.verdict('cat d/../../deep/secret'), 'approve shell.outside');
    assert.equal(await shell.verdict('cat deep/er/../secret'), 'allow shell.allowed');
  });

  it('T24 .github neither becomes a link nor is linked to', async () => {
    await shell.silent('mkdir -p hub/workflows');
    for (const line of ['ln -s hub .github', 'ln -s .github gh', 'ln -sfn .github x']) assert.equal(await shell.verdict(line), 'approve shell.controlFile', line);
    assert.ok(!existsSync(join(shell.project, '.github')));
  });

  it('T27 two calls at once: names stay under the one that was judged by them', async function () {
    if (process.platform !== 'linux') this.skip();
    const swaps = async (): Promise<void> => {
      for (let round = 0; round < 12; round += 1) for (const target of ['B', 'A']) await shell.run(`ln -sfn ${target} x`);
    };
    let running = true;
    const swapping = swaps().finally(() => (running = false));
    let inside = 0;
    for (let round = 0; running && round < 200; round += 1) {
      const prepared = await shell.prepare(`nice nice nice touch x/sub/planted-${round}`);
      if (prepared.verdict.verdict !== 'allow') continue;
      const outcome = await shell.start(prepared);
      inside += outcome.kind === 'success' ? 1 : 0;
    }
    await swapping;
    assert.deepEqual(readdirSync(outside), ['secret']);
    assert.ok(inside > 0, 'some of them found the ground as it was judged');
  });
});
