import { createHash } from 'node:crypto';
import { meaningsIn } from '../../rules/gitRevisions';
import type { NotKnown } from '../../rules/places';
import { gitArguments } from '../../rules/wrapped';
import { notThere, type Fact } from '../fact';
import { ambiguousBranch } from './ambiguousNames';
import { gitFolderOf } from './binding';
import { changedFiles } from './changedFiles';
import { askGit, askGitText, isNotKnown, type Asking } from './gitQuestion';
import type { Plan, Step } from './plan';
import { oddFile } from './repository';

/** What the words of git commands mean at this moment: the commits behind branches, and what is staged. An answer rests on them as it does on files (T16). */

/** One word of one step, and the object that it names; `notThere` when it names none. */
export type Meaning = Readonly<{ step: number; folder: string; word: string; id: string }>;

/** More words in one line are refused, since each of them is a question to git. */
export const maxMeanings = 32;

/** These stand for more than a word; no revision can be spelled like them. */
const [staged, references, stashes] = ['what is staged', 'all branches and tags', 'all stashes'];
const unnamed = { changed: 'all changed files', new: 'all changed and new files' } as const;

/** The commands that take files which nobody has named and nobody could look at, so that they take them as they are when they run. */
export function takersOfUnnamed({ steps, meanings }: Pick<Plan, 'steps' | 'meanings'>): readonly string[] {
  const lost = meanings.filter(({ word, id }) => id === notKnown && (word === unnamed.changed || word === unnamed.new)).map(({ step }) => step);
  return steps.flatMap(({ commands }, at) => (lost.includes(at) ? commands.filter(({ argv }) => meaningsIn(gitArguments(argv)?.args ?? []).unnamed !== 'none').map(({ argv }) => argv.join(' ')) : []));
}

/** What is looked at: `index` is false for callers that bind what is staged themselves, `compare` where comparing files would run programs of the repository. */
export type Sight = Readonly<{ index: boolean; compare: boolean }>;

/** Looks up everything that the steps rest on. */
export async function readMeanings(steps: readonly Step[], asking: Asking, { index, compare }: Sight): Promise<readonly Meaning[] | Readonly<{ tooMany: number }>> {
  const wanted = steps.flatMap((step, at) => wantedBy(step, at, index));
  if (wanted.length > maxMeanings) return { tooMany: wanted.length };
  const found: Meaning[] = [];
  for (const each of wanted) {
    // Git would wait for a named pipe, and whoever is asked reads that the repository could not be examined.
    const hidden = oddFile(each.folder) !== undefined || (!compare && (each.word === unnamed.changed || each.word === unnamed.new));
    const id = hidden ? notKnown : await meaningOf(each, asking);
    found.push({ ...each, id: isNotKnown(id) ? notKnown : id });
  }
  return found;
}

function wantedBy({ commands }: Step, step: number, index: boolean): readonly Omit<Meaning, 'id'>[] {
  const all = commands.flatMap((command) => {
    const [git, folder] = [gitArguments(command.argv), gitFolderOf(command)];
    if (git === undefined || folder === undefined) return [];
    const meanings = meaningsIn(git.args);
    return [...meanings.words, ...(meanings.references ? [references] : []), ...(meanings.stashes ? [stashes] : []), ...(meanings.staged && index ? [staged] : []), ...(meanings.unnamed === 'none' || !index ? [] : [unnamed[meanings.unnamed]])].map((word) => ({ step, folder, word }));
  });
  return [...new Map(all.map((each) => [`${each.folder}\0${each.word}`, each])).values()];
}

const notKnown = 'not known';

function meaningOf({ word, folder }: Omit<Meaning, 'id'>, asking: Asking): Promise<string | NotKnown> {
  if (word === staged) return hashed(['ls-files', '--stage', '-z', ':/'], folder, asking);
  if (word === unnamed.changed || word === unnamed.new) return changedFiles(folder, asking, word === unnamed.new);
  if (word === stashes) return hashed(['stash', 'list', '--format=%H'], folder, asking);
  return word === references ? hashed(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'], folder, asking) : idOf(word, folder, asking);
}

/** The object of a revision, and of a name that only other repositories have the branches of that name there, of which git would make one here. */
async function idOf(word: string, folder: string, asking: Asking): Promise<string | NotKnown> {
  const answer = await askGit(['rev-parse', '--verify', '--quiet', '--end-of-options', word], folder, asking);
  if (isNotKnown(answer)) return answer;
  if (answer.code === 0) return answer.text.trim() + (await branchOf(word, folder, asking)) + (await withAmbiguity(folder, asking));
  const remote = await askGit(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/remotes'], folder, asking);
  if (isNotKnown(remote)) return remote;
  const ids = remote.text.split('\n').filter((line) => line.endsWith(`/${word}`)).map((line) => line.slice(0, line.indexOf(' ')));
  return ids.length === 0 ? notThere : ids.join(' ');
}

/** What moves or publishes HEAD does that to the branch which it stands for. */
async function branchOf(word: string, folder: string, asking: Asking): Promise<string> {
  if (!/^(?:HEAD|@)(?![\w/.-])/.test(word)) return '';
  const name = await askGitText(['rev-parse', '--symbolic-full-name', 'HEAD'], folder, asking);
  return isNotKnown(name) ? `, on ${notKnown}` : `, on ${name.trim()}`;
}

/** Where a name can be read in two ways, an answer rests on all branches and tags as well. */
async function withAmbiguity(folder: string, asking: Asking): Promise<string> {
  const branch = await ambiguousBranch(folder, asking);
  if (branch === undefined) return '';
  const all = await meaningOf({ step: 0, folder, word: references }, asking);
  return `, among ambiguous names, ${isNotKnown(all) ? notKnown : all}`;
}

async function hashed(question: readonly string[], folder: string, asking: Asking): Promise<string | NotKnown> {
  const listed = await askGitText(question, folder, asking);
  if (isNotKnown(listed)) return notThere;
  return `sha256:${createHash('sha256').update(listed).digest('hex')}`;
}

/** What a person reads, and what is held against the same question later. */
export function meaningFact({ folder, word, id }: Meaning, several: boolean): Fact {
  return { label: 'In the repository', key: several ? `${word} in ${folder}` : word, value: id };
}

/** How many steps from the first one rest on meanings that nothing before them in the line can have changed. */
export function settled(steps: readonly Step[]): number {
  const first = steps.findIndex(({ reads }) => !reads);
  return first < 0 ? steps.length : first + 1;
}

/** The first meaning that is another now, as a sentence without its end. Before the first step all are looked at, later those that no step before can have changed. */
export async function changedMeaning(before: readonly Meaning[], step: number, steps: readonly Step[], asking: Asking): Promise<string | undefined> {
  const due = step === 0 ? before : before.filter((meaning) => meaning.step === step && step < settled(steps));
  for (const each of due.filter(({ id }) => id !== notKnown)) {
    const now = await meaningOf(each, asking);
    if (isNotKnown(now) || now !== each.id) return `"${each.word.slice(0, 80)}" meant ${each.id.slice(0, 80)} and means ${isNotKnown(now) ? 'nothing that is known' : now.slice(0, 80)} now`;
  }
  return undefined;
}
