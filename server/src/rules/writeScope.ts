import { readGlob, type Glob } from './glob';
import type { Verdict } from '../../../protocol/src/call';

/** Which files below the project agents may change at all, as `plugins.filesystem.writeScope` says (T26, T30). */

/** Whether a file, by its names below the project after all links were followed, may be changed. */
export type WriteScope = (names: readonly string[]) => boolean;

type Pattern = Readonly<{ glob: Glob; except: boolean }>;

/**
 * Reads a scope. No patterns: everything is in it. Otherwise a file must match one pattern without `!` (with only patterns with `!`:
 * any file), and neither it nor a folder that it lies in may match one with `!`, whatever the order. `src/` means `src/**`.
 * A pattern that cannot be read lets nothing be changed. Exceptions do not distinguish case, so that no disk is a way round them.
 */
export function readWriteScope(patterns: readonly string[]): WriteScope {
  const read = patterns.map(readPattern);
  if (read.length === 0) return () => true;
  if (read.some(({ glob }) => glob.kind === 'flawed')) return () => false;
  const included = read.filter(({ except }) => !except);
  const excepted = read.filter(({ except }) => except);
  return (names) => {
    const folded = names.map((name) => name.normalize('NFC').toLowerCase());
    const fits = included.length === 0 || included.some(({ glob }) => matches(glob, names));
    return fits && !folded.some((_, depth) => excepted.some(({ glob }) => matches(glob, folded.slice(0, depth + 1))));
  };
}

/** The verdict on a change outside the scope. */
export function refuseOutOfScope(path: string): Verdict {
  return { verdict: 'deny', rule: 'path.writeScope', reason: `${path} is outside what agents may change here (plugins.filesystem.writeScope). Change only files in that scope, or ask the user to widen it.` };
}

function readPattern(pattern: string): Pattern {
  const except = pattern.startsWith('!');
  const bare = except ? pattern.slice(1).normalize('NFC').toLowerCase() : pattern;
  return { except, glob: readGlob(bare.endsWith('/') && bare !== '/' && !except ? `${bare}**` : bare) };
}

function matches(glob: Glob, names: readonly string[]): boolean {
  return glob.kind === 'glob' && glob.matches(names);
}
