import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import { revealLine } from '../../../../protocol/src/display';
import { toolDigest, type ToolDescriptor } from './identity';

/** What became of one tool since its backend was approved. A tool of another name is another tool (T56). */
export type ToolChange = Readonly<{ tool: string; kind: 'new' | 'changed' | 'gone'; /** What differs, each in a sentence; hidden characters are made visible. */ says: readonly string[] }>;

/** Compares what was approved with what a backend offers now, by name. Tools that are the same are left out. */
export function toolChanges(approved: readonly ToolDescriptor[], offered: readonly ToolDescriptor[]): ToolChange[] {
  const [was, is] = [byName(approved), byName(offered)];
  const gone = [...was.keys()].filter((tool) => !is.has(tool)).map((tool): ToolChange => ({ tool, kind: 'gone', says: ['It is no longer offered.'] }));
  const present = [...is].flatMap(([tool, now]): ToolChange[] => {
    const old = was.get(tool);
    if (old === undefined) return [{ tool, kind: 'new', says: newWords(now, approved) }];
    return toolDigest(old) === toolDigest(now) ? [] : [{ tool, kind: 'changed', says: memberChanges(old, now, '') }];
  });
  return [...present, ...gone];
}

function byName(tools: readonly ToolDescriptor[]): ReadonlyMap<string, ToolDescriptor> {
  // Of two with one name the first counts; the caller refuses the second.
  return new Map([...tools].reverse().map((tool) => [tool.name, tool]));
}

function newWords(now: ToolDescriptor, approved: readonly ToolDescriptor[]): string[] {
  const twin = approved.find((old) => toolDigest({ ...old, name: '' }) === toolDigest({ ...now, name: '' }));
  const description = now['description'];
  const says = typeof description === 'string' ? [`It says of itself: ${shown(description)}`] : [];
  return twin === undefined ? says : [`It is described exactly as ${shown(twin.name)} was; under another name it is another tool.`, ...says];
}

/** Most sentences about one tool. */
const mostChanges = 40;

function memberChanges(before: unknown, after: unknown, path: string): string[] {
  if (canonical(before) === canonical(after)) return [];
  if (!isObject(before) || !isObject(after)) return [`${path === '' ? 'All of it' : path}: ${words(before)} became ${words(after)}.`];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const found = names.flatMap((name) => memberChanges(own(before, name), own(after, name), path === '' ? shown(name) : `${path}.${shown(name)}`));
  return found.length <= mostChanges ? found : [...found.slice(0, mostChanges), `And ${String(found.length - mostChanges)} more.`];
}

function own(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function canonical(value: unknown): string {
  return value === undefined ? '' : canonicalJson(value).text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function words(value: unknown): string {
  return value === undefined ? 'nothing' : shown(typeof value === 'string' ? JSON.stringify(value) : canonical(value));
}

function shown(text: string): string {
  return revealLine(text, 600);
}
