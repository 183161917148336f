import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limitsSchema, sandboxSchema } from '../protocol/src/confinement';
import { runChildren } from '../server/src/base/childProcess';
import { resolveBinary } from '../server/src/tools/shell/resolve';
import { confine, type Confinement } from '../server/src/tools/shell/sandbox/confinement';
import { wrap } from '../server/src/tools/shell/sandbox/start';
import { findBuilds } from '../test/fakes/bubblewraps';
import { median, type Figure } from './figures';

/** What limits and the sandbox add to a command: the same program through the same runner, plain and wrapped, in turn. Linux only. */

const rounds = 200;
const warmUp = 20;

type Way = 'plain' | 'limited' | 'sandboxed';

/** Measures the medians of what each way adds to a plain spawn of `true`, in milliseconds. */
export async function measureSandbox(): Promise<Figure[]> {
  if (process.platform !== 'linux') return [];
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-bench-')));
  for (const name of ['project', 'config', 'run']) mkdirSync(join(base, name));
  try {
    const excess = await compare(base);
    return [figure('size of files limited', excess.limited, 3), figure('in bubblewrap, with limits', excess.sandboxed, 20)];
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

async function compare(base: string): Promise<Record<Exclude<Way, 'plain'>, number[]>> {
  const folders = [(await findBuilds()).sound, '/usr/bin', '/bin'];
  const ways: Record<Way, Confinement | undefined> = { plain: undefined, limited: await terms(base, folders, 'off'), sandboxed: await terms(base, folders, 'required') };
  const excess: Record<Exclude<Way, 'plain'>, number[]> = { limited: [], sandboxed: [] };
  for (let round = -warmUp; round < rounds; round += 1) {
    const plain = await time(base, folders, ways.plain);
    for (const way of ['limited', 'sandboxed'] as const) {
      const took = await time(base, folders, ways[way]);
      if (round >= 0) excess[way].push(took - plain);
    }
  }
  return excess;
}

async function terms(base: string, folders: readonly string[], mode: 'off' | 'required'): Promise<Confinement> {
  const circumstances = { project: join(base, 'project'), configDir: join(base, 'config'), folders, sandbox: sandboxSchema.parse({ mode }), limits: limitsSchema.parse({}) };
  const confined = await confine({ binary: program(folders), inner: [], asks: false }, circumstances);
  if ('refused' in confined) throw new Error(confined.refused);
  return confined;
}

function program(folders: readonly string[]) {
  const binary = resolveBinary('true', folders);
  if ('refused' in binary) throw new Error(binary.refused);
  return binary;
}

async function time(base: string, folders: readonly string[], confinement: Confinement | undefined): Promise<number> {
  const started = performance.now();
  const child = { ...wrap({ binary: program(folders), args: [], folder: join(base, 'project'), temporary: join(base, 'run'), environment: {} }, confinement), cwd: join(base, 'project'), environment: { PATH: folders.join(':') }, input: 'nothing', output: 'stdout', errors: 'stderr' } as const;
  const run = await runChildren([child], { timeoutMs: 10_000 });
  if (run.kind !== 'ended' || run.exits[0]?.code !== 0) throw new Error(run.kind === 'ended' ? run.stderr.head.toString('utf8') : run.error.message);
  return performance.now() - started;
}

function figure(what: string, excess: readonly number[], goal: number): Figure {
  const middle = median(excess);
  return { what: `a command, ${what}`, baseline: 'plain spawn', value: `+${middle.toFixed(1)} ms`, goal: `at most +${String(goal)} ms`, met: middle <= goal };
}
