import type { NotKnown } from '../../rules/places';
import { askGitText, isNotKnown, type Asking } from './gitQuestion';

/**
 * A branch whose name git's commands read in two ways: what resolves a name takes a tag, an object id or `HEAD` first, and what switches takes the
 * branch (gitrevisions(7), git-checkout(1)). Where there is one, no name of the repository can be trusted to mean what was looked at. Undefined where there is none.
 */
export async function ambiguousBranch(folder: string, asking: Asking): Promise<string | NotKnown | undefined> {
  const listed = await askGitText(['for-each-ref', '--format=%(refname)'], folder, asking);
  if (isNotKnown(listed)) return listed;
  const names = new Set(listed.split('\n'));
  for (const name of names) {
    const branch = name.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : '';
    if (branch !== '' && (names.has(`refs/tags/${branch}`) || names.has(`refs/${branch}`) || odd.test(branch))) return branch;
  }
  return undefined;
}

/** Names that mean something else before they mean a branch: object ids, the names of git's own references, and beginnings of full names. */
const odd = /^(?:[0-9a-f]{40}|[0-9a-f]{64}|[A-Z_]*HEAD|@|(?:refs|heads|tags|remotes)\/.*)$/i;
