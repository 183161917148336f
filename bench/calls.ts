import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { ConfigInput } from '../protocol/src/config';
import { median, quantile, ratioFigure, type Figure } from './figures';
import { firstList } from './firstList';

/** What a brokered call costs: the same read of the same 100 bytes, through Conductor and through the reference file server, in turn. */

const conductor = resolve(__dirname, '../dist/conductor.js');
const reference = join(createRequire(__filename).resolve('@modelcontextprotocol/server-filesystem/package.json'), '../dist/index.js');
const rounds = 7;
const callsPerRound = 150;

type Peer = Readonly<{ client: Client; read(): Promise<unknown>; close(): Promise<void> }>;
type Place = Readonly<{ base: string; project: string; file: string; configDir: string; env: Record<string, string> }>;

/** Measures calls, connecting and memory. Needs a build in dist/. */
export async function measureCalls(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const durability of ['queued', 'durable'] as const) figures.push(...(await compareReads(durability)));
  figures.push(...(await measureStart()));
  return figures;
}

async function compareReads(readOnlyDurability: 'queued' | 'durable'): Promise<Figure[]> {
  const place = makePlace({ audit: { readOnlyDurability } });
  const direct = await connectReference(place);
  const brokered = await connectConductor(place);
  const ratios: number[] = [];
  const excess: number[] = [];
  try {
    for (let i = 0; i < 50; i += 1) await Promise.all([direct.read(), brokered.read()]);
    for (let round = 0; round < rounds; round += 1) {
      const [a, b] = [await timeReads(direct), await timeReads(brokered)];
      const sync = rawSync(place);
      ratios.push(b / a);
      excess.push((b - 3 * a) / (2 * sync));
    }
    const lines = readFileSync(join(place.configDir, 'audit.log'), 'utf8').trim().split('\n').filter((line) => /"phase":"(intent|done)"/.test(line)).length;
    const calls = 50 + rounds * callsPerRound;
    const audited: Figure = { what: `entries per call (${readOnlyDurability})`, baseline: 'calls made', value: `${String(lines)} / ${String(calls)}`, goal: '2 for each call', met: lines === 2 * calls };
    if (readOnlyDurability === 'queued') return [ratioFigure('filesystem_read of 100 bytes, p50, entries of reads queued', '@modelcontextprotocol/server-filesystem, direct', ratios, 3), audited];
    return [
      { ...ratioFigure('filesystem_read of 100 bytes, p50, both entries durable', '@modelcontextprotocol/server-filesystem, direct', ratios, Infinity), goal: '3x and what the next row allows' },
      ratioFigure('what durable entries add beyond 3x direct', 'two raw fdatasync of 400 bytes', excess, 2.2),
      audited,
    ];
  } finally {
    await Promise.all([direct.close(), brokered.close()]);
    removePlace(place);
  }
}

async function measureStart(): Promise<Figure[]> {
  const place = makePlace({});
  const node: number[] = [];
  const warm: number[] = [];
  const cold: number[] = [];
  try {
    for (let round = 0; round < 5; round += 1) {
      endBroker(place);
      cold.push(await firstList(place));
      for (let i = 0; i < 3; i += 1) warm.push(await firstList(place));
      node.push(timeNode());
    }
    const { memoryMb } = statusOf(place);
    return [
      { what: 'connect and initialize, broker up', baseline: `start of Node.js alone, ${median(node).toFixed(0)} ms`, value: `${median(warm).toFixed(0)} ms (p90 ${quantile(warm, 0.9).toFixed(0)})`, goal: 'at most 150 ms', met: median(warm) <= 150 },
      { what: 'first tools/list, no broker yet', baseline: `start of Node.js alone, ${median(node).toFixed(0)} ms`, value: `${median(cold).toFixed(0)} ms (worst ${Math.max(...cold).toFixed(0)})`, goal: 'below 1000 ms', met: Math.max(...cold) < 1000 },
      { what: 'resident memory of the broker at rest', baseline: '-', value: `${String(memoryMb)} MB`, goal: 'below 120 MB', met: memoryMb < 120 },
    ];
  } finally {
    endBroker(place);
    removePlace(place);
  }
}

function makePlace(config: ConfigInput): Place {
  const base = mkdtempSync(join(tmpdir(), 'conductor-bench-'));
  const place = { base, project: join(base, 'project'), configDir: join(base, 'config'), file: join(base, 'project', 'hundred.txt') };
  mkdirSync(place.project);
  mkdirSync(place.configDir, { mode: 0o700 });
  writeFileSync(place.file, `${'x'.repeat(99)}\n`);
  writeFileSync(join(place.configDir, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  const env = { ...(process.env as Record<string, string>), CONDUCTOR_CONFIG_DIR: place.configDir };
  return { ...place, env };
}

function removePlace(place: Place): void {
  endBroker(place);
  rmSync(place.base, { recursive: true, force: true });
}

async function connectReference({ project, file, env }: Place): Promise<Peer> {
  const client = await connect([reference, project], env);
  return { client, read: () => client.callTool({ name: 'read_text_file', arguments: { path: file } }), close: () => client.close() };
}

async function connectConductor({ project, env }: Place): Promise<Peer> {
  const client = await connect([conductor, 'mcp', 'start', '--project', project], env);
  return { client, read: () => client.callTool({ name: 'filesystem_read', arguments: { path: 'hundred.txt' } }), close: () => client.close() };
}

async function connect(args: string[], env: Record<string, string>): Promise<Client> {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }));
  return client;
}

async function timeReads(peer: Peer): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < callsPerRound; i += 1) {
    const started = performance.now();
    await peer.read();
    times.push(performance.now() - started);
  }
  return median(times);
}

/** Median of appending 400 bytes and making them durable, in milliseconds, in the folder that the log is in. */
function rawSync({ configDir }: Place): number {
  const descriptor = openSync(join(configDir, 'raw'), 'a');
  const line = Buffer.alloc(400, 'x');
  const times = Array.from({ length: 100 }, () => {
    const started = performance.now();
    writeSync(descriptor, line);
    fdatasyncSync(descriptor);
    return performance.now() - started;
  });
  closeSync(descriptor);
  return median(times);
}

function timeNode(): number {
  const started = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - started;
}

function statusOf({ env }: Place): { pid: number; memoryMb: number } {
  const { stdout } = spawnSync(process.execPath, [conductor, 'doctor', '--json'], { env, encoding: 'utf8' });
  return (JSON.parse(stdout) as { status: { pid: number; memoryMb: number } }).status;
}

function endBroker(place: Place): void {
  try {
    process.kill(statusOf(place).pid, 'SIGKILL');
  } catch {
    // None was running.
  }
}
