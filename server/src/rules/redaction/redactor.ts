import { Known, makeKnown, type KnownSecret, type KnownSpan } from './known';
import { tokenBegunAt } from './tokens';

/** Takes secrets out of whatever leaves: known values in every form, and tokens by their published formats. */

/** What is taken out with what stands in its place. */
export type Redactor = Readonly<{
  /** From now on these values are looked for, and no others. The buffers are read at once and not kept; calls before are forgotten. */
  know(secrets: readonly KnownSecret[]): void;
  /** Where known values stand, in order and without overlaps. */
  find(text: string): readonly KnownSpan[];
  /** Something that is another as soon as other values are known. */
  knowledge(): unknown;
  /** The text without secrets; the same text when there are none. */
  text(text: string): string;
  /** A value of JSON without secrets, members' names included; the same value when there are none. */
  value<Value>(value: Value): Value;
  /** The same for people who decide about the value: only known values are taken out, since whoever chose the text may give anything the form of a token. */
  knownOut<Value>(value: Value): Value;
  /** Where the part of a text begins that more text may turn into a secret; the length of the text when there is none. */
  openAt(text: string): number;
  /** Where the known value begins over which a place falls, or which ends there; that place when there is none. */
  beginningOf(text: string, place: number): number;
  /** A piece of a text that was cut: a known value that reaches over either end is taken out as far as it is here. */
  piece(text: string): string;
  /** The beginning of a text whose rest is not here: without what may be the first part of a secret. */
  beginning(text: string): string;
  /** The end of a text whose beginning is not here: without what may be the last part of a known value. */
  ending(text: string): string;
}>;

/** What stands in the place of the value of a known secret. */
export function secretMarker(name: string): string {
  return `‹secret ${name.replace(/[^\w.-]/g, '?').slice(0, 100)}›`;
}

/** What stands in the place of a token that was recognised by its format. */
export function tokenMarker(kind: string): string {
  return `‹removed ${kind}›`;
}

/** Characters of a value that count as a piece of it. */
export const leastPiece = 4;
/** Characters from which on a text that was found to be clean is remembered, and how many of them. */
const large = 32_768;
const mostFound = 4;
/** Values nested deeper are looked at as one text, since an agent chooses how deep its values nest. */
const mostDepth = 64;

/** Makes a redactor that knows no values yet. */
export function createRedactor(): Redactor {
  let known = new Known([], []);
  /** Large texts that were found to be clean: what a call says passes here when it ends and again at the door. */
  let found: readonly string[] = [];
  /** Values that stand whole at a border, or over it, go with it. */
  const beginningOf = (given: string, place: number): number => {
    const start = Math.max(0, place - known.reach);
    let first = place;
    for (const { from, to } of [...find(start === 0 ? given : given.slice(start))].reverse()) if (start + to >= first) first = Math.min(first, start + from);
    return first;
  };
  const find = (text: string): readonly KnownSpan[] => (text.length < leastPiece ? [] : inOrder(known.find(text)));
  const text = (given: string): string => {
    if (given.length < leastPiece || found.includes(given)) return given;
    const { spans, tokens } = known.findWithTokens(given);
    const clean = replaced(given, [...markedKnown(spans), ...tokens.map(({ from, to, kind }) => ({ from, to, marker: tokenMarker(kind) }))]);
    if (clean.length >= large) found = [clean, ...found.slice(0, mostFound - 1)];
    return clean;
  };
  return {
    know(secrets) {
      const next = makeKnown(secrets);
      known.wipe();
      found = [];
      known = next;
    },
    find,
    knowledge: () => known,
    text,
    value: (value) => clean(value, text, 0) as typeof value,
    knownOut: (value) => clean(value, (given) => replaced(given, markedKnown(known.find(given))), 0) as typeof value,
    openAt: (given) => known.begunAt(given, 1),
    beginningOf,
    piece(given) {
      const whole = text(given);
      const from = known.endedAt(whole, leastPiece);
      const to = Math.max(from, known.begunAt(whole, leastPiece));
      return from === 0 && to === whole.length ? whole : `${from > 0 ? '‹…›' : ''}${whole.slice(from, to)}${to < whole.length ? '‹…›' : ''}`;
    },
    beginning(given) {
      const to = beginningOf(given, Math.min(known.begunAt(given, leastPiece), tokenBegunAt(given)));
      return to === given.length ? given : `${given.slice(0, to)}‹…›`;
    },
    ending(given) {
      let end = known.endedAt(given, leastPiece);
      for (const { from, to } of end === 0 ? [] : find(given.slice(0, end + known.reach))) if (from < end) end = Math.max(end, to);
      return end === 0 ? given : `‹…›${given.slice(end)}`;
    },
  };
}

function markedKnown(spans: KnownSpan[]): Replacement[] {
  return inOrder(spans).map(({ from, to, name }) => ({ from, to, marker: secretMarker(name) }));
}

type Replacement = Readonly<{ from: number; to: number; marker: string }>;

/** Overlapping spans become one, with the marker of the first. */
function replaced(text: string, spans: Replacement[]): string {
  if (spans.length === 0) return text;
  let result = '';
  let end = 0;
  for (const { from, to, marker } of spans.sort((a, b) => a.from - b.from || b.to - a.to)) {
    if (from >= end) result += text.slice(end, from) + marker;
    // Lines keep their numbers.
    if (to > end) result += breaksIn(text, Math.max(from, end), to);
    end = Math.max(end, to);
  }
  return result + text.slice(end);
}

function breaksIn(text: string, from: number, to: number): string {
  return text.slice(from, to).replace(/[^\n]+/g, '');
}

function inOrder(spans: KnownSpan[]): readonly KnownSpan[] {
  if (spans.length < 2) return spans;
  const result: KnownSpan[] = [];
  for (const span of spans.sort((a, b) => a.from - b.from || b.to - a.to)) {
    const last = result.at(-1);
    if (last === undefined || span.from >= last.to) result.push(span);
    else if (span.to > last.to) result[result.length - 1] = { ...last, to: span.to };
  }
  return result;
}

function clean(value: unknown, text: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= mostDepth) return cleanDeep(value, text);
  if (Array.isArray(value)) return cleanItems(value, text, depth + 1);
  const prototype: unknown = Object.getPrototypeOf(value);
  // What is no plain object has no members that are sent.
  return prototype === Object.prototype || prototype === null ? cleanMembers(value as Readonly<Record<string, unknown>>, text, depth + 1) : value;
}

function cleanItems(items: readonly unknown[], text: (text: string) => string, depth: number): readonly unknown[] {
  const next = items.map((item) => clean(item, text, depth));
  return next.some((item, i) => item !== items[i]) ? next : items;
}

function cleanMembers(members: Readonly<Record<string, unknown>>, text: (text: string) => string, depth: number): Readonly<Record<string, unknown>> {
  let changed = false;
  const next = Object.entries(members).map(([name, value]): [string, unknown] => {
    const entry: [string, unknown] = [text(name), clean(value, text, depth)];
    changed ||= entry[0] !== name || entry[1] !== value;
    return entry;
  });
  return changed ? Object.fromEntries(next) : members;
}

function cleanDeep(value: object, text: (text: string) => string): unknown {
  const json = flat(value);
  if (json === undefined) return '[nested too deep]';
  const next = text(json);
  return next === json ? value : next;
}

/** The text of a value; undefined when it nests too deep for recursion. */
function flat(value: object): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
