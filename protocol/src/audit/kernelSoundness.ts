/** Whether writing and checking a chain works in this runtime: a log of two entries whose bytes another program has checked. */
import { prepareEntry, writeLine, zeroHash } from './bytes';
import { ChainCheck } from './chain';
import type { OwnEntry } from './entry';
import { leafOf } from './merkle';
import { cryptoFlaw, type Primitives } from './soundness';

const entries: readonly OwnEntry[] = [
  { phase: 'genesis', tool: 'audit.genesis', input: { format: 'conductor-audit/1', logId: '00112233445566778899aabbccddeeff' }, result: 'ok' },
  { phase: 'recover', tool: 'audit.selfTest', input: { z: [true, null, 1e21], a: 'Gr\u00fc\u00dfe\u2028\u{1f600}' }, result: 'ok' },
];
/** Bytes of that log, and the hash of its last entry, as `scripts/verify.py` gives it. */
const wholeBytes = 939;
const wholeHead = 'bbdf0c4234380f7c94c98998cb445e37c7a5b593bd983bea260493af1bd88011';

/** The hash of a leaf that is empty, as implementations of RFC 6962 give it. */
const emptyLeaf = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';

/** What is wrong with this runtime for a log, as a sentence; undefined when published examples and a log of our own come out right. Takes some milliseconds. */
export function logFlaw(primitives?: Primitives): string | undefined {
  const flaw = cryptoFlaw(primitives);
  if (flaw !== undefined) return flaw;
  const log = Buffer.alloc(2_048);
  let [end, head] = [0, zeroHash];
  entries.forEach((entry, i) => {
    const written = writeLine(log, end, prepareEntry(entry, `evt_0000000000000000000000000${i + 1}`, `2026-11-21T20:53:17.12${i}Z`), i + 1, head);
    [end, head] = [written.end, written.hash];
  });
  if (end !== wholeBytes || head !== wholeHead || leafOf(Buffer.alloc(0)).toString('hex') !== emptyLeaf) return 'Entries written in this runtime are not what they should be.';
  const bytes = log.subarray(0, end);
  const flips = [20, 200, 460, 500, 700, end - 10].every((at) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    return check(changed) === undefined;
  });
  return flips && check(bytes) === wholeHead ? undefined : 'The verification of a log does not work in this runtime.';
}

let found: Readonly<{ flaw: string | undefined }> | undefined;

/** `logFlaw` of this process, which is looked for once. */
export function runtimeFlaw(): string | undefined {
  return (found ??= { flaw: logFlaw() }).flaw;
}

/** The last hash of an intact log; undefined when it is not intact. */
function check(bytes: Buffer): string | undefined {
  const chain = new ChainCheck();
  let start = 0;
  for (let newline = bytes.indexOf(0x0a); newline !== -1; newline = bytes.indexOf(0x0a, start)) {
    chain.push(bytes, start, newline, start);
    start = newline + 1;
  }
  const { verdict, head } = chain.finish(start < bytes.length ? { bytes, start, end: bytes.length, offset: start } : undefined);
  return verdict === 'intact' ? head : undefined;
}
