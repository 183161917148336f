import { createHash } from 'node:crypto';
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { NotKnown } from '../../rules/places';
import { askGitText, isNotKnown, partsOf, type Asking } from './gitQuestion';
import { hashFile } from './resolve';

/** What `git commit -a` and `git add -A` would take: files that nobody names, as they lie there now. Only for repositories that name no programs, since comparing runs filters. */

/** Files and bytes of them that are read for one answer; with more it is not known. */
const most = { files: 2000, bytes: 256 * 1024 * 1024 } as const;

/** Names that are told beside the hash. */
const maxTold = 10;

/** A text that changes with each of these files; `fresh` adds those that git does not know yet. */
export async function changedFiles(folder: string, asking: Asking, fresh: boolean): Promise<string | NotKnown> {
  const top = await askGitText(['rev-parse', '--show-toplevel'], folder, asking);
  if (isNotKnown(top)) return top;
  const listed = await askGitText(['ls-files', '-z', '--full-name', '--modified', ...(fresh ? ['--others', '--exclude-standard'] : []), ':/'], folder, asking);
  if (isNotKnown(listed)) return listed;
  const names = [...new Set(partsOf(listed))].sort();
  if (names.length > most.files) return { unknown: `more than ${most.files} files are changed` };
  const hash = createHash('sha256');
  let left: number = most.bytes;
  for (const name of names) {
    const state = await stateOf(join(top.replace(/\n$/, ''), name), left, asking);
    if (typeof state !== 'string') return state;
    left -= Number(/^[0-9]+ [0-9a-f]{64} ([0-9]+)$/.exec(state)?.[1] ?? 0);
    hash.update(JSON.stringify([name, state]));
  }
  const more = names.length > maxTold ? ' …' : '';
  return `${names.length}: ${names.slice(0, maxTold).map((name) => name.slice(0, 80)).join(', ')}${more} sha256:${hash.digest('hex')}`;
}

/** Kind, right to run, bytes and their number, as far as git keeps them. */
async function stateOf(path: string, left: number, asking: Asking): Promise<string | NotKnown> {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return 'missing';
    if (stat.isSymbolicLink()) return `link ${JSON.stringify(readlinkSync(path))}`;
    if (stat.isDirectory()) return `repository ${await commitAt(path, asking)}`;
    if (!stat.isFile()) return { unknown: `${path} is no regular file` };
    return stat.size > left ? { unknown: 'the changed files are too large to be read' } : `${stat.mode & 0o100} ${await hashFile(path)} ${stat.size}`;
  } catch {
    return { unknown: `${path} cannot be read` };
  }
}

/** The commit that a repository inside another one is at, which is all that the outer one keeps of it. */
export async function commitAt(folder: string, asking: Asking): Promise<string> {
  const id = await askGitText(['rev-parse', '--verify', '--quiet', 'HEAD'], folder, asking);
  return isNotKnown(id) ? 'without a commit' : id.trim();
}
