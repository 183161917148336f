import { readArguments } from './programs/rule';
import { innerCommand, wrappers } from './programs/wrappers';

/** Names of the programs that a chain of transparent wrappers will start, outermost first; empty when there is none or it cannot be seen. */
export function innerNames(name: string, args: readonly string[]): readonly string[] {
  const [first, ...rest] = innerOf(name, args);
  return first === undefined ? [] : [first, ...innerNames(first, rest)];
}

/** What a chain of transparent wrappers does its work with: the last argument list of it, or the given one when there is none or it cannot be seen. */
export function innermost(argv: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const [name, ...args] = argv;
  const [first, ...rest] = innerOf(name, args);
  return first === undefined ? argv : innermost([first, ...rest]);
}

function innerOf(name: string, args: readonly string[]): readonly string[] {
  const wrapper = wrappers.get(name);
  const reading = wrapper === undefined ? undefined : readArguments(wrapper.rule, args);
  if (wrapper === undefined || reading === undefined || 'unknown' in reading) return [];
  const inner = innerCommand(wrapper, reading.seen);
  return typeof inner === 'string' ? [] : inner;
}
