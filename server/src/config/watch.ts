import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Tells of events in a folder: the name of the entry, or null when the system does not say. Throws when the folder cannot be watched. */
export type WatchFolder = (folder: string, onEvent: (name: string | null) => void, onEnd: () => void) => { close(): void };

/** What watching one file needs. */
export type WatchOptions = Readonly<{
  /** Absolute path; neither the file nor its folder need exist. */
  file: string;
  /** Milliseconds of quiet after an event before `onChange`. */
  debounceMs: number;
  /** Milliseconds between looks at the file. */
  pollMs: number;
  /** Looks at the file: whether it is another than when it was last read. Must not reject. */
  hasChanged(): Promise<boolean>;
  onChange(): void;
  watchFolder?: WatchFolder;
}>;

/** Debounce times that a change waits at most while events go on. */
const patience = 10;

/** Watches a file by events of its folder, since editors replace files, and by looking now and then, since events get lost. */
export function watchFile({ file, debounceMs, pollMs, hasChanged, onChange, watchFolder = watchSystemFolder }: WatchOptions): { close(): void } {
  const name = basename(file);
  let closed = false;
  let pending: NodeJS.Timeout | undefined;
  let folder: { close(): void } | undefined;

  // Events without a pause, for whatever reason, must not put off a tightened rule for ever.
  let latest = Infinity;
  const soon = (): void => {
    clearTimeout(pending);
    if (closed) return;
    const now = performance.now();
    if (latest === Infinity) latest = now + patience * debounceMs;
    pending = setTimeout(tell, Math.max(0, Math.min(debounceMs, latest - now)));
  };

  const tell = (): void => {
    latest = Infinity;
    onChange();
  };

  const attach = (): void => {
    try {
      folder ??= watchFolder(
        dirname(file),
        (entry) => {
          if (entry === null || entry === name) soon(); // The log in the same folder changes all the time.
        },
        () => {
          folder?.close();
          folder = undefined;
        },
      );
    } catch {
      folder = undefined; // No such folder yet, or no watches left: looking now and then still works, and tries again.
    }
  };

  const look = async (): Promise<void> => {
    attach();
    if (await hasChanged()) soon();
  };

  attach();
  const polling = setInterval(() => void look(), pollMs);
  polling.unref();
  return {
    close() {
      closed = true;
      clearTimeout(pending);
      clearInterval(polling);
      folder?.close();
    },
  };
}

function watchSystemFolder(folder: string, onEvent: (name: string | null) => void, onEnd: () => void): { close(): void } {
  const watcher = watch(folder, { persistent: false }, (_event, name) => {
    onEvent(name);
  });
  watcher.on('error', onEnd);
  return watcher;
}
