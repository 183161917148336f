import type { ArgumentCondition, ExternalRule } from '../../../../protocol/src/externalPolicy';
import { below, flatten, readPath, type PathPlatform } from '../pathText';

type Arguments = Readonly<Record<string, unknown>>;

/** Why the arguments of a call do not fit a rule, in a sentence; undefined when they do. The arguments are judged as they will be sent. */
export function unfitting(rule: Pick<ExternalRule, 'arguments' | 'other_arguments'>, given: Arguments, platform: PathPlatform): string | undefined {
  for (const [name, condition] of Object.entries(rule.arguments)) {
    const why = flawOf(condition, valueAt(given, name), platform);
    if (why !== undefined) return `The argument ${JSON.stringify(name)} ${why}`;
  }
  if (rule.other_arguments) return undefined;
  const surplus = Object.keys(given).find((name) => !Object.keys(rule.arguments).some((known) => known === name || known.startsWith(`${name}.`)));
  return surplus === undefined ? undefined : `The argument ${JSON.stringify(surplus)} is none of those that the rule names.`;
}

/** The value at a path of member names; a member that the value inherits does not count. */
function valueAt(given: Arguments, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    if (Array.isArray(value)) return value.flatMap((item) => member(item, name) ?? [missing]);
    return member(value, name);
  }, given);
}

/** Stands in a list of items for one that does not have the member. */
const missing = Symbol('missing');

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function flawOf(condition: ArgumentCondition, value: unknown, platform: PathPlatform): string | undefined {
  if (condition.absent === true) return value === undefined ? undefined : 'must not be there.';
  if (value === undefined || value === missing) return 'is missing.';
  if (!Array.isArray(value)) return scalarFlaw(condition, value, platform);
  if (value.length === 0) return 'is an empty list.';
  for (const item of value as readonly unknown[]) {
    const flaw = item === missing ? 'is missing in one item.' : Array.isArray(item) ? 'nests lists.' : scalarFlaw(condition, item, platform);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function scalarFlaw(condition: ArgumentCondition, value: unknown, platform: PathPlatform): string | undefined {
  const { one_of, starts_with, max_length, minimum, maximum } = condition;
  if (one_of !== undefined && !one_of.some((choice) => choice === value)) return 'has a value that the rule does not list.';
  if (starts_with !== undefined && !(typeof value === 'string' && value.startsWith(starts_with))) return `must begin with ${JSON.stringify(starts_with)}.`;
  if (max_length !== undefined && !(typeof value === 'string' && value.length <= max_length)) return `must be text of at most ${String(max_length)} characters.`;
  if (minimum !== undefined && !(typeof value === 'number' && value >= minimum)) return `must be a number, ${String(minimum)} or more.`;
  if (maximum !== undefined && !(typeof value === 'number' && value <= maximum)) return `must be a number, ${String(maximum)} or less.`;
  return condition.below === undefined || isBelow(value, condition.below, platform) ? undefined : `must be a path below ${condition.below}.`;
}

/** Whether a path text lies at or below a folder. Whatever is no honest absolute path does not. */
function isBelow(value: unknown, folder: string, platform: PathPlatform): boolean {
  const [path, root] = [readPath(value, platform), readPath(folder, platform)];
  if (path.kind !== 'path' || root.kind !== 'path' || path.anchor === '' || root.anchor === '') return false;
  const [segments, rootSegments] = [flatten(path.segments), flatten(root.segments)];
  return segments !== undefined && rootSegments !== undefined && below({ anchor: path.anchor, segments }, { anchor: root.anchor, segments: rootSegments }, platform) !== undefined;
}
