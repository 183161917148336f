import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import { revealLine } from '../../../../protocol/src/display';
import { shownFor } from '../filesystem/answers';
import { partsOf } from '../shell/gitQuestion';
import type { Prepared, PrepareContext, Tool } from '../tool';
import { countsAsFailure, findGround, lookingCall, planGit, type GitRoom, type Written } from './ground';
import { standing, type Repository } from './repository';

/** Files in one answer. */
export const maxStatusFiles = 1000;

const input = z.strictObject({
  path: z.string().min(1).max(4096).optional().describe('File or folder to look at: relative to the project, or absolute inside it. Default: the whole repository of the project.'),
  untracked: z.enum(['none', 'folders', 'files']).optional().describe('Untracked files: left out, new folders as one entry, or each file. Default: folders.'),
  ignored: z.boolean().optional().describe('Whether to name ignored files too. Default: false.'),
});

type StatusInput = z.infer<typeof input>;

/** `git.status`: branch, upstream, unfinished operations, and what is staged, changed, untracked or in conflict. */
export function createStatus(room: GitRoom): Tool<StatusInput> {
  return {
    name: 'git.status',
    title: 'Show the state of the repository',
    description: `Branch, upstream, what is staged, changed, untracked and in conflict, as data. Paths count from the top of the repository. At most ${maxStatusFiles} files.`,
    input,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => prepareStatus(room, given, context),
    countsAsFailure,
  };
}

const untrackedModes = { none: 'no', folders: 'normal', files: 'all' } as const;

async function prepareStatus(room: GitRoom, given: StatusInput, context: PrepareContext): Promise<Prepared> {
  const show = shownFor('Show the state of the repository', `git status ${given.path ?? ''}`.trimEnd(), context, []);
  const ground = await findGround(room, given.path, context, show, true);
  if ('ended' in ground) return ground.ended;
  const options = ['--porcelain=v2', '-z', '--branch', `--untracked-files=${untrackedModes[given.untracked ?? 'folders']}`, ...(given.ignored === true ? ['--ignored'] : [])];
  const planned = await planGit(room, 'status', ['--literal-pathspecs', 'status', ...options, '--', ...ground.only], ground, context);
  return lookingCall(planned, ground, show, context, (written) => answer(ground.repository, written));
}

type Change = Readonly<{ path: string; change: string; from?: string }>;

/** What `git status --porcelain=v2` says (https://git-scm.com/docs/git-status#_porcelain_format_version_2). */
export type Status = { upstream?: string; ahead?: number; behind?: number; staged: Change[]; changed: Change[]; conflicts: Change[]; untracked: string[]; ignored: string[] };

/** Reads the NUL-divided form; what is no known record is left out. */
export function readStatus(text: string): Status {
  const status: Status = { staged: [], changed: [], conflicts: [], untracked: [], ignored: [] };
  const records = partsOf(text);
  for (let at = 0; at < records.length; at += 1) {
    const record = records[at] ?? '';
    const from = record.startsWith('2 ') ? records[(at += 1)] : undefined;
    readRecord(record, from, status);
  }
  return status;
}

function readRecord(record: string, from: string | undefined, status: Status): void {
  const words = record.split(' ');
  const [kind, state = ''] = words;
  const rest = (count: number): string => words.slice(count).join(' ');
  switch (kind) {
    case '#':
      return readHeader(words, status);
    case '1':
      return takeChange(state, { path: rest(8) }, status);
    case '2':
      return takeChange(state, { path: rest(9), ...(from === undefined ? {} : { from }) }, status);
    case 'u':
      return void status.conflicts.push({ path: rest(10), change: conflictNames.get(state) ?? state });
    case '?':
      return void status.untracked.push(rest(1));
    case '!':
      return void status.ignored.push(rest(1));
    default:
      return;
  }
}

function readHeader([, key, ...values]: readonly string[], status: Status): void {
  if (key === 'branch.upstream') status.upstream = values.join(' ');
  if (key !== 'branch.ab') return;
  status.ahead = Math.abs(Number(values[0]));
  status.behind = Math.abs(Number(values[1]));
}

const changeNames: ReadonlyMap<string, string> = new Map([['M', 'modified'], ['A', 'added'], ['D', 'deleted'], ['R', 'renamed'], ['C', 'copied'], ['T', 'kind changed']]);
const conflictNames: ReadonlyMap<string, string> = new Map([
  ['DD', 'deleted by both'], ['AU', 'added by us'], ['UD', 'deleted by them'], ['UA', 'added by them'], ['DU', 'deleted by us'], ['AA', 'added by both'], ['UU', 'modified by both'],
]);

/** The first letter is about the index, the second about the work tree; a rename's old name belongs to the side that renamed. */
function takeChange(state: string, file: Readonly<{ path: string; from?: string }>, status: Status): void {
  const lists = [status.staged, status.changed];
  for (const [side, list] of lists.entries()) {
    const letter = state[side] ?? '.';
    if (letter === '.') continue;
    const renamed = letter === 'R' || letter === 'C';
    list.push({ path: file.path, change: changeNames.get(letter) ?? letter, ...(renamed && file.from !== undefined ? { from: file.from } : {}) });
  }
}

function answer(repository: Repository, written: Written): Outcome {
  const whole = written.bytes.subarray(0, written.cut ? written.bytes.lastIndexOf(0) + 1 : written.bytes.length);
  const status = readStatus(whole.toString('utf8'));
  const cut = cap(status);
  const truncated = written.cut || cut;
  const lines = [standing(repository), ...linesOf(status), ...(truncated ? [`[Only the first ${maxStatusFiles} files are shown; name a folder as path]`] : [])];
  const { top, head, branch, operation } = repository;
  const known = { repository: top, ...(branch === undefined ? { detached: true } : { branch }), ...(head === undefined ? {} : { head }), ...(operation === undefined ? {} : { operation }) };
  const clean = status.staged.length + status.changed.length + status.conflicts.length + status.untracked.length === 0;
  return { kind: 'success', text: lines.join('\n'), structured: { ...known, ...status, clean, truncated }, truncated };
}

/** Keeps the first files over all lists. */
function cap(status: Status): boolean {
  let left = maxStatusFiles;
  let cut = false;
  for (const list of [status.conflicts, status.staged, status.changed, status.untracked, status.ignored]) {
    cut ||= list.length > left;
    list.length = Math.min(list.length, left);
    left -= list.length;
  }
  return cut;
}

function linesOf(status: Status): readonly string[] {
  const { upstream, ahead, behind } = status;
  const tracking = upstream === undefined ? [] : [ahead === undefined ? `Its upstream ${upstream} is gone.` : `${ahead} ahead of and ${behind ?? 0} behind ${upstream}.`];
  const changes = (title: string, list: readonly Change[]): readonly string[] =>
    list.length === 0 ? [] : [title, ...list.map(({ path, change, from }) => `  ${change}: ${from === undefined ? '' : `${revealLine(from, 4096)} -> `}${revealLine(path, 4096)}`)];
  const names = (title: string, list: readonly string[]): readonly string[] => (list.length === 0 ? [] : [title, ...list.map((path) => `  ${revealLine(path, 4096)}`)]);
  const files = [...changes('In conflict:', status.conflicts), ...changes('Staged:', status.staged), ...changes('Changed, not staged:', status.changed), ...names('Untracked:', status.untracked), ...names('Ignored:', status.ignored)];
  return [...tracking, ...(files.length === 0 ? ['Nothing to commit.'] : files)];
}
