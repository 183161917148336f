import { setTimeout as delay } from 'node:timers/promises';
import { defaultConfig, lockedConfig, type Config } from '../../../protocol/src/config';
import type { ConfigState } from '../../../protocol/src/configState';
import { fileSignature, readConfigFile, type FileContent } from './file';
import { parseConfig } from './parse';
import { policyHash } from './policyHash';
import { watchFile, type WatchFolder } from './watch';

/** The configuration in force, and how it came to be. */
export type Loaded = Readonly<{ config: Config; state: ConfigState }>;

/** Where the configuration stands and who hears of changes. */
export type OpenOptions = Readonly<{
  /** Absolute path of the configuration file; it need not exist. */
  file: string;
  /** Called after each change of what is in force or of what is wrong with the file. */
  onChange(loaded: Loaded): void;
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

/** An open configuration. */
export type OpenConfig = Readonly<{
  current(): Loaded;
  /** Reads the file now; resolves with what is then in force. */
  reload(): Promise<Loaded>;
  /** Stops watching; `onChange` is not called any more. */
  close(): void;
}>;

/**
 * Loads the configuration and follows its file. A missing file means the defaults, by which no command is allowed. A file that is broken or
 * cannot be read keeps the last good one of this process; with no good one before it, nothing may run (T36, T39). Never rejects.
 */
export async function openConfig(options: OpenOptions): Promise<OpenConfig> {
  const { file, onChange, debounceMs = 50, pollMs = 2000, settleMs = 100, watchFolder, read = readConfigFile } = options;
  const settled = (lastGood: Config | undefined): Promise<Loaded> => loadSettled(lastGood, async () => judge(file, await read(file), lastGood), settleMs);
  let loaded = await settled(undefined);
  let good = loaded.state.source === 'current' ? loaded.config : undefined;
  let signature = '';
  let closed = false;
  let reading = Promise.resolve(loaded);
  let queued: Promise<Loaded> | undefined;

  const readAgain = async (): Promise<Loaded> => {
    queued = undefined;
    signature = await fileSignature(file);
    const next = await settled(good);
    const changed = JSON.stringify(next.state) !== JSON.stringify(loaded.state);
    loaded = next;
    good = next.state.source === 'lastGood' ? good : next.state.source === 'current' ? next.config : undefined;
    if (changed && !closed) onChange(next);
    return next;
  };

  // One reading at a time; whoever asks during one gets the one after it, which sees what was saved before the question.
  const reload = (): Promise<Loaded> => {
    queued ??= reading = reading.then(readAgain, readAgain);
    return queued;
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
async function loadSettled(good: Config | undefined, look: () => Promise<Loaded>, settleMs: number): Promise<Loaded> {
  for (let attempt = 0; ; attempt += 1) {
    const loaded = await look();
    const doubtful = loaded.state.source === 'lastGood' || (loaded.state.source === 'defaults' && (good !== undefined || loaded.state.problems.length > 0));
    if (!doubtful || attempt === 2) return loaded;
    await delay(settleMs);
  }
}

function judge(file: string, content: FileContent, good: Config | undefined): Loaded {
  switch (content.kind) {
    case 'missing':
      return load(file, defaultConfig, 'defaults', []);
    case 'unreadable':
      return broken(file, good, [wholeFile(content.message)]);
    case 'bytes': {
      const parsed = parseConfig(content.bytes);
      const remarks = content.remarks.map(wholeFile);
      if (parsed.kind === 'config') return load(file, parsed.config, 'current', remarks);
      const problems = parsed.problems.map(({ message, path, line, column }) => ({ message, path, line, column }));
      return broken(file, good, [...problems, ...remarks]);
    }
  }
}

function broken(file: string, good: Config | undefined, problems: ConfigState['problems']): Loaded {
  return good === undefined ? load(file, lockedConfig, 'defaults', problems) : load(file, good, 'lastGood', problems);
}

function load(file: string, config: Config, source: ConfigState['source'], problems: ConfigState['problems']): Loaded {
  return { config, state: { file, source, problems, policyHash: policyHash(config) } };
}

function wholeFile(message: string): ConfigState['problems'][number] {
  return { message, path: '', line: 1, column: 1 };
}
