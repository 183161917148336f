import { spawnSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendsState } from '../protocol/src/externalServers';
import { median, ratioFigure, type Figure } from './figures';
import { firstList } from './firstList';
import { bareRelay, directHttp, directStdio, freePort, installPeers, mcporter, mcpProxy, overHttp, overStdio, supergateway, type Way } from './peers';
import { connectToBroker } from '../link/src/connect';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';

/** What a call of an external server costs through Conductor, against none and against the gateways of today, all in turn in one run. */

const conductor = resolve(__dirname, '../dist/conductor.js');
const brokerScript = resolve(__dirname, '../dist/broker.js');
const echo = resolve(__dirname, 'echoServer.mjs');
const rounds = 7;
const callsPerRound = 80;
/** Calls before the first round: what is measured is a broker that has run for a while, as one does for a whole day. */
const warmUp = 500;
const short = 'x'.repeat(100);
const long = 'x'.repeat(64 * 1024);
/** Servers that are attached and do nothing. */
const idle = 10;

/** Measures calls by stdio and by HTTP, memory and starts. Needs a build in dist/. */
export async function measureBackends(): Promise<Figure[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'conductor-bench-'));
  try {
    const peers = installPeers();
    return [...(await stdioFigures(scratch, peers)), ...(await httpFigures(scratch, peers)), ...(await restFigures(scratch))];
  } finally {
    await leave(scratch);
  }
}

/** The brokers take a moment to leave, on a busy machine a long one; what went wrong before that is told first. */
async function leave(scratch: string): Promise<void> {
  for (let tries = 0; tries < 30; tries += 1) {
    try {
      return rmSync(scratch, { recursive: true, force: true });
    } catch {
      await sleep(500);
    }
  }
}

type Peers = ReturnType<typeof installPeers>;

async function stdioFigures(scratch: string, peers: Peers): Promise<Figure[]> {
  const [relaxed, strict] = [await Place.make(join(scratch, 'relaxed'), 'queued'), await Place.make(join(scratch, 'strict'), 'durable')];
  const ways = [await directStdio(), await relaxed.stdio(), await strict.stdio(), await bareRelay(scratch), await bareRelay(scratch, join(strict.configDir, 'bare')), ...('folder' in peers ? [await mcporter(peers.folder, scratch)] : [])];
  try {
    const times = await inTurn(ways, short);
    const [direct = [], queued = [], durable = [], bare = [], bareDurable = [], porter] = times;
    const sync = rawSync(strict.configDir);
    const figures = [
      ratioFigure('echo of 100 bytes over stdio, p50, entries of reads queued', `the same server direct, ${median(direct).toFixed(2)} ms`, ratios(queued, direct), 3),
      ratioFigure('the same, both entries durable, beyond direct', `two raw fdatasync, ${(2 * sync).toFixed(2)} ms`, durable.map((one, at) => (one - (direct[at] ?? 0)) / (2 * sync)), 2.2),
      ratioFigure('floor of the first: the same processes, with nothing done in them', 'direct', ratios(bare, direct), Infinity),
      ratioFigure('floor of the second: the same, with two entries made durable', 'two raw fdatasync', bareDurable.map((one, at) => (one - (direct[at] ?? 0)) / (2 * sync)), Infinity),
      ratioFigure('what judging and recording add to the floor', `the same processes, ${median(bare).toFixed(2)} ms`, ratios(queued, bare), Infinity),
      porter === undefined ? missing('mcporter', peers) : ratioFigure('echo of 100 bytes over stdio, entries of reads queued', `mcporter, ${median(porter).toFixed(2)} ms`, ratios(queued, porter), 1),
      porter === undefined ? missing('mcporter', peers) : ratioFigure('the same, both entries durable', 'mcporter', ratios(durable, porter), 1),
    ];
    const [some, bareWay] = [ways.slice(0, 2), ways.slice(3, 4)];
    const [longDirect = [], longQueued = [], longBare = []] = await inTurn([...some, ...bareWay], long);
    const [many = [], manyQueued = [], manyBare = []] = await throughput([...some, ...bareWay]);
    return [
      ...figures,
      ratioFigure('echo of 64 KiB over stdio, p50, entries queued', `direct, ${median(longDirect).toFixed(2)} ms`, ratios(longQueued, longDirect), 2.5),
      ratioFigure('floor of it', 'direct', ratios(longBare, longDirect), Infinity),
      atLeast('calls a second, 32 at a time, entries queued', `direct, ${median(many).toFixed(0)} a second`, ratios(manyQueued, many), 0.4),
      ratioFigure('floor of it', 'direct', ratios(manyBare, many), Infinity),
      await relaxed.audited(), await strict.audited(),
    ];
  } finally {
    await Promise.all(ways.map((way) => way.close()));
    for (const place of [relaxed, strict]) place.end();
  }
}

async function httpFigures(scratch: string, peers: Peers): Promise<Figure[]> {
  const place = await Place.make(join(scratch, 'http'), 'queued', true);
  const ways = [await directHttp(), await place.http(), ...('folder' in peers ? [await mcpProxy(peers.folder), await supergateway(peers.folder)] : [])];
  try {
    const [direct = [], through = [], ...others] = await inTurn(ways, short);
    return [
      ratioFigure('echo of 100 bytes over HTTP, p50, entries of reads queued', `a server of the official SDK direct, ${median(direct).toFixed(2)} ms`, ratios(through, direct), 1.2),
      ...('folder' in peers ? others.map((other, at) => ratioFigure('the same', `${ways[at + 2]?.name ?? ''}, ${median(other).toFixed(2)} ms`, ratios(through, other), 1)) : [missing('mcp-proxy and supergateway', peers)]),
      await place.audited(),
    ];
  } finally {
    await Promise.all(ways.map((way) => way.close()));
    place.end();
  }
}

async function restFigures(scratch: string): Promise<Figure[]> {
  const [few, many] = [await Place.make(join(scratch, 'few'), 'queued', false, 1), await Place.make(join(scratch, 'many'), 'queued', false, 21)];
  try {
    await sleep(2000);
    const each = (many.memoryMb() - few.memoryMb()) / 20;
    const warm: number[] = [];
    const cold: number[] = [];
    const tens = await Place.make(join(scratch, 'tens'), 'queued');
    try {
      for (let round = 0; round < 5; round += 1) {
        for (let i = 0; i < 2; i += 1) warm.push(await firstList(tens));
        tens.kill();
        cold.push(await firstList(tens));
      }
    } finally {
      tens.end();
    }
    return [
      { what: 'memory of the broker for each idle server', baseline: `1 server, ${few.memoryMb().toFixed(0)} MB`, value: `${each.toFixed(2)} MB`, goal: 'below 4 MB', met: each < 4 },
      { what: `first tools/list, broker up, ${String(idle)} idle servers`, baseline: '-', value: `${median(warm).toFixed(0)} ms (worst ${Math.max(...warm).toFixed(0)})`, goal: 'below 400 ms', met: Math.max(...warm) < 400 },
      { what: `first tools/list, no broker yet, ${String(idle)} servers to start`, baseline: '-', value: `${median(cold).toFixed(0)} ms (worst ${Math.max(...cold).toFixed(0)})`, goal: 'below 1000 ms', met: Math.max(...cold) < 1000 },
    ];
  } finally {
    for (const place of [few, many]) place.end();
  }
}

function missing(name: string, peers: Peers): Figure {
  return { what: `against ${name}`, baseline: '-', value: `not measured: ${'missing' in peers ? peers.missing : ''}`, goal: 'at most 1x', met: false };
}

function atLeast(what: string, baseline: string, found: readonly number[], goal: number): Figure {
  return { ...ratioFigure(what, baseline, found, Infinity), goal: `at least ${String(goal)}x`, met: median(found) >= goal };
}

function ratios(some: readonly number[], others: readonly number[]): number[] {
  return some.map((one, at) => one / (others[at] ?? NaN));
}

/** The median of each way in each round; the ways take turns. */
async function inTurn(ways: readonly Way[], text: string): Promise<number[][]> {
  for (const way of ways) for (let i = 0; i < warmUp; i += 1) await way.say(text);
  const times: number[][] = ways.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, way] of ways.entries()) {
      const took: number[] = [];
      for (let i = 0; i < callsPerRound; i += 1) {
        const began = performance.now();
        await way.say(text);
        took.push(performance.now() - began);
      }
      times[at]?.push(median(took));
    }
  }
  return times;
}

async function throughput(ways: readonly Way[]): Promise<number[][]> {
  const rates: number[][] = ways.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, way] of ways.entries()) {
      const began = performance.now();
      await Promise.all(Array.from({ length: 32 }, async () => { for (let i = 0; i < 10; i += 1) await way.say(short); }));
      rates[at]?.push(320_000 / (performance.now() - began));
    }
  }
  return rates;
}

/** A household with one server that is called and some that are idle, approved as a person would. */
class Place {
  #calls = 0;

  private constructor(readonly configDir: string, readonly project: string, readonly port: number) {}

  static async make(base: string, readOnlyDurability: 'queued' | 'durable', http = false, servers = idle + 1): Promise<Place> {
    const place = new Place(join(base, 'config'), join(base, 'project'), http ? await freePort() : 0);
    mkdirSync(place.project, { recursive: true });
    mkdirSync(place.configDir, { mode: 0o700 });
    const names = ['echo', ...Array.from({ length: servers - 1 }, (_, at) => `idle${String(at)}`)];
    const write = (name: string, value: unknown): void => writeFileSync(join(place.configDir, name), JSON.stringify(value), { mode: 0o600 });
    write('config.json', { audit: { readOnlyDurability }, ...(http ? { server: { transport: 'http', port: place.port } } : {}) });
    write('mcp_backends.json', { version: 1, backends: Object.fromEntries(names.map((name) => [name, { transport: 'stdio', command: process.execPath, args: [echo] }])) });
    write('external_mcp_policy.json', { version: '1', rules: names.map((backend) => ({ backend, tools: ['echo'], read_only_tools: ['echo'], approval: 'never' })) });
    await place.approve();
    return place;
  }

  get env(): Record<string, string> {
    return { ...(process.env as Record<string, string>), CONDUCTOR_CONFIG_DIR: this.configDir };
  }

  async stdio(): Promise<Way> {
    return this.#counted(await overStdio('Conductor', [conductor, 'mcp', 'start', '--project', this.project], this.env, 'echo__echo'));
  }

  async http(): Promise<Way> {
    const headers = { Authorization: `Bearer ${readFileSync(join(this.configDir, 'http.token'), 'utf8').trim()}`, 'Conductor-Project': this.project };
    return this.#counted(await overHttp('Conductor over HTTP', `http://127.0.0.1:${String(this.port)}/mcp`, headers, 'echo__echo'));
  }

  /** Entries that nobody waits for come a few milliseconds later. */
  async audited(): Promise<Figure> {
    await sleep(200);
    const lines = readFileSync(join(this.configDir, 'audit.log'), 'utf8').split('\n').filter((line) => /"phase":"(intent|done)"/.test(line)).length;
    return { what: 'entries in the log', baseline: 'calls made', value: `${String(lines)} / ${String(this.#calls)}`, goal: '2 for each call', met: lines === 2 * this.#calls };
  }

  memoryMb(): number {
    return this.#status().memoryMb;
  }

  kill(): void {
    process.kill(this.#status().pid, 'SIGKILL');
  }

  end(): void {
    try {
      process.kill(this.#status().pid, 'SIGTERM');
    } catch {
      // It is gone already.
    }
  }

  async approve(): Promise<void> {
    const { socket } = await patiently(() => connectToBroker({ configDir: this.configDir, who: { role: 'cli', version: '0.0.0' }, program: { execPath: process.execPath, script: brokerScript } }));
    const control = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    control.listen();
    const look = async (): Promise<BackendsState['backends']> => (await control.sendRequest<BackendsState>('backends/list', {})).backends;
    for (const { backend, identity } of await look()) await control.sendRequest('backends/approve', { backend, identity, tools: [] });
    for (const { backend, identity, tools } of await look()) await control.sendRequest('backends/approve', { backend, identity, tools: (tools ?? []).map(({ name, digest }) => ({ name, digest })) });
    control.end();
  }

  #counted(way: Way): Way {
    return { ...way, say: (text) => ((this.#calls += 1), way.say(text)) };
  }

  #status(): { pid: number; memoryMb: number } {
    const { stdout } = spawnSync(process.execPath, [conductor, 'doctor', '--json'], { env: this.env, encoding: 'utf8' });
    return (JSON.parse(stdout) as { status: { pid: number; memoryMb: number } }).status;
  }
}

/** A busy machine starts a broker slowly. */
async function patiently<Value>(work: () => Promise<Value>): Promise<Value> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (tries >= 5) throw thrown;
      await sleep(500);
    }
  }
}

/** Median of appending 400 bytes and making them durable, in milliseconds, in the folder that the log is in. */
function rawSync(folder: string): number {
  const descriptor = openSync(join(folder, 'raw'), 'a');
  const line = Buffer.alloc(400, 'x');
  const times = Array.from({ length: 100 }, () => {
    const began = performance.now();
    writeSync(descriptor, line);
    fdatasyncSync(descriptor);
    return performance.now() - began;
  });
  closeSync(descriptor);
  return median(times);
}
