import { createScanner, parseTree, printParseErrorCode, type Node, type ParseError, type ParseErrorCode } from 'jsonc-parser';
import { isKeyBetterUnsaid } from '../rules/redaction/typedSecret';
import type { Span } from './finding';

/** Largest configuration file in bytes: 1 MiB. */
export const sizeLimit = 1_048_576;

/** Most problems that are told of one text. */
export const problemLimit = 100;

// Far deeper than any configuration; the parser below recurses, and a file of brackets must not exhaust the stack.
const depthLimit = 32;

/** A place where the text is not JSON with comments, or not unambiguous. */
export type TextProblem = Span & Readonly<{ code: string; message: string; path: readonly PropertyKey[] }>;

/** The parsed text: its tree where there is one, and what is wrong with it. */
export type JsoncText = Readonly<{ root: Node | undefined; problems: TextProblem[] }>;

/** Decodes the bytes of a configuration file: UTF-8, with or without a byte order mark. Returns a sentence when they are something else. */
export function decodeText(bytes: Uint8Array): Readonly<{ text: string }> | Readonly<{ message: string }> {
  if (bytes.byteLength > sizeLimit) return { message: tooLarge };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { message: 'The file is not UTF-8 text. Save it as UTF-8.' };
  }
}

/** Parses JSON with comments and trailing commas. Duplicate keys are problems, and so is whatever would be read differently by others. */
export function parseJsonc(text: string): JsoncText {
  if (text.length > sizeLimit) return { root: undefined, problems: [{ code: 'config.tooLarge', message: tooLarge, path: [], offset: 0, length: 0 }] };
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    const message = `The file nests more than ${String(depthLimit)} levels deep. Remove the surplus brackets.`;
    return { root: undefined, problems: [{ code: 'config.tooDeep', message, path: [], offset: deep, length: 1 }] };
  }
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false, allowEmptyContent: false });
  // One slip often gives two errors at one place; the first says it best.
  const first = errors.slice(0, problemLimit).filter((error, index) => errors.findIndex(({ offset }) => offset === error.offset) === index);
  const problems = first.map(({ error, offset, length }) => ({ code: 'config.syntax', message: syntaxMessage(error, text, offset), path: [], offset, length }));
  return { root, problems: root === undefined ? problems : [...problems, ...oddKeys(root, [])] };
}

const tooLarge = 'The file is larger than 1 MiB. A configuration is never that large: check that it is the right file.';

function tooDeepAt(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const first = text[scanner.getTokenOffset()];
    if (first === '{' || first === '[') depth += 1;
    if (first === '}' || first === ']') depth -= 1;
    if (depth > depthLimit) return scanner.getTokenOffset();
  }
  return undefined;
}

function oddKeys(node: Node, path: readonly PropertyKey[]): TextProblem[] {
  const children = node.children ?? [];
  if (node.type === 'array') return children.flatMap((child, index) => oddKeys(child, [...path, index]));
  const seen = new Set<string>();
  return children.flatMap((property) => {
    const [key, value] = property.children ?? [];
    if (key === undefined) return [];
    const name = String(key.value);
    const problem = (code: string, message: string): TextProblem[] => [{ code, message, path: [...path, name], offset: key.offset, length: key.length }];
    const twice = seen.has(name) ? problem('config.duplicateKey', `The key ${isKeyBetterUnsaid(name) ? 'that is marked' : JSON.stringify(name)} stands here twice. Keep one of them.`) : [];
    seen.add(name);
    // A schema library may drop this key without a word, so it is refused before one sees it.
    const inherited = name === '__proto__' ? problem('config.unknownKey', 'There is no key "__proto__". Remove it.') : [];
    return [...twice, ...inherited, ...(value === undefined ? [] : oddKeys(value, [...path, name]))];
  });
}

const sentences: Readonly<Partial<Record<ReturnType<typeof printParseErrorCode>, string>>> = {
  InvalidSymbol: 'This is no JSON value. Write text in double quotes, a number, true, false, [...] or {...}.',
  InvalidNumberFormat: 'This is no number.',
  PropertyNameExpected: 'A key in double quotes is expected here.',
  ValueExpected: 'A value is expected here.',
  ColonExpected: 'A colon is expected here.',
  CommaExpected: 'A comma is expected here.',
  CloseBraceExpected: 'A closing brace } is expected here.',
  CloseBracketExpected: 'A closing bracket ] is expected here.',
  EndOfFileExpected: 'The file should end here. Remove what follows, or put it inside the braces.',
  InvalidCommentToken: 'This comment is not closed or not allowed here.',
  UnexpectedEndOfComment: 'This comment is not closed. Add */.',
  UnexpectedEndOfString: 'This text is not closed. Add a double quote at its end.',
  UnexpectedEndOfNumber: 'This number is incomplete.',
  InvalidUnicode: 'After \\u exactly four hexadecimal digits are expected.',
  InvalidEscapeCharacter: 'This escape is unknown. Write \\\\ for a backslash.',
  InvalidCharacter: 'Control characters are not allowed in text. Write \\n, \\t or \\u and four digits.',
};

function syntaxMessage(error: ParseErrorCode, text: string, offset: number): string {
  if (text.trim() === '') return 'The file is empty. Write {} for the defaults.';
  if (text[offset] === "'") return 'Write double quotes instead of single ones.';
  return sentences[printParseErrorCode(error)] ?? 'This is not JSON.';
}
