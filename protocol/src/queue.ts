import { z } from 'zod';
import { pendingSchema, type Pending } from './approvals';
import { questionRefSchema } from './fileChanges';

/** What waits, as the broker tells it after each change: a call whole when it is new, and by its name alone when it was told before. */

/** One place of the queue. */
export const toldSchema = z.union([pendingSchema, questionRefSchema]);

/** One place of the queue. */
export type Told = z.infer<typeof toldSchema>;

/** Makes of whole queues what is to be told of them, so that fifty large calls do not cross fifty times. Everybody must hear each telling. */
export function createTelling(): (pending: readonly Pending[]) => Told[] {
  let told: ReadonlySet<string> = new Set();
  return (pending) => {
    const before = told;
    told = new Set(pending.map(nameOf));
    return pending.map((call) => (before.has(nameOf(call)) ? { id: call.id, digest: call.digest } : call));
  };
}

/** The whole queue, from what is known and what was told; undefined when something was named that is not known, so that the list must be asked for. */
export function takeTold(known: readonly Pending[], told: readonly Told[]): Pending[] | undefined {
  const calls = new Map(known.map((call) => [nameOf(call), call]));
  const all = told.map((one) => ('raw' in one ? one : calls.get(nameOf(one))));
  return all.includes(undefined) ? undefined : all.filter((call) => call !== undefined);
}

function nameOf({ id, digest }: Readonly<{ id: string; digest: string }>): string {
  return `${id} ${digest}`;
}
