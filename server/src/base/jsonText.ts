import { visit } from 'jsonc-parser';

/** What a piece of text is as JSON. `duplicate` names a member that stands twice in one object, which parsers resolve differently. */
export type JsonText = Readonly<{ kind: 'value'; value: unknown }> | Readonly<{ kind: 'invalid'; message: string }> | Readonly<{ kind: 'duplicate'; member: string }>;

/** Parses strict JSON (RFC 8259) and refuses, at any depth, duplicate members and the member `__proto__`, which some readers drop without a word. */
export function parseJsonText(text: string): JsonText {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: 'invalid', message: error instanceof Error ? error.message : String(error) };
  }
  try {
    // A text that is written back as it came lost no member. Most senders write so, and this way takes a fraction of the time.
    if (JSON.stringify(value) === text && !text.includes(prototype)) {
      if (text.length >= large && typeof value === 'object' && value !== null) texts.set(value, text);
      return { kind: 'value', value };
    }
    const member = duplicateMember(text);
    if (member === prototype) return { kind: 'invalid', message: `the member "${prototype}" is not accepted` };
    return member === undefined ? { kind: 'value', value } : { kind: 'duplicate', member };
  } catch {
    return { kind: 'invalid', message: 'it is nested too deeply' };
  }
}

const prototype = '__proto__';

function duplicateMember(text: string): string | undefined {
  const open: Set<string>[] = [];
  let found: string | undefined;
  visit(text, {
    onObjectBegin: () => void open.push(new Set()),
    onObjectEnd: () => void open.pop(),
    onObjectProperty: (name) => {
      const names = open.at(-1);
      if (name === prototype || names?.has(name) === true) found ??= name;
      names?.add(name);
    },
  });
  return found;
}

/** Characters from which on a text is remembered with its value: writing it anew takes longer than all else about a message. */
const large = 4096;

/** Texts that are, to the letter, what `JSON.stringify` makes of the value. Nobody changes a value that came from outside. */
const texts = new WeakMap<object, string>();

/** The text of a value as `JSON.stringify` writes it. */
export function textOf(value: object): string {
  return texts.get(value) ?? JSON.stringify(value);
}

/** Lets a member of a value with a known text have its part of it. */
export function inheritText(owner: Readonly<Record<string, unknown>>, name: string): void {
  const text = texts.get(owner);
  const value = owner[name];
  if (text === undefined || typeof value !== 'object' || value === null) return;
  let [before, after, passed] = [1, 1, false];
  for (const key of Object.keys(owner)) {
    const label = JSON.stringify(key).length + 1;
    if (key === name) [before, passed] = [before + label, true];
    else if (passed) after += 1 + label + JSON.stringify(owner[key]).length;
    else before += label + JSON.stringify(owner[key]).length + 1;
  }
  const part = text.slice(before, text.length - after);
  if (part.length >= large) texts.set(value, part);
}

/** The text of a message, with the parts of it that came as they are now in the words in which they came. */
export function messageText(message: Readonly<Record<string, unknown>>, depth = 3): string {
  if (!holdsKnown(message, depth)) return JSON.stringify(message);
  const members = Object.entries(message).flatMap(([name, value]) => (value === undefined ? [] : [`${JSON.stringify(name)}:${isMembers(value) ? (texts.get(value) ?? messageText(value, depth - 1)) : JSON.stringify(value)}`]));
  return `{${members.join(',')}}`;
}

function holdsKnown(message: Readonly<Record<string, unknown>>, depth: number): boolean {
  return depth > 0 && Object.values(message).some((value) => isMembers(value) && (texts.has(value) || holdsKnown(value, depth - 1)));
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a text is written to a stream the quickest: long plain ones need no look at each character. */
export function encodingOf(text: string): 'latin1' | 'utf8' {
  return text.length >= large && Buffer.byteLength(text) === text.length ? 'latin1' : 'utf8';
}
