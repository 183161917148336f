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

/** The arguments of the git that a command starts, itself or inside of wrappers, and where they begin in its argument list; undefined when it starts none. */
export function gitArguments(argv: readonly [string, ...string[]]): Readonly<{ args: readonly string[]; at: number }> | undefined {
  const [name, ...args] = innermost(argv);
  return name === 'git' ? { args, at: argv.length - args.length } : undefined;
}
