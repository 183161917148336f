import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { meansElse } from '../../rules/branchNames';
import type { NotKnown } from '../../rules/places';
import { gitFolders } from './facts';
import { askGitText, isNotKnown, type Asking } from './gitQuestion';

/**
 * A branch whose name git's commands read in two ways: what resolves a name takes a file in git's own folder, a tag, an object id or `HEAD` first, and what switches takes the
 * branch (gitrevisions(7), git-checkout(1)). Where there is one, no name of the repository can be trusted to mean what was looked at. Undefined where there is none.
 */
export async function ambiguousBranch(folder: string, asking: Asking): Promise<string | NotKnown | undefined> {
  const listed = await askGitText(['for-each-ref', '--format=%(refname)'], folder, asking);
  if (isNotKnown(listed)) return listed;
  const names = new Set(listed.split('\n'));
  const repository = gitFolders(folder);
  const owned = (branch: string): boolean => repository !== undefined && [repository.own, repository.common].some((own) => isFile(join(own, branch)));
  for (const name of names) {
    const branch = name.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : '';
    if (branch !== '' && (names.has(`refs/tags/${branch}`) || names.has(`refs/${branch}`) || meansElse(branch) || owned(branch))) return branch;
  }
  return undefined;
}

/** During a rebase, for instance, `rebase-merge/onto` is such a file, and git takes it for a reference. */
function isFile(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
  } catch {
    return false;
  }
}
