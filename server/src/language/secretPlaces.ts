import { createScanner, type Node } from 'jsonc-parser';
import { isCredentialName, referencePattern, referencesIn } from '../../../protocol/src/credentials';
import type { Span } from '../config/finding';
import { namesSecret } from '../rules/redaction/secretText';
import { likelySecretUnder, secretUnder } from '../rules/redaction/typedSecret';

/** Where secrets, and references to them, stand in a file of the configuration. */

/** Path of a value from the outside in. */
export type Path = readonly (string | number)[];

/** Which references a kind of file reads, and where values are handed to programs. */
export type SecretRules = Readonly<{
  /** Whether `${secret:service.key}` is read at this place. */
  readsReference(path: Path): boolean;
  /** Whether the file itself calls what stands here a secret, whatever it looks like. */
  isDeclared?(path: Path, root: Node): boolean;
  /** Says of a secret in clear where a reference is read that what needs it does not work; absent where it is only advice. */
  refused?: string;
  /** Whether whatever stands here under the name of a secret is one: arguments and addresses. */
  isHanded(path: Path): boolean;
  /** The service that a credential from here would belong to. */
  service(path: Path): string;
  /** Where a credential from a place belongs that reads none. */
  belongs(path: Path): string;
}>;

/** A secret in clear: the text that it stands in, its own span there without quotes, and what becomes of it. */
export type TypedSecret = Readonly<{ path: Path; mark: Span; value: Span; escaped: boolean; name: string; place: 'reference' | 'elsewhere' | 'comment'; remove: readonly Span[] }>;

/** A reference, with its span from `$` to `}`. */
export type Reference = Readonly<{ name: string; span: Span; path: Path; read: boolean }>;

type Text = Readonly<{ node: Node; path: Path; /** The word before it that says what it is. */ called: string; key: boolean }>;

/** Every secret in clear: in texts, keys, and comments. The text must be whole. */
export function typedSecrets(text: string, root: Node, rules: SecretRules): TypedSecret[] {
  return [...textsOf(root, [], '').flatMap((one) => inText(text, one, rules, root)), ...comments(text).flatMap((span) => inComment(text, span))];
}

/** Every reference in a text. */
export function references(text: string, root: Node, rules: SecretRules): Reference[] {
  return textsOf(root, [], '').filter(({ key }) => !key).flatMap(({ node, path }) =>
    [...text.slice(node.offset, node.offset + node.length).matchAll(referencePattern)].flatMap(({ index, 0: { length }, 1: name = '' }): Reference[] => [{ name, path, read: rules.readsReference(path), span: { offset: node.offset + index, length } }]),
  );
}

function textsOf(node: Node, path: Path, called: string): Text[] {
  if (node.type === 'string') return [{ node, path, called, key: false }];
  if (node.type === 'array') return (node.children ?? []).flatMap((child, index, all) => textsOf(child, [...path, index], flagBefore(all[index - 1]) ?? called));
  return (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    if (key === undefined) return [];
    const name = String(key.value);
    const inside = [...path, name];
    return [{ node: key, path: inside, called: '', key: true }, ...(value === undefined ? [] : textsOf(value, inside, name))];
  });
}

/** After `--token` stands a token. */
function flagBefore(node: Node | undefined): string | undefined {
  return typeof node?.value === 'string' && node.value.startsWith('-') && !node.value.includes('=') ? node.value : undefined;
}

function inText(text: string, { node, path, called, key }: Text, rules: SecretRules, root: Node): TypedSecret[] {
  const value = String(node.value);
  const read = !key && rules.readsReference(path);
  const found = read || (!key && rules.isHanded(path)) ? secretUnder(called, value) ?? (read && rules.isDeclared?.(path, root) === true ? wholeOf(value) : undefined) : likelySecretUnder(called, value);
  if (found === undefined) return [];
  const starts = rawStarts(text, node);
  const from = starts[found.from] ?? node.offset + 1;
  const span = { offset: from, length: (starts[found.to] ?? from) - from };
  const mark = { offset: node.offset, length: node.length };
  const name = proposed(rules.service(path), key ? '' : named(path, called));
  if (read) return [{ path, mark, value: span, escaped: true, name, place: 'reference', remove: [] }];
  return [{ path, mark, value: span, escaped: true, name, place: 'elsewhere', remove: [rules.isHanded(path) && path.at(-1) === 'url' ? span : removal(text, node, called)] }];
}

/** All of a text that is no reference. */
function wholeOf(value: string): Readonly<{ from: number; to: number }> | undefined {
  return value === '' || referencesIn(value).length > 0 ? undefined : { from: 0, to: value.length };
}

/** What is taken out: of an address only the secret, of a list the flag before it as well, else the entry with its name. */
function removal(text: string, node: Node, called: string): Span {
  const entry = node.parent?.type === 'property' ? node.parent : node;
  const all = entry.parent?.children ?? [];
  const last = all.indexOf(entry);
  const first = last > 0 && entry.parent?.type === 'array' && namesSecret(called) && all[last - 1]?.value === called ? last - 1 : last;
  const [from, before, after] = [all[first] ?? entry, all[first - 1], all[last + 1]];
  const end = entry.offset + entry.length;
  if (after !== undefined) return between(from.offset, after.offset);
  if (before !== undefined) return between(before.offset + before.length, end);
  // A comma alone would be no list.
  return between(from.offset, end + (/^\s*,/.exec(text.slice(end))?.[0].length ?? 0));
}

function between(offset: number, end: number): Span {
  return { offset, length: end - offset };
}

function inComment(text: string, { offset, length }: Span): TypedSecret[] {
  const found = likelySecretUnder('', text.slice(offset, offset + length));
  if (found === undefined) return [];
  const value = { offset: offset + found.from, length: found.to - found.from };
  return [{ path: [], mark: value, value, escaped: false, name: proposed('', ''), place: 'comment', remove: [] }];
}

function comments(text: string): Span[] {
  const scanner = createScanner(text, false);
  const spans: Span[] = [];
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const offset = scanner.getTokenOffset();
    if (text.startsWith('//', offset) || text.startsWith('/*', offset)) spans.push({ offset, length: scanner.getTokenLength() });
  }
  return spans;
}

/** Where each unit of a JSON text stands in the file, and where the last one ends. */
function rawStarts(text: string, { offset, length }: Node): number[] {
  const starts: number[] = [];
  const end = offset + length - 1;
  let at = offset + 1;
  while (at < end) {
    starts.push(at);
    at += text[at] !== '\\' ? 1 : text[at + 1] === 'u' ? 6 : 2;
  }
  return [...starts, at];
}

function named(path: Path, called: string): string {
  if (called.startsWith('-')) return called.replace(/^-+/, '');
  const last = path.filter((part) => typeof part === 'string').at(-1);
  return last === 'args' || last === 'url' ? '' : (last ?? '');
}

/** `github` and `GITHUB_TOKEN` make `github.token`. */
function proposed(service: string, key: string): string {
  const first = part(service) || 'my';
  const second = part(key);
  const short = second.startsWith(`${first}_`) || second.startsWith(`${first}-`) ? part(second.slice(first.length + 1)) : second;
  const name = `${first}.${short || 'token'}`;
  return isCredentialName(name) ? name : 'my.token';
}

function part(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_-]+/g, '_').replace(/^[-_]+|[-_]+$/g, '').slice(0, 64);
}
