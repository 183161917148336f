/** How long the log was and how it ended, as this editor saw it: kept outside the log's own folder, so that a shortened log is noticed. */

/** What is remembered: how many entries, and the hash of the last one in bare hex, as the verifier takes it. */
export type Remembered = Readonly<{ entries: number; head: string }>;

/** Where it is kept; VS Code's global state fits. */
export type Store = Readonly<{ get(key: string): unknown; update(key: string, value: unknown): PromiseLike<void> }>;

/** Whether the log still contains what is remembered: `unknown` when it could not be asked. */
export type Comparison = 'nothing remembered' | 'contained' | 'shorter' | 'different' | 'unknown';

/** The memory of one configuration folder. It only grows, until a person starts a new log. */
export class Memory {
  private readonly key: string;

  constructor(private readonly store: Store, configDir: string) {
    this.key = `audit ${configDir}`;
  }

  /** What is remembered; undefined when nothing is, or when it cannot be read. */
  recall(): Remembered | undefined {
    const value = this.store.get(this.key);
    if (typeof value !== 'object' || value === null || !('entries' in value) || !('head' in value)) return undefined;
    const { entries, head } = value;
    return typeof entries === 'number' && typeof head === 'string' && entries > 0 ? { entries, head } : undefined;
  }

  /** Remembers a longer log; a shorter one never replaces a longer one. */
  async keep(seen: Remembered): Promise<void> {
    if (seen.entries > (this.recall()?.entries ?? 0)) await this.store.update(this.key, { entries: seen.entries, head: bare(seen.head) });
  }

  /** Forgets everything, because a person began a new log. */
  async forget(): Promise<void> {
    await this.store.update(this.key, undefined);
  }

  /** Compares with the log as it is now; `hashAt` gives the hash of an entry, undefined when it cannot be read. */
  async compare(now: Remembered, hashAt: (seq: number) => Promise<string | undefined>): Promise<Comparison> {
    const kept = this.recall();
    if (kept === undefined) return 'nothing remembered';
    if (now.entries < kept.entries) return 'shorter';
    const hash = now.entries === kept.entries ? now.head : await hashAt(kept.entries);
    if (hash === undefined) return 'unknown';
    return bare(hash) === kept.head ? 'contained' : 'different';
  }
}

/** The hash that a line of the log carries at its end; undefined when it carries none. */
export function hashOfLine(line: string): string | undefined {
  return /"hash":"sha256:([0-9a-f]{64})"\}\s*$/.exec(line)?.[1];
}

function bare(hash: string): string {
  return hash.replace(/^sha256:/, '');
}
