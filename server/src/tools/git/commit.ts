import { relative, sep } from 'node:path';
import { z } from 'zod';
import type { Outcome, Verdict } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { fact, refusedCall, settle, shownFor, wrongInput } from '../filesystem/answers';
import { askGitText, isNotKnown } from '../shell/gitQuestion';
import type { Planned } from '../shell/plan';
import { runnableHooks } from '../shell/repository';
import { digestOfFacts, type Fact } from '../fact';
import type { Prepared, PrepareContext, Shown, Tool } from '../tool';
import { countLines } from './diff';
import { countsAsFailure, failed, findGround, insideProject, planGit, runGit, undashed, type Ground, type GitRoom } from './ground';
import { committedState, readPending, type Pending, type Scope } from './pending';
import { readRepository, standing } from './repository';

const input = z.strictObject({
  message: z.string().min(1).max(16_384).describe('The whole message: a subject line, and after an empty line a body.'),
  files: z.array(z.string().min(1).max(4096)).min(1).max(200).optional().describe('Commit only these files and folders, as they lie there now, new files included: relative to the project, or absolute inside it. Default: what is staged.'),
  all: z.boolean().optional().describe('Also take every change of files that git knows already. Default: false.'),
  path: z.string().min(1).max(4096).optional().describe('Folder inside the repository, where it is not that of the project. Default: the project.'),
});

type CommitInput = z.infer<typeof input>;

/** `git.commit`: a commit of what a person has seen; asks by default. */
export function createCommit(room: GitRoom): Tool<CommitInput> {
  return {
    name: 'git.commit',
    title: 'Commit',
    description: 'Commit what is staged, or the named files, or all changes of known files. Asks the user by default, and again when what would be committed changed meanwhile. Hooks of the repository run only in approved calls.',
    input,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    prepare: (given, context) => prepareCommit(room, given, context),
    countsAsFailure,
  };
}

/** Everything that was found before anybody is asked. */
type Found = Readonly<{ ground: Ground; scope: Scope; pending: Pending; author: string }>;

async function prepareCommit(room: GitRoom, given: CommitInput, context: PrepareContext): Promise<Prepared> {
  const what = given.files !== undefined ? given.files.map((path) => ` ${path}`).join('') : given.all === true ? ' --all' : '';
  const show = shownFor('Commit', `git commit${what}\n\n${given.message}`, context, []);
  const flaw = flawOf(given);
  if (flaw !== undefined) return failed(show, flaw);
  const ground = await findGround(room, given.path, context, show, false);
  if ('ended' in ground) return ground.ended;
  const scope = scopeOf(room, given, ground, context);
  if ('verdict' in scope) return refusedCall(show, scope, false);
  const author = await authorOf(ground);
  const pending = author instanceof ConductorError ? author : await readPending(scope, ground, context.project);
  if (author instanceof ConductorError || pending instanceof ConductorError) return failed(show, pending instanceof ConductorError ? pending : wrongInput('Nobody is known as author.'));
  return planCommit(room, given, context, { ground, scope, pending, author }, show);
}

function flawOf(given: CommitInput): ConductorError | undefined {
  if (/\p{Surrogate}/u.test(given.message)) return wrongInput('The message contains half of a surrogate pair, which cannot be written as UTF-8.');
  if (given.message.includes('\0')) return wrongInput('The message contains a NUL character.');
  if (given.message.trim() === '') return wrongInput('The message is empty.');
  return given.files !== undefined && given.all === true ? wrongInput('Name files or pass all: true, not both.') : undefined;
}

function scopeOf(room: GitRoom, given: CommitInput, ground: Ground, context: PrepareContext): Scope | Verdict {
  if (given.files === undefined) return { kind: given.all === true ? 'all' : 'staged' };
  const paths: string[] = [];
  for (const path of given.files) {
    const where = insideProject(room, path, context);
    if ('verdict' in where) return where;
    if (where instanceof ConductorError) return { verdict: 'deny', rule: 'path.failed', reason: where.message };
    const named = relative(ground.folder, where.absolute).split(sep).join('/');
    paths.push(named === '' ? '.' : undashed(named));
  }
  return { kind: 'files', paths };
}

/** Who the commit would name, by the user's own configuration and that of the repository. */
async function authorOf(ground: Ground): Promise<string | ConductorError> {
  const text = await askGitText(['var', 'GIT_AUTHOR_IDENT'], ground.folder, { ...ground.asking, mode: 'personal' });
  if (!isNotKnown(text)) return text.trim().replace(/ \d+ [+-]\d{4}$/, '');
  return new ConductorError('INVALID_INPUT', 'Git does not know who commits.', { next: 'Ask the user to run: git config --global user.name "…" and git config --global user.email "…".' });
}

async function planCommit(room: GitRoom, given: CommitInput, context: PrepareContext, found: Found, show: Shown): Promise<Prepared> {
  const { ground, scope, pending } = found;
  const paths = scope.kind === 'files' ? scope.paths : [];
  const options = [`--message=${given.message}`, ...(scope.kind === 'all' ? ['--all'] : []), ...(scope.kind === 'files' ? ['--only'] : [])];
  const commit = await planGit(room, 'commit', ['--literal-pathspecs', 'commit', ...options, '--', ...paths], ground, context);
  // git commits only files that it knows; new ones are made known first, without their content.
  const add = pending.unknown.length === 0 ? undefined : await planGit(room, 'commit', ['--literal-pathspecs', 'add', '--intent-to-add', '--', ...pending.unknown], ground, context);
  const verdict = add?.verdict.verdict === 'deny' ? add.verdict : commit.verdict;
  const run = (signal: AbortSignal, progress: (message: string) => void): Promise<Outcome> => settle(ground.folder, signal, () => makeCommit({ add, commit }, found, context, signal, progress));
  return {
    verdict, readOnly: false, run,
    facts: [...standingFacts(found), ...pending.facts, ...(add?.facts ?? []), ...commit.facts],
    show: { ...show, cwd: ground.folder, details: detailsOf(found, verdict, await runnableHooks(ground.folder, ground.asking)) },
  };
}

/** Files that a person is shown by name. */
const maxShown = 200;

function standingFacts({ ground: { repository }, author }: Found): readonly Fact[] {
  return [fact('Repository', repository.top), fact('Commits onto', standing(repository)), fact('Author', author)];
}

function detailsOf({ ground, pending }: Found, verdict: Verdict, programs: readonly string[]): Shown['details'] {
  const hooks = programs.map((path) => (path.split(sep).includes('.git') ? (path.split(sep).at(-1) ?? path) : relative(ground.repository.top, path)));
  const runs = verdict.verdict === 'approve' ? 'run if you approve' : 'do not run';
  const lines = countLines(pending.counts.slice(0, maxShown));
  const more = pending.counts.length > maxShown ? [`… and ${pending.counts.length - maxShown} more`] : [];
  return [
    ['Files', lines.length === 0 ? 'none beyond those of the merge' : [...lines, ...more].join('\n')],
    ...(pending.unknown.length === 0 ? [] : [['New files', pending.unknown.join('\n')] as const]),
    ['Hooks', hooks.length === 0 ? 'none in the repository' : `${hooks.join(', ')} ${runs}`],
  ];
}

type Steps = Readonly<{ add: Planned | undefined; commit: Planned }>;

async function makeCommit(steps: Steps, found: Found, context: PrepareContext, signal: AbortSignal, progress: (message: string) => void): Promise<Outcome> {
  const { ground, pending, scope } = found;
  const now = await readRepository(ground.folder, ground.asking);
  const again = now instanceof ConductorError ? now : await readPending(scope, { ...ground, repository: now }, context.project);
  if (now instanceof ConductorError || again instanceof ConductorError || digestOfFacts(again.facts) !== digestOfFacts(pending.facts) || now.branch !== ground.repository.branch) {
    return { kind: 'refused', code: 'APPROVAL_STALE', rule: 'git.changed', reason: 'What would be committed is no longer what was judged, so nothing was committed.' };
  }
  const added = steps.add === undefined ? undefined : await runGit(steps.add, context, signal, progress);
  if (added !== undefined && !('bytes' in added)) return added;
  const committed = await runGit(steps.commit, context, signal, progress);
  if ('bytes' in committed) return answer(found);
  // What was done before makes it a failure: a refusal would say that nothing was.
  if (committed.kind === 'failure' || added === undefined) return committed;
  return { kind: 'failure', error: new ConductorError('APPROVAL_STALE', `The new files are now known to git, but nothing was committed: ${committed.reason}`) };
}

async function answer({ ground, pending }: Found): Promise<Outcome> {
  const before = ground.repository.head;
  const after = await readRepository(ground.folder, ground.asking);
  if (after instanceof ConductorError || after.head === undefined || after.head === before) return { kind: 'failure', error: new ConductorError('TOOL_FAILED', 'git ended without an error, but there is no new commit.') };
  const same = pending.staged === undefined || pending.staged === (await committedState(before, after.head, ground));
  const note = same ? [] : ['[What was committed is not what was shown: a hook or another program changed it meanwhile. Look at it with git.diff.]'];
  const where = after.branch === undefined ? 'a detached head' : after.branch;
  const structured = { commit: after.head, ...(before === undefined ? {} : { parent: before }), ...(after.branch === undefined ? { detached: true } : { branch: after.branch }), files: pending.counts, asShown: same };
  return { kind: 'success', text: [`Committed ${after.head.slice(0, 10)} on ${where}.`, ...countLines(pending.counts), ...note].join('\n'), structured, truncated: false };
}
