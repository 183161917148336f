import { formatPatch, structuredPatch, OMIT_HEADERS } from 'diff';
import type { Change } from '../../../protocol/src/approvals';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import type { Config } from '../../../protocol/src/config';
import { differences, type Difference, type Fact } from '../tools/fact';
import { configurationLabel, type Bound } from './bound';

/** Tells a person what changed since they were asked. */

/** Changes told one by one, characters of one value, and characters of one diff; what is beyond is counted. */
export const tellAtMost = { changes: 40, value: 2000, diff: 12_000 };

/** Milliseconds that finding the changed lines of one file may take; without them its hashes are told. */
const diffPatienceMs = 100;

/** What differs between two bindings of one call, ready to be shown. Empty exactly when their digests are equal. */
export function changesBetween(before: Bound, after: Bound): Change[] {
  const found = differences(before.facts, after.facts);
  const told = found.slice(0, tellAtMost.changes).map((one) => (one.label === configurationLabel ? configurationChange(one, before, after) : changeOf(one)));
  const left = found.length - told.length;
  return left === 0 ? told : [...told, { label: 'More', key: '', before: null, after: `${left} more facts differ` }];
}

/** Names what changed without saying to what, for the log and the agent: `File /project/a.sh`. */
export function namesOf(changes: readonly Change[]): string {
  const names = changes.slice(0, 5).map(({ label, key }) => `${label} ${key}`.trim().slice(0, 200));
  return [...names, ...(changes.length > names.length ? [`${changes.length - names.length} more`] : [])].join(', ');
}

/** One difference, ready to be shown. */
export function changeOf({ label, key, before, after }: Difference): Change {
  const diff = linesThatDiffer(before, after);
  const [was, is] = clipBoth(before?.value ?? null, after?.value ?? null);
  const unlogged = before?.unlogged === true || after?.unlogged === true ? { unlogged: true as const } : {};
  return { label, key, before: was, after: is, ...(diff === undefined ? {} : { diff }), ...unlogged };
}

/** The hashes of two configurations in short, and which of their members differ. */
function configurationChange({ label, before, after }: Difference, then: Bound, now: Bound): Change {
  const short = (fact: Fact | undefined): string | null => fact?.value.slice(0, 'sha256:'.length + 8) ?? null;
  return { label, key: cut(changedMembers(then.config, now.config).join(', '), 0, tellAtMost.value), before: short(before), after: short(after) };
}

/** Dotted names of the members that differ, such as `plugins.shell.timeoutMs`. Lists count as one member. */
export function changedMembers(before: Config, after: Config): readonly string[] {
  return compare(before, after, '');
}

function compare(before: unknown, after: unknown, at: string): readonly string[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => name !== '$schema');
    return names.flatMap((name) => compare(before[name], after[name], at === '' ? name : `${at}.${name}`));
  }
  return canonicalJson(before).text === canonicalJson(after).text ? [] : [at];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function linesThatDiffer(before: Fact | undefined, after: Fact | undefined): string | undefined {
  if (before?.text === undefined || after?.text === undefined || before.text === after.text) return undefined;
  const patch = structuredPatch('', '', before.text, after.text, undefined, undefined, { context: 2, timeout: diffPatienceMs });
  return patch === undefined ? undefined : cut(formatPatch(patch, OMIT_HEADERS).trimEnd(), 0, tellAtMost.diff);
}

/** Long values are cut at both ends, so that what differs is in what is left. */
function clipBoth(before: string | null, after: string | null): readonly [string | null, string | null] {
  if (before === null || after === null) return [before === null ? null : cut(before, 0, tellAtMost.value), after === null ? null : cut(after, 0, tellAtMost.value)];
  if (Math.max(before.length, after.length) <= tellAtMost.value) return [before, after];
  let same = 0;
  while (same < before.length && before[same] === after[same]) same += 1;
  const start = Math.max(0, same - 40);
  return [cut(before, start, tellAtMost.value), cut(after, start, tellAtMost.value)];
}

function cut(text: string, start: number, limit: number): string {
  const left = text.length - start - limit;
  return `${start > 0 ? `(${start} characters that are the same) …` : ''}${text.slice(start, start + limit)}${left > 0 ? `… (${left} more characters)` : ''}`;
}
