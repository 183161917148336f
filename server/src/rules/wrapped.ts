import { readArguments } from './programs/rule';
import { innerCommand, wrappers } from './programs/wrappers';

/** Names of the programs that a chain of transparent wrappers will start, outermost first; empty when there is none or it cannot be seen. */
export function innerNames(name: string, args: readonly string[]): readonly string[] {
  const wrapper = wrappers.get(name);
  const reading = wrapper === undefined ? undefined : readArguments(wrapper.rule, args);
  if (wrapper === undefined || reading === undefined || 'unknown' in reading) return [];
  const inner = innerCommand(wrapper, reading.seen);
  if (typeof inner === 'string') return [];
  const [first, ...rest] = inner;
  return first === undefined ? [] : [first, ...innerNames(first, rest)];
}
