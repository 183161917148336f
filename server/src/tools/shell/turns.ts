import { ConductorError } from '../../../../protocol/src/errors';
import { effectsOf, type Effects } from '../../rules/effects';
import type { Step } from './plan';

/**
 * Who may run at the same time in one project. Calls run side by side, and a step is judged by where names lead and by what references of
 * a repository mean; so whoever changes those does it alone, from the judgement on until the last program of the step has ended (T27).
 */

/** Milliseconds that a step waits for others at most. Beyond them it is refused, so that nobody hangs on a command that never ends. */
export const patienceMs = 30_000;

/** Milliseconds after which a program that does its own work has opened what the line names. */
export const beginningMs = 1000;

type Wish = 'alone' | 'together';

type Waiting = Readonly<{ wish: Wish; enter(): void }>;

/** One thing that is used together or changed alone, in the order of asking. */
class Ground {
  private users = 0;
  private changed = false;
  private waiting: Waiting[] = [];

  get idle(): boolean {
    return this.users === 0 && !this.changed && this.waiting.length === 0;
  }

  /** Resolves with the way out, which may be taken more than once. Rejects when the signal ends the wait. */
  take(wish: Wish, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.waiting = this.waiting.filter((other) => other !== place);
        this.admit();
        reject(signal.reason instanceof Error ? signal.reason : new Error('the wait was ended'));
      };
      const place: Waiting = {
        wish,
        enter: () => {
          signal.removeEventListener('abort', giveUp);
          resolve(this.leaving(wish));
        },
      };
      this.waiting.push(place);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      else this.admit();
    });
  }

  private leaving(wish: Wish): () => void {
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      if (wish === 'alone') this.changed = false;
      else this.users -= 1;
      this.admit();
    };
  }

  private admit(): void {
    for (let next = this.waiting[0]; next !== undefined && this.fits(next.wish); next = this.waiting[0]) {
      this.waiting.shift();
      if (next.wish === 'alone') this.changed = true;
      else this.users += 1;
      next.enter();
    }
  }

  private fits(wish: Wish): boolean {
    return !this.changed && (wish === 'together' || this.users === 0);
  }
}

const grounds = new Map<string, Ground>();

/** What a step needs to itself, of its project's names and of the history in it; `briefly` when the names matter to it only while it begins. */
export type Turn = Readonly<{ names?: Wish; history?: Wish; briefly: boolean }>;

/** The turn that a step has to wait for. */
export function turnOf({ commands }: Step): Turn {
  const effects = commands.filter(({ binary }) => binary !== undefined).map(({ argv }) => effectsOf(argv));
  const has = <Part extends keyof Effects>(part: Part, value: Effects[Part]): boolean => effects.some((effect) => effect[part] === value);
  const names = has('names', 'changes') ? 'alone' : has('names', 'uses') || has('names', 'begins') ? 'together' : undefined;
  const history = has('history', 'changes') ? 'alone' : has('history', 'receives') ? 'together' : undefined;
  return { ...(names === undefined ? {} : { names }), ...(history === undefined ? {} : { history }), briefly: names === 'together' && !has('names', 'uses') };
}

/** What was taken: all of it is given back with `leave`, and what matters only to the beginning with `begun`. */
export type Taken = Readonly<{ begun(): void; leave(): void }>;

/** Waits for a turn in a project. Throws CANCELLED when the call is withdrawn, CONFLICT when others take longer than `patience` milliseconds. */
export async function takeTurn(project: string, turn: Turn, signal: AbortSignal, patience: number = patienceMs): Promise<Taken> {
  const late = AbortSignal.timeout(patience);
  const either = AbortSignal.any([signal, late]);
  const left: (() => void)[] = [];
  const leave = (): void => left.splice(0).reverse().forEach((exit) => exit());
  try {
    // Always in this order, so that no two wait for each other.
    for (const part of ['history', 'names'] as const) {
      const wish = turn[part];
      if (wish !== undefined) left.push(await enter(`${part}\0${project}`, wish, either));
    }
  } catch {
    leave();
    if (signal.aborted) throw new ConductorError('CANCELLED', 'The call was withdrawn before the command started.');
    throw new ConductorError('CONFLICT', `Another command of this project still runs, and this one would change what that one was judged by, or the other way round. It waited ${Math.round(patience / 1000)} seconds, and nothing of it was run. Try again when the other one has ended.`);
  }
  return { begun: () => (turn.briefly ? left.at(-1)?.() : undefined), leave };
}

async function enter(key: string, wish: Wish, signal: AbortSignal): Promise<() => void> {
  const ground = grounds.get(key) ?? new Ground();
  grounds.set(key, ground);
  const forget = (): void => void (ground.idle && grounds.get(key) === ground && grounds.delete(key));
  try {
    const exit = await ground.take(wish, signal);
    return () => (exit(), forget());
  } catch (error) {
    forget();
    throw error;
  }
}
