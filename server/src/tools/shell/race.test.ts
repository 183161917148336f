import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../../../protocol/src/config';
import { startSwapping, stopSwapping } from '../../../../test/fakes/swapping';
import { runChildren, type Child } from '../../base/childProcess';
import { closeAll, openRedirection } from './files';
import { holdFolder } from './held';
import { createShellTool } from './tool';
import type { ShellInput } from './input';

/** Another process swaps the working folder, or the folder of a redirection, with a link to the outside while commands start (T27). */

/** A race ends after so many tries of which so many met the folder itself, or after so many milliseconds. */
type Enough = Readonly<{ tries: number; inside: number; milliseconds: number; untilEscape?: true }>;

const many: Enough = { tries: 2000, inside: 100, milliseconds: 4000 };
const some: Enough = { tries: 150, inside: 1, milliseconds: 2000 };

describe('T27 races of commands against a process that swaps links in', function () {
  this.timeout(60_000);
  let base = '';
  let project = '';
  let swapping: ChildProcess | undefined;
  let untouched = '';

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'shell-race-')));
    project = join(base, 'ws');
    for (const [folder, text] of [['secret', 'SECRET'], ['ws/d', 'inside'], ['config', '']] as const) {
      mkdirSync(join(base, folder), { recursive: true });
      writeFileSync(join(base, folder, 'f'), text);
    }
    untouched = picture();
  });
  afterEach(async () => {
    if (swapping !== undefined) await stopSwapping(swapping);
    swapping = undefined;
    rmSync(base, { recursive: true, force: true });
  });

  /** Everything outside that a command could change, with the times that any change moves. */
  function picture(): string {
    const folder = join(base, 'secret');
    return JSON.stringify([readdirSync(folder).sort(), readFileSync(join(folder, 'f'), 'utf8'), ...['', 'f'].map((name) => String(statSync(join(folder, name), { bigint: true }).ctimeNs))]);
  }

  async function race(enough: Enough, attempt: () => Promise<string>): Promise<{ tries: number; inside: number; escapes: number }> {
    swapping = await startSwapping(join(project, 'd'), '../secret', 'folder');
    const counts = { tries: 0, inside: 0, escapes: 0 };
    const isEnough = (): boolean => (enough.untilEscape === true ? counts.escapes > 0 : counts.tries >= enough.tries && counts.inside >= enough.inside);
    for (const began = performance.now(); !isEnough() && performance.now() - began < enough.milliseconds; counts.tries += 1) {
      const text = await attempt().catch(() => '');
      if (text.includes('SECRET')) counts.escapes += 1;
      if (text.includes('inside')) counts.inside += 1;
    }
    return counts;
  }

  function cat(cwd: string): Child {
    return { file: '/bin/cat', args: ['f'], cwd, environment: {}, input: 'nothing', output: 'stdout', errors: 'nowhere' };
  }

  async function outputOf(child: Child): Promise<string> {
    const run = await runChildren([child], { timeoutMs: 10_000 });
    return run.kind === 'ended' ? run.stdout.head.toString('utf8') : '';
  }

  async function call(input: ShellInput): Promise<string> {
    const config = configSchema.parse({ plugins: { shell: { allowedCommands: ['cat', 'echo'] } } });
    const signal = new AbortController().signal;
    const prepared = await createShellTool('/usr/bin:/bin').prepare(input, { project, configDir: join(base, 'config'), config, signal });
    const outcome = await prepared.run(signal, () => undefined);
    prepared.release?.();
    return JSON.stringify(outcome);
  }

  it('T27 a program starts in the folder that was judged, or not at all', async () => {
    const counts = await race(many, async () => {
      const folder = holdFolder(join(project, 'd'), project);
      try {
        return await outputOf(cat(folder.path));
      } finally {
        folder.close();
      }
    });
    assert.equal(counts.escapes, 0);
    assert.ok(counts.inside > 0 && counts.tries > 100, `the race took place: ${JSON.stringify(counts)}`);
  });

  it('T27 a redirection opens the file that was judged, or none', async () => {
    const counts = await race(many, async () => {
      closeAll([openRedirection({ kind: 'append', descriptor: 1, target: 'd/g', arrives: join(project, 'd/g') }, project)]);
      return Promise.resolve('inside');
    });
    assert.equal(picture(), untouched);
    assert.ok(counts.inside > 0 && counts.tries > 100, `the race took place: ${JSON.stringify(counts)}`);
  });

  for (const input of [{ command: 'cat f', cwd: 'd' }, { command: 'cd d && cat f' }, { command: 'cat < d/f' }, { command: 'echo written > d/f' }, { command: 'echo written >> d/new' }]) {
    it(`T27 ${JSON.stringify(input)}: nothing outside is read or changed`, async () => {
      const { escapes, tries } = await race(some, () => call(input));
      assert.equal(escapes, 0);
      assert.equal(picture(), untouched);
      assert.ok(tries > 20);
    });
  }

  it('T27 the same swapping does fool a working folder that was checked by its path, so these tests could fail', async function () {
    const { escapes } = await race({ ...many, inside: Infinity, untilEscape: true }, async () => {
      const folder = join(project, 'd');
      return realpathSync(folder) === folder ? await outputOf(cat(folder)) : '';
    });
    // A machine with one slow core may never show it; that says nothing about the tools.
    if (escapes === 0) this.skip();
  });
});
