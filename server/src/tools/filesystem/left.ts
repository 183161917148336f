import type { Skip } from '../../base/folderTree';

/** Folders that are named but not opened when going through a tree, unless the call begins inside one. A test pins them. */
export const closedFolders: readonly string[] = ['.git', 'node_modules'];

/** Keeps what a tour left out, and says it in sentences. */
export class Left {
  private readonly closed = new Set<string>();
  private readonly skips = new Map<Skip, number>();

  /** Whether this folder is named but not opened; remembers that it was met. */
  isClosed(segments: readonly string[]): boolean {
    const name = segments.at(-1) ?? '';
    if (!closedFolders.includes(name)) return false;
    this.closed.add(name);
    return true;
  }

  readonly add = (why: Skip): void => {
    this.skips.set(why, (this.skips.get(why) ?? 0) + 1);
  };

  notes(): readonly string[] {
    const said: Record<Skip, (count: number) => string> = {
      unreadable: (count) => `${count} folders or files could not be read (permission denied)`,
      avoided: () => "Conductor's own folder was left out",
      tooManyNames: (count) => `${count} folders hold too many names and were cut`,
      tooDeep: (count) => `${count} folders are nested too deeply and were not opened`,
    };
    const closed = this.closed.size === 0 ? [] : [`Not opened: ${[...this.closed].join(', ')}; name one as path to look inside`];
    return [...closed, ...[...this.skips].map(([why, count]) => said[why](count))];
  }
}
