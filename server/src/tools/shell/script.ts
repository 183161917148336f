import { fstatSync, readSync, statSync } from 'node:fs';
import { asksForItsName, scriptWord } from '../../rules/scriptWord';
import { laterFiles } from '../../rules/laterFiles';
import { runsProgramText } from '../../rules/programText';
import type { Binding } from './binding';
import { copyApproved } from './copied';
import { follow, physical } from './facts';
import { closeAll, openRedirection } from './files';
import { loadableBy } from './loadable';
import type { PlannedCommand } from './plan';
import { identityOf, isWithin } from './resolve';

/**
 * The script of an approved interpreter. The interpreter opens it by its name, some milliseconds after it was compared for the last time
 * (T16). A plain shell is handed a private copy of the approved bytes instead, where the script cannot tell; for all others the file is
 * looked at again, and a run whose script was touched while it began does not count as approved.
 */

/** Descriptor of a handed script in the new process: the first behind the standard ones. */
const handedAt = 3;

/** A script that is handed over: the index of its word in the argument list, what stands there instead, and the descriptor of the copy. */
export type Handed = Readonly<{ at: number; word: string; shown: string; descriptor: number }>;

/** Where to take the approved bytes from. */
export type HandingGround = Readonly<{ binding: Binding; project: string; temporary: string }>;

/** Copies the approved script of a plain shell. Undefined where there is none, or where it may ask for its own name. Throws APPROVAL_STALE when the file holds other bytes by now. */
export function handScript(command: PlannedCommand, { binding, project, temporary }: HandingGround): Handed | undefined {
  const found = scriptOf(command, binding);
  // The runtime starts the command through programs that pass nothing on.
  if (process.platform !== 'linux' || found?.plain !== true || command.confinement?.sandbox?.kind === 'runtime') return undefined;
  const arrives = follow(command.folder, found.word);
  if (arrives === undefined || !isWithin(arrives, project)) return undefined;
  const descriptor = openRedirection({ kind: 'read', target: found.word, arrives }, project);
  let copy: number;
  try {
    copy = copyApproved(descriptor, found.sha256, found.word, temporary);
  } catch (error) {
    closeAll([descriptor]);
    throw error;
  }
  if (!asksForItsName(textOf(copy))) return { at: found.at, word: `/dev/fd/${handedAt}`, shown: found.word, descriptor: copy };
  closeAll([copy]);
  return undefined;
}

/** A file that is opened by its name, and its state before it was compared; `later` when that may be at any time until the end. */
export type Watched = Readonly<{ shown: string; path: string; identity: string; later: boolean; /** Set for what the program may change itself: only in company it counts. */ inCompany?: true }>;

/** The scripts of a step, and what is read into an interpreter as it goes, to be looked at again once it has begun; before they are compared for the last time. */
export function watchScripts(commands: readonly PlannedCommand[], step: number, binding: Binding): readonly Watched[] {
  const scripts = commands.flatMap((command) => {
    const found = scriptOf(command, binding);
    const path = found === undefined ? undefined : follow(command.folder, found.word);
    return found === undefined || path === undefined ? [] : [{ shown: found.word, path, identity: stateOf(path), later: false }];
  });
  const others = laterFiles(commands.map(({ argv }) => argv)).flatMap(({ command, text }) => {
    const folder = commands[command]?.folder;
    const path = folder === undefined || binding.hashOf(folder, text) === undefined ? undefined : follow(folder, text);
    return path === undefined ? [] : [{ shown: text, path, identity: stateOf(path), later: true }];
  });
  // A program text opens what it names whenever it likes, in whatever spelling.
  const all = commands.some(({ argv }) => runsProgramText(argv)) ? binding.filesOf(step) : [];
  return [...scripts, ...others, ...all.map((path): Watched => ({ shown: path, path, identity: stateOf(path), later: true, inCompany: true }))];
}

/** A file that the commands of a step can load by name and that nobody has approved, since it was not there. */
export function newcomer(commands: readonly PlannedCommand[], step: number, binding: Binding, project: string): string | undefined {
  const known = new Set(binding.filesOf(step));
  return commands.some(({ argv }) => runsProgramText(argv)) ? loadableBy(commands, project).files.find((path) => !known.has(path)) : undefined;
}

/** The first of them that was touched since: exchanged and put back, too, since every renaming and every writing leaves its time. */
export function touched(watched: readonly Watched[], company: boolean): string | undefined {
  return watched.find(({ path, identity, inCompany }) => (inCompany === undefined || company) && stateOf(path) !== identity)?.shown;
}

type Found = Readonly<{ at: number; plain: boolean; word: string; sha256: string }>;

function scriptOf(command: PlannedCommand, binding: Binding): Found | undefined {
  const found = scriptWord(command.argv);
  const word = found === undefined ? undefined : command.argv[found.at];
  const sha256 = word === undefined ? undefined : binding.hashOf(command.folder, word);
  return found === undefined || word === undefined || sha256 === undefined ? undefined : { ...found, word, sha256 };
}

function stateOf(path: string): string {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? 'missing' : `${physical(path) ?? ''} ${identityOf(stat)}`;
  } catch {
    return 'missing';
  }
}

/** Reads without moving on. */
function textOf(descriptor: number): string {
  const bytes = Buffer.alloc(fstatSync(descriptor).size);
  return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, 0));
}
