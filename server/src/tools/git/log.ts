import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { revealLine } from '../../../../protocol/src/display';
import { shownFor } from '../filesystem/answers';
import { partsOf } from '../shell/gitQuestion';
import type { Prepared, PrepareContext, Tool } from '../tool';
import { countsAsFailure, failed, findGround, lookingCall, planGit, type GitRoom, type Written } from './ground';
import { resolveCommit, standing } from './repository';
import { revisionText } from './revision';

const line = z.string().min(1).max(200).regex(/^[^\p{Cc}]*$/u, 'Write one line.');

const input = z.strictObject({
  path: z.string().min(1).max(4096).optional().describe('Only commits that touch this file or folder: relative to the project, or absolute inside it. Default: all.'),
  limit: z.number().int().min(1).max(200).optional().describe('Commits in the answer, 1 to 200. Default: 20.'),
  skip: z.number().int().min(0).max(1_000_000).optional().describe('Commits to pass over first. Default: 0.'),
  revision: revisionText.optional().describe('Where to begin, for instance a branch or a commit id. Default: HEAD.'),
  author: line.optional().describe('Only commits whose author contains this text.'),
  message: line.optional().describe('Only commits whose message contains this text, in any case.'),
  since: line.optional().describe('Only commits after this moment, for instance 2026-01-31 or "2 weeks ago".'),
});

type LogInput = z.infer<typeof input>;

/** `git.log`: commits with author, date, message and parents. */
export function createLog(room: GitRoom): Tool<LogInput> {
  return {
    name: 'git.log',
    title: 'Show history',
    description: 'Commits as data, newest first: id, parents, author, dates, names that point to it, subject and body. Use skip to page on.',
    input,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => prepareLog(room, given, context),
    countsAsFailure,
  };
}

const fields = ['%H', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%D', '%s', '%b'] as const;

async function prepareLog(room: GitRoom, given: LogInput, context: PrepareContext): Promise<Prepared> {
  const show = shownFor('Show history', ['git log', given.revision, given.path].filter((word) => word !== undefined).join(' '), context, []);
  const ground = await findGround(room, given.path, context, show, true);
  if ('ended' in ground) return ground.ended;
  const unborn = given.revision === undefined && ground.repository.head === undefined;
  if (unborn) return failed(show, new ConductorError('NOT_FOUND', `${standing(ground.repository)} There is no history to show.`));
  const commit = await resolveCommit(given.revision ?? 'HEAD', ground.folder, ground.asking);
  if (commit instanceof ConductorError) return failed(show, commit);
  const limit = given.limit ?? 20;
  const filters = [...(given.author === undefined ? [] : [`--author=${given.author}`]), ...(given.message === undefined ? [] : [`--grep=${given.message}`]), ...(given.since === undefined ? [] : [`--since=${given.since}`])];
  const options = ['--no-color', '--encoding=UTF-8', '-z', `--max-count=${limit + 1}`, `--skip=${given.skip ?? 0}`, '--fixed-strings', '--regexp-ignore-case', ...filters, `--format=${fields.join('%x00')}`];
  const planned = await planGit(room, 'log', ['--literal-pathspecs', 'log', ...options, commit, '--', ...ground.only], ground, context);
  return lookingCall(planned, ground, show, context, (written) => answer(written, limit, given.skip ?? 0));
}

type Commit = Readonly<{ id: string; parents: readonly string[]; author: string; email: string; date: string; committer: string; committerEmail: string; committed: string; names: readonly string[]; subject: string; body: string }>;

/** Reads records of a fixed number of NUL-divided fields; a last one that was cut off is dropped. */
export function readCommits(text: string): readonly Commit[] {
  // Every field ends with NUL, an empty last one too; only what follows the last NUL is no field.
  const parts = text === '' ? [] : partsOf(text.endsWith('\0') ? text : `${text}\0`);
  const commits: Commit[] = [];
  for (let at = 0; at + fields.length <= parts.length; at += fields.length) {
    const [id = '', parents = '', author = '', email = '', date = '', committer = '', committerEmail = '', committed = '', names = '', subject = '', body = ''] = parts.slice(at, at + fields.length);
    commits.push({ id, parents: parents.split(' ').filter((each) => each !== ''), author, email, date, committer, committerEmail, committed, names: names.split(', ').filter((each) => each !== ''), subject, body: body.trim() });
  }
  return commits;
}

function answer(written: Written, limit: number, skip: number): Outcome {
  const whole = written.cut ? written.bytes.subarray(0, written.bytes.lastIndexOf(0)) : written.bytes;
  const all = readCommits(whole.toString('utf8'));
  const commits = all.slice(0, limit);
  const truncated = written.cut || all.length > limit;
  const lines = commits.map(({ id, date, author, names, subject }) => `${id.slice(0, 10)} ${date} ${revealLine(author, 100)}${names.length === 0 ? '' : ` (${revealLine(names.join(', '), 200)})`}: ${revealLine(subject, 300)}`);
  const note = truncated ? [`[There are more; call again with skip ${skip + commits.length}]`] : [];
  return { kind: 'success', text: [...(lines.length === 0 ? ['No commits.'] : lines), ...note].join('\n'), structured: { commits, truncated, ...(truncated ? { nextSkip: skip + commits.length } : {}) }, truncated };
}
