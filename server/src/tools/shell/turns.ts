import { ConductorError } from '../../../../protocol/src/errors';
import { effectsOf, type Effects } from '../../rules/effects';
import { gitFolderOf } from './binding';
import { gitFolders } from './facts';
import type { Step } from './plan';
import { isWithin } from './resolve';

/**
 * Who may run at the same time in one project. Calls run side by side, and a step is judged by where names lead and by what references of
 * a repository mean; so whoever changes those does it alone, from the judgement on until the last program of the step has ended (T27).
 */

/** Milliseconds that a step waits for others at most. Beyond them it is refused, so that nobody hangs on a command that never ends. */
export const patienceMs = 30_000;

/** Milliseconds after which a program that does its own work has opened what the line names. */
export const beginningMs = 1000;

/** Milliseconds that a step may use names while somebody waits to change them; then it is ended, if nobody has approved it. Who waits outlasts it. */
export const longestUseMs = 10_000;

type Wish = 'alone' | 'together';

/** Who wants to be, or is, at a place: a folder, with everything in it. */
type Visit = Readonly<{ place: string; wish: Wish }>;

type Waiting = Visit & Readonly<{ enter(): void }>;

/** A place that somebody is at: the way out, which may be taken more than once, and whether others wait who cannot come in before. */
type Stay = Readonly<{ leave(): void; isWaitedFor(): boolean }>;

/** One kind of thing that is used together or changed alone, in the order of asking. Places that lie in each other are one place. */
class Ground {
  private readonly present = new Set<Visit>();
  private waiting: readonly Waiting[] = [];

  /** Rejects when the signal ends the wait. */
  take(visit: Visit, signal: AbortSignal): Promise<Stay> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.waiting = this.waiting.filter((other) => other !== waiting);
        this.admit();
        reject(signal.reason instanceof Error ? signal.reason : new Error('the wait was ended'));
      };
      const waiting: Waiting = {
        ...visit,
        enter: () => {
          signal.removeEventListener('abort', giveUp);
          this.present.add(waiting);
          resolve({
            leave: () => {
              if (this.present.delete(waiting)) this.admit();
            },
            isWaitedFor: () => this.waiting.some((other) => excludes(waiting, other)),
          });
        },
      };
      this.waiting = [...this.waiting, waiting];
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      else this.admit();
    });
  }

  private admit(): void {
    const still: Waiting[] = [];
    for (const next of this.waiting) {
      if ([...this.present, ...still].some((other) => excludes(other, next))) still.push(next);
      else next.enter();
    }
    this.waiting = still;
  }
}

function excludes(one: Visit, other: Visit): boolean {
  return (one.wish === 'alone' || other.wish === 'alone') && (isWithin(one.place, other.place) || isWithin(other.place, one.place));
}

const grounds = { names: new Ground(), history: new Ground() } as const;

/** What a step needs to itself, of its project's names and of the history in it; `briefly` when the names matter to it only while it begins. */
export type Turn = Readonly<{ names?: Wish; history?: Wish; briefly: boolean; /** Absolute folders of the repositories that the history is of. */ repositories: readonly string[] }>;

/** The turn that a step has to wait for. */
export function turnOf({ commands }: Step): Turn {
  const effects = commands.filter(({ binary }) => binary !== undefined).map(({ argv }) => effectsOf(argv));
  const has = <Part extends keyof Effects>(part: Part, value: Effects[Part]): boolean => effects.some((effect) => effect[part] === value);
  const names = has('names', 'changes') ? 'alone' : has('names', 'uses') || has('names', 'begins') ? 'together' : undefined;
  const history = has('history', 'changes') ? 'alone' : has('history', 'receives') ? 'together' : undefined;
  const repositories = history === undefined ? [] : [...new Set(commands.flatMap((command) => gitFolderOf(command) ?? []).map((folder) => gitFolders(folder)?.common ?? folder))];
  // Nobody waits for a place that lies in one of his own.
  const outermost = repositories.filter((one) => !repositories.some((other) => other !== one && isWithin(one, other))).sort();
  return { repositories: outermost, ...(names === undefined ? {} : { names }), ...(history === undefined ? {} : { history }), briefly: names === 'together' && !has('names', 'uses') };
}

/** What was taken: all of it is given back with `leave`, and what matters only to the beginning with `begun`. `isWaitedFor`: whether somebody waits to change names that this one uses. */
export type Taken = Readonly<{ begun(): void; leave(): void; isWaitedFor(): boolean }>;

/** Waits for a turn in a project. Throws CANCELLED when the call is withdrawn, CONFLICT when others take longer than `patience` milliseconds. */
export async function takeTurn(project: string, turn: Turn, signal: AbortSignal, patience: number = patienceMs): Promise<Taken> {
  const late = AbortSignal.timeout(patience);
  const either = AbortSignal.any([signal, late]);
  const left: Stay[] = [];
  const leave = (): void => left.splice(0).reverse().forEach((stay) => stay.leave());
  try {
    // Always in this order, so that no two wait for each other.
    if (turn.history !== undefined) for (const place of turn.repositories) left.push(await grounds.history.take({ place, wish: turn.history }, either));
    if (turn.names !== undefined) left.push(await grounds.names.take({ place: project, wish: turn.names }, either));
  } catch {
    leave();
    if (signal.aborted) throw new ConductorError('CANCELLED', 'The call was withdrawn before the command started.');
    throw new ConductorError('CONFLICT', `Another command of this project still runs, and this one would change what that one was judged by, or the other way round. It waited ${Math.round(patience / 1000)} seconds, and nothing of it was run. Try again when the other one has ended.`);
  }
  return { begun: () => (turn.briefly ? left.at(-1)?.leave() : undefined), leave, isWaitedFor: () => turn.names === 'together' && left.at(-1)?.isWaitedFor() === true };
}
