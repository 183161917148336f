import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { lstatSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { ConductorError } from '../../../../protocol/src/errors';
import { readGit } from '../../rules/gitCommand';
import { completionsOf } from '../../rules/laterFiles';
import { gitArguments } from '../../rules/wrapped';
import { buildFilesOf } from './buildFiles';
import { follow, gitFolders, hookFiles, physical } from './facts';
import { loadableBy } from './loadable';
import type { PlannedCommand, Step } from './plan';
import { includedBy } from './makefiles';
import { hashFile, identityOf, isWithin } from './resolve';

/**
 * What an approval rests on besides programs: every file and folder that the line names, and what a builder reads without being told.
 * A person approves what lay there at that moment, and it is looked at again before each step (T16, T27, T41).
 */

/** One path that a person's answer rests on. */
export type Bound = Readonly<{
  /** Absolute, as the line leads there. */
  path: string;
  /** `File` for what the line names; what programs read without being told has other labels. */
  label: string;
  /** What lies there: its place behind links, device and number, and for files the hash of the bytes; or `missing`. */
  state: string;
  kind: 'file' | 'folder' | 'other' | 'missing';
  /** Indexes of the steps that use it, in order. */
  uses: readonly number[];
  /** What a small text file held. */
  text?: string;
}>;

/** More existing files and folders than this in one line are refused, since nobody could look at them all. */
export const maxBound = 256;

/** Bytes of one text file, and characters of all of them, that are kept to show what changes in them while a person is asked. */
const maxText = { file: 32n * 1024n, inAll: 128 * 1024 };

/** Files above this many bytes are known by place, size and times instead of by content. */
const maxHashedBytes = 64n * 1024n * 1024n;

/** Bytes of all files that one line may name, each read to its end before every step. */
const maxHashedInAll = 512n * 1024n * 1024n;

/** Everything that the steps name, as it lies there now. */
export async function bind(steps: readonly Step[], project: string): Promise<readonly Bound[] | Readonly<{ tooMany: number }> | Readonly<{ tooLarge: true }>> {
  const paths = new Map<string, { label: string; uses: Set<number> }>();
  for (const [index, step] of steps.entries()) {
    for (const { path, label } of step.commands.flatMap((command) => pathsOf(command, project))) paths.set(path, { label: paths.get(path)?.label ?? label, uses: (paths.get(path)?.uses ?? new Set()).add(index) });
  }
  const existing = [...paths.keys()].filter((path) => kindOf(path) !== 'missing').length;
  if (existing > maxBound) return { tooMany: existing };
  for (const [index, { commands }] of steps.entries()) {
    for (const path of loadableBy(commands, project).files) paths.set(path, { label: paths.get(path)?.label ?? 'File', uses: (paths.get(path)?.uses ?? new Set()).add(index) });
  }
  if (bytesToHash([...paths.keys()]) > maxHashedInAll) return { tooLarge: true };
  const bound: Bound[] = [];
  let room = maxText.inAll;
  for (const [path, { label, uses }] of paths) {
    const { text, ...seen } = await look(path);
    const kept = text === undefined || text.length > room ? {} : { text };
    room -= kept.text?.length ?? 0;
    bound.push({ path, label, ...seen, uses: [...uses], ...kept });
  }
  return bound;
}

function bytesToHash(paths: readonly string[]): bigint {
  return paths.map((path) => statOf(physical(path) ?? path)).reduce((sum, stat) => (stat?.isFile() === true && stat.size <= maxHashedBytes ? sum + stat.size : sum), 0n);
}

/** Follows what is bound while the steps run. */
export class Binding {
  private readonly now: Map<string, string>;

  constructor(private readonly bound: readonly Bound[]) {
    this.now = new Map(bound.map(({ path, state }) => [path, state]));
  }

  /** Throws APPROVAL_STALE when something that a step uses is no longer what it was; before the first one, that any step uses. */
  async before(step: number): Promise<void> {
    for (const { path, uses } of this.bound) {
      if (step > 0 && !uses.includes(step)) continue;
      const { state } = await look(path);
      const due = this.now.get(path);
      if (state !== due) throw stale(path, due, state);
    }
  }

  /** Absolute paths of the files that a step uses. */
  filesOf(step: number): readonly string[] {
    return this.bound.filter(({ uses, kind }) => kind === 'file' && uses.includes(step)).map(({ path }) => path);
  }

  /** SHA-256 hex of the file that a word leads to from a folder, as it was approved or as an approved step left it; undefined for what is known otherwise. */
  hashOf(folder: string, word: string): string | undefined {
    return /^sha256:([0-9a-f]{64}) /.exec(this.now.get(absolute(folder, word)) ?? '')?.[1];
  }

  /** What a step used, it may have changed, and what lies in a folder that it used; later steps rest on the outcome. */
  async after(step: number, project: string): Promise<void> {
    const changed = new Set(changeableBy(step, this.bound, project));
    for (const each of this.bound) {
      const { path, uses, state } = each;
      if (!uses.some((use) => use > step) || !changed.has(each)) continue;
      const seen = await look(path);
      // A step that turns a name into a link sends the next one elsewhere, which nobody has approved.
      if (placeOf(seen.state) !== placeOf(state)) throw stale(path, state, seen.state);
      this.now.set(path, seen.state);
    }
  }
}

/** What a step uses, and what lies in a folder that it uses. */
export function changeableBy(step: number, bound: readonly Bound[], project: string): readonly Bound[] {
  const used = bound.filter(({ uses }) => uses.includes(step)).map(({ path }) => path);
  const below = used.filter((path) => path !== project && isWithin(path, project));
  return bound.filter(({ path }) => used.includes(path) || below.some((folder) => isWithin(path, folder)));
}

function stale(path: string, before: string | undefined, after: string): ConductorError {
  return new ConductorError('APPROVAL_STALE', `${path} is no longer what it was when it was approved (${before ?? 'unknown'}, now ${after}), so the command was not run. Ask again, and let the approved files be.`);
}

/** What lies at a path. Text that changes when a link leads elsewhere, another file takes the place, or the bytes differ. */
async function look(path: string): Promise<Pick<Bound, 'state' | 'kind' | 'text'>> {
  const place = physical(path);
  const link = place === path ? '' : ` at ${place ?? 'no place'}`;
  const stat = place === undefined ? undefined : statOf(place);
  if (place === undefined || stat === undefined) return { state: `missing${link}`, kind: 'missing' };
  const number = `${stat.dev}:${stat.ino}`;
  if (stat.isDirectory()) return { state: `folder, what lies in it is not bound (${number})${link}`, kind: 'folder' };
  if (!stat.isFile()) return { state: `special file (${number})${link}`, kind: 'other' };
  if (stat.size > maxHashedBytes) return { state: `${stat.size} bytes (${identityOf(stat)})${link}`, kind: 'file' };
  const { sha256, text } = await contentOf(place, stat.size);
  return { state: `sha256:${sha256} ${stat.size} bytes (${number})${link}`, kind: 'file', ...(text === undefined ? {} : { text }) };
}

/** The hash of a file, and of a small one the text that was hashed. */
async function contentOf(place: string, size: bigint): Promise<Readonly<{ sha256: string; text?: string }>> {
  try {
    if (size > maxText.file) return { sha256: await hashFile(place) };
    const bytes = await readFile(place);
    const text = isUtf8(bytes) && !bytes.includes(0) ? { text: bytes.toString('utf8') } : {};
    return { sha256: createHash('sha256').update(bytes).digest('hex'), ...text };
  } catch {
    return { sha256: 'unreadable' };
  }
}

function placeOf(state: string): string {
  return / at (.*)$/s.exec(state)?.[1] ?? '';
}

function kindOf(path: string): 'missing' | 'there' {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined ? 'missing' : 'there';
  } catch {
    return 'missing';
  }
}

function statOf(path: string): ReturnType<typeof bigStat> {
  try {
    return bigStat(path);
  } catch {
    return undefined;
  }
}

function bigStat(path: string) {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

type Named = Readonly<{ path: string; label: string }>;

/** Absolute texts of all paths that a command names or reads by itself. Not resolved: where they lead is part of what is bound. */
export function pathsOf(command: PlannedCommand, project: string): readonly Named[] {
  const targets = command.redirections.flatMap((redirection) => (redirection.kind === 'merge' ? [] : [redirection.target]));
  const words = command.argv.slice(1).flatMap(textsIn);
  const named = [...words, ...targets].filter((text) => text !== '' && text.length < 4096 && !text.includes('\0')).map((text) => absolute(command.folder, text));
  // What stands there under the very name comes first.
  const completed = completionsOf(command.argv).map((text) => absolute(command.folder, text));
  const within = command.argv.slice(1).flatMap((word) => filesWithin(word, command.folder));
  const all: readonly (readonly [string, readonly string[]])[] = [['File', [...named, ...within, ...completed]], ['Build file', buildFiles(command, named, project)], ['Repository file', gitFiles(command)]];
  return all.flatMap(([label, paths]) => paths.map((path) => ({ path, label })));
}

/** The word, what follows `=`, and what follows the letter of a short option. Options themselves are no paths. */
function textsIn(word: string): readonly string[] {
  const texts = partsOfWord(word);
  // Some programs read the file behind an `@` or `<` (`curl --data @file`, `curl -F x=<file`).
  return [...texts, ...texts.flatMap((text) => /^[@<]([^;]+)/s.exec(text)?.[1] ?? [])];
}

function partsOfWord(word: string): readonly string[] {
  const equals = word.indexOf('=');
  const joined = equals < 0 ? [] : [word.slice(equals + 1)];
  if (!word.startsWith('-')) return [word, ...joined];
  return word.startsWith('--') ? joined : [word, word.slice(2), ...joined];
}

/** Pieces of one word that are looked at. */
const maxPieces = 2000;

/** The files that stand inside a longer word: scripts of a shell are handed over in one (`bash -c 'source ./s.sh'`, `env -S 'bash s.sh'`). */
function filesWithin(word: string, folder: string): readonly string[] {
  const pieces = new Set(word.split(/[\s"'`;|&()<>{}=,]+/).slice(0, maxPieces));
  if (pieces.size < 2) return [];
  return [...pieces].filter((text) => text !== '' && text !== word && text.length < 4096).map((text) => absolute(folder, text)).filter((path) => statOf(path)?.isFile() === true);
}

/** Keeps `..` behind a name that may be a link: only a walk knows where it leads. */
function absolute(folder: string, text: string): string {
  if (isAbsolute(text)) return text;
  const parts = text.split('/').filter((name) => name !== '' && name !== '.');
  return parts.includes('..') ? `${folder}/${parts.join('/')}` : join(folder, ...parts);
}

function buildFiles(command: PlannedCommand, named: readonly string[], project: string): readonly string[] {
  const programs = [command.argv[0], ...command.inner.map(({ name }) => name)];
  const found = buildFilesOf(programs);
  if (found === undefined) return [];
  const given = named.filter((path) => statOf(path)?.isDirectory() === true);
  const above = found.above ? foldersUp(command.folder, project) : [command.folder];
  const files = [...above, ...given].flatMap((folder) => found.names.map((name) => join(folder, name)));
  if (!programs.some((name) => makers.has(name))) return files;
  const makefiles = [...files, ...named.filter((path) => statOf(path)?.isFile() === true)];
  return [...files, ...[command.folder, ...given].flatMap((folder) => includedBy(makefiles, folder))];
}

const makers: ReadonlySet<string> = new Set(['make', 'gmake', 'bmake']);

function foldersUp(folder: string, top: string): readonly string[] {
  const folders: string[] = [];
  for (let current = folder; isWithin(current, top); current = dirname(current)) {
    folders.push(current);
    if (current === dirname(current)) break;
  }
  return folders;
}

/** An approved git runs hooks and obeys the configuration. */
function gitFiles(command: PlannedCommand): readonly string[] {
  const folder = gitFolderOf(command);
  const repository = folder === undefined ? undefined : gitFolders(folder);
  if (folder === undefined || repository === undefined) return [];
  // What was fetched last may be several commits, of which a revision is only the first.
  const fetched = command.argv.some((word) => /FETCH_HEAD/i.test(word)) ? [join(repository.own, 'FETCH_HEAD')] : [];
  // What was begun decides what the next commit is made of, and whose it is said to be.
  const begun = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD'].map((name) => join(repository.own, name));
  return [join(repository.common, 'config'), join(repository.own, 'config.worktree'), ...hookFiles(folder), ...(command.gitConfig ?? []), ...fetched, ...begun];
}

/** The folder in which a command starts git; undefined when it starts none. */
export function gitFolderOf(command: PlannedCommand): string | undefined {
  const git = gitArguments(command.argv);
  if (git === undefined) return undefined;
  const call = readGit(git.args);
  // Behind options that are not understood, the first folder that is named counts.
  const at = git.args.indexOf('-C');
  const folders = 'unknown' in call ? (at < 0 ? [] : [git.args[at + 1] ?? '.']) : call.folders;
  return folders.reduce((folder, path) => follow(folder, path) ?? folder, command.folder);
}
