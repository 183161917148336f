import { judgeCommand, type CommandRequest, type Judgement } from '../../rules/allowlist';
import type { ShellLists } from '../../rules/commandLists';
import type { Platform } from '../../rules/commandPlan';
import { nothingWritten, type CommandFacts, type GitFacts, type GitWriteQuery, type GitWrites, type NotKnown } from '../../rules/places';
import { diskFacts, physical, writesKey } from './facts';
import { maxQuestions, type Asking } from './gitQuestion';
import { readGitWrites, type WriteScope } from './gitWrites';
import type { Machine } from './plan';
import { readGitFacts } from './repository';
import { resolveBinary, trustedFolders } from './resolve';

/** Judges a request by what lies on this disk and in its repositories. */

const platform: Platform = process.platform === 'win32' ? 'win32' : 'posix';

/** Whose lists hold, and between which folders. */
export type JudgeGround = Readonly<{
  /** Absolute, resolved project root. */
  project: string;
  configDir: string;
  lists: ShellLists;
  /** Patterns of what may be changed; none means everything. */
  writeScope?: readonly string[];
}>;

type Wanted = Readonly<{ git: Set<string>; writes: Map<string, Readonly<{ folder: string; query: GitWriteQuery }>> }>;

/** Judges by what this machine and its repositories are like now: once to learn what must be asked of which repositories, and once with the answers. */
export async function judgeHere(request: CommandRequest, cwd: string, ground: JudgeGround, machine: Machine): Promise<Judgement> {
  const wanted: Wanted = { git: new Set(), writes: new Map() };
  const common = { request, lists: ground.lists, cwd, platform };
  const first = judgeCommand({ ...common, facts: noting(diskFacts(ground), wanted) });
  if (first.verdict.verdict === 'deny' || wanted.git.size === 0) return first;
  const folders = trustedFolders(machine.searchPath, ground.project);
  const git = resolveBinary('git', folders, ground.project);
  const known = 'refused' in git ? { git: new Map(), gitWrites: new Map() } : await answers(wanted, ground.project, { git, environment: machine.environment(folders), budget: { left: maxQuestions } });
  return judgeCommand({ ...common, facts: diskFacts({ ...ground, ...known }) });
}

function noting(disk: CommandFacts, wanted: Wanted): CommandFacts {
  return {
    ...disk,
    git: (folder) => (wanted.git.add(folder), { programs: [], hooks: false }),
    gitWrites: (folder, query) => (wanted.git.add(folder), wanted.writes.set(writesKey(folder, query), { folder, query }), nothingWritten),
  };
}

async function answers(wanted: Wanted, project: string, asking: Asking): Promise<Readonly<{ git: ReadonlyMap<string, GitFacts | NotKnown>; gitWrites: ReadonlyMap<string, GitWrites | NotKnown> }>> {
  // One folder has many spellings, and each question starts a program.
  const facts = remembering((place) => readGitFacts(place, asking, project));
  const git = new Map<string, GitFacts | NotKnown>();
  for (const folder of wanted.git) git.set(folder, await facts(physical(folder) ?? folder));
  const gitWrites = new Map<string, GitWrites | NotKnown>();
  for (const [key, { folder, query }] of wanted.writes) gitWrites.set(key, await writes(query, { folder: physical(folder) ?? folder, project, asking }, git.get(folder)));
  return { git, gitWrites };
}

function remembering<T>(look: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const answer = known.get(key) ?? look(key);
    known.set(key, answer);
    return answer;
  };
}

/** Comparing files would run the very programs that the configuration names. */
function writes(query: GitWriteQuery, scope: WriteScope, facts: GitFacts | NotKnown | undefined): Promise<GitWrites | NotKnown> {
  const quiet = facts !== undefined && !('unknown' in facts) && facts.programs.length === 0;
  return quiet ? readGitWrites(query, scope) : Promise.resolve({ unknown: 'comparing files would run programs of the repository' });
}
