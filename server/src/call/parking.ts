import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import type { ToolCall } from '../../../protocol/src/call';
import type { HandedOver } from './elicitation';
import type { Ended, OpenQuestion } from './openQuestion';

/**
 * Where questions wait whose agents were told to call again, since their clients cannot be kept waiting. Only the same call of the same
 * connection finds one again, and each is found once (T44, T60). Nothing runs from here: what nobody comes for is denied.
 */

/** Why nobody will come for the answer: it is no yes, the time is over, the agent took the call back or left, or the broker ends. */
export type Left = 'answered' | 'late' | 'withdrawn' | 'closed';

/** A question and, where its client was given it to answer, that. */
export type ParkedQuestion = OpenQuestion & Readonly<{ over?: HandedOver }>;

/** For how long a question stays, in milliseconds, and what takes it back. */
export type Stay = Readonly<{ withinMs: number; signal: AbortSignal }>;

/** What can be parked: it ends some time, and can be taken back. */
type Parkable = Readonly<{ ended: Promise<unknown>; withdraw(): void }>;

/** Everything that is parked. */
export type Parking<Question extends Parkable = ParkedQuestion> = Readonly<{
  put(key: string, question: Question, stay: Stay): void;
  /** The question of this call that is meant, or else the oldest; whoever takes it answers for its end. */
  take(key: () => string, isMeant?: (question: Question) => boolean): Question | undefined;
  /** Whether one is parked that is meant. */
  holds(isMeant: (question: Question) => boolean): boolean;
  /** Ends all that is parked; resolves when each is recorded. */
  close(): Promise<void>;
}>;

/** What makes a call the same one when it comes again: who calls what with which arguments, as they came. */
export function parkingKey({ tool, input, project, actor }: ToolCall): string {
  const { connection = 0, client = '' } = actor;
  return createHash('sha256').update(canonicalJson({ connection, client, project, tool, input }).text).digest('hex');
}

/** Makes an empty parking. `leave` records the end of a question that nobody came for; `isKept` says which ends are for the call that comes again. */
export function createParking<Question extends Readonly<{ ended: Promise<End>; withdraw(): void }>, End>(leave: (question: Question, ended: End, why: Left) => Promise<void>, isKept: (ended: End) => boolean): Parking<Question> {
  type Place = Readonly<{ key: string; question: Question; /** Lets go of timers and listeners. */ free(): void }>;
  const parked = new Map<string, Place[]>();
  const leaving = new Set<Promise<void>>();
  const forget = (place: Place): boolean => {
    const places = parked.get(place.key) ?? [];
    if (!places.includes(place)) return false;
    const rest = places.filter((one) => one !== place);
    if (rest.length === 0) parked.delete(place.key);
    else parked.set(place.key, rest);
    place.free();
    return true;
  };
  const end = (place: Place, why: Left): void => {
    if (!forget(place)) return;
    place.question.withdraw();
    const left: Promise<void> = place.question.ended.then((ended) => leave(place.question, ended, why)).finally(() => leaving.delete(left));
    leaving.add(left);
  };
  return {
    put(key, question, { withinMs, signal }) {
      const withdrawn = (): void => end(place, 'withdrawn');
      const timer = setTimeout(() => end(place, 'late'), withinMs);
      const place: Place = { key, question, free: () => (clearTimeout(timer), signal.removeEventListener('abort', withdrawn)) };
      parked.set(key, [...(parked.get(key) ?? []), place]);
      signal.addEventListener('abort', withdrawn);
      if (signal.aborted) withdrawn();
      void question.ended.then((ended) => (isKept(ended) ? undefined : end(place, 'answered')));
    },
    take(key, isMeant = () => false) {
      // Hashing large arguments takes a while, and nearly always nothing is here.
      const places = parked.size === 0 ? [] : (parked.get(key()) ?? []);
      const place = places.find(({ question }) => isMeant(question)) ?? places[0];
      if (place !== undefined) forget(place);
      return place?.question;
    },
    holds: (isMeant) => [...parked.values()].flat().some(({ question }) => isMeant(question)),
    async close() {
      for (const place of [...parked.values()].flat()) end(place, 'closed');
      await Promise.all(leaving);
    },
  };
}

/** A yes, and a smaller call that a person made, are for the call that comes again. */
export function isForTheNextCall({ answered, forbidden, chosen }: Ended): boolean {
  return forbidden === undefined && (answered.approval.decision === 'approved' || chosen !== undefined);
}
