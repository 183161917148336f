import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConductorError } from '../../../../protocol/src/errors';
import { gitFolders } from '../shell/facts';
import { askGit, askGitText, isNotKnown, type Asking } from '../shell/gitQuestion';

/** What a repository is like at this moment, asked with commands that look and run nothing of the repository's. */

/** One repository with a work tree. */
export type Repository = Readonly<{
  /** Absolute, resolved top of the work tree. */
  top: string;
  /** Commit that is checked out; undefined while there is none. */
  head: string | undefined;
  /** Branch that is checked out, also one without a commit yet; undefined with a detached head. */
  branch: string | undefined;
  /** What was begun and not ended, for instance `merge`. */
  operation: string | undefined;
}>;

/** Looks at the repository of a folder; an error says why there is none that can be used. */
export async function readRepository(folder: string, asking: Asking): Promise<Repository | ConductorError> {
  const folders = gitFolders(folder);
  if (folders === undefined) return new ConductorError('NOT_FOUND', `${folder} lies in no git repository.`, { next: 'Run "git init" with shell.exec, or name a folder inside a repository.' });
  const top = await askGit(['rev-parse', '--show-toplevel'], folder, asking);
  if (isNotKnown(top)) return unclear(top.unknown);
  if (top.code !== 0) return new ConductorError('TOOL_FAILED', `${folder} lies in a repository that git does not use: it has no work tree, or it belongs to another user.`, { data: { userError: true } });
  const [head, branch] = await Promise.all([askGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], folder, asking), askGit(['symbolic-ref', '--quiet', '--short', 'HEAD'], folder, asking)]);
  if (isNotKnown(head)) return unclear(head.unknown);
  if (isNotKnown(branch)) return unclear(branch.unknown);
  return { top: top.text.replace(/\n$/, ''), head: wordOf(head), branch: wordOf(branch), operation: operationIn(folders.own) };
}

/** The commit that a revision means, or why it means none. */
export async function resolveCommit(revision: string, folder: string, asking: Asking): Promise<string | ConductorError> {
  const text = await askGitText(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], folder, asking);
  const id = isNotKnown(text) ? '' : text.trim();
  if (/^[0-9a-f]{40,64}$/.test(id)) return id;
  return new ConductorError('NOT_FOUND', `"${revision}" is no commit of this repository.`, { next: 'Use git.log to see what exists.' });
}

/** Where a repository stands, in one sentence. */
export function standing({ branch, head, operation }: Repository): string {
  const at = head?.slice(0, 10);
  const where = branch === undefined ? `Detached head at ${at ?? 'no commit'}` : at === undefined ? `On branch ${branch}, without a commit yet` : `On branch ${branch} at ${at}`;
  return operation === undefined ? `${where}.` : `${where}. A ${operation} is in progress.`;
}

const marks: readonly (readonly [file: string, operation: string])[] = [
  ['rebase-merge', 'rebase'], ['rebase-apply', 'rebase'], ['MERGE_HEAD', 'merge'], ['CHERRY_PICK_HEAD', 'cherry-pick'], ['REVERT_HEAD', 'revert'], ['BISECT_LOG', 'bisect'],
];

function operationIn(gitFolder: string): string | undefined {
  return marks.find(([file]) => existsSync(join(gitFolder, file)))?.[1];
}

function wordOf(answer: Readonly<{ code: number; text: string }>): string | undefined {
  return answer.code === 0 ? answer.text.trim() : undefined;
}

function unclear(why: string): ConductorError {
  return new ConductorError('TOOL_FAILED', `The repository could not be examined: ${why}.`);
}
