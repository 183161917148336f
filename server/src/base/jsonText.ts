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
    if (JSON.stringify(value) === text && !text.includes(prototype)) return { kind: 'value', value };
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
