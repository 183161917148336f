import { setTimeout as delay } from 'node:timers/promises';
import { fileSignature, readConfigFile, type FileContent } from './file';
import { watchFile, type WatchFolder } from './watch';

/** Follows one file that people write: a new content, or the last good one. */

/** What is in force of a file; `source` says how it came to be, `problems` what is wrong with the file. */
export type Held = Readonly<{ state: Readonly<{ source: 'current' | 'lastGood' | 'defaults'; problems: readonly unknown[] }> }>;

/** Which file is followed, what is made of it, and who hears of changes. */
export type FollowOptions<L extends Held> = Readonly<{
  /** Absolute path; it need not exist. */
  file: string;
  /** What is in force with this content; `good` is what held when the file was last usable. */
  judge(content: FileContent, good: L | undefined): L;
  /** Called after each change of what is in force or of what is wrong with the file. */
  onChange(loaded: L): void;
  /** Milliseconds of quiet after an event before the file is read. Default: 50. */
  debounceMs?: number;
  /** Milliseconds between looks at the file, for events that never come. Default: 2000. */
  pollMs?: number;
  /** Milliseconds until a file that looks half-written is read again. Default: 100. */
  settleMs?: number;
  /** Stands in for `fs.watch`. */
  watchFolder?: WatchFolder;
  /** Stands in for the reading of the file. */
  read?: typeof readConfigFile;
}>;

/** A file that is followed. */
export type Followed<L extends Held> = Readonly<{
  current(): L;
  /** Reads the file now; resolves with what is then in force. */
  reload(): Promise<L>;
  /** Stops watching; `onChange` is not called any more. */
  close(): void;
}>;

/** Loads a file and follows it. What is broken or cannot be read keeps the last good one of this process (T36, T39). Never rejects. */
export async function followFile<L extends Held>(options: FollowOptions<L>): Promise<Followed<L>> {
  const { file, judge, onChange, debounceMs = 50, pollMs = 2000, settleMs = 100, watchFolder, read = readConfigFile } = options;
  const settled = (lastGood: L | undefined): Promise<L> => loadSettled(lastGood, async () => judge(await read(file), lastGood), settleMs);
  let loaded = await settled(undefined);
  let good = loaded.state.source === 'current' ? loaded : undefined;
  let signature = '';
  let closed = false;
  let reading: Promise<unknown> = Promise.resolve();
  let queued: Promise<L> | undefined;

  const readAgain = async (): Promise<L> => {
    queued = undefined;
    signature = await fileSignature(file);
    const next = await settled(good);
    const changed = JSON.stringify(next.state) !== JSON.stringify(loaded.state);
    loaded = next;
    good = next.state.source === 'lastGood' ? good : next.state.source === 'current' ? next : undefined;
    if (changed && !closed) onChange(next);
    return next;
  };

  // One reading at a time; whoever asks during one gets the one after it, which sees what was saved before the question.
  const reload = (): Promise<L> => {
    const next = queued ?? reading.then(readAgain, readAgain);
    queued = next;
    reading = next;
    return next;
  };

  const watch = watchFile({
    file,
    debounceMs,
    pollMs,
    ...(watchFolder === undefined ? {} : { watchFolder }),
    hasChanged: async () => (await fileSignature(file)) !== signature,
    onChange: () => void reload(),
  });
  void reload(); // What was saved between the first reading and the first watch.
  return {
    current: () => loaded,
    reload,
    close() {
      closed = true;
      watch.close();
    },
  };
}

// A file that is empty, broken or gone may be in the middle of being saved: it is believed when it still is so after a while.
async function loadSettled<L extends Held>(good: L | undefined, look: () => Promise<L>, settleMs: number): Promise<L> {
  for (let attempt = 0; ; attempt += 1) {
    const loaded = await look();
    const doubtful = loaded.state.source === 'lastGood' || (loaded.state.source === 'defaults' && (good !== undefined || loaded.state.problems.length > 0));
    if (!doubtful || attempt === 2) return loaded;
    await delay(settleMs);
  }
}
