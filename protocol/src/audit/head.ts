/** The first members of a line, read without parsing all of it. */

/** What identifies an entry: enough to order, pair and bucket it. */
export type EntryHead = Readonly<{
  seq: number;
  id: string;
  timestamp: string;
  phase: string;
  call: string | undefined;
  tool: string;
}>;

/** Our own writer's member order, which makes the quick way possible; other orders are parsed in full. */
const shape =
  /^\{"v":1,"seq":([1-9]\d{0,15}),"id":"(evt_[0-9A-Z]{26})","timestamp":"([0-9T:.Z-]{24})","phase":"([a-z-]{1,32})"(?:,"call":"(evt_[0-9A-Z]{26})")?,"tool":"([\w.-]{1,100})"/;
/** More than the longest text that `shape` can match. */
const shapeBytes = 330;

/** Reads the head of the line in `bytes[start, end)`; undefined when it is not a JSON object with these members. */
export function readHead(bytes: Buffer, start: number, end: number): EntryHead | undefined {
  const quick = shape.exec(bytes.toString('latin1', start, Math.min(end, start + shapeBytes)));
  if (quick === null) return parseHead(bytes.toString('utf8', start, end));
  const [, seq = '', id = '', timestamp = '', phase = '', call, tool = ''] = quick;
  return { seq: Number(seq), id, timestamp, phase, call, tool };
}

function parseHead(line: string): EntryHead | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { seq, id, timestamp, phase, call, tool } = parsed as Readonly<Record<string, unknown>>;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof phase !== 'string') return undefined;
  return { seq, id, timestamp, phase, call: typeof call === 'string' ? call : undefined, tool: typeof tool === 'string' ? tool : '' };
}
