/** Looks at what lines say, not only at how they are chained: JSON, double members, schema, input hash, and which outcome belongs to which decision. */
import { isUtf8 } from 'node:buffer';
import { visit } from 'jsonc-parser';
import { sha256 } from '../../../../protocol/src/audit/bytes';
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import { storedEntry, type StoredEntry } from '../../../../protocol/src/audit/entry';
import { HeldCall } from '../../../../protocol/src/audit/heldCall';
import { idLength, type PlainLine } from '../../../../protocol/src/audit/plain';
import { isPlainEntry } from '../../../../protocol/src/audit/plainEntry';
import type { DamageClass, Finding } from '../../../../protocol/src/audit/report';
import { callsFit, type Stretch } from '../../../../protocol/src/audit/stretch';
import type { OpenCall } from '../../../../protocol/src/audit/segment';
import { ApprovalCheck } from './approvalCheck';
import { tellsOfApproval } from './approvalLines';

/** What pairing looks at. */
type Paired = Pick<StoredEntry, 'seq' | 'phase' | 'call' | 'tool'>;

/** Most findings that are kept; all are counted. */
const mostFindings = 100;

/** One pass over one file. The chain is checked elsewhere; a line that breaks it may be reported by both. */
export class StrictCheck {
  #line = 0;
  #count = 0;
  readonly #findings: Finding[] = [];
  /** Calls that were admitted, with their tool. */
  readonly #open: Map<string, string>;
  /** The only one of them, when it was the last to begin; `#open` is empty then. */
  readonly #held = new HeldCall();

  /** `open` are the calls that ran when the file began; `approvals` knows the files before. */
  constructor(open: readonly Pick<OpenCall, 'call' | 'tool'>[] = [], readonly approvals: ApprovalCheck = new ApprovalCheck()) {
    this.#open = new Map(open.map(({ call, tool }) => [call, tool]));
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes the line `bytes[start, newline)`, which stood at `offset` of the file; `plain` is its beginning when that was read already. */
  push(bytes: Buffer, start: number, newline: number, offset: number, plain?: PlainLine): void {
    this.#line += 1;
    if (plain !== undefined && isPlainEntry(bytes, start, newline, plain)) return this.#plain(bytes, start, newline, offset, plain);
    const read = readStrictly(bytes, start, newline);
    if (typeof read === 'string') this.#report('schema', read, offset);
    else {
      this.#report('pairing', this.#pairingFlaw(read), offset);
      this.#report('approval', this.approvals.flaw(read), offset);
    }
  }

  #plain(bytes: Buffer, start: number, newline: number, offset: number, line: PlainLine): void {
    this.#report('pairing', this.#plainPairingFlaw(bytes, line), offset);
    if (!tellsOfApproval(bytes, start, newline, line)) return;
    this.#report('approval', this.approvals.flaw(storedEntry.parse(JSON.parse(bytes.toString('utf8', start, newline)))), offset);
  }

  #report(kind: DamageClass, flaw: string | undefined, offset: number, line = this.#line): void {
    if (flaw === undefined) return;
    this.#count += 1;
    if (this.#findings.length < mostFindings) this.#findings.push({ class: kind, line, offset, expected: null, found: null, message: `Line ${line} ${flaw}.` });
  }

  #plainPairingFlaw(bytes: Buffer, line: PlainLine): string | undefined {
    const { seq, phase, call, tool, toolEnd } = line;
    // Everything else is paired with nothing.
    if (phase === 'event' || phase === 'denied' || phase === 'rotate') return undefined;
    if (phase === 'intent' && call !== -1 && !this.#held.holds && this.#open.size === 0) {
      this.#held.hold(bytes, line);
      return undefined;
    }
    if (phase === 'done' && call !== -1 && this.#held.isOf(bytes, line) && this.#held.hasTool(bytes, line)) {
      this.#held.drop();
      return undefined;
    }
    const id = call === -1 ? undefined : bytes.toString('latin1', call, call + idLength);
    return this.#pairingFlaw({ seq, phase, call: id, tool: bytes.toString('latin1', tool, toolEnd) });
  }

  /** The open calls, those that are held as bytes too. */
  #calls(): Map<string, string> {
    if (this.#held.holds) {
      const { call, tool } = this.#held.texts;
      this.#open.set(call, tool);
      this.#held.drop();
    }
    return this.#open;
  }

  /** Whether the calls of a stretch that was read on its own fit to those that are open here. */
  admits(stretch: Stretch): boolean {
    const open = this.#calls();
    return callsFit(stretch, open) && stretch.closed.every(({ call, tool }) => open.get(call) === tool);
  }

  /** Takes a stretch that is admitted, to the same effect as pushing its lines; `doubtful` are the entries that it names as such, in order. */
  absorb({ lines, closed, open, doubtful: places }: Stretch, doubtful: readonly StoredEntry[]): void {
    for (const [i, entry] of doubtful.entries()) this.#report('approval', this.approvals.flaw(entry), places[i]?.offset ?? 0, this.#line + (places[i]?.line ?? 0));
    this.#line += lines;
    const calls = this.#calls();
    for (const { call } of closed) calls.delete(call);
    for (const { call, tool } of open) calls.set(call, tool);
  }

  /** Counts a line that is too long to be looked at. */
  pass(): void {
    this.#line += 1;
  }

  #pairingFlaw({ seq, phase, call, tool }: Paired): string | undefined {
    if (phase === 'genesis' && seq !== 1) return 'begins a log in the middle of one';
    if (phase === 'segment' && this.#line !== 1) return 'begins a file in the middle of one';
    const open = this.#calls();
    if (phase === 'intent') {
      if (call === undefined) return 'records a decision without the id of its call';
      const twice = open.has(call);
      open.set(call, tool);
      return twice ? `records a second decision to run call ${call}` : undefined;
    }
    if (phase !== 'done' && (phase !== 'recover' || call === undefined)) return undefined;
    if (call === undefined) return 'records an outcome without the id of its call';
    const decided = open.get(call);
    open.delete(call);
    if (decided === undefined) return `records an outcome of call ${call}, but no decision to run it is open`;
    return decided === tool ? undefined : `records an outcome of call ${call} under another tool than its decision`;
  }
}

/** Reads a line and everything that can be checked in it alone; a text says what is wrong. */
export function readStrictly(bytes: Buffer, start: number, newline: number): StoredEntry | string {
  if (!isUtf8(bytes.subarray(start, newline))) return 'is not UTF-8';
  const text = bytes.toString('utf8', start, newline);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  // What comes out as it went in has no member twice; only the rest is looked at by the letter.
  const twice = JSON.stringify(parsed) === text ? undefined : doubleMember(text);
  if (twice !== undefined) return `has the member ${JSON.stringify(twice).slice(0, 80)} twice, and readers would disagree about it`;
  const flaw = schemaFlaw(parsed);
  if (flaw !== undefined) return flaw;
  // Not what the schema gives back, which leaves out members of an input that are named like a prototype.
  const entry = parsed as StoredEntry;
  return inputFlaw(entry) ?? entry;
}

function schemaFlaw(value: unknown): string | undefined {
  const { error } = storedEntry.safeParse(value);
  const issue = error?.issues[0];
  return issue === undefined ? undefined : `is not an audit entry: ${issue.path.map(String).join('.')} ${issue.message}`;
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
