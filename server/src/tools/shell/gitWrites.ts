import { lstatSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { nothingWritten, type GitWriteQuery, type GitWrites, type NotKnown } from '../../rules/places';
import { askGit, askGitText, isNotKnown, partsOf, type Asking } from './gitQuestion';
import { ambiguousBranch } from './ambiguousNames';
import { isWithin } from './resolve';

/**
 * Finds out which files of a work tree a git command would write or remove, before it does. Only for repositories whose configuration
 * names no programs: comparing the work tree runs filters.
 */

/** Where to look. */
export type WriteScope = Readonly<{ folder: string; project: string; asking: Asking }>;

/** Answers one question of the judge. */
export async function readGitWrites(query: GitWriteQuery, scope: WriteScope): Promise<GitWrites | NotKnown> {
  const top = await askGitText(['rev-parse', '--show-toplevel'], scope.folder, scope.asking);
  if (isNotKnown(top)) return { unknown: 'the folder lies in no work tree' };
  const root = top.replace(/\n$/, '');
  try {
    const changes = await new Look(scope, root).changes(query);
    const buried = query.kind === 'tracked' ? undefined : changes.find(({ name }) => isFolder(join(root, name)));
    if (buried !== undefined) return { unknown: `"${short(buried.name)}" is a folder here and a file there, and git would remove all that lies in it` };
    return summary(changes, root, scope.project);
  } catch (error) {
    if (error instanceof Unclear) return { unknown: error.message };
    throw error;
  }
}

/**
 * The files that git may take for a new name of another one and merge that into, as soon as any file goes away in what it looks at: those that
 * were added anywhere. Which one it takes, and in which of several steps, it finds out in a way of its own.
 */
function newNames(looked: readonly Raw[]): readonly Change[] {
  if (!looked.some(({ status }) => status === 'D' || status === 'T')) return [];
  const links = looked.some(({ newMode }) => newMode === linkMode);
  return looked.filter(({ status }) => status === 'A').map(({ name }) => ({ name, renamed: true, link: links }));
}

/** The same where git looks at it from elsewhere, in one direction or the other: two files have to come or go. */
function newNamesEitherWay(looked: readonly Raw[]): readonly Change[] {
  const moved = looked.filter(({ status }) => status !== 'M');
  if (new Set(moved.map(({ name }) => name)).size < 2) return [];
  return newNames(moved.flatMap((raw): readonly Raw[] => [{ ...raw, status: 'A' }, { ...raw, status: 'D' }]));
}

/** One file that would be written or removed; `link` when it would become a symbolic link, `renamed` when it is another one that was merged into it. */
type Change = Readonly<{ name: string; link: boolean; renamed?: true }>;

/** Ends a look that leads nowhere; never leaves this file. */
class Unclear extends Error {}

function summary(changes: readonly Change[], root: string, project: string): GitWrites {
  if (changes.length === 0) return nothingWritten;
  const names = [...new Set(changes.map(({ name }) => name))].sort();
  const links = changes.filter(({ link }) => link).map(({ name }) => name);
  const outside = isWithin(root, project) ? [] : names.filter((name) => !isWithin(join(root, name), project));
  const below = isWithin(root, project) && root !== project ? { below: relative(project, root).split(sep) } : {};
  const renamed = changes.filter((change) => change.renamed === true).map(({ name }) => name);
  return { names, top: root, links: [...new Set(links)].sort(), outside, ...below, ...(renamed.length === 0 ? {} : { renamed }) };
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // A file stands where a folder above should be.
    return false;
  }
}

/** Two commits or trees: the change from the first to the second is merged. */
type Pair = readonly [base: string, theirs: string];

/** One line of `git diff --raw`: the file before and after. */
type Raw = Readonly<{ oldMode: string; newMode: string; status: string; name: string; newName?: string }>;

/** Commits, branches or paths of one command that git is asked about one by one. */
const maxLooked = 32;

const linkMode = '120000';
const rawOptions = ['--raw', '-z', '--no-relative', '--ignore-submodules=all', '--no-ext-diff', '--no-textconv'];

class Look {
  private ambiguous: ReturnType<typeof ambiguousBranch> | undefined;

  constructor(
    private readonly scope: WriteScope,
    private readonly root: string,
  ) {}

  async changes(query: GitWriteQuery): Promise<readonly Change[]> {
    switch (query.kind) {
      case 'checkout':
        return this.checkout(query);
      case 'switch':
        return this.switchTo(query.target);
      case 'files':
        return this.files(query.revision, query.paths);
      case 'merge':
        // Before it tries, git puts away what is not committed; after a failure it writes all of the last commit and brings that back, if it comes so far.
        return [...(await this.each(query.others, (other) => this.merge(other))), ...(await this.clear([], false))];
      case 'rebase':
        return this.rebase(query);
      case 'pick':
        return this.pick(query.commits, query.parent, query.undo);
      case 'stash':
        return this.stash(query.name);
      case 'clear':
        return this.clear(query.paths, query.untracked);
      case 'tracked':
        return this.tracked(query.paths, query.into);
      case 'unseen':
        throw new Unclear(query.why);
    }
  }

  /** As git reads it: one word that is a revision goes there, further words are files; a first word that is none is a file as well. */
  private async checkout({ before, after, dashed }: Extract<GitWriteQuery, { kind: 'checkout' }>): Promise<readonly Change[]> {
    const [first, ...rest] = before;
    if (first === undefined) return this.files(undefined, after);
    if (rest.length === 0 && after.length === 0) return !dashed && (await this.isFile(first)) ? this.files(undefined, before) : this.switchTo(first);
    if ((dashed || after.length > 0) && rest.length > 0) throw new Unclear('it names more than one revision');
    if (after.length > 0 || (await this.isRevision(first))) return this.files(first, [...rest, ...after]);
    return this.files(undefined, await this.knownFiles(before));
  }

  /** What differs between the last commit and the target, or the branches of that name elsewhere, of which git would make one here. */
  private async switchTo(target: string): Promise<readonly Change[]> {
    if (await this.isRevision(target)) return this.between(await this.head(), await this.commit(target === '-' ? '@{-1}' : target));
    const remote = isPlainBranch(target) && (await this.object(target)) === undefined ? (await this.text(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/remotes'])).split('\n').filter((line) => line.endsWith(`/${target}`)) : [];
    if (remote.length === 0) throw new Unclear(`"${short(target)}" is not the name of a branch, a tag or a commit, nor of one file that is there; write "--" before files`);
    const head = await this.head();
    return this.each(remote, (line) => this.between(head, line.slice(0, line.indexOf(' '))));
  }

  /**
   * Whether git takes a word for one commit and for nothing else: the name of a branch, a tag or a branch elsewhere, or an id, perhaps with a
   * way back from there. Checkout and switch know further spellings (`A...B`, a tree), which name other things here than there.
   */
  private async isRevision(word: string): Promise<boolean> {
    if (word === '-' || /^@\{-[0-9]+\}$/.test(word)) return true;
    const name = word.replace(/(?:[~^][0-9]*)+$/, '');
    if (name === 'HEAD' || name === '@') return true;
    if (/^[0-9a-f]{4,64}$/.test(name) && (await this.revision(name)) !== undefined) return true;
    const refs = [`refs/heads/${name}`, `refs/tags/${name}`, `refs/remotes/${name}`, `refs/remotes/${name}/HEAD`];
    if (!isPlainBranch(name)) return false;
    return (await this.text(['for-each-ref', '--format=%(refname)', ...refs])).split('\n').some((ref) => refs.includes(ref)) && (await this.revision(name)) !== undefined;
  }

  /** Words that are taken for files must be known as such, or they may be a spelling of a revision that is not understood here. */
  private async knownFiles(paths: readonly string[]): Promise<readonly string[]> {
    if (paths.length > maxLooked) throw new Unclear(`it names more than ${maxLooked} files without "--" before them`);
    for (const path of paths) {
      if (!(await this.isFile(path))) throw new Unclear(`"${short(path)}" is neither a known revision nor a file that is there; write "--" before files`);
    }
    return paths;
  }

  /** Whether a word is a tracked file or folder that lies in the work tree under this very name, and nothing else: then git refuses it as a revision. */
  private async isFile(path: string): Promise<boolean> {
    // `A...B` is a commit, and a tree or `tree:` a source of files, for checkout alone; a file of such a name can be made.
    if (path === '-' || path.startsWith(':') || path.includes('...') || (await this.object(path)) !== undefined) return false;
    if (lstatSync(join(this.scope.folder, path), { throwIfNoEntry: false }) === undefined) return false;
    return (await this.text(['--literal-pathspecs', 'ls-files', '-z', '--', path])) !== '';
  }

  private async files(revision: string | undefined, paths: readonly string[]): Promise<readonly Change[]> {
    const tree = revision === undefined ? [] : [await this.tree(revision)];
    const raws = await this.raws(['diff', ...rawOptions, '--no-renames', ...tree, '--', ...paths]);
    return raws.map(before);
  }

  private async merge(other: string): Promise<readonly Change[]> {
    if (/FETCH_HEAD/i.test(other)) throw new Unclear('FETCH_HEAD can stand for several branches');
    const [head, theirs] = [await this.head(), await this.commit(other)];
    const bases = (await this.text(['merge-base', '--all', head, theirs])).split('\n').filter((line) => line !== '');
    // Several bases are merged with each other first.
    return bases.length > 1 ? Promise.reject(new Unclear('the branches were merged crosswise before')) : this.threeWays(bases.map((base) => [base, theirs]));
  }


  private async pick(commits: readonly string[], parent: number, undo: boolean): Promise<readonly Change[]> {
    if (commits.length > maxLooked) throw new Unclear(`it names more than ${maxLooked} things, each of which git would have to be asked about`);
    const pairs: Pair[] = [];
    for (const commit of commits) {
      if (/\.\.|^\^|\^[@!]/.test(commit)) throw new Unclear('it names a range of commits');
      const changed = await this.commit(commit);
      const before = await this.commit(`${changed}^${parent}`);
      pairs.push(undo ? [changed, before] : [before, changed]);
    }
    return this.threeWays(pairs);
  }

  private async rebase(query: Extract<GitWriteQuery, { kind: 'rebase' }>): Promise<readonly Change[]> {
    const [head, onto, since, tip] = [await this.head(), await this.commit(query.onto), await this.commit(query.since), await this.commit(query.branch)];
    // It may stop after any of the commits, so that what each of them touched counts.
    const replayed = await this.raws(['log', '--format=', '-m', ...rawOptions, '--no-renames', `${since}..${tip}`]);
    const moved = [...(await this.difference(head, onto)), ...(await this.difference(head, tip))];
    return [...moved.map(after), ...replayed.map(after), ...newNamesEitherWay([...moved, ...replayed])];
  }

  private async stash(name: string): Promise<readonly Change[]> {
    const stash = await this.commit(/^[0-9]+$/.test(name) ? `stash@{${name}}` : name);
    const base = await this.commit(`${stash}^1`);
    const index = await this.commit(`${stash}^2`);
    const untracked = await this.revision(`${stash}^3`);
    const others = untracked === undefined ? [] : await this.listed(['ls-tree', '-r', '-z', '--full-tree', untracked]);
    return [...(await this.threeWays([[base, stash], [base, index]])), ...others];
  }

  private async clear(paths: readonly string[], untracked: boolean): Promise<readonly Change[]> {
    const spec = ['--', ...(paths.length === 0 ? [':/'] : paths)];
    const head = await this.head();
    const [changed, unmerged] = split(await this.anyRaws(['diff', ...rawOptions, '--no-renames', head, ...spec]));
    const [staged] = split(await this.anyRaws(['diff', ...rawOptions, '--no-renames', ...spec]));
    if (unmerged.length > 500) throw new Unclear('too many files are unmerged');
    const reset = unmerged.length === 0 ? [] : await this.listed(['--literal-pathspecs', 'ls-tree', '-r', '-z', '--full-tree', head, '--', ...unmerged]);
    const others = untracked ? partsOf(await this.text(['ls-files', '-z', '--others', '--exclude-standard', '--full-name', ...spec])) : [];
    return [...changed.map(before), ...staged.map(before), ...reset, ...unmerged.map((name) => ({ name, link: false })), ...others.map((name) => ({ name, link: false }))];
  }

  /** Tracked files below the paths: where they are, or where they would arrive. */
  private async tracked(paths: readonly string[], into: string | undefined): Promise<readonly Change[]> {
    const inner = await this.submodules(paths);
    if (into === undefined) return [...inner, ...(await this.listed(['ls-files', '--stage', '-z', '--full-name', '--', ...paths])).map(({ name }) => ({ name, link: false }))];
    return [...inner, ...(await this.each(paths, (path) => this.moved(path, into)))];
  }

  /** With a submodule git rewrites what it keeps of it. */
  private async submodules(paths: readonly string[]): Promise<readonly Change[]> {
    const listed = partsOf(await this.text(['ls-files', '--stage', '-z', '--full-name', '--', ...paths]));
    return listed.some((line) => line.startsWith('160000')) ? [{ name: '.gitmodules', link: false }] : [];
  }

  private async moved(path: string, into: string): Promise<readonly Change[]> {
    // A folder moves with everything in it, also with what git does not track or ignores.
    const others = partsOf(await this.text(['--literal-pathspecs', 'ls-files', '-z', '--others', '--full-name', '--', path]));
    const files = [...(await this.listed(['--literal-pathspecs', 'ls-files', '--stage', '-z', '--full-name', '--', path])), ...others.map((name) => ({ name, link: this.isLink(name) }))];
    const [from, target] = [this.nameOf(path), this.nameOf(into)];
    const last = from.split('/').at(-1) ?? '';
    return files.flatMap(({ name, link }) => {
      const rest = name.slice(from.length);
      return [{ name, link: false }, { name: target + rest, link }, { name: `${target}/${last}${rest}`, link }];
    });
  }

  private isLink(name: string): boolean {
    return lstatSync(join(this.root, name), { throwIfNoEntry: false })?.isSymbolicLink() === true;
  }

  private nameOf(path: string): string {
    return relative(this.root, resolve(this.scope.folder, path)).split(sep).join('/');
  }

  /** What merging the changes from one commit to another writes, one pair after the other, into what is staged or into the last commit: these changes, also where a file has got another name. */
  private async threeWays(pairs: readonly Pair[]): Promise<readonly Change[]> {
    const theirs: Raw[] = [];
    for (const [base, changed] of pairs) theirs.push(...(await this.difference(base, changed)));
    if (theirs.length === 0) return [];
    const ours: Raw[] = [];
    for (const base of new Set(pairs.map(([from]) => from))) ours.push(...(await this.difference(base, await this.head())), ...(await this.raws(['diff', ...rawOptions, '--no-renames', '--cached', base, '--'])));
    return [...theirs.map(after), ...newNames([...theirs, ...ours])];
  }

  private async between(from: string, to: string): Promise<readonly Change[]> {
    return (await this.difference(from, to)).map(after);
  }

  private async difference(from: string, to: string): Promise<readonly Raw[]> {
    return from === to ? [] : this.raws(['diff', ...rawOptions, '--no-renames', from, to, '--']);
  }

  private async each<T>(items: readonly T[], look: (item: T) => Promise<readonly Change[]>): Promise<readonly Change[]> {
    if (items.length > maxLooked) throw new Unclear(`it names more than ${maxLooked} things, each of which git would have to be asked about`);
    const all: Change[] = [];
    for (const item of items) all.push(...(await look(item)));
    return all;
  }

  private async head(): Promise<string> {
    return this.commit('HEAD');
  }

  private async commit(revision: string): Promise<string> {
    const found = await this.revision(revision);
    if (found === undefined) throw new Unclear(`"${short(revision)}" is no commit that can be looked at`);
    return found;
  }

  private async revision(revision: string): Promise<string | undefined> {
    return this.peeled(revision, 'commit');
  }

  private async tree(revision: string): Promise<string> {
    const found = await this.peeled(revision, 'tree');
    if (found === undefined) throw new Unclear(`"${short(revision)}" is no revision that can be looked at`);
    return found;
  }

  /** In two steps: behind `HEAD:folder` or `:/words` what asks for a kind of object would be part of a name. */
  private async peeled(revision: string, kind: 'commit' | 'tree'): Promise<string | undefined> {
    const id = await this.object(revision);
    return id === undefined ? undefined : this.object(`${id}^{${kind}}`);
  }

  private async object(expression: string): Promise<string | undefined> {
    this.ambiguous ??= ambiguousBranch(this.scope.folder, this.scope.asking);
    const branch = await this.ambiguous;
    if (branch !== undefined) throw new Unclear(typeof branch === 'string' ? `the branch "${short(branch)}" has a name that also means something else; rename it or what shares its name` : branch.unknown);
    const answer = await askGit(['rev-parse', '--verify', '--quiet', '--end-of-options', expression], this.scope.folder, this.scope.asking);
    if (isNotKnown(answer)) throw new Unclear(answer.unknown);
    const id = answer.text.trim();
    return answer.code === 0 && /^[0-9a-f]{40,64}$/.test(id) ? id : undefined;
  }

  private async text(args: readonly string[]): Promise<string> {
    const text = await askGitText(args, this.scope.folder, this.scope.asking);
    if (isNotKnown(text)) throw new Unclear(text.unknown);
    return text;
  }

  private async listed(args: readonly string[]): Promise<readonly Change[]> {
    const lines = partsOf(await this.text(args));
    return lines.map((line) => ({ name: line.slice(line.indexOf('\t') + 1), link: line.startsWith(linkMode) }));
  }

  private async raws(args: readonly string[]): Promise<readonly Raw[]> {
    const raws = await this.anyRaws(args);
    if (raws.some(isUnmerged)) throw new Unclear('a merge is not finished');
    return raws;
  }

  private async anyRaws(args: readonly string[]): Promise<readonly Raw[]> {
    return readRaws(partsOf(await this.text(args)));
  }
}

/** A name without any of the signs by which git reads more into it, or which no reference can hold (git-check-ref-format(1)). */
function isPlainBranch(name: string): boolean {
  return /^[^-\s~^:?*[\]\\{}][^\s~^:?*[\]\\{}]*$/.test(name) && !name.includes('..');
}

function isUnmerged(raw: Raw): boolean {
  return raw.status === 'U';
}

/** What is merged, and the names of what is not. */
function split(raws: readonly Raw[]): readonly [readonly Raw[], readonly string[]] {
  return [raws.filter((raw) => !isUnmerged(raw)), [...new Set(raws.filter(isUnmerged).map(({ name }) => name))]];
}

function readRaws(parts: readonly string[]): readonly Raw[] {
  const raws: Raw[] = [];
  for (let index = 0; index < parts.length; ) {
    // Between commits `git log` leaves line ends.
    const head = /^\n*:([0-7]{6}) ([0-7]{6}) \S+ \S+ ([A-Z])/.exec(parts[index] ?? '');
    if (head === null) throw new Unclear('its answer could not be read');
    const [, oldMode = '', newMode = '', status = ''] = head;
    const pair = status === 'R' || status === 'C';
    raws.push({ oldMode, newMode, status, name: parts[index + 1] ?? '', ...(pair ? { newName: parts[index + 2] ?? '' } : {}) });
    index += pair ? 3 : 2;
  }
  return raws;
}

/** The work tree was compared with what would replace it: the old side is what comes. */
function before(raw: Raw): Change {
  return { name: raw.name, link: raw.oldMode === linkMode };
}

function after(raw: Raw): Change {
  return { name: raw.newName ?? raw.name, link: raw.newMode === linkMode };
}

function short(text: string): string {
  return text.slice(0, 60);
}
