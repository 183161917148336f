import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ConductorError } from '../../../../protocol/src/errors';
import { readSmallFile } from '../../base/smallFile';
import { gitFolders } from '../shell/facts';
import { commitAt } from '../shell/changedFiles';
import { askGitText, isNotKnown, partsOf, type Asking } from '../shell/gitQuestion';
import { readGitFacts } from '../shell/repository';
import { hashFile, isWithin } from '../shell/resolve';
import type { Fact } from '../fact';
import { fact } from '../filesystem/answers';
import { readCounts, type FileCount } from './diff';
import type { Ground } from './ground';

/**
 * What a commit would hold: an answer of a person binds to it. What is staged is known by its object ids, which name every byte of the
 * commit's tree; what would be taken from the work tree is known by the bytes that lie there.
 */

/** What a commit takes: what is staged; also every change of known files; or these files only, as they lie there. */
export type Scope = Readonly<{ kind: 'staged' } | { kind: 'all' } | { kind: 'files'; paths: readonly string[] }>;

/** A commit that could be made. */
export type Pending = Readonly<{
  /** The last commit and every file that the next one would change: any change of what would be committed changes one of them. */
  facts: readonly Fact[];
  /** SHA-256 over what was staged, to be compared with what was committed; undefined where files of the work tree are taken. */
  staged: string | undefined;
  counts: readonly FileCount[];
  /** Files of the scope that git does not know yet, relative to the folder. */
  unknown: readonly string[];
}>;

const begun = [['MERGE_HEAD', 'Merges'], ['CHERRY_PICK_HEAD', 'Picks'], ['REVERT_HEAD', 'Reverts']] as const;

/** Files that are taken from the work tree at most, so that all of them can be looked at. */
const maxFiles = 200;

/** A repository may say that its submodules are to be left out, and commits them all the same. */
const whole = ['--ignore-submodules=dirty', '--no-relative', '--no-ext-diff', '--no-textconv'];
const rawOptions = ['--raw', '-z', '--no-abbrev', '--no-renames', ...whole];

/** Looks at what would be committed, without changing anything. An error says why there is nothing to commit or no way to look. */
export async function readPending(scope: Scope, ground: Ground, project: string): Promise<Pending | ConductorError> {
  const look = new Look(ground);
  try {
    await look.requireMerged();
    if (scope.kind === 'staged') return await look.staged(project);
    return await look.fromWorkTree(scope, project);
  } catch (error) {
    if (error instanceof ConductorError) return error;
    throw error;
  }
}

/** What a commit changed against its first parent, in the form of `Pending.staged`. */
export async function committedState(before: string | undefined, after: string, ground: Ground): Promise<string | undefined> {
  const from = before ?? (await askGitText(['hash-object', '-t', 'tree', '--stdin'], ground.folder, ground.asking));
  if (isNotKnown(from)) return undefined;
  const raw = await askGitText(['diff', ...rawOptions, from.trim(), after, '--'], ground.folder, ground.asking);
  return isNotKnown(raw) ? undefined : sha256(raw);
}

class Look {
  private readonly asking: Asking;

  constructor(private readonly ground: Ground) {
    this.asking = ground.asking;
  }

  /** Asked of the index alone: comparing files could run filters. */
  async requireMerged(): Promise<void> {
    const records = partsOf(await this.text(['ls-files', '--unmerged', '-z', '--full-name']));
    const names = [...new Set(records.map((record) => record.slice(record.indexOf('\t') + 1)))];
    if (names.length > 0) throw userError(`Conflicts are not resolved in ${listed(names)}. Resolve them and stage the files, then commit.`);
  }

  async staged(project: string): Promise<Pending> {
    const raw = await this.text(['diff', '--cached', ...rawOptions]);
    if (raw === '' && this.ground.repository.operation !== 'merge') throw userError('Nothing is staged. Name files, pass all: true, or stage changes first.');
    this.requireInside(rawNames(raw), project);
    const counts = await this.counts(['--cached']);
    return { facts: [this.lastCommit(), ...this.merging(), ...stagedFacts(raw)], staged: sha256(raw), counts, unknown: [] };
  }

  async fromWorkTree(scope: Exclude<Scope, { kind: 'staged' }>, project: string): Promise<Pending> {
    await this.requireNoPrograms();
    if (scope.kind === 'files' && this.ground.repository.operation === 'merge') throw userError('A merge is in progress, and git commits it only as a whole. Stage the files and commit without naming any.');
    const only = scope.kind === 'files' ? scope.paths : [];
    const cached = await this.text(['diff', '--cached', ...rawOptions, '--', ...(scope.kind === 'files' ? only : [])]);
    const changed = rawNames(await this.text(['diff', ...rawOptions, '--', ...only]));
    const unknown = scope.kind === 'files' ? await this.unknown(only) : [];
    const names = [...new Set([...rawNames(cached), ...changed, ...unknown.map((path) => this.fromTop(path))])].sort();
    if (names.length === 0) throw userError(scope.kind === 'files' ? 'The named files have no changes, or git ignores them.' : 'No known file has changes.');
    if (names.length > maxFiles) throw userError(`${names.length} files would be taken, more than the ${maxFiles} that can be looked at. Stage them and commit what is staged.`);
    this.requireInside(names, project);
    const files: Fact[] = [];
    for (const name of names) files.push({ label: 'File to commit', key: name, ...(await contentOf(join(this.ground.repository.top, name), this.asking)) });
    const against = this.ground.repository.head === undefined ? ['--cached'] : [this.ground.repository.head];
    const counts = [...(await this.counts([...against, '--', ...only])), ...unknown.map((path) => ({ path: this.fromTop(path) }))];
    return { facts: [this.lastCommit(), ...this.merging(), ...stagedFacts(cached), ...files], staged: undefined, counts, unknown };
  }

  async text(args: readonly string[]): Promise<string> {
    const text = await askGitText(['--literal-pathspecs', ...args], this.ground.folder, this.asking);
    if (isNotKnown(text)) throw new ConductorError('TOOL_FAILED', `What would be committed could not be seen: ${text.unknown}.`, { data: { userError: true } });
    return text;
  }

  private lastCommit(): Fact {
    return fact('Last commit', this.ground.repository.head ?? 'none yet');
  }

  /** The other parents of the commit, or the commit whose change and author it takes. */
  private merging(): readonly Fact[] {
    const own = gitFolders(this.ground.folder)?.own ?? '';
    return begun.flatMap(([name, label]) => {
      const text = readSmallFile(join(own, name), 65_536);
      return text === undefined ? [] : [fact(label, text.trim().split('\n').join(', '))];
    });
  }

  private async counts(args: readonly string[]): Promise<readonly FileCount[]> {
    const text = await this.text(['diff', '-z', '--numstat', ...whole, ...args]);
    return readCounts(Buffer.from(text)).files;
  }

  /** Comparing files with the index runs the filters that a repository names, and nobody has been asked yet. */
  private async requireNoPrograms(): Promise<void> {
    const facts = await readGitFacts(this.ground.folder, this.asking);
    if ('unknown' in facts) throw userError(`The repository could not be examined (${facts.unknown}), so only what is staged can be committed.`);
    if (facts.programs.length > 0) throw userError(`The repository's configuration names programs (${facts.programs.slice(0, 5).join(', ')}), and looking at changed files could run them. Stage the files with shell.exec ("git add"), which asks, and commit what is staged.`);
  }

  /** Files below the paths that git does not know yet and does not ignore. Throws for a path with which git can do nothing. */
  private async unknown(paths: readonly string[]): Promise<readonly string[]> {
    const unknown = partsOf(await this.text(['ls-files', '-z', '--others', '--exclude-standard', '--', ...paths]));
    for (const path of paths) {
      const known = await this.text(['ls-files', '-z', '--', path]);
      const fresh = unknown.some((name) => name === path || path === '.' || name.startsWith(`${path}/`));
      // A staged deletion is in no listing of the index, but in the last commit.
      const gone = known === '' && !fresh && this.ground.repository.head !== undefined && (await this.text(['ls-tree', '-r', '--name-only', '-z', this.ground.repository.head, '--', path])) !== '';
      if (known === '' && !fresh && !gone) throw userError(`git knows no file ${path}, or ignores it.`);
    }
    return unknown;
  }

  private fromTop(path: string): string {
    return relative(this.ground.repository.top, join(this.ground.folder, path)).split(sep).join('/');
  }

  private requireInside(names: readonly string[], project: string): void {
    const outside = names.filter((name) => !isWithin(join(this.ground.repository.top, name), project));
    if (outside.length > 0) throw userError(`The commit would hold files that lie outside the project (${listed(outside)}). Name the files inside it, or let the user commit.`);
  }
}

/** Kind, rights and bytes of what lies at a path, as far as git keeps them. */
async function contentOf(path: string, asking: Asking): Promise<Pick<Fact, 'value' | 'text'>> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { value: 'missing' };
  if (stat.isSymbolicLink()) return { value: `link ${readlinkSync(path)}` };
  if (stat.isDirectory()) return { value: `repository ${await commitAt(path, asking)}` };
  if (!stat.isFile()) throw userError(`${path} is no regular file, so it cannot be committed.`);
  const kind = (stat.mode & 0o100) === 0 ? 'file' : 'executable';
  if (stat.size > maxShownText) return { value: `${kind} sha256:${await hashFile(path)}` };
  const bytes = readFileSync(path);
  const isText = isUtf8(bytes) && !bytes.includes(0);
  return { value: `${kind} sha256:${sha256(bytes)}`, ...(isText ? { text: bytes.toString('utf8') } : {}) };
}

/** Bytes up to which the content is kept beside its hash, to show what changed when it has. */
const maxShownText = 65_536;

/** What is staged, file by file; of very many files only their number and one hash, since nobody would read them all. */
function stagedFacts(raw: string): readonly Fact[] {
  const records = partsOf(raw);
  const count = records.length / 2;
  if (count > maxFiles) return [fact('Staged files', `${count} files, sha256:${sha256(raw)}`)];
  return rawNames(raw).map((name, index) => ({ label: 'Staged file', key: name, value: (records[2 * index] ?? '').slice(1) }));
}

/** Names in `--raw -z`, where each follows its record. */
function rawNames(raw: string): readonly string[] {
  return partsOf(raw).filter((_, index) => index % 2 === 1);
}

function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

function listed(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}

function userError(message: string): ConductorError {
  return new ConductorError('INVALID_INPUT', message);
}
