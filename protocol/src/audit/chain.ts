/** Checks a chain line by line, in the order of the file, holding no more than one line's facts and the open calls. */
import { carries, hashOfLine, hasLayout, linksInPlace, linksTo, maxLineBytes, readTail, zeroHash } from './bytes';
import { fits, isWhole, judge, type Expected, type LineFacts } from './damage';
import { readHead, type EntryHead } from './head';
import { HeldCall } from './heldCall';
import { idLength, PlainLine, Times } from './plain';
import type { Finding, OrphanCall } from './report';
import { callsFit, type Stretch } from './stretch';

/** Where a file of the log continues from: the number of its first entry, the bare hash before it, and the calls that were open there. */
export type ChainStart = Readonly<{ seq: number; prevHash: string; open?: readonly OrphanCall[]; /** What of the file was read before, when the check goes on in the middle of it. */ before?: ReadBefore }>;

/** Lines and bytes that were read of a file, and the time of the last entry among them. */
export type ReadBefore = Readonly<{ lines: number; bytes: number; timestamp: string | undefined }>;

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
  /** Lines of the intact beginning of the file. */
  lines: number;
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
/** No place in a buffer. */
const none = -2;
const mostWarnings = 20;

/** One pass over one log. Feed every line in order, then `finish`. `start` is where the file continues from: a genesis by default. */
export class ChainCheck {
  #lines = 0;
  /** Where the chain stands; see `Expected`. Fields and no object, because every line changes them. */
  #head: string | undefined;
  #headBefore: string | undefined;
  #seq: number | undefined;
  /** End of the intact beginning of the file. */
  #goodLines = 0;
  #goodSeq: number;
  #goodHead: string;
  #goodBytes = 0;
  #goodPhase = '';
  #pending: LineFacts | undefined;
  /** Where the line before ended in the buffer that is being read, when it was accepted; its hash stands there. */
  #newline = none;
  #crashLike = true;
  #wholeAfterDamage = false;
  #findingCount = 0;
  readonly #plain = new PlainLine();
  readonly #times: Times;
  /** Entry numbers of the known heads, and the hashes that were found there. */
  readonly #knownHashes = new Map<number, string | undefined>();
  readonly #known: readonly KnownHead[];
  readonly #findings: Finding[] = [];
  readonly #open = new Map<string, OrphanCall>();
  /** The only call that is open, when it was the last to begin; `#open` is empty then. */
  readonly #held = new HeldCall();
  #heldAt: Readonly<{ line: number; offset: number }> = { line: 0, offset: 0 };
  readonly #warnings: { line: number; message: string }[] = [];

  constructor(known: readonly KnownHead[] = [], start: ChainStart = { seq: 1, prevHash: zeroHash }) {
    this.#known = known;
    for (const { entries } of known) this.#knownHashes.set(entries, undefined);
    for (const orphan of start.open ?? []) this.#open.set(orphan.call, orphan);
    this.#head = start.prevHash;
    this.#seq = start.seq;
    this.#goodSeq = start.seq - 1;
    this.#goodHead = start.prevHash;
    this.#times = new Times(start.before?.timestamp);
    this.#lines = this.#goodLines = start.before?.lines ?? 0;
    this.#goodBytes = start.before?.bytes ?? 0;
  }

  /** Lines seen so far. */
  get lines(): number {
    return this.#lines;
  }

  /** The beginning of the line that was pushed last, when it continued the chain and stands as our own writer lays it out. */
  get plain(): PlainLine | undefined {
    return this.#newline === none ? undefined : this.#plain;
  }

  /** Takes the line `bytes[start, newline)`, which stood at `offset` of the file and was followed by a newline. */
  push(bytes: Buffer, start: number, newline: number, offset: number): void {
    this.#lines += 1;
    const plain = this.#pushPlain(bytes, start, newline, offset);
    this.#newline = plain ? newline : none;
    if (!plain) this.#take(examine(bytes, start, newline, this.#lines, offset), offset + newline - start + 1);
  }

  /** The quick way for honest lines, which are all but none: true when the line continues the chain exactly here. */
  #pushPlain(bytes: Buffer, start: number, newline: number, offset: number): boolean {
    const [line, head] = [this.#plain, this.#head];
    if (this.#pending !== undefined || head === undefined || newline - start >= maxLineBytes || !line.read(bytes, start, newline)) return false;
    const { seq, phase } = line;
    if (seq !== this.#seq || (seq === 1 && phase !== 'genesis') || !hasLayout(bytes, newline)) return false;
    if (!(this.#newline === start - 1 ? linksInPlace(bytes, newline, start - 1) : linksTo(bytes, newline, head))) return false;
    const hash = hashOfLine(bytes, start, newline);
    if (!carries(bytes, newline, hash)) return false;
    this.#advance(seq, phase, hash, offset + newline - start + 1);
    const before = this.#times.takeAt(bytes, line.timestamp);
    if (before !== undefined) this.#warn(`The clock went back from ${before} to ${this.#times.last ?? ''}.`);
    if (line.call !== -1) this.#pairPlain(bytes, offset);
    return true;
  }

  /** Takes a line that is longer than any line may be, of which only the place is known. */
  pushOversized(offset: number, zeroed: boolean): void {
    this.#lines += 1;
    this.#newline = none;
    const flaw = zeroed ? 'it holds zero bytes where text was written' : tooLong;
    this.#take({ line: this.#lines, offset, tail: undefined, computed: undefined, head: undefined, flaw, zeroed }, 0);
  }

  /** Pairs a line that was read in place. */
  #pairPlain(bytes: Buffer, offset: number): void {
    const [line, held] = [this.#plain, this.#held];
    if (line.phase === 'intent' && !held.holds && this.#open.size === 0) {
      held.hold(bytes, line);
      this.#heldAt = { line: this.#lines, offset };
    } else if ((line.phase === 'done' || line.phase === 'recover') && held.isOf(bytes, line)) held.drop();
    else this.#pair(line.phase, bytes.toString('latin1', line.call, line.call + idLength), offset, line.phase === 'intent' ? bytes.toString('latin1', line.tool, line.toolEnd) : '');
  }

  /** The open calls, those that are held as bytes too. */
  #calls(): Map<string, OrphanCall> {
    const held = this.#held;
    if (held.holds) {
      const { call, tool } = held.texts;
      this.#open.set(call, { call, tool, ...this.#heldAt });
      held.drop();
    }
    return this.#open;
  }

  /** Whether a stretch that was read on its own continues the chain here, in the order of time and of its calls. */
  admits(stretch: Stretch): boolean {
    const { seq, prevHash, timestamp } = stretch.first;
    const last = this.#times.last;
    return this.#pending === undefined && this.#head === prevHash && this.#seq === seq && (last === undefined || last <= timestamp) && callsFit(stretch, this.#calls());
  }

  /** Takes a stretch that is admitted, to the same effect as pushing its lines. */
  absorb({ lines, end, first, last, closed, open, heads }: Stretch): void {
    const before = this.#lines;
    this.#lines += lines;
    this.#newline = none;
    this.#head = last.prevHash;
    this.#advance(last.seq, last.phase, last.hash, end);
    for (const { seq, hash } of heads) if (this.#knownHashes.has(seq)) this.#knownHashes.set(seq, hash);
    this.#times.take(first.timestamp);
    this.#times.take(last.timestamp);
    const calls = this.#calls();
    for (const { call } of closed) calls.delete(call);
    for (const orphan of open) calls.set(orphan.call, { ...orphan, line: before + orphan.line });
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
      lines: this.#goodLines,
      seq: this.#goodSeq,
      head: this.#goodHead,
      goodBytes: this.#goodBytes,
      lastPhase: this.#goodPhase,
      lacksNewline,
      firstTimestamp: this.#times.first,
      lastTimestamp: this.#times.last,
      findings: this.#findings,
      findingCount: this.#findingCount,
      orphans: [...this.#calls().values()],
      warnings: this.#warnings,
    };
  }

  #take(facts: LineFacts, end: number): void {
    if (this.#settle(facts)) return;
    if (this.#findingCount > 0 && isWhole(facts)) this.#wholeAfterDamage = true;
    if (fits(facts, this.#expected()) && facts.head !== undefined && facts.tail !== undefined) {
      this.#accept(facts.head, facts.tail.hash, facts.offset, end);
    } else {
      this.#pending = facts;
    }
  }

  #expected(): Expected {
    return { head: this.#head, headBefore: this.#headBefore, seq: this.#seq };
  }

  #accept({ seq, phase, timestamp, call, tool }: EntryHead, hash: string, offset: number, end: number): void {
    this.#advance(seq, phase, hash, end);
    const before = this.#times.take(timestamp);
    if (before !== undefined) this.#warn(`The clock went back from ${before} to ${timestamp}.`);
    if (call !== undefined) this.#pair(phase, call, offset, tool);
  }

  /** The chain goes on after the entry `seq` with this hash, which ends at byte `end`. */
  #advance(seq: number, phase: string, hash: string, end: number): void {
    this.#headBefore = this.#head;
    this.#head = hash;
    this.#seq = seq + 1;
    if (this.#knownHashes.size > 0 && this.#knownHashes.has(seq)) this.#knownHashes.set(seq, hash);
    if (this.#findingCount > 0) return;
    this.#goodLines = this.#lines;
    this.#goodSeq = seq;
    this.#goodHead = hash;
    this.#goodBytes = end;
    this.#goodPhase = phase;
  }

  #pair(phase: string, call: string, offset: number, tool: string): void {
    const open = this.#calls();
    if (phase === 'intent') open.set(call, { call, tool, line: this.#lines, offset });
    if (phase !== 'done' && phase !== 'recover') return;
    if (!open.delete(call)) this.#warn(`An outcome is recorded of call ${call}, but no decision to run it.`);
  }

  #warn(message: string): void {
    if (this.#warnings.length < mostWarnings) this.#warnings.push({ line: this.#lines, message });
  }

  /** Judges the line that waits for its successor; true when the successor is explained along with it. */
  #settle(next: LineFacts | undefined): boolean {
    const bad = this.#pending;
    if (bad === undefined) return false;
    this.#pending = undefined;
    const judgement = judge(this.#expected(), bad, next);
    this.#report(judgement.finding);
    this.#crashLike &&= bad.zeroed;
    this.#headBefore = this.#head;
    this.#head = judgement.head;
    this.#seq = judgement.seq;
    return judgement.takesNext;
  }

  #report(found: Finding): void {
    this.#findingCount += 1;
    if (this.#findings.length < mostFindings) this.#findings.push(found);
  }

  /** Judges the bytes after the last newline; true when they are a whole entry that only lacks its newline. */
  #takeRest({ bytes, start, end, offset }: Rest): boolean {
    const facts = examine(bytes, start, end, this.#lines + 1, offset);
    if (this.#findingCount === 0 && fits(facts, this.#expected()) && facts.head !== undefined && facts.tail !== undefined) {
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
    const [seq, head, goodBytes] = [this.#goodSeq, this.#goodHead, this.#goodBytes];
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
