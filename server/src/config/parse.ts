import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import type { z } from 'zod';
import { configSchema, type Config } from '../../../protocol/src/config';
import { isKeyBetterUnsaid } from '../rules/redaction/typedSecret';
import { createLocator, pathText, type Finding, type Span } from './finding';
import { decodeText, parseJsonc, problemLimit, type TextProblem } from './jsonc';
import { configJsonSchema, type JsonSchema } from './schema';
import { remarksOf, type Remark } from './wording';

/** What became of a configuration text: a complete configuration, or the errors that keep it from being one; never both. */
export type Parsed = Readonly<{ kind: 'config'; config: Config }> | Readonly<{ kind: 'broken'; problems: Finding[] }>;

/**
 * Reads a configuration: JSON with comments and trailing commas, at most 1 MiB of UTF-8, with or without a byte order mark. Duplicate
 * and unknown keys are errors, so that a typing mistake never weakens anything silently (T18, T39). Never throws.
 */
export function parseConfig(source: string | Uint8Array): Parsed {
  return parseAs(source, configSchema, configJsonSchema);
}

/** What became of a text that people write, by its schema. */
export type ParsedAs<T> = Readonly<{ kind: 'config'; config: T }> | Readonly<{ kind: 'broken'; problems: Finding[] }>;

/** Reads any file that people write, in the way of `parseConfig`; `jsonSchema` words what is wrong with it. Never throws. */
export function parseAs<T>(source: string | Uint8Array, schema: z.ZodType<T>, jsonSchema: () => JsonSchema): ParsedAs<T> {
  if (typeof source === 'string') return parseText(source, schema, jsonSchema);
  const decoded = decodeText(source);
  if ('text' in decoded) return parseText(decoded.text, schema, jsonSchema);
  return broken([{ code: 'config.unreadable', severity: 'error', message: decoded.message, path: '', line: 1, column: 1, offset: 0, length: 0 }]);
}

function parseText<T>(source: string, schema: z.ZodType<T>, jsonSchema: () => JsonSchema): ParsedAs<T> {
  // A byte order mark becomes a blank, so that every offset stays what the editor means.
  const text = source.startsWith('\ufeff') ? ` ${source.slice(1)}` : source;
  const locate = createLocator(text);
  const { root, problems } = parseJsonc(text);
  const found = problems.map((problem) => textFinding(problem, locate));
  // After a slip of syntax the rest was guessed; what a schema says about guesses only confuses.
  if (root === undefined || problems.some(({ code }) => code === 'config.syntax')) return broken(found);
  const value: unknown = getNodeValue(root);
  const checked = schema.safeParse(value);
  if (checked.success) return found.length === 0 ? { kind: 'config', config: checked.data } : broken(found);
  const described = jsonSchema();
  const issues = checked.error.issues.slice(0, problemLimit);
  const remarks = issues.flatMap((issue) => remarksOf(issue, valueAt(root, issue.path), described));
  return broken([...found, ...remarks.slice(0, problemLimit).map((remark) => remarkFinding(remark, root, locate))]);
}

type Locate = ReturnType<typeof createLocator>;

function broken(problems: Finding[]): Readonly<{ kind: 'broken'; problems: Finding[] }> {
  return { kind: 'broken', problems: problems.sort((a, b) => a.offset - b.offset).slice(0, problemLimit) };
}

function textFinding({ code, message, path, offset, length }: TextProblem, locate: Locate): Finding {
  return { code, severity: 'error', message, path: pathText(path), ...locate(offset), offset, length };
}

function remarkFinding({ code, message, path, mark, instead }: Remark, root: Node, locate: Locate): Finding {
  const span = mark === 'key' ? keySpan(root, path) : valueSpan(root, path);
  const place = { path: pathText(path.map((part) => (typeof part === 'string' && isKeyBetterUnsaid(part) ? '…' : part))), ...locate(span.offset), offset: span.offset, length: span.length };
  return { code, severity: 'error', message, ...place, ...(instead === undefined ? {} : { fix: { title: `Change to ${instead}`, ...span, newText: instead } }) };
}

function nodeAt(root: Node, path: readonly PropertyKey[]): Node | undefined {
  return findNodeAtLocation(root, path.map((part) => (typeof part === 'number' ? part : String(part))));
}

function valueAt(root: Node, path: readonly PropertyKey[]): unknown {
  const node = nodeAt(root, path);
  return node === undefined ? undefined : getNodeValue(node);
}

function valueSpan(root: Node, path: readonly PropertyKey[]): Span {
  const node = nearest(root, path);
  // A whole object or list in red helps nobody: its first character is enough.
  return { offset: node.offset, length: node.children === undefined ? node.length : 1 };
}

/** What stands at a path, or the nearest thing around it that is there: something may be missing. */
function nearest(root: Node, path: readonly PropertyKey[]): Node {
  for (let length = path.length; length > 0; length -= 1) {
    const node = nodeAt(root, path.slice(0, length));
    if (node !== undefined) return node;
  }
  return root;
}

function keySpan(root: Node, path: readonly PropertyKey[]): Span {
  const name = path.at(-1);
  const parent = nodeAt(root, path.slice(0, -1));
  const key = parent?.children?.map((property) => property.children?.[0]).find((candidate) => candidate?.value === name);
  return key === undefined ? valueSpan(root, path) : { offset: key.offset, length: key.length };
}
