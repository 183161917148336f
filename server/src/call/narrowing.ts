import type { Narrowed } from '../../../protocol/src/fileChanges';
import type { Outcome } from '../../../protocol/src/call';
import type { Chosen, Place, ShelvedFile } from '../approvals/shelf';
import type { Prepared } from '../tools/tool';
import { judge, type Held, type Judged } from './judging';
import { refusalOf, type Refusal } from './refusals';
import type { Rooms } from './rooms';

/** A call of which a person left out some changes: what is left is judged from the start, asked about as a question of its own, and told to the agent. */

/** Puts what a call would make of files where windows can look at it, while it waits. */
export function shelve(rooms: Rooms, { call, bound }: Judged): Place {
  return rooms.shelf.put(call.id, bound.digest, shelved(bound.prepared));
}

function shelved({ files = [] }: Prepared): readonly ShelvedFile[] {
  return files.map(({ path, before, after, withText }) => ({ path, before, after, divisible: withText !== undefined }));
}

/** What to say of the question that was withdrawn for the smaller one. */
export function narrowedRefusal({ kept, of }: Chosen): Refusal {
  return refusalOf('CANCELLED', 'approval.narrowed', `The user left out ${of - kept} of ${of} changes; this question was withdrawn, and the user is asked about the rest.`);
}

/** Judges what is left. Whatever runs says to the agent what was applied and what was not. */
export async function judgeNarrowed(rooms: Rooms, judged: Judged, chosen: Chosen, signal: AbortSignal, held: Held): Promise<Readonly<{ judged: Judged; narrowed: Narrowed }> | Readonly<{ refusal: Refusal }>> {
  const input = judged.bound.prepared.files?.[0]?.withText?.(chosen.text);
  if (input === undefined) return { refusal: refusalOf('INVALID_INPUT', 'approval.narrowed', 'This call can be made as a whole only.') };
  const smaller = await judge(rooms, { ...judged.call, id: rooms.newId(), input }, signal, held);
  if ('refusal' in smaller) return { refusal: smaller.refusal };
  return { judged: { ...smaller, tell: (outcome) => told(outcome, chosen) }, narrowed: { after: judged.call.id, kept: chosen.kept, of: chosen.of } };
}

function told(outcome: Outcome, { kept, of, applied, left }: Chosen): Outcome {
  if (outcome.kind !== 'success') return outcome;
  const text = `${outcome.text}\nThe user approved only ${kept} of the ${of} changes of this call. The others were not made; do not make them again without asking.\n\nApplied:\n${applied}\nNot applied:\n${left}`;
  // Some agents are given the structured result alone.
  return { ...outcome, text, structured: { ...outcome.structured, partial: { note: `The user approved only ${kept} of ${of} changes.`, kept, of, applied, notApplied: left } } };
}
