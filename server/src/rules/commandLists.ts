import type { Platform } from './commandPlan';

/** The user's two lists of command names, read so that a broken entry can only make things stricter. */

/** What `plugins.shell` holds; anything else in it is ignored here. */
export type ShellSettings = Readonly<{ allowedCommands?: unknown; requireApproval?: unknown }>;

/** The lists as used. */
export type ShellLists = Readonly<{
  allowed: ReadonlySet<string>;
  approval: ReadonlySet<string>;
  /** Entries of requireApproval that are no plain names; they are matched generously, since they may only tighten. */
  unclear: readonly string[];
  /** Sentences about entries that do not count, for the person who wrote them. */
  problems: readonly string[];
}>;

const plainName = /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/;

/** Whether a text is a bare program name: no path, no pattern, no blank, nothing outside ASCII. */
export function isPlainName(text: string): boolean {
  return plainName.test(text);
}

/** Reads both lists. A name counts only as written, in full: `npm run`, `git*` and `/bin/ls` allow nothing. */
export function readLists(settings: ShellSettings): ShellLists {
  const problems: string[] = [];
  const allowed = entries(settings.allowedCommands, 'allowedCommands', problems);
  const approval = entries(settings.requireApproval, 'requireApproval', problems);
  return {
    allowed: new Set(allowed.filter(isPlainName)),
    approval: new Set(approval.filter(isPlainName)),
    unclear: approval.filter((entry) => !isPlainName(entry)),
    problems,
  };
}

function entries(list: unknown, key: string, problems: string[]): readonly string[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) {
    problems.push(`plugins.shell.${key} is no list, so it counts as empty.`);
    return [];
  }
  const texts: string[] = [];
  for (const entry of list as readonly unknown[]) {
    if (typeof entry !== 'string') problems.push(`plugins.shell.${key} holds an entry that is no text; it does not count.`);
    else {
      texts.push(entry);
      if (!isPlainName(entry)) problems.push(`plugins.shell.${key}: "${entry.slice(0, 60)}" is no bare program name; wildcards, paths and arguments do not count.`);
    }
  }
  return texts;
}

/** Where a name stands. Approval wins over allowance; on Windows it ignores case and `.exe`, while allowance never does. */
export function standing(name: string, lists: ShellLists, platform: Platform): 'allowed' | 'approval' | 'unlisted' {
  if (lists.approval.has(name)) return 'approval';
  if (platform === 'win32' && [...lists.approval].some((entry) => folded(entry) === folded(name))) return 'approval';
  if (!lists.allowed.has(name)) return 'unlisted';
  return lists.unclear.some((entry) => mayMean(entry, name, platform)) ? 'approval' : 'allowed';
}

/** The name under which rules know a program: on Windows without case and `.exe`. */
export function ruleName(name: string, platform: Platform): string {
  return platform === 'win32' ? folded(name) : name;
}

function folded(name: string): string {
  return name.toLowerCase().replace(/\.(exe|com)$/, '');
}

/** Whether an unclear approval entry may have been meant for this name: its first word, its last path part, its pattern. */
function mayMean(entry: string, name: string, platform: Platform): boolean {
  const first = entry.trim().split(/\s/, 1)[0] ?? '';
  const base = first.split(/[\\/]/).at(-1) ?? '';
  return platform === 'win32' ? matches(folded(base), folded(name)) : matches(base, name);
}

/** Matches `*` and `?` in linear steps back to the last star, so that no entry can make it slow. */
function matches(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < text.length; ) {
    if (pattern[at] === '*') {
      star = at;
      at += 1;
      resume = index;
    } else if (pattern[at] === '?' || pattern[at] === text[index]) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      index = resume;
    } else return false;
  }
  return pattern.slice(at).replaceAll('*', '') === '';
}
