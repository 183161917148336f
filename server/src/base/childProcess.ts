import { spawn, type ChildProcess, type SpawnOptions, type StdioOptions } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform, type Readable, type Writable } from 'node:stream';
import { Capture, type Captured } from './capture';
import { childrenOf, Descendants, killMarked, signalGroup, type Mark } from './processTree';

/** The only place that starts programs: an argument list, a given environment, bounded output, and three steps to the grave. */

/** Where a child reads from: nothing, the child before it, or an open file. */
export type Source = 'nothing' | 'previous' | Readonly<{ descriptor: number }>;

/** Where a child writes to: one of the two captured streams, the child after it, nowhere, or an open file. */
export type Sink = 'stdout' | 'stderr' | 'next' | 'nowhere' | Readonly<{ descriptor: number }>;

/** One program to start. Nothing is taken from this process: neither environment nor search path. */
export type Child = Readonly<{
  /** Absolute path. */
  file: string;
  args: readonly string[];
  /** What the program sees as its own name; default is `file`. */
  argv0?: string;
  cwd: string;
  environment: Readonly<Record<string, string>>;
  input: Source;
  output: Sink;
  errors: Sink;
  /** Open files that the program gets besides, as its descriptors 3 and following. */
  further?: readonly number[];
  /** Who is asked to end: the program's own group (default), or the groups that its children lead, since it would end without waiting for them. */
  politely?: 'children';
}>;

/** Bounds of one run; all in milliseconds and bytes. */
export type Limits = Readonly<{
  timeoutMs: number;
  /** Bytes kept from the beginning and from the end of each captured stream. Default 256 KiB each. */
  keepBytes?: number;
  /** A captured stream longer than this ends the run. Default 16 MiB. */
  floodBytes?: number;
  /** Time between SIGTERM and SIGKILL. Default 2,000. */
  graceMs?: number;
  /** Time that open pipes get after the last exit, since a daemon may hold them for ever. Default 250. */
  settleMs?: number;
  /** More processes than this at a time end the run; looked at every 50 ms, Linux only. Default: no limit. */
  processes?: number;
}>;

/** Why a run was ended from outside. */
export type Stop = 'timeout' | 'flood' | 'crowd' | 'cancelled';

/** What a run may be given besides: a way to end it, an ear for output, and a mark to find lost children by. */
export type Watch = Readonly<{ signal?: AbortSignal; onOutput?: (stream: 'stdout' | 'stderr', chunk: Buffer) => void; mark?: Mark; /** What becomes of each output before anything of it is kept, cut or told. */ through?: () => Through | undefined; /** What becomes of what one child writes into the next, or into a file; the bytes pass through here then. */ between?: () => Through | undefined }>;

/** Changes a stream on its way. */
export type Through = Readonly<{ push(chunk: Buffer): Buffer; end(): Buffer }>;

/** How one child ended. */
export type Exit = Readonly<{ code: number | null; signal: NodeJS.Signals | null }>;

/** How a run ended; `stopped` says why it was ended from outside. */
export type Run =
  | Readonly<{ kind: 'ended'; exits: readonly Exit[]; stdout: Captured; stderr: Captured; stopped?: Stop; /** Processes besides the children that were left at the end and were killed one by one. */ strays: number }>
  | Readonly<{ kind: 'notStarted'; index: number; error: Error }>;

/** Starts children joined by pipes, waits for all, and leaves no process behind. Never rejects. */
export async function runChildren(children: readonly Child[], limits: Limits, watch: Watch = {}): Promise<Run> {
  if (watch.signal?.aborted === true) return { kind: 'notStarted', index: 0, error: new Error('cancelled before the start') };
  const run = new Running(limits, watch);
  const failed = run.start(children);
  if (failed !== undefined) {
    await run.abandon();
    return { kind: 'notStarted', index: failed.index, error: failed.error ?? (await failed.later) };
  }
  return run.finish();
}

type Failed = Readonly<{ index: number; error?: Error; later: Promise<Error> }>;

class Running {
  private readonly processes: ChildProcess[] = [];
  private readonly exits: Promise<Exit>[] = [];
  private readonly ends: Promise<void>[] = [];
  private readonly streams: Readable[] = [];
  private readonly captures: Record<'stdout' | 'stderr', Capture>;
  private stopped: Stop | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly polite: number[] = [];
  private readonly descendants = new Descendants();
  private readonly onAbort = (): void => this.stop('cancelled');

  constructor(
    private readonly limits: Limits,
    private readonly watch: Watch,
  ) {
    const keep = limits.keepBytes ?? 256 * 1024;
    this.captures = { stdout: new Capture(keep, keep), stderr: new Capture(keep, keep) };
    const most = limits.processes ?? Infinity;
    this.descendants.onLook = (alive) => {
      if (alive > most) this.stop('crowd');
    };
  }

  /** Starts all; returns what failed to start. */
  start(children: readonly Child[]): Failed | undefined {
    for (const [index, child] of children.entries()) {
      const failed = this.startOne(child, children[index - 1], index);
      if (failed !== undefined) return failed;
    }
    this.timers.push(setTimeout(() => this.stop('timeout'), this.limits.timeoutMs));
    this.watch.signal?.addEventListener('abort', this.onAbort, { once: true });
    return undefined;
  }

  /** Waits for the end of all, then for their pipes, then for nobody. */
  async finish(): Promise<Run> {
    const exits = await Promise.all(this.exits);
    await this.settle();
    const strays = await this.clear();
    const run = { kind: 'ended' as const, exits, stdout: this.captures.stdout.take(), stderr: this.captures.stderr.take(), strays };
    return this.stopped === undefined ? run : { ...run, stopped: this.stopped };
  }

  /** Ends what was started before a later child failed to start. */
  async abandon(): Promise<void> {
    this.signalAll('SIGKILL');
    await Promise.all(this.exits);
    await this.clear();
  }

  private startOne(child: Child, before: Child | undefined, index: number): Failed | undefined {
    const previous = this.processes[index - 1];
    const joinsErrors = before?.errors === 'next';
    const direct = child.input === 'previous' && !joinsErrors && this.watch.between === undefined && previous?.stdout !== null && previous?.stdout !== undefined;
    const input = child.input === 'nothing' ? 'ignore' : child.input !== 'previous' ? child.input.descriptor : direct ? (previous.stdout ?? 'ignore') : 'pipe';
    let started: ChildProcess;
    try {
      started = spawn(child.file, [...child.args], this.options(child, [input, this.outlet(child.output), this.outlet(child.errors), ...(child.further ?? [])]));
    } catch (error) {
      return { index, error: asError(error), later: Promise.resolve(asError(error)) };
    }
    const later = new Promise<Error>((resolve) => started.once('error', resolve));
    if (started.pid === undefined) return { index, later };
    this.processes.push(started);
    if (child.politely === 'children') this.polite.push(started.pid);
    this.descendants.add(started.pid, [child.output, child.errors].flatMap((sink, at) => (sink === 'stdout' || sink === 'stderr' || sink === 'next' ? [at + 1] : [])));
    this.exits.push(new Promise((resolve) => started.once('exit', (code, signal) => resolve({ code, signal }))));
    if (direct) previous.stdout?.destroy();
    else if (child.input === 'previous') this.pump(previous, before, started);
    this.listen(started.stdout, child.output);
    this.listen(started.stderr, child.errors);
    this.drain(started.stdout, child.output);
    this.drain(started.stderr, child.errors);
    return undefined;
  }

  private options(child: Child, stdio: StdioOptions): SpawnOptions {
    const mark = this.watch.mark;
    const environment = mark === undefined ? child.environment : { ...child.environment, [mark.name]: mark.value };
    return { shell: false, cwd: child.cwd, env: { ...environment }, detached: process.platform !== 'win32', windowsHide: true, stdio, ...(child.argv0 === undefined ? {} : { argv0: child.argv0 }) };
  }

  /** Both outputs of one child into the input of the next: two descriptors cannot be joined without a shell, so the bytes pass through here. */
  private pump(previous: ChildProcess | undefined, before: Child | undefined, next: ChildProcess): void {
    const target = next.stdin;
    if (target === null || previous === undefined) return;
    target.on('error', () => undefined);
    const sources = [before?.output === 'next' ? previous.stdout : null, before?.errors === 'next' ? previous.stderr : null].filter((source) => source !== null);
    const cleaned = sources.map((source) => this.changed(source));
    const done = cleaned.map((source) => new Promise<void>((resolve) => source.once('close', resolve)));
    for (const source of cleaned) source.pipe(target, { end: false });
    void Promise.all(done).then(() => target.end());
    target.once('close', () => sources.forEach((source) => source.destroy()));
    this.streams.push(...sources);
  }

  private listen(stream: Readable | null, sink: Sink): void {
    if (stream === null || (sink !== 'stdout' && sink !== 'stderr')) return;
    this.streams.push(stream);
    this.ends.push(new Promise((resolve) => stream.once('close', resolve)));
    stream.on('error', () => undefined);
    const through = this.watch.through?.();
    stream.on('end', () => this.take(sink, through?.end() ?? Buffer.alloc(0)));
    stream.on('data', (chunk: Buffer) => {
      const bytes = this.take(sink, through?.push(chunk) ?? chunk);
      if (bytes > (this.limits.floodBytes ?? 16 * 1024 * 1024)) this.stop('flood');
    });
  }

  /** What a child writes into a file, where it is changed on the way. */
  private drain(stream: Readable | null, sink: Sink): void {
    if (stream === null || typeof sink === 'string' || this.watch.between === undefined) return;
    this.streams.push(stream);
    const file = createWriteStream('', { fd: sink.descriptor, autoClose: false });
    this.ends.push(new Promise((resolve) => file.once('finish', resolve).once('error', () => resolve())));
    stream.on('error', () => undefined);
    this.changed(stream).pipe(file);
  }

  private changed(source: Readable): Readable {
    const between = this.watch.between?.();
    if (between === undefined) return source;
    return source.pipe(new Transform({ transform: (chunk: Buffer, _, done) => done(null, between.push(chunk)), flush: (done) => done(null, between.end()) }));
  }

  /** A file is written by the child itself, unless its bytes are changed on the way. */
  private outlet(sink: Sink): 'pipe' | 'ignore' | number {
    return typeof sink !== 'string' && this.watch.between !== undefined ? 'pipe' : outlet(sink);
  }

  private take(sink: 'stdout' | 'stderr', chunk: Buffer): number {
    const bytes = this.captures[sink].add(chunk);
    if (chunk.length > 0) this.watch.onOutput?.(sink, chunk);
    return bytes;
  }

  private stop(reason: Stop): void {
    if (this.stopped !== undefined) return;
    this.stopped = reason;
    // A crowd would use the time to grow.
    if (reason === 'crowd') void this.killAll();
    else this.signalAll('SIGTERM');
    this.timers.push(setTimeout(() => void this.killAll(), this.limits.graceMs ?? 2000));
    // What was asked to end need not be read any longer; a full pipe also stops the writer.
    if (reason === 'flood') for (const stream of this.streams) stream.destroy();
  }

  private async settle(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.limits.settleMs ?? 250);
    });
    await Promise.race([Promise.all(this.ends), late]);
    clearTimeout(timer);
  }

  private async clear(): Promise<number> {
    this.timers.forEach((timer) => clearTimeout(timer));
    this.watch.signal?.removeEventListener('abort', this.onAbort);
    this.signalAll('SIGKILL');
    const own = new Set(this.processes.flatMap(({ pid }) => pid ?? []));
    const strays = (await this.descendants.kill(own)) + (this.watch.mark === undefined ? 0 : await killMarked(this.watch.mark, undefined, () => this.descendants.young()));
    for (const stream of this.streams) stream.destroy();
    return strays;
  }

  private async killAll(): Promise<void> {
    await this.descendants.freeze();
    this.signalAll('SIGKILL');
  }

  private signalAll(signal: 'SIGTERM' | 'SIGKILL'): void {
    for (const { pid } of this.processes) {
      if (pid === undefined) continue;
      const asked = signal === 'SIGTERM' && this.polite.includes(pid) ? childrenOf(pid) : [];
      if (asked.length === 0) endTree(pid, signal);
      else for (const child of asked) signalGroup(child, signal);
    }
  }
}

/** On Windows there are no groups: taskkill follows parent links, which is best effort, since a child whose parent has gone is not found. */
export function endTree(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (process.platform !== 'win32') {
    signalGroup(pid, signal);
    return;
  }
  const taskkill = join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'taskkill.exe');
  const killer = spawn(taskkill, ['/PID', String(pid), '/T', '/F'], { shell: false, stdio: 'ignore', windowsHide: true });
  killer.on('error', () => undefined);
}

function outlet(sink: Sink): 'pipe' | 'ignore' | number {
  if (sink === 'nowhere') return 'ignore';
  return typeof sink === 'string' ? 'pipe' : sink.descriptor;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** What to start to talk with it. */
export type Talking = Pick<Child, 'file' | 'args' | 'argv0' | 'cwd' | 'environment'> & Readonly<{ /** Opens a channel of Node.js besides, as its descriptor 3. */ channel?: boolean }>;

/** A program with all three streams open. */
export type Piped = ChildProcess & Readonly<{ stdin: Writable; stdout: Readable; stderr: Readable }>;

/** Starts a program in a group of its own with all three streams open, for a conversation. It may still report an error instead of a start. */
export function spawnPiped({ file, argv0 = file, args, cwd, environment, channel = false }: Talking): Piped {
  const options = { shell: false, argv0, cwd, env: { ...environment }, detached: process.platform !== 'win32', windowsHide: true };
  return (channel ? spawn(file, [...args], { ...options, stdio: ['pipe', 'pipe', 'pipe', 'ipc'] }) : spawn(file, [...args], { ...options, stdio: ['pipe', 'pipe', 'pipe'] })) as Piped;
}

/** What to start so that it outlives this process. */
export type Detached = Readonly<{
  file: string;
  args: readonly string[];
  cwd: string;
  environment: Readonly<Record<string, string>>;
  /** Open file for standard output and errors; the caller closes its own copy afterwards. */
  logDescriptor: number;
}>;

/** Starts a program in a session of its own and lets go of it. Resolves with its process id; rejects with the system's error. */
export function spawnDetached(program: Detached): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program.file, [...program.args], {
      shell: false,
      cwd: program.cwd,
      env: { ...program.environment },
      detached: true,
      windowsHide: true,
      stdio: ['ignore', program.logDescriptor, program.logDescriptor],
    });
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      if (child.pid === undefined) reject(new Error('the program has no process id'));
      else resolve(child.pid);
    });
  });
}
