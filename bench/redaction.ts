import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build, type Plugin } from 'esbuild';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { connectToBroker } from '../link/src/connect';
import type { BackendsState } from '../protocol/src/externalServers';
import type { Status } from '../protocol/src/messages';
import { median, ratioFigure, type Figure } from './figures';

/**
 * What it costs to take secrets out of results: the same call with a result of 1 MiB, through a broker that holds 50 secrets, through one that
 * was built to take none out of what leaves, and through one that looks for none anywhere, not even for its log, in turn.
 */

const root = resolve(__dirname, '..');
const conductor = join(root, 'dist/conductor.js');
const rounds = 9;
const callsPerRound = 12;
const mebibyte = 1_048_576;

/** Measures it. Needs a build in dist/. */
export async function measureRedaction(): Promise<Figure[]> {
  const base = mkdtempSync(join(tmpdir(), 'conductor-bench-'));
  const houses = { with: await openHouse(base, 'with', []), without: await openHouse(base, 'without', [built(['redactor'])]), bare: await openHouse(base, 'bare', [built(Object.keys(bare))]) };
  try {
    const figures: Figure[] = [];
    for (const { what, tool, args } of calls) {
      for (const house of Object.values(houses)) for (let i = 0; i < 15; i += 1) await house.time(tool, args);
      const ratios: Record<Other, number[]> = { without: [], bare: [] };
      const before = { with: houses.with.cpuMs(), without: houses.without.cpuMs(), bare: houses.bare.cpuMs() };
      for (let round = 0; round < rounds; round += 1) {
        const times: Record<'with' | Other, number[]> = { with: [], without: [], bare: [] };
        for (let i = 0; i < callsPerRound; i += 1) for (const side of i % 2 === 0 ? (['with', 'without', 'bare'] as const) : (['bare', 'without', 'with'] as const)) times[side].push(await houses[side].time(tool, args));
        for (const other of others) ratios[other].push(median(times.with) / median(times[other]));
      }
      const spent = (side: 'with' | Other): number => (houses[side].cpuMs() - before[side]) / (rounds * callsPerRound);
      for (const other of others) {
        figures.push(ratioFigure(`${what}, 1 MiB, 50 secrets`, `the same call through ${baselines[other]}`, ratios[other], most[other]));
        const [own, theirs] = [spent('with'), spent(other)];
        if (theirs > 0) figures.push({ what: `${what}: processor time of the broker for one call`, baseline: 'the same', value: `${(own / theirs).toFixed(2)}x, ${own.toFixed(1)} ms`, goal: most[other] === Infinity ? 'none' : `at most ${String(most[other])}x`, met: own / theirs <= most[other] });
      }
    }
    return figures;
  } finally {
    for (const house of Object.values(houses)) await house.close();
    rmSync(base, { recursive: true, force: true });
  }
}

const baselines = {
  without: 'a broker built without redaction',
  bare: 'a broker built to look for no secret at all, not even for its log',
} as const;
type Other = keyof typeof baselines;
const others: readonly Other[] = ['without', 'bare'];
/** What is asked for is the price of the secrets that are kept; what the log looks for costs the same without any (decision 029). */
const most: Readonly<Record<Other, number>> = { without: 1.05, bare: Infinity };

const calls = [
  { what: 'filesystem_read of source code', tool: 'filesystem_read', args: { path: 'source.txt' } },
  { what: 'answer of an external server, in lines of JSON', tool: 'large__json', args: {} },
] as const;

/** Parts of a broker that looks for no secret anywhere: neither for known values, in results, streams and messages, nor for tokens and passwords, also on their way into the log. */
const bare: Readonly<Record<string, string>> = {
  redactor: `
    export const leastPiece = 4;
    export const secretMarker = (name: string) => name;
    export const tokenMarker = (kind: string) => kind;
    const same = (given: unknown) => given;
    export const createRedactor = () => ({ know: () => undefined, find: () => [], knowledge: () => undefined, text: same, value: same, knownOut: same, openAt: (text: string) => text.length, beginningOf: (_: string, place: number) => place, piece: same, beginning: same, ending: same });`,
  stream: `
    const bytes = () => ({ push: (chunk: Buffer) => chunk, end: () => Buffer.alloc(0) });
    export const createByteStream = bytes;
    export const createRawStream = bytes;
    export const createTextStream = () => ({ push: (chunk: string) => chunk, end: () => '' });`,
  tokens: `
    export const findTokens = () => [];
    export const tokenBegunAt = (text: string) => text.length;`,
  secretText: `
    export const findSecrets = (_: string, found: readonly unknown[] = []) => found;
    export const mayHoldSecrets = () => false;
    export const namesSecret = () => false;`,
};
/** With these files of `rules/redaction` in the place of ours. */
const built = (names: readonly string[]): Plugin => ({
  name: 'without-redaction',
  setup(esbuild) {
    for (const name of names) esbuild.onLoad({ filter: new RegExp(`rules[\\\\/]redaction[\\\\/]${name}\\.ts$`) }, ({ path }) => ({ loader: 'ts', resolveDir: join(path, '..'), contents: bare[name] ?? '' }));
  },
});

/** As the package has it. */
const nativeBesideBundle: Plugin = {
  name: 'native-beside-bundle',
  setup(esbuild) {
    esbuild.onLoad({ filter: /fs-native-extensions[\\/]binding\.js$/ }, () => ({ loader: 'js', contents: 'module.exports = require(require("node:path").join(__dirname, "native", process.platform + "-" + process.arch, "fs-native-extensions.node"));' }));
  },
};

type House = Readonly<{ /** Processor time of its broker so far, in milliseconds; 0 where the system does not tell. */ cpuMs(): number; time(tool: string, args: object): Promise<number>; close(): Promise<void> }>;

async function openHouse(base: string, name: string, plugins: readonly Plugin[]): Promise<House> {
  const place = join(base, name);
  const [project, configDir] = [join(place, 'project'), join(place, 'config')];
  for (const folder of [project, configDir]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(project, 'source.txt'), sourceCode());
  writeFileSync(join(place, 'server.mjs'), serverOf(jsonLines()));
  writeFileSync(join(configDir, 'mcp_backends.json'), JSON.stringify({ version: 1, backends: { large: { transport: 'stdio', command: process.execPath, args: [join(place, 'server.mjs')], egress_allowlist: [] } } }), { mode: 0o600 });
  writeFileSync(join(configDir, 'external_mcp_policy.json'), JSON.stringify({ version: '1', rules: [{ backend: 'large', tools: ['*'], approval: 'never' }] }), { mode: 0o600 });
  const script = join(place, 'broker.js');
  await build({ stdin: { contents: "import './server/src/main.ts';", resolveDir: root, sourcefile: 'broker.mjs' }, outfile: script, bundle: true, platform: 'node', target: 'node20', format: 'cjs', absWorkingDir: root, mainFields: ['module', 'main'], minify: true, logLevel: 'error', plugins: [nativeBesideBundle, ...plugins] });
  cpSync(join(root, 'dist/native'), join(place, 'native'), { recursive: true });
  const env = { ...process.env, CONDUCTOR_CONFIG_DIR: configDir };
  const broker = await settle(configDir, script);
  const agent = spawn(process.execPath, [conductor, 'mcp', 'start', '--project', project], { env, stdio: 'pipe' });
  agent.stderr.resume();
  const ask = asking(agent);
  await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } });
  return {
    cpuMs: () => cpuMsOf(broker),
    time: async (tool, args) => {
      const started = performance.now();
      const length = await ask('tools/call', { name: tool, arguments: args });
      if (length < mebibyte) throw new Error(`${tool} gave ${String(length)} bytes`);
      return performance.now() - started;
    },
    close: async () => {
      await ended(agent);
      process.kill(broker, 'SIGKILL');
    },
  };
}

/** In steps of 10 ms (Linux, `/proc/<pid>/stat`). */
function cpuMsOf(pid: number): number {
  if (process.platform !== 'linux') return 0;
  const fields = readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** Starts the broker, sets 50 secrets, and approves the server with its tool; the number of the process. */
async function settle(configDir: string, script: string): Promise<number> {
  const { socket } = await connectToBroker({ configDir, who: { role: 'cli', version: '0.0.0' }, program: { execPath: process.execPath, script } });
  const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  connection.listen();
  for (let i = 0; i < 50; i += 1) await connection.sendRequest('credentials/set', { name: `bench.secret${String(i)}`, value: secretOf(i) });
  for (let told = false; !told; await sleep(50)) {
    const { backends } = await connection.sendRequest<BackendsState>('backends/list', {});
    for (const { backend, identity, tools } of backends) await connection.sendRequest('backends/approve', { backend, identity, tools: (tools ?? []).map(({ name, digest }) => ({ name, digest })) });
    told = backends.every(({ tools }) => tools !== null);
  }
  const { pid } = await connection.sendRequest<Status>('conductor/status', {});
  connection.end();
  return pid;
}

/** Secrets as they come: tokens, keys in hex and base64, passwords with signs, an address, a key of several lines. */
function secretOf(i: number): string {
  switch (i % 5) {
    case 0:
      return `tok_${randomBytes(24).toString('base64url')}`;
    case 1:
      return randomBytes(32).toString('hex');
    case 2:
      return randomBytes(30).toString('base64');
    case 3:
      return `${randomBytes(9).toString('base64url')}!x#7`;
    default:
      return `postgres://app:${randomBytes(12).toString('base64url')}@db.internal:5432/app`;
  }
}

/** The project's own sources, again and again. */
function sourceCode(): string {
  const folder = join(root, 'server/src');
  const text = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).sort().map((name) => readFileSync(join(folder, name), 'utf8')).join('\n').replace(/[^\n -~]/g, ' ');
  return text.repeat(Math.ceil(mebibyte / text.length)).slice(0, mebibyte - 1);
}

function jsonLines(): string {
  let text = '';
  for (let i = 0; text.length < mebibyte; i += 1) text += `${JSON.stringify({ id: i, name: `item ${String(i)}`, path: `src/rooms/room_${String(i % 97)}/file-${String(i)}.ts`, sha: (i * 2_654_435_761).toString(16).padStart(40, '0'), note: 'a "quoted" word, a tab\tand a break\n' })}\n`;
  return text;
}

function serverOf(text: string): string {
  return `
    import { createInterface } from 'node:readline';
    const text = ${JSON.stringify(text)};
    const send = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line);
      if (id === undefined) return;
      if (method === 'initialize') send(id, { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'large', version: '1' } });
      else if (method === 'tools/list') send(id, { tools: [{ name: 'json', description: 'Gives lines of JSON.', inputSchema: { type: 'object' } }] });
      else send(id, method === 'tools/call' ? { content: [{ type: 'text', text }] } : {});
    });`;
}

/** Asks one after the other; each answer is parsed like a client does, and its length is given. */
function asking(agent: ChildProcessWithoutNullStreams): (method: string, params: object) => Promise<number> {
  let id = 0;
  let chunks: Buffer[] = [];
  let waiting: ((line: Buffer) => void) | undefined;
  agent.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (chunk.at(-1) !== 0x0a) return;
    const lines = Buffer.concat(chunks);
    chunks = [];
    waiting?.(lines);
  });
  return async (method, params) => {
    id += 1;
    const own = id;
    for (let sent = false; ; sent = true) {
      const line = await new Promise<Buffer>((resolve) => {
        waiting = resolve;
        if (!sent) agent.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: own, method, params })}\n`);
      });
      const answer = line.toString('utf8').trim().split('\n').map((text) => JSON.parse(text) as { id?: number; error?: unknown; result?: { isError?: boolean; content?: unknown } }).find((message) => message.id === own);
      if (answer === undefined) continue;
      if (answer.error !== undefined || answer.result?.isError === true) throw new Error(JSON.stringify(answer).slice(0, 500));
      return line.length;
    }
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
