import { lstatSync, opendirSync, readlinkSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { flatten } from '../../rules/pathText';

/** Looks through what a command would carry to another place, for links that would lead elsewhere from there. Follows none. */

/** Names that are looked at in one judgement, however many paths it asks about. */
export const maxCarried = 4000;

type Search = { left: number };

/**
 * Makes the search of one judgement: the first such link below an absolute path whose folder is resolved, as it would be shown;
 * undefined when there is none. The same place is looked through once, in however many spellings a line names it.
 */
export function searchCarried(): (folder: string, name: string) => string | undefined {
  const state = { left: maxCarried };
  const known = new Map<string, string | undefined>();
  return (folder, name) => {
    const place = join(folder, name);
    if (!known.has(place)) known.set(place, search(folder, [name], state));
    return known.get(place);
  };
}

function search(folder: string, names: readonly string[], state: Search): string | undefined {
  if ((state.left -= 1) < 0) return `more than ${maxCarried} names would have to be looked at`;
  const path = join(folder, ...names);
  const stat = statOf(path);
  if (stat?.isSymbolicLink() === true) return leadsElsewhere(path, names) ? names.join('/').slice(0, 120) : undefined;
  if (stat?.isDirectory() !== true) return undefined;
  for (const entry of entriesOf(path, state)) {
    const found = search(folder, [...names, entry], state);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What stays below the folder that is left, does so from everywhere; what `..` means behind a name, only the disk knows. */
function leadsElsewhere(path: string, names: readonly string[]): boolean {
  const target = targetOf(path);
  if (target === undefined || isAbsolute(target)) return false;
  const parts = target.split('/').filter((name) => name !== '' && name !== '.');
  const first = parts.findIndex((name) => name !== '..');
  return (first >= 0 && parts.lastIndexOf('..') > first) || flatten([...names.slice(0, -1), ...parts]) === undefined;
}

function entriesOf(path: string, state: Search): readonly string[] {
  const names: string[] = [];
  try {
    const reader = opendirSync(path);
    try {
      for (let entry = reader.readSync(); entry !== null && names.length <= state.left; entry = reader.readSync()) names.push(entry.name);
    } finally {
      reader.closeSync();
    }
  } catch {
    // What cannot be read cannot be carried either.
  }
  return names;
}

function statOf(path: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
