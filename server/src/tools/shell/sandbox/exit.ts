import { constants } from 'node:os';
import type { Exit } from '../../../base/childProcess';

// Of two names for one number the first is the usual one.
const signals: ReadonlyMap<number, NodeJS.Signals> = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals] as const).reverse());

/** A sandbox ends with 128 and the signal's number when a signal ended its command; this gives the signal back. A command that ends so by itself looks the same. */
export function exitInside(exit: Exit): Exit {
  const signal = exit.code === null || exit.code <= 128 ? undefined : signals.get(exit.code - 128);
  return signal === undefined ? exit : { code: null, signal };
}
