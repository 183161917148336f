import { sha256 } from '../../../protocol/src/audit/bytes';
import { canonicalJson } from '../../../protocol/src/audit/canonical';

/** What an approval binds to: named facts, so that nothing can be bound that is not shown, nor change without a name for what changed. */

/** One thing that must be the same when a call runs as when a person was asked. */
export type Fact = Readonly<{
  /** What a person calls it, for instance `Program`. */
  label: string;
  /** Tells it from others of the same label, for instance a path; empty where there is only one. */
  key: string;
  /** Everything about it that must stay, as text. Two states that differ must have different texts. */
  value: string;
  /** What of the value a grant is tied to, where device and file numbers or times say no more than the rest. Default: all of it. */
  lasting?: string;
  /** What a small text file holds, to show what changed in it. Not part of the digest: `value` carries its hash. */
  text?: string;
  /** True when the log may name this fact, but not its value. */
  unlogged?: true;
}>;

/** The value of a fact about a path at which nothing lies, and nothing may lie later. */
export const notThere = 'not there';

/** SHA-256 (64 hex digits) over the canonical JSON (RFC 8785) of facts in their order. */
export function digestOfFacts(facts: readonly Fact[]): string {
  return sha256(canonicalJson(facts.map(({ label, key, value }) => [label, key, value])).text);
}

/** The facts as a person reads them, in their order. Paths that must stay empty come last, in one line for each label. */
export function shownFacts(facts: readonly Fact[]): readonly (readonly [label: string, value: string])[] {
  const empty = new Map<string, string[]>();
  const shown: (readonly [string, string])[] = [];
  for (const { label, key, value } of facts) {
    if (value === notThere) empty.set(label, [...(empty.get(label) ?? []), key]);
    else shown.push([label, key === '' ? value : `${key} ${value}`]);
  }
  return [...shown, ...[...empty].map(([label, paths]) => [`${label}, ${notThere} and to stay so`, paths.join('\n')] as const)];
}

/** One fact that is another now; `before` or `after` is missing where the fact itself is new or gone. */
export type Difference = Readonly<{ label: string; key: string; before?: Fact; after?: Fact }>;

/** What differs between two lists of facts, in the order of the later one; what is gone comes last. Empty exactly when their digests are equal. */
export function differences(before: readonly Fact[], after: readonly Fact[]): readonly Difference[] {
  const left = byName(before);
  const found: Difference[] = [];
  for (const [name, now] of byName(after)) {
    const then = left.get(name);
    left.delete(name);
    if (then?.value !== now.value) found.push({ label: now.label, key: now.key, after: now, ...(then === undefined ? {} : { before: then }) });
  }
  const gone = [...left.values()].map((then): Difference => ({ label: then.label, key: then.key, before: then }));
  const all = [...found, ...gone];
  return all.length > 0 || digestOfFacts(before) === digestOfFacts(after) ? all : [{ label: 'Order', key: '', before: order(before), after: order(after) }];
}

/** The first fact of a name keeps it; further ones are counted. */
function byName(facts: readonly Fact[]): Map<string, Fact> {
  const named = new Map<string, Fact>();
  const counts = new Map<string, number>();
  for (const fact of facts) {
    const name = JSON.stringify([fact.label, fact.key]);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    named.set(`${name} ${count}`, fact);
  }
  return named;
}

function order(facts: readonly Fact[]): Fact {
  return { label: 'Order', key: '', value: facts.map(({ label, key }) => `${label} ${key}`.trim()).join(', ') };
}
