import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { Pattern } from './pattern';

/** Regular expressions on a thread of their own, ended when they take too long: the engine backtracks, and the pattern is an agent's (T19). */

/** A line that matches, from 1, and where in the line the first match begins, in bytes. */
export type Hit = Readonly<{ line: number; at: number }>;

/** Milliseconds that one file may take. Default of `createRegexWorker`. */
const defaultPatience = 1000;

/** Threads at a time, those included that do not end: the compiler of expressions hears no order to stop. */
const mostThreads = 3;

/** Milliseconds that a thread gets to end before it is left to itself. */
const endingMs = 500;

let threads = 0;

/** How many threads there are. */
export function regexThreads(): number {
  return threads;
}

const program = `
  const { parentPort, workerData } = require('node:worker_threads');
  const pattern = new RegExp(workerData.source, workerData.flags);
  parentPort.on('message', ({ bytes, most }) => {
    const hits = [];
    const lines = Buffer.from(bytes).toString('utf8').split('\\n');
    for (let index = 0; index < lines.length && hits.length < most; index += 1) {
      if (index === lines.length - 1 && lines[index] === '') break;
      const line = lines[index].endsWith('\\r') ? lines[index].slice(0, -1) : lines[index];
      const found = pattern.exec(line);
      if (found !== null) hits.push({ line: index + 1, at: Buffer.byteLength(line.slice(0, found.index)) });
    }
    parentPort.postMessage(hits);
  });
`;

const answer = z.array(z.strictObject({ line: z.number().int().min(1), at: z.number().int().min(0) }));

/** Looks through files with one pattern. */
export type RegexWorker = Readonly<{
  /** The first matching lines, at most `most`; `tooLong` when the time was over. */
  hits(content: Buffer, most: number): Promise<readonly Hit[] | 'tooLong'>;
  /** Ends the thread. */
  close(): Promise<void>;
}>;

/** Starts no thread before the first file. One call at a time. */
export function createRegexWorker({ source, ignoreCase }: Pattern, patienceMs = defaultPatience): RegexWorker {
  let worker: Worker | undefined;
  // With such a pattern every further file would take as long.
  let hopeless = false;
  const end = async (): Promise<void> => {
    const ending = worker;
    worker = undefined;
    if (ending === undefined) return;
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), endingMs).unref());
    hopeless ||= (await Promise.race([ending.terminate(), late])) === 'late';
  };
  const start = (): Worker => {
    threads += 1;
    const thread = new Worker(program, { eval: true, env: {}, stdin: false, workerData: { source, flags: ignoreCase ? 'iu' : 'u' }, resourceLimits: { maxOldGenerationSizeMb: 128 } });
    // An ending thread may still report that it ran out of memory.
    return thread.on('error', () => undefined).once('exit', () => (threads -= 1));
  };
  const ask = (content: Buffer, most: number): Promise<readonly Hit[] | 'tooLong'> => {
    const thread = (worker ??= start());
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle('tooLong'), patienceMs);
      const onMessage = (message: unknown): void => settle(answer.parse(message));
      const onError = (): void => settle('tooLong');
      const settle = (result: readonly Hit[] | 'tooLong'): void => {
        clearTimeout(timer);
        thread.off('message', onMessage).off('error', onError);
        resolve(result);
      };
      thread.once('message', onMessage).once('error', onError);
      thread.postMessage({ bytes: content, most });
    });
  };
  return {
    hits: async (content, most) => {
      if (hopeless || (worker === undefined && threads >= mostThreads)) return 'tooLong';
      const result = await ask(content, most);
      if (result === 'tooLong') await end();
      return result;
    },
    close: end,
  };
}
