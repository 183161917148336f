import { isRecord } from '../../base/frames';

/**
 * Arguments that a tool's schema asks to be repeated in headers (`x-mcp-header`), and texts as headers carry them
 * (https://modelcontextprotocol.io/specification/2026-07-28, Streamable HTTP). Nothing is decided by them; servers refuse calls without them.
 */

/** An argument that is repeated: the name of its header behind `Mcp-Param-`, in small letters, and where it stands. */
export type Mirrored = Readonly<{ header: string; path: readonly string[] }>;

/** How deep declarations are looked for, and how many are taken: the schema is hostile text. */
const most = { depth: 16, headers: 64 } as const;

/** The arguments whose schema asks for a header, along `properties` only. */
export function mirroredIn(schema: unknown): readonly Mirrored[] {
  const found: Mirrored[] = [];
  collect(schema, [], found);
  return found;
}

function collect(schema: unknown, path: readonly string[], found: Mirrored[]): void {
  if (!isRecord(schema) || path.length > most.depth || found.length >= most.headers) return;
  const own = schema['x-mcp-header'];
  if (path.length > 0 && typeof own === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(own)) found.push({ header: own.toLowerCase(), path });
  if (isRecord(schema['properties'])) for (const [name, inner] of Object.entries(schema['properties'])) collect(inner, [...path, name], found);
}

/** What a header says of an argument; undefined for one that is not there or that no header says. */
export function mirroredText(input: unknown, path: readonly string[]): string | undefined {
  const value = path.reduce<unknown>((inner, name) => (isRecord(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined), input);
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)) ? String(value) : undefined;
}

/** A text as a header: as it is, or as base64 between marks where a header cannot carry it or it could be taken for such. */
export function headerText(text: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/i.test(text);
  return plain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
