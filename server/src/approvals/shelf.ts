import type { DecisionResult } from '../../../protocol/src/approvals';
import { ConductorError } from '../../../protocol/src/errors';
import type { FileChange, FileContent, Narrowing } from '../../../protocol/src/fileChanges';
import { describe, hunksOf, partsOf, textWith, type Part } from './parts';
import type { Person } from './question';

/** Keeps what calls that wait would make of files, for windows that ask for it, and hears which of the changes a person leaves out. */

/** A file that a question is about. */
export type ShelvedFile = Readonly<{ path: string; before: FileContent; after: FileContent; /** Whether the call can be made with a part of its changes. */ divisible: boolean }>;

/** What a person chose. */
export type Chosen = Readonly<{
  by: Person;
  /** The whole content of the file with the kept changes only. */
  text: string;
  kept: number;
  of: number;
  /** Places of the kept ones among all, from 0. */
  keep: readonly number[];
  /** What is left to be asked about and what was left out, as lines with signs. */
  applied: string;
  left: string;
}>;

/** One question on the shelf. `signal` aborts when a person has chosen. */
export type Place = Readonly<{ signal: AbortSignal; chosen(): Chosen | undefined; clear(): void }>;

/** The files of the questions that wait. */
export type Shelf = Readonly<{
  put(id: string, digest: string, files: readonly ShelvedFile[]): Place;
  /** Throws NOT_FOUND when nothing is there under this id with this digest. */
  look(id: string, digest: string): FileChange[];
  narrow(narrowing: Narrowing, by: Person): DecisionResult;
}>;

/** Changes of one file among which a person chooses, at most. */
const mostHunks = 200;
/** Characters that the agent reads of what was applied, and of what was not. */
const told = 20_000;

type Item = Readonly<{ digest: string; files: readonly ShelvedFile[]; withdraw: AbortController }> & { parts?: readonly Part[] | 'too different'; chosen?: Chosen };

/** Makes an empty shelf. */
export function createShelf(): Shelf {
  const items = new Map<string, Item>();
  return {
    put(id, digest, files) {
      const item: Item = { digest, files, withdraw: new AbortController() };
      items.set(id, item);
      return { signal: item.withdraw.signal, chosen: () => item.chosen, clear: () => void items.delete(id) };
    },

    look(id, digest) {
      const item = items.get(id);
      if (item?.digest !== digest || item.files.length === 0) throw new ConductorError('NOT_FOUND', 'There are no files to show under this id: the call no longer waits, or it changes none.');
      return item.files.map((file, index) => ({ path: file.path, before: file.before, after: file.after, ...choiceOf(item, file, index) }));
    },

    narrow({ id, digest, keep }, by) {
      const item = items.get(id);
      if (item === undefined || item.chosen !== undefined) return { outcome: 'gone', message: 'This call no longer waits: it was answered, withdrawn, or its time ran out.' };
      if (item.digest !== digest) return { outcome: 'other', message: 'What was shown to you is not what waits under this id. Look at it again.' };
      const [file] = item.files;
      const parts = item.files.length === 1 && file?.divisible === true ? partsIn(item, file) : undefined;
      if (parts === undefined) throw new ConductorError('INVALID_INPUT', 'This call can be made as a whole only.');
      const chosen = chosenOf(parts, new Set(keep), by);
      item.chosen = chosen;
      item.withdraw.abort();
      return { outcome: 'accepted', message: `${chosen.kept} of ${chosen.of} changes are kept. You are asked about them now.` };
    },
  };
}

function choiceOf(item: Item, file: ShelvedFile, index: number): Pick<FileChange, 'hunks' | 'divisible'> {
  const parts = index === 0 ? partsIn(item, file) : partsOfFile(file);
  const hunks = parts === undefined ? [] : hunksOf(parts);
  return { hunks: hunks.slice(0, mostHunks), divisible: file.divisible && item.files.length === 1 && hunks.length > 1 && hunks.length <= mostHunks };
}

/** Compared once, when somebody looks. */
function partsIn(item: Item, file: ShelvedFile): readonly Part[] | undefined {
  item.parts ??= partsOfFile(file) ?? 'too different';
  return item.parts === 'too different' ? undefined : item.parts;
}

function partsOfFile({ before, after }: ShelvedFile): readonly Part[] | undefined {
  return before.kind === 'text' && after.kind === 'text' ? partsOf(before.text, after.text) : undefined;
}

function chosenOf(parts: readonly Part[], keep: ReadonlySet<number>, by: Person): Chosen {
  const of = parts.filter(({ kind }) => kind === 'change').length;
  if ([...keep].some((index) => index >= of)) throw new ConductorError('INVALID_INPUT', `There are only ${of} changes.`);
  if (keep.size === of) throw new ConductorError('INVALID_INPUT', 'All changes are kept: approve the call instead.');
  const others = new Set(Array.from({ length: of }, (_, index) => index).filter((index) => !keep.has(index)));
  return { by, text: textWith(parts, keep), kept: keep.size, of, keep: [...keep].sort((one, other) => one - other), applied: describe(parts, keep, told), left: describe(parts, others, told) };
}
