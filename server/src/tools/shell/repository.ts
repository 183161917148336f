import { lstatSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { readSmallFile } from '../../base/smallFile';
import { addressKeys } from '../../rules/gitRemotes';
import type { GitFacts, NotKnown } from '../../rules/places';
import { gitFolders, hookFiles, hooksIn } from './facts';
import { askGit, askGitText, isNotKnown, partsOf, type Asking } from './gitQuestion';
import { isWithin } from './resolve';

/**
 * Asks git what a repository's configuration says, and that of every repository inside it which the index knows: git goes into
 * those on its own, and each of them can name programs. Listing runs nothing.
 */

/** Repositories inside a repository that are looked at, at any depth; with more of them nothing is known. */
export const maxInnerRepositories = 40;

/** The facts about the repository of a folder. Looked up anew each time: nothing tells reliably that none of it has changed. */
export async function readGitFacts(folder: string, asking: Asking, project: string = folder): Promise<GitFacts | NotKnown> {
  const odd = oddFile(folder);
  if (odd !== undefined) return { unknown: `${odd} is no regular file` };
  const found: Found = { folders: new Set(), asking };
  const [top, pairs] = await Promise.all([topOf(folder, asking), listPairs(folder, asking)]);
  if (isNotKnown(top)) return top;
  if (isNotKnown(pairs)) return pairs;
  const inner = top === '' ? [] : await innerPairs(top, found);
  if (isNotKnown(inner)) return inner;
  // Git says of every submodule where its files are.
  const facts = gitFactsOf(pairs.filter((pair) => top === '' || gitFolders(top)?.own !== gitFolders(folder)?.own || !isOwnWorkTree(pair, top)));
  const programs = [...new Set([...facts.programs, ...inner])];
  const hooks = hooksOf(pairs, folder, top);
  return { ...facts, programs, hooks: hooks.length > 0, hookNames: hooks, repository: top !== '', above: top !== '' && !isWithin(realOr(top), project), branch: branchOf(folder) };
}

/** The names of the hooks that git would run, were it not kept from them: where the configuration names a folder, those in it count and no others. */
function hooksOf(pairs: readonly Pair[], folder: string, top: string): readonly string[] {
  const named = pairs.findLast(([key]) => key.toLowerCase() === 'core.hookspath')?.[1];
  const files = named === undefined ? hookFiles(folder) : hooksIn(resolve(top === '' ? folder : top, named.replace(/^~(?=\/)/, homedir())));
  return files.map((file) => basename(file));
}

/** A file that git opens at each start and would wait for: a named pipe, or a device. */
export function oddFile(folder: string): string | undefined {
  const repository = gitFolders(folder);
  if (repository === undefined) return undefined;
  const files = [...['HEAD', 'commondir', 'config.worktree', 'index'].map((name) => join(repository.own, name)), join(repository.common, 'config')];
  return files.find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === false);
}

type Pair = readonly [key: string, value: string];

/** Sorts configuration keys: which name programs that nothing overrides, which remotes exist, where they lie, and whether hooks lie elsewhere. */
export function gitFactsOf(pairs: readonly Pair[]): GitFacts {
  const keys = pairs.map(([key]) => key);
  const remotes = keys.flatMap((key) => /^remote\.(.+)\.url$/.exec(key)?.[1] ?? []);
  const addresses = pairs.filter(([key]) => addressKeys.some((pattern) => pattern.test(lowerEnds(key))));
  return { programs: [...new Set(keys.filter(namesProgram))], remotes: [...new Set(remotes)], addresses, hooks: keys.some((key) => key.toLowerCase() === 'core.hookspath') };
}

/** Section and name of a key know no case; what stands between them does. */
function lowerEnds(key: string): string {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  return key.slice(0, first).toLowerCase() + key.slice(first, last) + key.slice(last).toLowerCase();
}

/** Keys that Conductor's own environment overrides for every git that it starts. */
const overridden: ReadonlySet<string> = new Set(['core.pager', 'core.editor', 'core.hookspath', 'core.fsmonitor', 'sequence.editor']);

const programKeys: readonly RegExp[] = [
  /^(filter|diff|merge)\..*\.(clean|smudge|process|command|textconv|driver)$/,
  /^diff\.external$/,
  /^alias\./,
  /^(core|gpg|credential|sequence|interactive|browser|man|difftool|mergetool|guitool)\.(.*\.)?[^.]*(cmd|command|program|helper|editor|pager|path)$/,
  /^include(if)?\./,
  /^core\.(gitproxy|askpass|worktree)$/,
  // Newer versions of git know hooks and collectors that are named in the configuration.
  /^hook\..*\.command$/,
  /^gc\.recentobjectshook$/,
  /^interactive\.difffilter$/,
  /^pager\./,
  /^remote\..*\.(uploadpack|receivepack|vcs|promisor)$/,
  /^extensions\.partialclone$/,
  /^submodule\..*\.update$/,
  /^trailer\..*\.(command|cmd)$/,
  /^uploadpack\.packobjectshook$/,
  /^tar\..*\.command$/,
  /^sendemail\./,
];

function namesProgram(key: string): boolean {
  const lower = key.toLowerCase();
  return !overridden.has(lower) && programKeys.some((pattern) => pattern.test(lower));
}

/** The top of the work tree; empty where there is no repository, or one without a work tree. */
async function topOf(folder: string, asking: Asking): Promise<string | NotKnown> {
  const answer = await askGit(['rev-parse', '--show-toplevel'], folder, asking);
  if (isNotKnown(answer)) return answer;
  if (answer.code === 0) return answer.text.replace(/\n$/, '');
  // Git says no to a repository of another user as well: then something is there, and nothing is known of it.
  return gitFolders(folder) === undefined ? '' : { unknown: 'git does not take it for a repository that it may use' };
}

async function listPairs(folder: string, asking: Asking): Promise<readonly Pair[] | NotKnown> {
  const text = await askGitText(['config', '--list', '--show-scope', '-z'], folder, asking);
  if (isNotKnown(text)) return text;
  const words = partsOf(text);
  // Nothing then holds git to what Conductor sets, and hooks and other programs of the repository run.
  if (!words.some((word, index) => index % 2 === 0 && word === 'command')) return { unknown: 'this git is older than 2.31 and obeys only files of configuration' };
  return words.flatMap((word, index) => (index % 2 === 1 && words[index - 1] !== 'command' ? [pairOf(word)] : []));
}

/** Every file that git takes its configuration from in a folder, included ones among them, and the hooks that it names in another folder, as absolute paths. None when git does not say. */
export async function configFiles(folder: string, asking: Asking): Promise<readonly string[]> {
  const found = await configuration(folder, asking);
  return [...new Set([...found.files, ...(found.hooks === undefined ? [] : hookNames.map((name) => join(found.hooks ?? '', name)))])];
}

/** The programs that git would run as hooks once a person has approved: in the folder that the configuration names, or in the repository's own. */
export async function runnableHooks(folder: string, asking: Asking): Promise<readonly string[]> {
  const { hooks } = await configuration(folder, asking);
  return hooks === undefined ? hookFiles(folder) : hooksIn(hooks);
}

async function configuration(folder: string, asking: Asking): Promise<Readonly<{ files: readonly string[]; hooks?: string }>> {
  const [top, text] = await Promise.all([topOf(folder, asking), askGitText(['config', '--list', '--show-scope', '--show-origin', '-z'], folder, { ...asking, mode: 'personal' })]);
  if (isNotKnown(text)) return { files: [] };
  const words = partsOf(text);
  const entries = words.flatMap((word, index) => (index % 3 === 2 ? [{ scope: words[index - 2] ?? '', origin: words[index - 1] ?? '', pair: pairOf(word) }] : []));
  // Relative ones count from the top of the work tree, to which git goes first.
  const from = isNotKnown(top) || top === '' ? folder : top;
  const files = entries.flatMap(({ origin }) => (origin.startsWith('file:') ? [resolve(from, origin.slice('file:'.length))] : []));
  const hooks = entries.findLast(({ scope, pair }) => scope !== 'command' && pair[0].toLowerCase() === 'core.hookspath')?.pair[1];
  return { files, ...(hooks === undefined || hooks === '' ? {} : { hooks: resolve(from, hooks.replace(/^~(?=\/)/, homedir())) }) };
}

/** Names under which git looks for programs of a repository (githooks(5)); those of the receiving side run only there. All of them are bound: one that is not there yet could be made while a person is asked. */
const hookNames: readonly string[] = ['applypatch-msg', 'pre-applypatch', 'post-applypatch', 'pre-commit', 'pre-merge-commit', 'prepare-commit-msg', 'commit-msg', 'post-commit', 'pre-rebase', 'post-checkout', 'post-merge', 'pre-push', 'reference-transaction', 'pre-auto-gc', 'post-rewrite', 'post-index-change', 'sendemail-validate'];

function pairOf(word: string): Pair {
  const end = word.indexOf('\n');
  return end < 0 ? [word, 'true'] : [word.slice(0, end), word.slice(end + 1)];
}

type Found = Readonly<{ folders: Set<string>; asking: Asking }>;

/** The program keys of every populated repository that the index of this one knows, and of theirs. */
async function innerPairs(top: string, found: Found): Promise<readonly string[] | NotKnown> {
  const listed = await askGitText(['ls-files', '--stage', '-z', '--full-name'], top, found.asking);
  if (isNotKnown(listed)) return listed;
  const links = partsOf(listed).filter((line) => line.startsWith('160000 ')).map((line) => join(top, line.slice(line.indexOf('\t') + 1)));
  const programs: string[] = [];
  for (const folder of new Set(links)) {
    if (!isPopulated(folder) || found.folders.has(folder)) continue;
    found.folders.add(folder);
    if (found.folders.size > maxInnerRepositories) return { unknown: `more than ${maxInnerRepositories} repositories lie inside it` };
    const inner = await innerPrograms(folder, found);
    if (isNotKnown(inner)) return inner;
    programs.push(...inner);
  }
  return programs;
}

async function innerPrograms(folder: string, found: Found): Promise<readonly string[] | NotKnown> {
  const pairs = await listPairs(folder, found.asking);
  if (isNotKnown(pairs)) return pairs;
  const own = gitFactsOf(pairs.filter((pair) => !isOwnWorkTree(pair, folder))).programs;
  const deeper = await innerPairs(folder, found);
  return isNotKnown(deeper) ? deeper : [...own, ...deeper];
}

function isPopulated(folder: string): boolean {
  return lstatSync(join(folder, '.git'), { throwIfNoEntry: false }) !== undefined;
}

/** A submodule's configuration always says where its work tree is; only another one than its own matters. */
function isOwnWorkTree([key, value]: Pair, folder: string): boolean {
  const repository = gitFolders(folder);
  return key.toLowerCase() === 'core.worktree' && repository !== undefined && repository.top === realOr(folder) && realOr(resolve(repository.own, value)) === realOr(folder);
}

function branchOf(folder: string): string | undefined {
  const repository = gitFolders(folder);
  if (repository === undefined) return undefined;
  return /^ref: refs\/heads\/(.+)$/m.exec(readSmallFile(join(repository.own, 'HEAD'), 4096) ?? '')?.[1];
}

function realOr(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}
