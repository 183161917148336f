/** Names of branches that git's commands read in two ways (gitrevisions(7), git-checkout(1)): what resolves a name takes the other meaning, what switches takes the branch. */

/** Whether a name means something else before it means a branch: object ids, the names of git's own references, and beginnings of full names. */
export function meansElse(branch: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64}|[A-Z_]*HEAD|@|(?:refs|heads|tags|remotes|main-worktree|worktrees)\/.*)$/i.test(branch);
}

/** The branch that a destination of `fetch`, `pull` or `push` names, as git completes it; undefined when it names something else. */
export function branchNamed(destination: string): string | undefined {
  const branch = /^(?:refs\/)?heads\/(.*)$/s.exec(destination)?.[1];
  return branch ?? (/^(?:refs|tags|remotes)\//.test(destination) ? undefined : destination);
}
