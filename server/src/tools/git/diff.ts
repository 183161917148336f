import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { revealLine } from '../../../../protocol/src/display';
import { shownFor, wrongInput } from '../filesystem/answers';
import type { Prepared, PrepareContext, Tool } from '../tool';
import { countsAsFailure, failed, findGround, lookingCall, planGit, type Ground, type GitRoom, type Written } from './ground';
import { resolveCommit } from './repository';
import { revisionText } from './revision';

const input = z.strictObject({
  path: z.string().min(1).max(4096).optional().describe('File or folder to compare: relative to the project, or absolute inside it. Default: the whole repository of the project.'),
  staged: z.boolean().optional().describe('Compare what is staged with the last commit (or with `from`), instead of the files with what is staged. Default: false.'),
  from: revisionText.optional().describe('Revision to compare with, for instance HEAD or main~3. Alone: the files against it.'),
  to: revisionText.optional().describe('Second revision; needs `from`. Shows what changed from one to the other.'),
  context: z.number().int().min(0).max(100).optional().describe('Unchanged lines around each change, 0 to 100. Default: 3.'),
  statOnly: z.boolean().optional().describe('Only the counts for each file, without the changes themselves. Default: false.'),
});

type DiffInput = z.infer<typeof input>;

/** `git.diff`: counts for each file, then the changes. */
export function createDiff(room: GitRoom): Tool<DiffInput> {
  return {
    name: 'git.diff',
    title: 'Show changes',
    description: 'Changes as counts for each file and as a patch: files against what is staged, staged against the last commit, or between revisions. Untracked files do not appear. A patch over 256 KiB is cut, and the answer says so.',
    input,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => prepareDiff(room, given, context),
    countsAsFailure,
  };
}

async function prepareDiff(room: GitRoom, given: DiffInput, context: PrepareContext): Promise<Prepared> {
  const sides = [...(given.staged === true ? ['--cached'] : []), given.from, given.to, given.path].filter((word) => word !== undefined);
  const show = shownFor('Show changes', ['git diff', ...sides].join(' '), context, []);
  const ground = await findGround(room, given.path, context, show, true);
  if ('ended' in ground) return ground.ended;
  const commits = await commitsOf(given, ground);
  if (commits instanceof ConductorError) return failed(show, commits);
  const form = given.statOnly === true ? [] : ['--patch', `--unified=${given.context ?? 3}`];
  const options = ['--no-color', '--no-relative', '-z', '--numstat', ...form, ...(given.staged === true ? ['--cached'] : [])];
  const planned = await planGit(room, 'diff', ['--literal-pathspecs', 'diff', ...options, ...commits, '--', ...ground.only], ground, context);
  return lookingCall(planned, ground, show, context, answer);
}

/** Commit ids instead of words, so that what was looked up is what git compares, and no word can be taken for a file or an option. */
async function commitsOf(given: DiffInput, ground: Ground): Promise<readonly string[] | ConductorError> {
  if (given.to !== undefined && given.from === undefined) return wrongInput('"to" needs "from".');
  if (given.to !== undefined && given.staged === true) return wrongInput('Two revisions are compared with each other, so "staged" does not fit.');
  const commits: string[] = [];
  for (const revision of [given.from, given.to]) {
    if (revision === undefined) continue;
    const id = await resolveCommit(revision, ground.folder, ground.asking);
    if (id instanceof ConductorError) return id;
    commits.push(id);
  }
  return commits;
}

/** Lines added and removed in one file; without numbers for a binary one. */
export type FileCount = Readonly<{ path: string; from?: string; added?: number; removed?: number; binary?: true }>;

/** Reads `-z --numstat`, up to the empty record after which the patch begins. */
export function readCounts(bytes: Buffer): Readonly<{ files: readonly FileCount[]; patch: Buffer }> {
  const files: FileCount[] = [];
  let position = 0;
  const next = (): string | undefined => {
    const end = bytes.indexOf(0, position);
    if (end < 0) return undefined;
    const record = bytes.toString('utf8', position, end);
    position = end + 1;
    return record;
  };
  for (let record = next(); record !== undefined && record !== ''; record = next()) {
    const [, added = '', removed = '', path = ''] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(record) ?? [];
    const from = path === '' ? next() : undefined;
    const name = path === '' ? (next() ?? '') : path;
    const counts = added === '-' ? { binary: true as const } : { added: Number(added), removed: Number(removed) };
    files.push({ path: name, ...(from === undefined ? {} : { from }), ...counts });
  }
  return { files, patch: bytes.subarray(position) };
}

/** One line for each file. */
export function countLines(files: readonly FileCount[]): readonly string[] {
  return files.map(({ path, from, added, removed, binary }) => `${binary === true ? 'binary' : `+${added ?? 0} -${removed ?? 0}`}  ${from === undefined ? '' : `${revealLine(from, 4096)} -> `}${revealLine(path, 4096)}`);
}

/** Files that are counted in one answer. */
const maxFiles = 2000;

/** Bytes of a patch in one answer. */
const maxPatch = 256 * 1024;

function answer(written: Written): Outcome {
  const { files, patch } = readCounts(written.bytes);
  const shown = patch.subarray(0, written.cut || patch.length > maxPatch ? patch.lastIndexOf(0x0a, maxPatch - 1) + 1 : patch.length);
  const truncated = written.cut || shown.length < patch.length || files.length > maxFiles;
  const text = shown.toString('utf8');
  const listed = files.slice(0, maxFiles);
  const note = truncated ? ['[There is more than is shown; name a path, or use statOnly]'] : [];
  const lines = files.length === 0 ? ['No differences.'] : [...countLines(listed), ...(text === '' ? [] : ['', text.trimEnd()])];
  return { kind: 'success', text: [...lines, ...note].join('\n'), structured: { files: listed, patch: text, truncated }, truncated };
}
