/** Checks a chain line by line, in the order of the file, holding no more than one line's facts and the open calls. */
import { hashOfLine, maxLineBytes, readTail, tailIs, tailBytes, zeroHash } from './bytes';
import { fits, isWhole, judge, type Expected, type LineFacts } from './damage';
import { readHead, type EntryHead } from './head';
import type { Finding, OrphanCall } from './report';

/** Where a file of the log continues from: the number of its first entry, the bare hash before it, and the calls that were open there. */
export type ChainStart = Readonly<{ seq: number; prevHash: string; open?: readonly OrphanCall[] }>;

/** A head that was kept outside the file: the log had at least this many entries, and the last of them this hash (bare hex). */
export type KnownHead = Readonly<{ entries: number; head: string }>;

/** One head that was kept outside, or several. */
export type KnownHeads = KnownHead | readonly KnownHead[];

/** The heads as a list. */
export function headsOf(known: KnownHeads | undefined): readonly KnownHead[] {
  return known === undefined ? [] : 'head' in known ? [known] : known;
}

/** What a whole pass over a file found. */
export type ChainResult = Readonly<{
  verdict: 'intact' | 'tampered' | 'torn';
  /** Lines that were read; the intact ones before the tear when torn. */
  entries: number;
  /** Number and bare hash of the last entry of the intact beginning. */
  seq: number;
  head: string;
  /** Bytes up to which the file is good; a repair cuts here. */
  goodBytes: number;
  /** Phase of that entry, which is `rotate` when the file is complete; "" before the first. */
  lastPhase: string;
  /** Whether a torn log lacks nothing but its last newline. */
  lacksNewline: boolean;
  firstTimestamp: string | undefined;
  lastTimestamp: string | undefined;
  findings: readonly Finding[];
  findingCount: number;
  orphans: readonly OrphanCall[];
  warnings: ReadonlyArray<Readonly<{ line: number; message: string }>>;
}>;

/** Bytes after the last newline: `bytes[start, end)`, which stand at `offset` of the file. */
export type Rest = Readonly<{ bytes: Buffer; start: number; end: number; offset: number }>;

const tooLong = `it is longer than ${maxLineBytes} bytes`;
const mostFindings = 100;
const mostWarnings = 20;

/** One pass over one log. Feed every line in order, then `finish`. `start` is where the file continues from: a genesis by default. */
export class ChainCheck {
  #lines = 0;
  #expected: Expected;
  /** End of the intact beginning of the file. */
  #lastGood: { seq: number; head: string; goodBytes: number; lastPhase: string };
  #goodLines = 0;
  #pending: LineFacts | undefined;
  #first: string | undefined;
  #last: string | undefined;
  #crashLike = true;
  #wholeAfterDamage = false;
  #findingCount = 0;
  /** Entry numbers of the known heads, and the hashes that were found there. */
  readonly #knownHashes = new Map<number, string | undefined>();
  readonly #known: readonly KnownHead[];
  readonly #findings: Finding[] = [];
  readonly #open = new Map<string, OrphanCall>();
  readonly #warnings: { line: number; message: string }[] = [];

  constructor(known: readonly KnownHead[] = [], start: ChainStart = { seq: 1, prevHash: zeroHash }) {
    this.#known = known;
    for (const { entries } of known) this.#knownHashes.set(entries, undefined);
    for (const orphan of start.open ?? []) this.#open.set(orphan.call, orphan);
    this.#expected = { head: start.prevHash, headBefore: undefined, seq: start.seq };
    this.#lastGood = { seq: start.seq - 1, head: start.prevHash, goodBytes: 0, lastPhase: '' };
  }

  /** Lines seen so far. */
  get lines(): number {
    return this.#lines;
  }

  /** Takes the line `bytes[start, newline)`, which stood at `offset` of the file and was followed by a newline. */
  push(bytes: Buffer, start: number, newline: number, offset: number): void {
    this.#lines += 1;
    const { head, seq } = this.#expected;
    if (this.#pending === undefined && head !== undefined && newline - start > tailBytes) {
      const computed = hashOfLine(bytes, start, newline);
      if (newline - start < maxLineBytes && tailIs(bytes, newline, head, computed)) {
        const entry = readHead(bytes, start, newline);
        if (entry !== undefined && entry.seq === seq && (seq > 1 || entry.phase === 'genesis')) {
          this.#accept(entry, computed, offset, offset + newline - start + 1);
          return;
        }
      }
    }
    this.#take(examine(bytes, start, newline, this.#lines, offset), offset + newline - start + 1);
  }

  /** Takes a line that is longer than any line may be, of which only the place is known. */
  pushOversized(offset: number, zeroed: boolean): void {
    this.#lines += 1;
    const flaw = zeroed ? 'it holds zero bytes where text was written' : tooLong;
    this.#take({ line: this.#lines, offset, tail: undefined, computed: undefined, head: undefined, flaw, zeroed }, 0);
  }

  /** Ends the pass; `rest` is what follows the last newline, undefined when nothing does. */
  finish(rest?: Rest): ChainResult {
    this.#settle(undefined);
    const lacksNewline = rest !== undefined && this.#takeRest(rest);
    if (this.#lines === 0) this.#reportNothingWhole(rest !== undefined);
    const torn = this.#findingCount > 0 && this.#crashLike && !this.#wholeAfterDamage && this.#goodLines > 0;
    const lost = (torn || this.#findingCount === 0) && this.#differsFromKnown();
    return {
      verdict: lost ? 'tampered' : torn ? 'torn' : this.#findingCount === 0 ? 'intact' : 'tampered',
      entries: torn ? this.#goodLines : this.#lines,
      ...this.#lastGood,
      lacksNewline,
      firstTimestamp: this.#first,
      lastTimestamp: this.#last,
      findings: this.#findings,
      findingCount: this.#findingCount,
      orphans: [...this.#open.values()],
      warnings: this.#warnings,
    };
  }

  #take(facts: LineFacts, end: number): void {
    if (this.#settle(facts)) return;
    if (this.#findingCount > 0 && isWhole(facts)) this.#wholeAfterDamage = true;
    if (fits(facts, this.#expected) && facts.head !== undefined && facts.tail !== undefined) {
      this.#accept(facts.head, facts.tail.hash, facts.offset, end);
    } else {
      this.#pending = facts;
    }
  }

  #accept(entry: EntryHead, hash: string, offset: number, end: number): void {
    this.#expected = { head: hash, headBefore: this.#expected.head, seq: entry.seq + 1 };
    if (this.#knownHashes.size > 0 && this.#knownHashes.has(entry.seq)) this.#knownHashes.set(entry.seq, hash);
    if (this.#findingCount === 0) {
      this.#goodLines = this.#lines;
      this.#lastGood = { seq: entry.seq, head: hash, goodBytes: end, lastPhase: entry.phase };
    }
    this.#first ??= entry.timestamp;
    if (this.#last !== undefined && entry.timestamp < this.#last) {
      this.#warn(`The clock went back from ${this.#last} to ${entry.timestamp}.`);
    }
    this.#last = entry.timestamp;
    if (entry.call !== undefined) this.#pair(entry, entry.call, offset);
  }

  #pair({ phase, tool }: EntryHead, call: string, offset: number): void {
    if (phase === 'intent') this.#open.set(call, { call, tool, line: this.#lines, offset });
    if (phase !== 'done' && phase !== 'recover') return;
    if (!this.#open.delete(call)) this.#warn(`An outcome is recorded of call ${call}, but no decision to run it.`);
  }

  #warn(message: string): void {
    if (this.#warnings.length < mostWarnings) this.#warnings.push({ line: this.#lines, message });
  }

  /** Judges the line that waits for its successor; true when the successor is explained along with it. */
  #settle(next: LineFacts | undefined): boolean {
    const bad = this.#pending;
    if (bad === undefined) return false;
    this.#pending = undefined;
    const judgement = judge(this.#expected, bad, next);
    this.#report(judgement.finding);
    this.#crashLike &&= bad.zeroed;
    this.#expected = { head: judgement.head, headBefore: this.#expected.head, seq: judgement.seq };
    return judgement.takesNext;
  }

  #report(found: Finding): void {
    this.#findingCount += 1;
    if (this.#findings.length < mostFindings) this.#findings.push(found);
  }

  /** Judges the bytes after the last newline; true when they are a whole entry that only lacks its newline. */
  #takeRest({ bytes, start, end, offset }: Rest): boolean {
    const facts = examine(bytes, start, end, this.#lines + 1, offset);
    if (this.#findingCount === 0 && fits(facts, this.#expected) && facts.head !== undefined && facts.tail !== undefined) {
      this.#lines += 1;
      this.#accept(facts.head, facts.tail.hash, offset, offset + end - start);
      this.#report(crash(facts, 'is whole but lacks its newline, as after a crash'));
      return true;
    }
    if (facts.tail !== undefined && !facts.zeroed) {
      this.#lines += 1;
      this.#take(facts, offset + end - start);
      this.#settle(undefined);
      this.#crashLike = false;
      return false;
    }
    this.#report(crash(facts, `breaks off after ${end - start} bytes, as after a crash`));
    return false;
  }

  #reportNothingWhole(fragment: boolean): void {
    const what = fragment ? 'Not even the first entry of the file is whole.' : 'The file is empty.';
    this.#findings.length = 0;
    this.#findingCount = 0;
    const message = `${what} A log always begins with its genesis entry, so the rest was cut off.`;
    this.#report({ class: 'truncation', line: 1, offset: 0, expected: null, found: null, message });
  }

  /** Compares with the heads that were kept elsewhere; a difference becomes the first finding. */
  #differsFromKnown(): boolean {
    const known = this.#known.find(({ entries, head }) => this.#knownHashes.get(entries) !== head);
    if (known === undefined) return false;
    const { seq, head, goodBytes } = this.#lastGood;
    const place = { line: this.#goodLines + 1, offset: goodBytes, expected: `sha256:${known.head}` };
    const short = seq < known.entries;
    this.#findings.unshift(
      short
        ? { class: 'truncation', ...place, found: `sha256:${head}`, message: `The log had ${known.entries} entries and now ends after #${seq}: it was cut off or an older copy was put back.` }
        : { class: 'fork', ...place, line: null, offset: null, found: `sha256:${this.#knownHashes.get(known.entries) ?? head}`, message: `Entry #${known.entries} is not the one that was last known: the log was rewritten or replaced by another.` },
    );
    this.#findingCount += 1;
    return true;
  }
}

function crash(facts: LineFacts, what: string): Finding {
  const { line, offset } = facts;
  return { class: 'crash', line, offset, expected: null, found: null, message: `Line ${line} ${what}.` };
}

/** A run that long does not come from text; sectors that were never written read as zeros. */
const zeroRun = Buffer.alloc(16);

function examine(bytes: Buffer, start: number, end: number, line: number, offset: number): LineFacts {
  const text = bytes.subarray(start, end);
  const oversized = text.length >= maxLineBytes;
  const zeroed = text.includes(zeroRun);
  const tail = oversized ? undefined : readTail(bytes, start, end);
  const computed = tail === undefined ? undefined : hashOfLine(bytes, start, end);
  const whole = tail !== undefined && tail.hash === computed;
  const flaw = whole ? '' : zeroed ? 'it holds zero bytes where text was written' : layoutFlaw(text, tail === undefined);
  return { line, offset, tail, computed, head: whole ? readHead(bytes, start, end) : undefined, flaw, zeroed: zeroed && !whole };
}

/** Names what is wrong with the layout of a line, "" when nothing is but the hash. */
function layoutFlaw(text: Buffer, noTail: boolean): string {
  if (text.length === 0) return 'it is empty';
  if (text.length >= maxLineBytes) return tooLong;
  if (text[text.length - 1] === 0x0d) return 'it ends with a carriage return, which an editor or a transfer added';
  if (text.indexOf('\ufeff') === 0) return 'it begins with a byte order mark, which an editor added';
  if (text[0] !== 0x7b) return 'it does not begin with an opening brace';
  if (text.indexOf('{"v":1,"seq":', 1, 'latin1') > 0) return 'it holds more than one entry';
  return noTail ? 'it does not end with its two hashes' : '';
}
