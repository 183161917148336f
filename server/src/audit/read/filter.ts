/** Which entries a reader wants to see, tested on the raw line first and on the parsed entry only when that may match. */
import { escapeInvisible } from '../../../../protocol/src/audit/canonical';
import { storedEntry, type StoredEntry } from '../../../../protocol/src/audit/entry';
import { readHead, type EntryHead } from '../../../../protocol/src/audit/head';

/** All given members must match. Times are ISO 8601 in UTC, `until` excluded. */
export type AuditFilter = Readonly<{
  /** A dotted name, or the part before a dot: `filesystem` matches `filesystem.read`. */
  tool?: string;
  result?: string;
  phase?: string;
  /** Part of the name that the client gave of itself, or of the user's, in any case. */
  client?: string;
  /** Id of a call. */
  call?: string;
  /** Text anywhere in the line, in any case. */
  text?: string;
  since?: string;
  until?: string;
}>;

/** One line of the log as it stands in the file; without `entry` the line is damaged and `problem` says how. */
export type AuditItem =
  | Readonly<{ offset: number; raw: string; entry: StoredEntry }>
  | Readonly<{ offset: number; raw: string; entry: undefined; problem: string }>;

/** Parses one line. */
export function readItem(bytes: Buffer, start: number, end: number, offset: number): AuditItem {
  if (end === start) return { offset, raw: '', entry: undefined, problem: 'The line is empty, or longer than an entry may be.' };
  const raw = bytes.toString('utf8', start, end);
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch (cause) {
    return { offset, raw, entry: undefined, problem: `Not JSON: ${cause instanceof Error ? cause.message : String(cause)}` };
  }
  const { data, error } = storedEntry.safeParse(parsed);
  if (data !== undefined) return { offset, raw, entry: data };
  const [issue] = error.issues;
  return { offset, raw, entry: undefined, problem: `Not an audit entry: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}` };
}

/** Makes the test of a filter: the item when the line matches. Damaged lines match a filter without conditions, and text. */
export function matcher(filter: AuditFilter): (bytes: Buffer, start: number, end: number, offset: number) => AuditItem | undefined {
  const { tool, result, phase, client, call, since, until } = filter;
  const text = filter.text === undefined ? undefined : inJson(filter.text);
  const selective = [tool, result, phase, client, call, since, until].some((condition) => condition !== undefined);
  const resultText = result === undefined ? undefined : Buffer.from(`"result":${JSON.stringify(result)}`);
  return (bytes, start, end, offset) => {
    if (resultText !== undefined && !bytes.subarray(start, end).includes(resultText)) return undefined;
    if (selective && !headMatches(filter, bytes, start, end)) return undefined;
    if (text !== undefined && !bytes.toString('utf8', start, end).toLowerCase().includes(text)) return undefined;
    const item = readItem(bytes, start, end, offset);
    if (item.entry === undefined) return selective ? undefined : item;
    return bodyMatches(filter, item.entry) ? item : undefined;
  };
}

/** Text that every line holds that fits, in any case of its letters; undefined when the filter asks for none. */
export function needleOf({ text, call }: AuditFilter): string | undefined {
  return text === undefined ? call : inJson(text);
}

/** A quick test of many lines at once: whether some line in `bytes[start, end)` may fit. Undefined when the filter asks for no text and no call. */
export function quickTest({ text, call }: AuditFilter): ((bytes: Buffer, start: number, end: number) => boolean) | undefined {
  const needle = text === undefined ? call?.toLowerCase() : inJson(text);
  if (needle === undefined) return undefined;
  if (!/^[ -~]*$/.test(needle)) return (bytes, start, end) => bytes.toString('utf8', start, end).toLowerCase().includes(needle);
  // Half the work of changing the case of everything.
  const pattern = new RegExp(escaped(needle), 'i');
  return (bytes, start, end) => pattern.test(bytes.toString('latin1', start, end));
}

/**
 * Where lines in `bytes[from, to)` may fit, which holds whole lines only: hands out each of them with its beginning and its newline, the
 * first first. Undefined when the filter asks for no text and no call, or for text that is not ASCII.
 */
export function quickPlaces({ text, call }: AuditFilter): ((bytes: Buffer, from: number, to: number, found: (start: number, newline: number) => void) => void) | undefined {
  const needle = text === undefined ? call : inJson(text);
  if (needle === undefined || needle === '' || !/^[ -~]*$/.test(needle)) return undefined;
  const pattern = new RegExp(escaped(needle), 'gi');
  return (bytes, from, to, found) => {
    const block = bytes.toString('latin1', from, to);
    pattern.lastIndex = 0;
    for (let match = pattern.exec(block); match !== null; match = pattern.exec(block)) {
      const newline = block.indexOf('\n', match.index);
      if (newline === -1) return;
      found(from + block.lastIndexOf('\n', match.index) + 1, from + newline);
      pattern.lastIndex = newline + 1;
    }
  };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Makes a test that gives the timestamp of a line that fits, and parses as little as possible. */
export function timeMatcher(filter: AuditFilter): (bytes: Buffer, start: number, end: number) => string | undefined {
  const parsed = matcher(filter);
  const text = filter.text === undefined ? undefined : inJson(filter.text);
  if (filter.result !== undefined || filter.client !== undefined) return (bytes, start, end) => parsed(bytes, start, end, 0)?.entry?.timestamp;
  return (bytes, start, end) => {
    if (text !== undefined && !bytes.toString('utf8', start, end).toLowerCase().includes(text)) return undefined;
    const head = readHead(bytes, start, end);
    return head !== undefined && fitsHead(filter, head) ? head.timestamp : undefined;
  };
}

function inJson(text: string): string {
  return escapeInvisible(JSON.stringify(text).slice(1, -1)).toLowerCase();
}

function headMatches(filter: AuditFilter, bytes: Buffer, start: number, end: number): boolean {
  const head = readHead(bytes, start, end);
  return head !== undefined && fitsHead(filter, head);
}

function fitsHead({ tool, phase, call, since, until }: AuditFilter, head: EntryHead): boolean {
  return (
    (tool === undefined || head.tool === tool || head.tool.startsWith(`${tool}.`)) &&
    (phase === undefined || head.phase === phase) &&
    (call === undefined || head.call === call) &&
    (since === undefined || head.timestamp >= since) &&
    (until === undefined || head.timestamp < until)
  );
}

function bodyMatches({ result, client }: AuditFilter, entry: StoredEntry): boolean {
  return (
    (result === undefined || entry.result === result) &&
    (client === undefined || `${entry.actor?.client ?? ''}\n${entry.actor?.user ?? ''}`.toLowerCase().includes(client.toLowerCase()))
  );
}
