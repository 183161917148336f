/** Looks at what lines say, not only at how they are chained: JSON, double members, schema, input hash, and which outcome belongs to which decision. */
import { visit } from 'jsonc-parser';
import { sha256 } from '../../../protocol/src/audit/bytes';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import { storedEntry, type StoredEntry } from '../../../protocol/src/audit/entry';
import type { Finding } from '../../../protocol/src/audit/report';
import type { OpenCall } from '../../../protocol/src/audit/segment';

/** Most findings that are kept; all are counted. */
const mostFindings = 100;

/** One pass over one file. The chain is checked elsewhere; a line that breaks it may be reported by both. */
export class StrictCheck {
  #line = 0;
  #count = 0;
  readonly #findings: Finding[] = [];
  /** Calls that were admitted, with their tool. */
  readonly #open: Map<string, string>;

  /** `open` are the calls that ran when the file began. */
  constructor(open: readonly Pick<OpenCall, 'call' | 'tool'>[] = []) {
    this.#open = new Map(open.map(({ call, tool }) => [call, tool]));
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes the line `bytes[start, newline)`, which stood at `offset` of the file. */
  push(bytes: Buffer, start: number, newline: number, offset: number): void {
    this.#line += 1;
    const read = readStrictly(bytes.toString('utf8', start, newline));
    const flaw = typeof read === 'string' ? read : this.#pairingFlaw(read);
    if (flaw === undefined) return;
    this.#count += 1;
    if (this.#findings.length >= mostFindings) return;
    const kind = typeof read === 'string' ? 'schema' : 'pairing';
    this.#findings.push({ class: kind, line: this.#line, offset, expected: null, found: null, message: `Line ${this.#line} ${flaw}.` });
  }

  /** Counts a line that is too long to be looked at. */
  pass(): void {
    this.#line += 1;
  }

  #pairingFlaw({ seq, phase, call, tool }: StoredEntry): string | undefined {
    if (phase === 'genesis' && seq !== 1) return 'begins a log in the middle of one';
    if (phase === 'segment' && this.#line !== 1) return 'begins a file in the middle of one';
    if (phase === 'intent') {
      if (call === undefined) return 'records a decision without the id of its call';
      const twice = this.#open.has(call);
      this.#open.set(call, tool);
      return twice ? `records a second decision to run call ${call}` : undefined;
    }
    if (phase !== 'done' && (phase !== 'recover' || call === undefined)) return undefined;
    if (call === undefined) return 'records an outcome without the id of its call';
    const decided = this.#open.get(call);
    this.#open.delete(call);
    if (decided === undefined) return `records an outcome of call ${call}, but no decision to run it is open`;
    return decided === tool ? undefined : `records an outcome of call ${call} under another tool than its decision`;
  }
}

/** Reads a line and everything that can be checked in it alone; a text says what is wrong. */
function readStrictly(text: string): StoredEntry | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  // What comes out as it went in has no member twice; only the rest is looked at by the letter.
  const twice = JSON.stringify(parsed) === text ? undefined : doubleMember(text);
  if (twice !== undefined) return `has the member ${JSON.stringify(twice).slice(0, 80)} twice, and readers would disagree about it`;
  const read = isPlainEntry(parsed) ? parsed : entryOf(parsed);
  return typeof read === 'string' ? read : (inputFlaw(read) ?? read);
}

function entryOf(value: unknown): StoredEntry | string {
  const { data, error } = storedEntry.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  return `is not an audit entry: ${issue?.path.map(String).join('.') ?? ''} ${issue?.message ?? ''}`;
}

const id = /^evt_[0-9A-HJKMNP-TV-Z]{26}$/;
const hash = /^sha256:[0-9a-f]{64}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const word = /^[a-z][a-z-]{0,31}$/;

/** Whether the usual members are as the schema wants them, and the rarer ones are not there; the schema itself takes ten times as long. */
function isPlainEntry(value: unknown): value is StoredEntry {
  if (!isObject(value)) return false;
  const { v, seq, id: own, timestamp, phase, call, tool, input, inputHash, result, prevHash, hash: last, verdict, approval, output, detail, project, durationMs, actor } = value;
  const plain =
    v === 1 && typeof seq === 'number' && matches(id, own) && matches(time, timestamp) && matches(word, phase) && matches(word, result) &&
    (call === undefined || matches(id, call)) && typeof tool === 'string' && isObject(input) && matches(hash, inputHash) && matches(hash, prevHash) && matches(hash, last) &&
    verdict === undefined && approval === undefined && output === undefined && (detail === undefined || isObject(detail)) &&
    (project === undefined || typeof project === 'string') && (durationMs === undefined || (typeof durationMs === 'number' && durationMs >= 0)) &&
    (actor === undefined || (isObject(actor) && typeof actor['role'] === 'string' && typeof actor['user'] === 'string' && (actor['client'] === undefined || typeof actor['client'] === 'string') && (actor['connection'] === undefined || typeof actor['connection'] === 'number')));
  return plain && Number.isSafeInteger(seq) && seq > 0 && !Number.isNaN(Date.parse(timestamp));
}

function matches(shape: RegExp, value: unknown): value is string {
  return typeof value === 'string' && shape.test(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An input that is stored whole must give its hash; a digest must be it. */
function inputFlaw({ input, inputHash }: StoredEntry): string | undefined {
  if (inputHash === undefined || input['$sha256'] === inputHash) return undefined;
  // Stored inputs stand in canonical order already, all but those with members that look like numbers.
  if (`sha256:${sha256(JSON.stringify(input))}` === inputHash) return undefined;
  return `sha256:${sha256(canonicalJson(input).text)}` === inputHash ? undefined : 'has an input that does not give its inputHash';
}

/** A member that stands twice in one object; undefined when none does. Throws nothing: what nests too deeply counts as unreadable. */
function doubleMember(text: string): string | undefined {
  const open: Set<string>[] = [];
  let found: string | undefined;
  try {
    visit(text, {
      onObjectBegin: () => void open.push(new Set()),
      onObjectEnd: () => void open.pop(),
      onObjectProperty: (name) => {
        const names = open.at(-1);
        if (names?.has(name) === true) found ??= name;
        names?.add(name);
      },
    });
  } catch {
    return 'nested too deeply';
  }
  return found;
}
