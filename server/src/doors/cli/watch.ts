import { createInterface, type Interface } from 'node:readline/promises';
import type { Pending } from '../../../../protocol/src/approvals';
import { takeTold } from '../../../../protocol/src/queue';
import type { BrokerClient } from './brokerClient';
import { showInShort } from './call';
import { note, print } from './terminal';
import { registeredKey, type TerminalKey } from './terminalKey';
import { take, words } from './watchWords';
import { WatchQueue } from './watchQueue';

/** Milliseconds that a call must stand on the screen before an answer counts. */
const readingMs = 700;

/** What answering at a terminal needs. `ask` gives the typed line; undefined when the question vanished or the person leaves. */
export type Watching = Readonly<{ broker: BrokerClient; queue: WatchQueue; key: TerminalKey | undefined; ask(question: string, signal: AbortSignal): Promise<string | undefined> }>;

/** Shows the calls that wait, one after the other, and takes answers until Ctrl+C (exit code 0) or the end of the broker (2). */
export async function watch(broker: BrokerClient, configDir: string): Promise<number> {
  const key = await registeredKey(broker, configDir);
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const leaving = new AbortController();
  prompt.on('close', () => leaving.abort());
  const queue = new WatchQueue();
  follow(broker, queue);
  const ended = broker.closed.then(() => leaving.abort('the broker ended'));
  const watching: Watching = { broker, queue, key, ask: (question, signal) => ask(prompt, question, signal) };
  try {
    queue.replace((await broker.request('approvals/attend', { attending: true })).pending);
    if (key === undefined) note('Answers given here are not signed. "conductor approvals keys add" registers a key for this terminal.');
    note('Waiting for calls that need approval. Press Ctrl+C to leave; what waits then is denied unless an editor is open.');
    for (let call = await queue.next(leaving.signal); call !== undefined; call = await queue.next(leaving.signal)) await answer(watching, call, leaving.signal);
  } finally {
    prompt.close();
    void ended;
  }
  if (leaving.signal.reason !== 'the broker ended') return 0;
  note('The broker ended. Start the command again to go on.');
  return 2;
}

function follow(broker: BrokerClient, queue: WatchQueue): void {
  broker.on('approvals/changed', ({ pending }) => {
    const all = takeTold(queue.all, pending);
    if (all !== undefined) queue.replace(all);
    else void broker.request('approvals/list', {}).then((list) => queue.replace(list.pending), () => undefined);
  });
}

/** Shows one call, and takes words about it until one ends it here. */
async function answer(watching: Watching, call: Pending, leaving: AbortSignal): Promise<void> {
  const screen = { whole: showInShort(call) };
  const behind = watching.queue.all.filter((one) => one.id !== call.id).length;
  if (behind > 0) print(`  ${String(behind)} more ${behind === 1 ? 'waits' : 'wait'}.`);
  const readableAt = performance.now() + readingMs;
  const gone = watching.queue.gone(call);
  const signal = AbortSignal.any([gone, leaving]);
  while (!signal.aborted) {
    const typed = await watching.ask(words(call), signal);
    if (typed === undefined) break;
    // What was typed before anybody could read the call must not answer it.
    if (performance.now() < readableAt) note('That was typed before this call could be read. Please answer again.');
    else if ((await take(watching, { call, screen }, typed, signal)) === 'next') return;
  }
  if (gone.aborted && !leaving.aborted) print('\nIt no longer waits: answered elsewhere, withdrawn, or out of time.');
}

async function ask(prompt: Interface, question: string, signal: AbortSignal): Promise<string | undefined> {
  // What was typed for a question that vanished must not answer this one.
  prompt.write(null, { ctrl: true, name: 'u' });
  const typed = await prompt.question(question, { signal }).catch(() => undefined);
  return typed?.trim();
}
