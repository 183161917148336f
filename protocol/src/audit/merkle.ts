/**
 * The Merkle tree of RFC 6962 (section 2.1) over the entries of a log: leaf number i is the 32-byte hash of entry i + 1.
 * Proofs are made from whatever can give the root of a range, so that nobody needs all leaves for the newest few.
 */
import { hash } from 'node:crypto';

/** Bytes of every hash in the tree. */
export const nodeBytes = 32;

const leafMark = Buffer.of(0);
const nodeMark = Buffer.of(1);

/** The root of an empty tree. */
export const emptyRoot: Buffer = hash('sha256', Buffer.alloc(0), 'buffer');

/** The leaf that an entry makes, from the entry's own hash. */
export function leafOf(entryHash: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([leafMark, entryHash]), 'buffer');
}

/** The node over two others. */
export function nodeOf(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([nodeMark, left, right]), 'buffer');
}

/**
 * The right edge of a tree: the roots of its largest whole subtrees, from left to right, which is all that growing needs.
 * A tree of n leaves has as many of them as n has ones in binary.
 */
export class Frontier {
  #size: number;
  readonly #hashes: Buffer[];

  /** Throws RangeError when there are not as many hashes as a tree of that size has. */
  constructor(size = 0, hashes: readonly Uint8Array[] = []) {
    if (!Number.isSafeInteger(size) || size < 0 || hashes.length !== onesIn(size)) throw new RangeError('these hashes are not the edge of a tree of this size');
    this.#size = size;
    this.#hashes = hashes.map((one) => Buffer.from(one));
  }

  get size(): number {
    return this.#size;
  }

  get hashes(): readonly Buffer[] {
    return this.#hashes;
  }

  /** Adds the next leaf. */
  append(leaf: Buffer): void {
    let node = leaf;
    for (let size = this.#size; size % 2 === 1; size = Math.floor(size / 2)) node = nodeOf(this.#hashes.pop() ?? node, node);
    this.#hashes.push(node);
    this.#size += 1;
  }

  root(): Buffer {
    const [last, ...rest] = [...this.#hashes].reverse();
    return last === undefined ? emptyRoot : rest.reduce((right, left) => nodeOf(left, right), last);
  }

  copy(): Frontier {
    return new Frontier(this.#size, this.#hashes);
  }
}

/** Gives the root over the leaves from `start` up to, not including, `end`. Throws RangeError for a range that it does not know. */
export type RootOfRange = (start: number, end: number) => Buffer;

/** The roots of ranges over all leaves, or over the leaves from `edge.size` on together with the edge before them. */
export function rootsOver(leaves: readonly Uint8Array[], edge: Frontier = new Frontier()): RootOfRange {
  const whole = new Map<string, Buffer>();
  let start = 0;
  for (const one of edge.hashes) {
    const width = largestPower(edge.size - start);
    whole.set(`${start} ${start + width}`, one);
    start += width;
  }
  const known = edge.size + leaves.length;
  const rootOf: RootOfRange = (from, to) => {
    const kept = whole.get(`${from} ${to}`);
    if (kept !== undefined) return kept;
    if (to > known || from >= to || to - from === 1) return leafAt(from, to);
    const middle = from + splitOf(to - from);
    return nodeOf(rootOf(from, middle), rootOf(middle, to));
  };
  const leafAt = (from: number, to: number): Buffer => {
    const leaf = to - from === 1 ? leaves[from - edge.size] : undefined;
    if (leaf === undefined) throw new RangeError(`the leaves from ${from} to ${to} are not known`);
    return Buffer.from(leaf);
  };
  return rootOf;
}

/** Proves that leaf `index` is in the tree of the first `size` leaves (PATH of RFC 6962, section 2.1.1). */
export function proveInclusion(index: number, size: number, rootOf: RootOfRange): Buffer[] {
  if (index < 0 || index >= size) throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  const path = (start: number, end: number): Buffer[] => {
    if (end - start === 1) return [];
    const middle = start + splitOf(end - start);
    return index < middle ? [...path(start, middle), rootOf(middle, end)] : [...path(middle, end), rootOf(start, middle)];
  };
  return path(0, size);
}

/** The root that an inclusion proof leads to; undefined when the proof has not the length that it must have (RFC 9162, section 2.1.3.2). */
export function rootByInclusion(leaf: Buffer, index: number, size: number, proof: readonly Uint8Array[]): Buffer | undefined {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return undefined;
  let [at, last, node] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0 || sibling.length !== nodeBytes) return undefined;
    if (at % 2 === 1 || at === last) {
      node = nodeOf(sibling, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      node = nodeOf(node, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? node : undefined;
}

/** Proves that the tree of `size` leaves begins with the tree of `old` leaves (PROOF of RFC 6962, section 2.1.2); empty when `old` is 0 or `size`. */
export function proveConsistency(old: number, size: number, rootOf: RootOfRange): Buffer[] {
  if (old < 0 || old > size) throw new RangeError(`a tree of ${size} leaves cannot continue one of ${old}`);
  const proof = (start: number, end: number, whole: boolean): Buffer[] => {
    if (old === end) return whole ? [] : [rootOf(start, end)];
    const middle = start + splitOf(end - start);
    return old <= middle ? [...proof(start, middle, whole), rootOf(middle, end)] : [...proof(middle, end, false), rootOf(start, middle)];
  };
  return old === 0 ? [] : proof(0, size, true);
}

/** What a consistency proof speaks of. */
export type Growth = Readonly<{ old: number; oldRoot: Buffer; size: number; root: Buffer }>;

/** Whether the proof shows that the larger tree continues the smaller one (RFC 9162, section 2.1.4.2). */
export function growthFits({ old, oldRoot, size, root }: Growth, proof: readonly Uint8Array[]): boolean {
  if (!Number.isSafeInteger(old) || !Number.isSafeInteger(size) || old < 0 || old > size || proof.some(({ length }) => length !== nodeBytes)) return false;
  if (old === 0) return proof.length === 0 && oldRoot.equals(emptyRoot);
  if (old === size) return proof.length === 0 && oldRoot.equals(root);
  const path = isPower(old) ? [oldRoot, ...proof] : [...proof];
  let [at, last] = [old - 1, size - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  const first = path.shift();
  if (first === undefined) return false;
  let small: Buffer = Buffer.from(first);
  let large: Buffer = small;
  for (const node of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      [small, large] = [nodeOf(node, small), nodeOf(node, large)];
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      large = nodeOf(large, node);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && small.equals(oldRoot) && large.equals(root);
}

// Sizes may pass 2 to the 31st, where bit operations of JavaScript end.
function half(value: number): number {
  return Math.floor(value / 2);
}

function isPower(value: number): boolean {
  return largestPower(value) === value;
}

/** The largest power of two that is not above the value, which is at least 1. */
function largestPower(value: number): number {
  let power = 1;
  while (power * 2 <= value) power *= 2;
  return power;
}

/** Where a range of this many leaves divides: the largest power of two below it. */
function splitOf(width: number): number {
  const power = largestPower(width);
  return power === width ? power / 2 : power;
}

function onesIn(value: number): number {
  let ones = 0;
  for (let left = value; left > 0; left = half(left)) ones += left % 2;
  return ones;
}
