import { createInterface, type Interface } from 'node:readline/promises';
import type { Pending } from '../../../../protocol/src/approvals';
import type { BrokerClient } from './brokerClient';
import { takeTold } from '../../../../protocol/src/queue';
import { decide, show } from './call';
import { note, print } from './terminal';
import { registeredKey, type TerminalKey } from './terminalKey';

/** Milliseconds that a call must stand on the screen before an answer counts. */
const readingMs = 700;

/** Shows the calls that wait, one after the other, and takes answers until Ctrl+C (exit code 0) or the end of the broker (2). */
export async function watch(broker: BrokerClient, configDir: string): Promise<number> {
  const key = await registeredKey(broker, configDir);
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const leaving = new AbortController();
  prompt.on('close', () => leaving.abort());
  const queue = new Queue();
  broker.on('approvals/changed', ({ pending }) => {
    const all = takeTold(queue.all, pending);
    if (all !== undefined) queue.replace(all);
    else void broker.request('approvals/list', {}).then((list) => queue.replace(list.pending), () => undefined);
  });
  const ended = broker.closed.then(() => leaving.abort('the broker ended'));
  try {
    queue.replace((await broker.request('approvals/attend', { attending: true })).pending);
    if (key === undefined) note('Answers given here are not signed. "conductor approvals keys add" registers a key for this terminal.');
    note('Waiting for calls that need approval. Press Ctrl+C to leave; what waits then is denied unless an editor is open.');
    for (let call = await queue.next(leaving.signal); call !== undefined; call = await queue.next(leaving.signal)) await answer({ broker, prompt, queue, key }, call, leaving.signal);
  } finally {
    prompt.close();
    void ended;
  }
  if (leaving.signal.reason !== 'the broker ended') return 0;
  note('The broker ended. Start the command again to go on.');
  return 2;
}

/** What waits, without what the person chose to skip. */
class Queue {
  #pending: readonly Pending[] = [];
  #changed = new AbortController();
  readonly #skipped = new Set<string>();

  get all(): readonly Pending[] {
    return this.#pending;
  }

  replace(pending: readonly Pending[]): void {
    this.#pending = pending;
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  skip(call: Pending): void {
    this.#skipped.add(call.id);
  }

  /** The one that waits longest, as soon as there is one; undefined once `leaving` is aborted. */
  async next(leaving: AbortSignal): Promise<Pending | undefined> {
    while (!leaving.aborted) {
      const call = this.#pending.find((one) => !this.#skipped.has(one.id));
      if (call !== undefined) return call;
      await aborted(AbortSignal.any([this.#changed.signal, leaving]));
    }
    return undefined;
  }

  /** Aborts when the call no longer waits. */
  gone(call: Pending): AbortSignal {
    const gone = new AbortController();
    const look = (): void => {
      if (!this.#pending.some((one) => one.id === call.id)) gone.abort();
      else this.#changed.signal.addEventListener('abort', () => queueMicrotask(look), { once: true });
    };
    look();
    return gone.signal;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

type Desk = Readonly<{ broker: BrokerClient; prompt: Interface; queue: Queue; key: TerminalKey | undefined }>;

async function answer({ broker, prompt, queue, key }: Desk, call: Pending, leaving: AbortSignal): Promise<void> {
  show(call);
  const gone = queue.gone(call);
  const typed = await question(prompt, AbortSignal.any([gone, leaving]));
  if (typed === undefined) {
    if (gone.aborted) print('\nIt no longer waits: answered elsewhere, withdrawn, or out of time.');
    return;
  }
  if (typed === 'y' || typed === 'yes') await decide(broker, call, 'approve', { key });
  else if (typed === 'n' || typed === 'no') await decide(broker, call, 'deny', { key });
  else queue.skip(call);
}

// Undefined when the question vanished or the person leaves.
async function question(prompt: Interface, signal: AbortSignal): Promise<string | undefined> {
  // What was typed for a question that vanished must not answer this one, nor an answer that comes sooner than anybody can read.
  prompt.write(null, { ctrl: true, name: 'u' });
  const readableAt = performance.now() + readingMs;
  while (!signal.aborted) {
    const typed = await prompt.question('Approve once? [y]es, [n]o, [s]kip: ', { signal }).catch(() => undefined);
    if (typed === undefined) return undefined;
    if (performance.now() >= readableAt) return typed.trim().toLowerCase();
    note('That was typed before this call could be read. Please answer again.');
  }
  return undefined;
}
