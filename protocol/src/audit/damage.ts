/** Says what happened to a line that does not fit the chain, from the line itself and its two neighbours. */
import type { Tail } from './bytes';
import type { EntryHead } from './head';
import type { Finding } from './report';

/** What was read of one line. Without `tail` the fixed layout is missing and `flaw` says how. */
export type LineFacts = Readonly<{
  line: number;
  offset: number;
  tail: Tail | undefined;
  /** Hash of the bytes as they are now; undefined without `tail`. */
  computed: string | undefined;
  head: EntryHead | undefined;
  flaw: string;
  /** Holds a run of zero bytes, as sectors do that a crash left unwritten. */
  zeroed: boolean;
}>;

/** Where the chain stands before a line. An undefined head or seq means that nobody can know: the next whole line decides. */
export type Expected = Readonly<{
  head: string | undefined;
  /** Head before the last accepted line, to recognise a line that was slipped in. */
  headBefore: string | undefined;
  seq: number | undefined;
}>;

/** What to report, and where the chain goes on. `takesNext` when the next line is explained by the same finding. */
export type Judgement = Readonly<{ finding: Finding; head: string | undefined; seq: number | undefined; takesNext: boolean }>;

/** Whether a line is whole in itself: layout there, hash right. It may still stand in the wrong place. */
export function isWhole(line: LineFacts): line is LineFacts & { tail: Tail } {
  return line.tail !== undefined && line.computed === line.tail.hash;
}

/** Whether a line is whole and continues the chain exactly here. */
export function fits(line: LineFacts, expected: Expected): boolean {
  return (
    isWhole(line) &&
    line.head !== undefined &&
    (expected.head === undefined || line.tail.prevHash === expected.head) &&
    (expected.seq === undefined || line.head.seq === expected.seq) &&
    (line.head.seq !== 1 || line.head.phase === 'genesis')
  );
}

/** Judges a line that does not fit, with the line after it when there is one. */
export function judge(expected: Expected, bad: LineFacts, next: LineFacts | undefined): Judgement {
  const { tail } = bad;
  const skipped = next !== undefined && isWhole(next) && next.tail.prevHash === expected.head;
  if (skipped && !(isWhole(bad) && isSwap(bad, next))) return insertedHere(expected, bad);
  if (tail === undefined) return unreadable(expected, bad, next);
  if (!isWhole(bad)) return edited(expected, bad, tail, next);
  if (expected.head !== undefined && tail.prevHash !== expected.head) return misplaced(expected, bad, tail, next);
  return misnumbered(expected, bad, tail);
}

function isSwap(bad: LineFacts, next: LineFacts): boolean {
  return isWhole(next) && bad.tail?.prevHash === next.tail.hash;
}

function insertedHere(expected: Expected, bad: LineFacts): Judgement {
  const { line, tail } = bad;
  const copy = isWhole(bad) && tail?.hash === expected.head;
  const itself = bad.head === undefined ? bad.flaw : `it is entry #${bad.head.seq}, copied or moved here`;
  const what = copy ? 'is a copy of the line before it' : `was inserted${itself === '' ? '' : ` (${itself})`}`;
  const message = `Line ${line} ${what}: the line after it continues from the line before it.`;
  return { finding: insertion(expected, bad, message), head: expected.head, seq: expected.seq, takesNext: false };
}

/** The first check that an inserted line fails: layout, link, hash, or number, in this order. */
function insertion(expected: Expected, bad: LineFacts, message: string): Finding {
  if (bad.tail === undefined) return place(bad, 'format', expected.head, undefined, message);
  if (bad.tail.prevHash !== expected.head) return place(bad, 'link', expected.head, bad.tail.prevHash, message);
  if (!isWhole(bad)) return place(bad, 'hash', bad.tail.hash, bad.computed, message);
  return place(bad, 'seq', `${expected.seq ?? ''}`, `${bad.head?.seq ?? ''}`, message);
}

function unreadable(expected: Expected, bad: LineFacts, next: LineFacts | undefined): Judgement {
  const kind = bad.zeroed ? 'corrupt' : 'format';
  return {
    finding: place(bad, kind, expected.head, undefined, `Line ${bad.line} is damaged: ${bad.flaw}.`),
    head: next?.tail?.prevHash,
    seq: undefined,
    takesNext: false,
  };
}

function edited(expected: Expected, bad: LineFacts, tail: Tail, next: LineFacts | undefined): Judgement {
  const { line, computed } = bad;
  const after = { head: tail.hash, seq: (expected.seq ?? Number.NaN) + 1 || undefined, takesNext: false };
  if (bad.zeroed) {
    return { ...after, finding: place(bad, 'corrupt', tail.hash, computed, `Line ${line} is damaged: ${bad.flaw}.`) };
  }
  if (bad.flaw !== '') {
    const finding = place(bad, 'format', expected.head, tail.prevHash, `Line ${line} is damaged: ${bad.flaw}.`);
    return { ...after, seq: undefined, finding };
  }
  if (next?.tail?.prevHash === computed && computed !== undefined) {
    const message = `The hash stored in line ${line} was changed; the rest of the line is as it was written.`;
    return { ...after, head: computed, finding: place(bad, 'hash', computed, tail.hash, message) };
  }
  const message = `Line ${line} was edited: its content does not give the hash that was recorded for it.`;
  return { ...after, finding: place(bad, 'hash', tail.hash, computed, message) };
}

function misplaced(expected: Expected, bad: LineFacts, tail: Tail, next: LineFacts | undefined): Judgement {
  const seq = bad.head?.seq;
  const at = (message: string): Finding => place(bad, 'link', expected.head, tail.prevHash, message);
  const after = { head: tail.hash, seq: seq === undefined ? undefined : seq + 1, takesNext: false };
  if (next !== undefined && isSwap(bad, next) && next.tail?.prevHash === expected.head) {
    const nextSeq = expected.seq === undefined ? undefined : expected.seq + 2;
    return { ...after, finding: at(`Lines ${bad.line} and ${bad.line + 1} were swapped.`), seq: nextSeq, takesNext: true };
  }
  return { ...after, finding: at(displacement(expected, bad, tail, seq)) };
}

function displacement(expected: Expected, bad: LineFacts, tail: Tail, seq: number | undefined): string {
  const { line } = bad;
  if (tail.hash === expected.head) return `Line ${line} is a copy of the line before it.`;
  if (line > 1 && tail.prevHash === expected.headBefore) {
    return `Line ${line - 1} was inserted: line ${line} continues from the line before that.`;
  }
  const belongs = expected.seq;
  if (seq === undefined || belongs === undefined) return `Line ${line} does not continue from the line before it.`;
  if (seq > belongs) {
    const gone = seq - belongs === 1 ? `Entry #${belongs} was` : `Entries #${belongs} to #${seq - 1} were`;
    return `${gone} removed before line ${line}, or moved elsewhere.`;
  }
  if (seq < belongs) return `Line ${line} is entry #${seq}, repeated or moved to where #${belongs} belongs.`;
  if (line === 1) return 'Line 1 is not the beginning of a log: it continues from an entry that is not there.';
  return `Line ${line - 1} was rewritten and its hash recomputed: line ${line} remembers another one.`;
}

function misnumbered(expected: Expected, bad: LineFacts, tail: Tail): Judgement {
  const { line, head } = bad;
  const after = { head: tail.hash, seq: head === undefined ? undefined : head.seq + 1, takesNext: false };
  if (head === undefined) {
    const message = `Line ${line} has fitting hashes but is not an audit entry; only a rewritten log can hold it.`;
    return { ...after, finding: place(bad, 'format', undefined, undefined, message) };
  }
  if (expected.seq === undefined || head.seq === expected.seq) {
    return { ...after, finding: place(bad, 'format', 'genesis', head.phase, `Line ${line} should be the genesis entry of the log.`) };
  }
  const message = `Line ${line} is numbered #${head.seq} where #${expected.seq} belongs, although its hashes fit: the log was rewritten.`;
  return { ...after, finding: place(bad, 'seq', `${expected.seq}`, `${head.seq}`, message) };
}

function place(
  bad: LineFacts,
  kind: Finding['class'],
  expected: string | undefined,
  found: string | undefined,
  message: string,
): Finding {
  return { class: kind, line: bad.line, offset: bad.offset, expected: hashOrText(expected), found: hashOrText(found), message };
}

function hashOrText(value: string | undefined): string | null {
  if (value === undefined) return null;
  return /^[0-9a-f]{64}$/.test(value) ? `sha256:${value}` : value;
}
