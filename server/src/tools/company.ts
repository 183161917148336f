import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Which calls that may change something are under way, whatever tool they use. What somebody else may have changed is told apart by it from what
 * a program changed itself.
 */

const present = new Set<symbol>();
const own = new AsyncLocalStorage<symbol>();
let came = 0;

/** Does the work of one call, which others can tell is under way meanwhile. */
export async function inCompany<T>(work: () => Promise<T>): Promise<T> {
  const self = Symbol('call');
  present.add(self);
  came += 1;
  try {
    return await own.run(self, work);
  } finally {
    present.delete(self);
  }
}

/** From now on tells whether any other call than the one that asks was under way at any time since. */
export function watchCompany(): () => boolean {
  const self = own.getStore();
  const others = [...present].some((call) => call !== self);
  const before = came;
  return () => others || came !== before;
}
