import type { AuditFilter as WireFilter, AuditPage, AuditRow } from '../../../protocol/src/audit/query';
import { revealLine } from '../../../protocol/src/display';
import type { AuditFilter, AuditItem, AuditReader } from './reader';

/** The log as lists show it: rows instead of lines, numbered by entry. */
export type AuditView = Readonly<{
  page(request: { filter: WireFilter; before?: number; limit: number }): Promise<AuditPage>;
  /** The verbatim line of an entry, without its newline. */
  line(seq: number): Promise<string | undefined>;
  /** Entries per day (UTC), newest day first. */
  days(filter: WireFilter): Promise<{ day: string; count: number }[]>;
}>;

/** Longest summary of an input, in characters. */
const summaryLength = 200;

/** Makes a view over a reader. */
export function createAuditView(reader: AuditReader): AuditView {
  return {
    page: ({ filter, before, limit }) => readRows(reader, filterOfReader(filter), before, limit),
    line: async (seq) => (await reader.entry({ seq }))?.raw,
    days: (filter) => (Object.keys(filter).length === 0 ? allDays(reader) : matchingDays(reader, filterOfReader(filter))),
  };
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
  };
}

// The one member that says most: a command or a path; else all of it.
function summaryOf(input: Readonly<Record<string, unknown>>): string {
  for (const name of ['command', 'path', 'why', 'tool']) if (typeof input[name] === 'string') return input[name];
  const text = JSON.stringify(input);
  return text === '{}' ? '' : text;
}

/** A filter in the words of messages and commands as the reader wants it. */
export function filterOfReader({ actor, tool, ...same }: WireFilter): AuditFilter {
  const given: AuditFilter = { ...(actor === undefined ? {} : { client: actor }), ...(tool === undefined ? {} : { tool: tool.replace(/\.$/, '') }) };
  const rest = Object.fromEntries(Object.entries(same).filter(([, value]) => value !== undefined));
  return { ...given, ...rest };
}

async function readRows(reader: AuditReader, filter: AuditFilter, before: number | undefined, limit: number): Promise<AuditPage> {
  const rows: AuditRow[] = [];
  let from = before === undefined ? undefined : (await reader.entry({ seq: before }))?.offset;
  let last = before;
  do {
    const page = await reader.page({ filter, limit: limit - rows.length, ...(from === undefined ? {} : { before: from }) });
    for (const item of page.items) {
      rows.push(rowOf(item));
      if (item.entry !== undefined) last = item.entry.seq;
    }
    from = page.next;
  } while (from !== undefined && rows.length < limit);
  return { rows, ...(from === undefined || last === undefined ? {} : { next: last }) };
}

async function allDays(reader: AuditReader): Promise<{ day: string; count: number }[]> {
  const buckets = await reader.buckets();
  return buckets.map(({ key, count }) => ({ day: key, count })).reverse();
}

async function matchingDays(reader: AuditReader, filter: AuditFilter): Promise<{ day: string; count: number }[]> {
  const counts = new Map<string, number>();
  let before: number | undefined;
  do {
    const page = await reader.page({ filter, limit: 1000, ...(before === undefined ? {} : { before }) });
    for (const { entry } of page.items) if (entry !== undefined) counts.set(entry.timestamp.slice(0, 10), (counts.get(entry.timestamp.slice(0, 10)) ?? 0) + 1);
    before = page.next;
  } while (before !== undefined);
  return [...counts].map(([day, count]) => ({ day, count }));
}
