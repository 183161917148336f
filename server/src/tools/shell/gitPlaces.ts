import { statSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { readSmallFile } from '../../base/smallFile';

/** Where git takes its orders from though no name says so, because a configuration names it. */

/** Configuration files that may include each other and are looked at. */
const maxFiles = 24;

/**
 * Absolute places that configuration files of git name: folders of hooks, attributes, and further configuration. The user's own files
 * count as well. What is named from elsewhere than git would count it from is among them, since a place too many only asks.
 */
export function namedPlaces(files: readonly string[], top: string): readonly string[] {
  const pending = [...files, join(homedir(), '.gitconfig'), join(homedir(), '.config/git/config')];
  const seen = new Set<string>();
  const places = new Set<string>();
  for (let file = pending.shift(); file !== undefined && seen.size < maxFiles; file = pending.shift()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const { key, value } of settingsIn(file)) {
      const text = value.startsWith('~/') ? join(homedir(), value.slice(2)) : value;
      const from = isAbsolute(text) ? [text] : [resolve(top, text), resolve(dirname(file), text)];
      for (const place of from) places.add(place);
      if (key === 'path') pending.push(...from);
    }
  }
  return [...places];
}

type Setting = Readonly<{ key: string; value: string }>;

/** What was read of configuration files, by path, for as long as they are the same files. */
const known = new Map<string, Readonly<{ identity: string; settings: readonly Setting[] }>>();

/** Bytes of one configuration file; of a larger one nothing is known. */
const maxConfig = 1024 * 1024;

function settingsIn(file: string): readonly Setting[] {
  const stat = statOf(file);
  if (stat === undefined) return [];
  const identity = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
  const before = known.get(file);
  if (before?.identity === identity) return before.settings;
  const text = readSmallFile(file, maxConfig) ?? '';
  const all = [...text.matchAll(/(?:^|\])[\t ]*(hookspath|attributesfile|path)[\t ]*=(.*)$/gim)].map(([, key = '', value = '']) => ({ key: key.toLowerCase(), value: unquoted(value) }));
  const settings = all.filter(({ value }) => value !== '');
  if (known.size >= 256) known.clear();
  known.set(file, { identity, settings });
  return settings;
}

/** A value as git reads it (git-config(1)): between quotes a comment sign is a letter, and a backslash stands before what is meant. */
function unquoted(text: string): string {
  let value = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (letter === '"') quoted = !quoted;
    else if (!quoted && (letter === '#' || letter === ';')) break;
    else if (letter === '\\') value += text[(at += 1)] ?? '';
    else value += letter;
  }
  return value.trim();
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
