/** A git reference as a place outside: one commit for each checkpoint, made by plumbing that runs no hook, and pushed when asked. */
import { existsSync, mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parseCheckpoint, type Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import { noteText } from '../../../../protocol/src/audit/note';
import { runChildren, type Source } from '../../base/childProcess';
import type { OutsideHead } from '../checkpoints/grading';
import { contradiction, type Holding } from '../checkpoints/holding';
import type { Anchor, Offer } from './keeper';

/** Where and how: a repository of the user, the full name of the reference, and an address to push to, never the name of a remote. */
export type GitPlace = Readonly<{ repository: string; ref: string; push?: string | undefined }>;

/** How git is started. `neutral` runs nothing that configuration names; `pushing` may use the user's own ssh and credentials. */
export type Git = Readonly<{ find(): string | Readonly<{ refused: string }>; neutral: Readonly<Record<string, string>>; pushing: Readonly<Record<string, string>>; /** A bare repository of our own, from which is pushed: no agent can change its configuration. */ privateRepository: string }>;

const file = 'checkpoint';

/** Keeps checkpoints as commits under a reference. What does not go on from the newest there is refused, so that nothing hides it. */
export function gitAnchor(place: GitPlace, git: Git, log: Holding): Anchor {
  return {
    name: `git ${place.ref}`,
    async put(offer) {
      const run = runner(git);
      await commit(run, place, offer, log);
      if (place.push !== undefined) await push(run, place, place.push, git);
      return [];
    },
  };
}

/** The head that the reference holds; undefined when there is none. Rejects when the repository cannot be read. */
export async function readGitAnchor(place: GitPlace, git: Git): Promise<OutsideHead | undefined> {
  const run = runner(git);
  const at = dirArgs(place.repository);
  const found = await run([...at, 'rev-parse', '--verify', '--quiet', `${place.ref}^{commit}`], { mayFail: true });
  if (found === undefined) return undefined;
  const checkpoint = await checkpointIn(run, at, found.trim(), place);
  // Plumbing again: `git show` may start a program that checks signatures.
  const when = committedAt((await run([...at, 'cat-file', 'commit', found.trim()])) ?? '');
  return { entries: checkpoint.size, head: checkpoint.head, logId: checkpoint.logId, place: `git ${place.ref} in ${place.repository}`, at: when };
}

async function checkpointIn(run: Run, at: readonly string[], commit: string, { repository, ref }: GitPlace): Promise<Checkpoint> {
  const checkpoint = parseCheckpoint((await run([...at, 'cat-file', 'blob', `${commit}:${file}`])) ?? '');
  if (checkpoint === undefined) throw new Error(`${ref} in ${repository} holds no checkpoint`);
  return checkpoint;
}

function committedAt(commit: string): string | undefined {
  const seconds = /^committer .*> (\d{1,12}) [+-]\d{4}$/m.exec(commit)?.[1];
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000).toISOString();
}

type Run = (args: readonly string[], options?: Readonly<{ input?: string; mayFail?: boolean; pushing?: boolean }>) => Promise<string | undefined>;

async function commit(run: Run, { repository, ref }: GitPlace, { checkpoint }: Offer, log: Holding): Promise<void> {
  const at = dirArgs(repository);
  const before = (await run([...at, 'rev-parse', '--verify', '--quiet', `${ref}^{commit}`], { mayFail: true }))?.trim();
  const why = before === undefined ? undefined : await contradiction(await checkpointIn(run, at, before, { repository, ref }), checkpoint, log);
  if (why !== undefined) throw new Error(`The reference ${ref} in ${repository} was left as it is. ${why}`);
  const blob = (await run([...at, 'hash-object', '-w', '--stdin', '--no-filters'], { input: noteText(checkpoint.note) }))?.trim();
  const tree = (await run([...at, 'mktree'], { input: `100644 blob ${blob ?? ''}\t${file}\n` }))?.trim();
  const parent = before === undefined ? [] : ['-p', before];
  const made = (await run([...at, 'commit-tree', tree ?? '', ...parent, '-m', `Audit log to #${checkpoint.size}`]))?.trim();
  // Only when nobody moved the reference meanwhile.
  await run([...at, 'update-ref', '--create-reflog', '-m', 'conductor', ref, made ?? '', before ?? '']);
}

/** The user's repository may be one in which agents work, so that nothing is sent from there: its configuration could send it elsewhere. */
async function push(run: Run, { repository, ref }: GitPlace, address: string, { privateRepository }: Git): Promise<void> {
  if (!existsSync(privateRepository)) await run(['init', '--quiet', '--bare', privateRepository]);
  const own = [`--git-dir=${privateRepository}`];
  await run([...own, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', realDir(repository), `+${ref}:${ref}`]);
  await run([...own, 'push', '--quiet', '--no-verify', address, `${ref}:${ref}`], { pushing: true });
}

function dirArgs(repository: string): readonly string[] {
  if (!isAbsolute(repository)) throw new Error(`${repository} is not an absolute path`);
  return [`--git-dir=${realDir(repository)}`];
}

function realDir(repository: string): string {
  const inside = join(repository, '.git');
  return existsSync(inside) ? inside : repository;
}

const identity = { GIT_AUTHOR_NAME: 'Conductor', GIT_AUTHOR_EMAIL: 'audit@conductor.local', GIT_COMMITTER_NAME: 'Conductor', GIT_COMMITTER_EMAIL: 'audit@conductor.local' };

function runner(git: Git): Run {
  return async (args, { input, mayFail = false, pushing = false } = {}) => {
    const path = git.find();
    if (typeof path !== 'string') throw new Error(`git cannot be used: ${path.refused}.`);
    const folder = mkdtempSync(join(tmpdir(), 'conductor-anchor-'));
    const opened: number[] = [];
    try {
      const source = input === undefined ? 'nothing' : sourceOf(join(folder, 'input'), input, opened);
      const environment = { ...(pushing ? git.pushing : git.neutral), ...identity };
      const run = await runChildren([{ file: path, args, cwd: folder, environment, input: source, output: 'stdout', errors: 'stderr' }], { timeoutMs: pushing ? 60_000 : 10_000 });
      if (run.kind === 'notStarted') throw new Error(`git could not be started: ${run.error.message}`);
      if (run.stopped === undefined && run.exits[0]?.code === 0) return run.stdout.head.toString('utf8');
      if (mayFail && run.stopped === undefined && run.exits[0]?.code === 1) return undefined;
      const said = run.stderr.head.toString('utf8').trim().split('\n')[0] ?? '';
      throw new Error(`git ${args.find((word) => !word.startsWith('-')) ?? ''} failed${run.stopped === undefined ? '' : ` (${run.stopped})`}: ${said}`);
    } finally {
      for (const descriptor of opened) closeSync(descriptor);
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function sourceOf(path: string, text: string, opened: number[]): Source {
  writeFileSync(path, text, { mode: 0o600 });
  const descriptor = openSync(path, 'r');
  opened.push(descriptor);
  return { descriptor };
}
