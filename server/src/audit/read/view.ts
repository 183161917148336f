import type { AuditFilter as WireFilter, AuditBucket, AuditPage, AuditRow, AuditValues } from '../../../../protocol/src/audit/query';
import type { StoredEntry } from '../../../../protocol/src/audit/entry';
import { revealLine } from '../../../../protocol/src/display';
import type { AuditFilter, AuditItem, AuditReader } from './reader';

/** The log as lists show it: rows instead of lines, numbered by entry. */
export type AuditView = Readonly<{
  page(request: { filter: WireFilter; before?: number; limit: number }, signal?: AbortSignal): Promise<AuditPage>;
  /** The verbatim line of an entry, without its newline. */
  line(seq: number): Promise<string | undefined>;
  /** Days or hours (UTC) with entries that fit, and how many; the newest first. */
  buckets(filter: WireFilter, by: 'day' | 'hour', signal?: AbortSignal): Promise<AuditBucket[]>;
  /** The same after so many milliseconds of reading, or soon after; `counting` when only the newest are counted by then. Asked again it goes on from there. */
  bucketsWithin(filter: WireFilter, by: 'day' | 'hour', ms: number, signal?: AbortSignal): Promise<{ buckets: AuditBucket[]; counting?: true }>;
  /** Tools, results and actors that the log knows, for whoever chooses a filter; the most frequent first. */
  values(signal?: AbortSignal): Promise<AuditValues>;
}>;

/** Longest summary of an input, in characters. */
const summaryLength = 200;
/** Most values of each sort that are offered. */
const mostValues = 200;

/** Makes a view over a reader. */
export function createAuditView(reader: AuditReader): AuditView {
  return {
    page: ({ filter, before, limit }, signal) => readRows(reader, { filter: filterOfReader(filter), before, limit, signal }),
    line: async (seq) => (await reader.entry({ seq }))?.raw,
    buckets: async (filter, by, signal) => {
      const counts = await reader.counts(filterOfReader(filter), keyOf(by), signal);
      return [...counts].reverse();
    },
    bucketsWithin: async (filter, by, ms, signal) => {
      const begun = performance.now();
      const { counts, all } = await reader.newestCounts(filterOfReader(filter), () => performance.now() - begun > ms, keyOf(by), signal);
      return { buckets: [...counts].reverse(), ...(all ? {} : { counting: true }) };
    },
    values: async (signal) => valuesOf(await reader.kinds(signal)),
  };
}

function keyOf(by: 'day' | 'hour'): (start: Date) => string {
  const length = by === 'day' ? 'YYYY-MM-DD'.length : 'YYYY-MM-DDTHH'.length;
  return (start) => start.toISOString().slice(0, length);
}

/** One line as a row of a list. */
export function rowOf(item: AuditItem): AuditRow {
  const { entry } = item;
  if (entry === undefined) return { seq: 0, id: `damaged@${String(item.offset)}`, timestamp: '', phase: 'damaged', tool: 'damaged', result: 'damaged', summary: revealLine(item.problem, summaryLength) };
  return {
    seq: entry.seq, id: entry.id, timestamp: entry.timestamp, phase: entry.phase, tool: entry.tool, result: entry.result, summary: revealLine(summaryOf(entry.input), summaryLength),
    ...(entry.call === undefined ? {} : { call: entry.call }),
    ...(entry.actor?.client === undefined ? {} : { client: entry.actor.client }),
    ...(entry.durationMs === undefined ? {} : { durationMs: entry.durationMs }),
    ...grantOf(entry),
  };
}

/** Which grant an entry names: the one that it tells of, or the first that covered its call. */
function grantOf({ tool, input, approval }: StoredEntry): { grant?: string } {
  const told = approval?.decision === 'granted' ? approval.id : tool === 'grant.created' || tool === 'grant.forbidden' ? input['id'] : undefined;
  const id = typeof told === 'string' ? /^grant_[0-9A-Z]{26}/.exec(told)?.[0] : undefined;
  return id === undefined ? {} : { grant: id };
}

// The one member that says most: a command with its words, or a path; else all of it.
function summaryOf(input: Readonly<Record<string, unknown>>): string {
  const { command, args } = input;
  if (typeof command === 'string' && Array.isArray(args)) return [command, ...args.map(wordOf)].join(' ');
  for (const name of ['command', 'path', 'why', 'tool']) if (typeof input[name] === 'string') return input[name];
  const text = JSON.stringify(input);
  return text === '{}' ? '' : text;
}

/** A word as a command line would show it: quoted where it would not be one word. */
function wordOf(word: unknown): string {
  return typeof word === 'string' && /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word);
}

/** A filter in the words of messages and commands as the reader wants it. */
export function filterOfReader({ actor, tool, ...same }: WireFilter): AuditFilter {
  const given: AuditFilter = { ...(actor === undefined ? {} : { client: actor }), ...(tool === undefined ? {} : { tool: tool.replace(/\.$/, '') }) };
  const rest = Object.fromEntries(Object.entries(same).filter(([, value]) => value !== undefined));
  return { ...given, ...rest };
}

type RowsRequest = Readonly<{ filter: AuditFilter; before: number | undefined; limit: number; signal: AbortSignal | undefined }>;

async function readRows(reader: AuditReader, { filter, before, limit, signal }: RowsRequest): Promise<AuditPage> {
  const rows: AuditRow[] = [];
  let from = before === undefined ? undefined : (await reader.entry({ seq: before }))?.offset;
  let last = before;
  do {
    const page = await reader.page({ filter, limit: limit - rows.length, ...(from === undefined ? {} : { before: from }), ...(signal && { signal }) });
    for (const item of page.items) {
      rows.push(rowOf(item));
      if (item.entry !== undefined) last = item.entry.seq;
    }
    from = page.next;
  } while (from !== undefined && rows.length < limit);
  return { rows, ...(from === undefined || last === undefined ? {} : { next: last }) };
}

function valuesOf(kinds: Awaited<ReturnType<AuditReader['kinds']>>): AuditValues {
  const sorted = (pick: (kind: (typeof kinds)[number]['kind']) => readonly string[]): AuditValues['tools'] => {
    const counts = new Map<string, number>();
    for (const { kind, count } of kinds) for (const name of pick(kind)) counts.set(name, (counts.get(name) ?? 0) + count);
    return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count).slice(0, mostValues);
  };
  const present = (...names: readonly string[]): readonly string[] => names.filter((name) => name !== '');
  return { tools: sorted(({ tool }) => present(tool)), results: sorted(({ result }) => present(result)), actors: sorted(({ client, user }) => present(client, user)) };
}
