import { readSlice } from '../../base/heldFile';
import type { Pin, Pins } from '../../base/pin';
import { judgeIgnored, readIgnoreRules, type IgnoreRule } from '../../rules/gitignore';

/** What `.gitignore` files leave out, read from held folders, so that a link cannot put another file in their place. */

/** Larger ones are not read. */
const maxBytes = 262_144;

/** The rules of the folders from the project down to where a search is, each about what lies below it. */
export class IgnoreRules {
  private readonly byFolder = new Map<string, readonly IgnoreRule[]>();

  /** `base` is how many names of every path belong to the place of the search, which was named and so counts. */
  constructor(
    private readonly pins: Pins,
    private readonly base: number,
  ) {}

  /** Reads the rules of a folder once. `segments` count from the project. */
  async enter(folder: Pin, segments: readonly string[]): Promise<void> {
    const key = segments.join('/');
    if (!this.byFolder.has(key)) this.byFolder.set(key, await this.read(folder));
  }

  /** Whether a path is left out, itself or with a folder above it. The rules of every folder above must have been read. */
  isIgnored(segments: readonly string[], isFolder: boolean): boolean {
    return segments.some((_, index) => index >= this.base && this.isNamed(segments.slice(0, index + 1), isFolder || index < segments.length - 1));
  }

  /** The nearest folder whose rules say anything decides. */
  private isNamed(segments: readonly string[], isFolder: boolean): boolean {
    for (let depth = segments.length - 1; depth >= 0; depth -= 1) {
      const said = judgeIgnored(this.byFolder.get(segments.slice(0, depth).join('/')) ?? [], segments.slice(depth), isFolder);
      if (said !== undefined) return said === 'ignored';
    }
    return false;
  }

  private async read(folder: Pin): Promise<readonly IgnoreRule[]> {
    let file: Pin | undefined;
    try {
      file = this.pins.child(folder, '.gitignore');
      const bytes = file.stat.isFile() && file.stat.size <= BigInt(maxBytes) ? (await readSlice(file, 0, maxBytes, this.pins))?.bytes : undefined;
      return bytes === undefined ? [] : readIgnoreRules(bytes.toString('utf8'));
    } catch {
      // Missing, or not readable: then it says nothing.
      return [];
    } finally {
      file?.close();
    }
  }
}
