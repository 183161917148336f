/** Threads that read stretches of a file at once. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Stretch } from '../../../../protocol/src/audit/stretch';
import type { ReadableFile } from '../files/disk';
import type { PartJob } from './partWorker';
import type { StretchJob } from './stretches';

/** Reads stretches of files, several at a time; `end` gives back what it holds. */
export type StretchReaders = Readonly<{
  /** How many read at a time, and the size of what each reads, in bytes. */
  count: number;
  bytes: number;
  /** Reads one as soon as a reader is free; undefined when the lines must be read one after the other. Never rejects. */
  read(file: ReadableFile, job: StretchJob): Promise<Stretch | undefined>;
  end(): void;
}>;

/** Bytes that a thread reads at a time: enough that asking costs nothing, few enough that odd ones are soon read again. */
const stretchBytes = 8_388_608;

/** The thread's program, beside the bundle; run from its source, the project reads with one thread. */
const script = join(__dirname, 'auditPart.js');

/** How many threads read a long log unless somebody says otherwise: more than two gain little, and take processors from others. */
export function usualThreads(): number {
  return Math.min(2, availableParallelism());
}

/** Starts threads; undefined where there is no program for them. */
export function startThreads(count: number): StretchReaders | undefined {
  return existsSync(script) ? new Threads(count) : undefined;
}

type Waiting = Readonly<{ job: PartJob; answer(stretch: Stretch | undefined): void }>;

class Threads implements StretchReaders {
  readonly bytes = stretchBytes;
  readonly #queue: Waiting[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Waiting>();

  constructor(readonly count: number) {
    for (let n = 0; n < count; n += 1) this.#idle.push(this.#start());
  }

  read({ fd }: ReadableFile, job: StretchJob): Promise<Stretch | undefined> {
    if (fd === undefined) return Promise.resolve(undefined);
    return new Promise((answer) => {
      this.#queue.push({ job: { ...job, fd }, answer });
      this.#next();
    });
  }

  end(): void {
    for (const { answer } of [...this.#queue.splice(0), ...this.#busy.values()]) answer(undefined);
    for (const worker of [...this.#idle.splice(0), ...this.#busy.keys()]) void worker.terminate();
    this.#busy.clear();
  }

  #start(): Worker {
    const worker = new Worker(script, { resourceLimits: { maxYoungGenerationSizeMb: 2 }, env: {} });
    worker.unref();
    worker.on('message', (stretch: Stretch | undefined) => this.#free(worker, stretch));
    // A thread that dies is missed by nobody: what it had is read without it.
    worker.on('error', () => this.#free(worker, undefined, 'gone'));
    return worker;
  }

  #free(worker: Worker, stretch: Stretch | undefined, gone?: 'gone'): void {
    this.#busy.get(worker)?.answer(stretch);
    if (!this.#busy.delete(worker) && gone === undefined) return;
    if (gone === undefined) this.#idle.push(worker);
    else this.#idle.splice(0, this.#idle.length, ...this.#idle.filter((one) => one !== worker));
    this.#next();
  }

  #next(): void {
    if (this.#idle.length + this.#busy.size === 0) for (const { answer } of this.#queue.splice(0)) answer(undefined);
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop();
      const waiting = worker === undefined ? undefined : this.#queue.shift();
      if (worker === undefined || waiting === undefined) return;
      this.#busy.set(worker, waiting);
      worker.postMessage(waiting.job);
    }
  }
}
