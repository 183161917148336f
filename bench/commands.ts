import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parse } from 'unbash';
import { configSchema, type Config } from '../protocol/src/config';
import { pinRoot, walk } from '../server/src/base/descriptorWalk';
import { readSlice } from '../server/src/base/heldFile';
import { systemPins } from '../server/src/base/pin';
import { judgeCommand, type CommandRequest } from '../server/src/rules/allowlist';
import { readLists } from '../server/src/rules/commandLists';
import { lexicalFacts, type CommandFacts } from '../server/src/rules/places';
import { diskFacts } from '../server/src/tools/shell/facts';
import { createShellTool } from '../server/src/tools/shell/tool';
import type { PrepareContext } from '../server/src/tools/tool';
import { hostileRequests } from '../test/fakes/hostileLines';
import { median, quantile, ratioFigure, type Figure } from './figures';

/** What judging, preparing and starting a command costs, on everyday lines and on lines made to be slow. */

type Vectors = Readonly<{ configs: Readonly<Record<string, { allowedCommands: string[]; requireApproval: string[] }>>; vectors: readonly Readonly<{ command: string; platform: string }>[] }>;

const vectors = JSON.parse(readFileSync(resolve(__dirname, '../test/vectors/commands/everyday.json'), 'utf8')) as Vectors;
const settings = vectors.configs['broad'] ?? { allowedCommands: [], requireApproval: [] };
const lists = readLists(settings);
const everyday = vectors.vectors.filter(({ platform }) => platform === 'posix').map(({ command }) => command);

type Ground = Readonly<{ base: string; project: string; configDir: string; context: PrepareContext }>;

/** Measures the judge, the preparation of calls, the runner and the walk. */
export async function measureCommands(): Promise<Figure[]> {
  const ground = makeGround();
  try {
    return [...judging(ground), ...(await preparing(ground)), await running(ground), await walking(ground)];
  } finally {
    rmSync(ground.base, { recursive: true, force: true });
  }
}

function makeGround(): Ground {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-bench-')));
  const [project, configDir] = [join(base, 'project'), join(base, 'config')];
  for (const folder of ['src/one/two/three', 'test', 'packages/a', 'packages/web']) mkdirSync(join(project, folder), { recursive: true });
  mkdirSync(configDir);
  for (const name of ['a', 'b', 'f', 'a.ts', 'b.ts', 'src/a.ts', 'README.md']) writeFileSync(join(project, name), 'text\n');
  writeFileSync(join(project, 'package.json'), JSON.stringify({ scripts: { test: 'true', build: 'true', lint: 'true', start: 'true' } }));
  writeFileSync(join(project, 'src/one/two/three/small.txt'), 'x'.repeat(2048));
  const config: Config = configSchema.parse({ plugins: { shell: settings } });
  return { base, project, configDir, context: { project, configDir, config, signal: new AbortController().signal } };
}

function judging({ project, configDir }: Ground): Figure[] {
  const facts = lexicalFacts({ project, own: configDir }, 'posix');
  const judge = (request: CommandRequest, known: CommandFacts) => judgeCommand({ request, lists, cwd: project, platform: 'posix', facts: known });
  for (let round = 0; round < 20; round += 1) for (const line of everyday) judge({ line }, facts);
  const ours = everyday.map((line) => timed(() => judge({ line }, facts), 21));
  const parser = everyday.map((line) => timed(() => parse(line), 21));
  const looked = everyday.map((line) => timed(() => judge({ line }, diskFacts({ project, configDir })), 11));
  const worst = hostileRequests.map(([about, request]) => [timed(() => judge(request, facts), 41), about] as const).sort(([a], [b]) => b - a);
  const [slowest, about] = worst[0] ?? [0, ''];
  return [
    { what: `judging one of ${everyday.length} everyday lines`, baseline: `unbash alone, parsing them, ${us(median(parser))}`, value: `${us(median(ours))} (p99 ${us(quantile(ours, 0.99))})`, goal: 'median at most 40 µs', met: median(ours) <= 0.04 },
    { what: 'the same, links and files looked up on the disk', baseline: `by the text alone, ${us(median(ours))}`, value: `${us(median(looked))} (p99 ${us(quantile(looked, 0.99))})`, goal: 'none', met: true },
    { what: `judging the slowest of ${hostileRequests.length} hostile inputs, 5 KB to 64 MB: ${about}`, baseline: worst.slice(1, 4).map(([time, name]) => `${name} ${ms(time)}`).join(', '), value: ms(slowest), goal: 'at most 2 ms', met: slowest <= 2 },
  ];
}

/** The whole way from an agent's call to a question, with everything that is looked up, hashed and asked of git. */
async function preparing({ context }: Ground): Promise<Figure[]> {
  const tool = createShellTool();
  let slowest: readonly [number, string] = [0, ''];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let stalled: readonly [number, string] = [0, ''];
  for (const [about, request] of hostileRequests) {
    const input = 'line' in request ? { command: request.line } : { command: request.argv[0], args: request.argv.slice(1) };
    delay.enable();
    const started = performance.now();
    const prepared = await tool.prepare(input, context);
    const took = performance.now() - started;
    await new Promise((done) => setTimeout(done, 3));
    delay.disable();
    prepared.release?.();
    if (took > slowest[0]) slowest = [took, about];
    if (delay.max / 1e6 > stalled[0]) stalled = [delay.max / 1e6, about];
    delay.reset();
  }
  return [
    { what: `preparing the slowest hostile call: ${slowest[1]}`, baseline: '-', value: ms(slowest[0]), goal: 'at most 2000 ms', met: slowest[0] <= 2000 },
    { what: `longest time in which the broker hears nothing meanwhile: ${stalled[1]}`, baseline: '-', value: ms(stalled[0]), goal: 'at most 100 ms', met: stalled[0] <= 100 },
  ];
}

/** The same program, prepared and run by the tool, and started plainly, in turn. */
async function running({ context, project }: Ground): Promise<Figure> {
  const tool = createShellTool();
  const signal = new AbortController().signal;
  const plain: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < 200; round += 1) {
    let started = performance.now();
    await new Promise((done) => spawn('/bin/true', [], { cwd: project, stdio: 'ignore' }).once('exit', done));
    plain.push(performance.now() - started);
    const prepared = await tool.prepare({ command: 'true' }, context);
    started = performance.now();
    const outcome = await prepared.run(signal, () => undefined);
    ours.push(performance.now() - started);
    if (outcome.kind !== 'success') throw new Error(`the command did not run: ${JSON.stringify(outcome)}`);
  }
  const [alone, through] = [quantile(plain, 0.25), quantile(ours, 0.25)];
  const over = through - alone;
  return { what: 'what the runner adds to a command, 200 runs of `true`', baseline: `plain spawn, ${ms(alone)}`, value: `${ms(over)} more (${ms(through)}; median ${ms(median(ours) - median(plain))} more)`, goal: 'at most 3 ms', met: over <= 3 };
}

/** A file of 2 KB four folders deep: found by the walk and read through its descriptor, and read plainly, in turn. */
async function walking({ project }: Ground): Promise<Figure> {
  const path = 'src/one/two/three/small.txt';
  const root = pinRoot(project);
  const route = { root, roots: [root], segments: path.split('/'), followLast: true, avoid: [] };
  const ratios: number[] = [];
  for (let round = 0; round < 15; round += 1) {
    const plain = timed(() => readFileSync(join(project, path)), 101);
    const times: number[] = [];
    for (let turn = 0; turn < 101; turn += 1) {
      const started = performance.now();
      const walked = walk(route);
      if (walked.kind !== 'found') throw new Error('the file was not found');
      await readSlice(walked.target, 0, 1_048_576, systemPins);
      walked.target.close();
      walked.parent?.close();
      times.push(performance.now() - started);
    }
    ratios.push(quantile(times, 0.25) / plain);
  }
  return ratioFigure('reading 2 KB four folders deep by the descriptor walk', 'plain readFileSync', ratios, 10);
}

/** Milliseconds that work takes while other programs leave it alone: the lower quartile of its runs. */
function timed(work: () => unknown, times: number): number {
  const runs = Array.from({ length: times }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return quantile(runs, 0.25);
}

function us(milliseconds: number): string {
  return `${(milliseconds * 1000).toFixed(1)} µs`;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(2)} ms`;
}
