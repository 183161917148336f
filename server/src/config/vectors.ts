import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import { vectorFileSchema, type Vector, type VectorProblem } from '../../../protocol/src/vectors';
import { readConfigFile } from './file';
import { createLocator } from './finding';
import { decodeText, parseJsonc, problemLimit } from './jsonc';

/** Loads attack vectors: those that come with Conductor and those that people wrote. A broken file is named and left out; the others count. */

/** Where a vector comes from: `shipped` with Conductor, or the path of the user's own file. */
export type LoadedVector = Vector & Readonly<{ source: string }>;

/** The vectors in order, and what is wrong with files that could not be used. */
export type LoadedVectors = Readonly<{ vectors: readonly LoadedVector[]; problems: readonly VectorProblem[] }>;

let shipped: Promise<readonly LoadedVector[]> | undefined;

/** The vectors that come with Conductor. Throws when one of their files is broken, which a test rules out. */
export function shippedVectors(): Promise<readonly LoadedVector[]> {
  shipped ??= import('./corpus').then(({ corpus }) => Object.values(corpus).flatMap((file) => vectorFileSchema.parse(file).vectors.map((vector) => ({ ...vector, source: 'shipped' }))));
  return shipped;
}

/** The vectors that come with Conductor, those of the configuration folder (`vectors/*.json`), and those of further files. */
export async function loadVectors(configDir: string, files: readonly string[] = []): Promise<LoadedVectors> {
  const own = (await namesIn(join(configDir, 'vectors'))).map((name) => join(configDir, 'vectors', name));
  const vectors = [...(await shippedVectors())];
  const problems: VectorProblem[] = [];
  const taken = new Set(vectors.map(({ id }) => id));
  for (const file of [...own, ...files]) {
    const read = await readVectorFile(file, taken);
    vectors.push(...read.vectors);
    problems.push(...read.problems);
    for (const { id } of read.vectors) taken.add(id);
  }
  return { vectors, problems };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  } catch {
    // No folder, no vectors of one's own.
    return [];
  }
}

async function readVectorFile(file: string, taken: ReadonlySet<string>): Promise<LoadedVectors> {
  const content = await readConfigFile(file);
  const whole = (message: string): LoadedVectors => ({ vectors: [], problems: [{ file, line: 1, column: 1, message }] });
  if (content.kind === 'missing') return whole('There is no such file.');
  if (content.kind === 'unreadable') return whole(content.message);
  const decoded = decodeText(content.bytes);
  return 'text' in decoded ? parseVectors(decoded.text, file, taken) : whole(decoded.message);
}

/** Reads the text of a file of vectors; `taken` are the ids that are in use elsewhere. Either its vectors or its problems, never both. */
export function parseVectors(source: string, file: string, taken: ReadonlySet<string>): LoadedVectors {
  const text = source.startsWith('\ufeff') ? ` ${source.slice(1)}` : source;
  const locate = createLocator(text);
  const at = (offset: number, message: string): VectorProblem => ({ file, ...locate(offset), message });
  const { root, problems } = parseJsonc(text);
  if (root === undefined || problems.length > 0) return { vectors: [], problems: problems.map(({ offset, message }) => at(offset, message)) };
  const parsed = vectorFileSchema.safeParse(getNodeValue(root));
  if (!parsed.success) {
    return { vectors: [], problems: parsed.error.issues.slice(0, problemLimit).map((issue) => at(offsetOf(root, issue.path), `${named(root, issue.path)}${issue.message}`)) };
  }
  const seen = new Set(taken);
  const twice = parsed.data.vectors.flatMap(({ id }, index) => {
    if (!seen.has(id)) return (seen.add(id), []);
    return [at(offsetOf(root, ['vectors', index, 'id']), `Another vector is called ${JSON.stringify(id)} already. Choose another id.`)];
  });
  return twice.length > 0 ? { vectors: [], problems: twice } : { vectors: parsed.data.vectors.map((vector) => ({ ...vector, source: file })), problems: [] };
}

type Path = readonly PropertyKey[];

/** The place that an issue is about, or the nearest thing around it that is there. */
function offsetOf(root: Node, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(root, pathOf(path.slice(0, length)));
    if (node !== undefined) return node.offset;
  }
  return root.offset;
}

/** The vector that an issue is about, by its id where it has one, with the member. */
function named(root: Node, path: Path): string {
  const member = path.length > 2 ? path.slice(2).map(String).join('.') : '';
  const id: unknown = path.length > 1 ? findNodeAtLocation(root, pathOf([...path.slice(0, 2), 'id']))?.value : undefined;
  const words = [typeof id === 'string' ? id : undefined, member === '' ? undefined : member].filter((word) => word !== undefined);
  return words.length === 0 ? '' : `${words.join(': ')}: `;
}

function pathOf(path: Path): (string | number)[] {
  return path.map((part) => (typeof part === 'number' ? part : String(part)));
}
