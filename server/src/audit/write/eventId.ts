import { randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** All pairs of digits, for numbers that are written often. */
const pairs = Array.from({ length: 1_024 }, (_, n) => (alphabet[n >>> 5] ?? '') + (alphabet[n & 31] ?? ''));

/** Crockford base 32 of a whole number below 2^53, padded to `length`. */
function base32(value: number, length: number): string {
  let text = '';
  for (let rest = value, i = 0; i < length; i += 1, rest = Math.floor(rest / 32)) text = (alphabet[rest % 32] ?? '') + text;
  return text;
}

/**
 * Makes ids `evt_` + ULID that are unique and, from one maker, sort in the order of making: within a millisecond, and
 * while the clock is set back, the random part counts up instead of being drawn anew.
 */
export function eventIds(now: () => number = Date.now): () => string {
  let last = -1;
  let prefix = '';
  let count = 0;
  const few = randomPieces(11);
  return () => {
    const time = now();
    if (time > last) {
      last = time;
      const random = few();
      prefix = `evt_${base32(time, 10)}${base32(random.readUIntBE(0, 6) * 4 + (random.readUInt8(6) & 3), 10)}`;
      // 29 random bits in a field of 30 leave room to count.
      count = random.readUInt32BE(7) >>> 3;
    } else {
      count += 1;
    }
    return prefix + (pairs[(count >>> 20) & 1_023] ?? '') + (pairs[(count >>> 10) & 1_023] ?? '') + (pairs[count & 1_023] ?? '');
  };
}

/** Random bytes, so many each time, out of a supply: asking the system takes longer than all else about an id. */
function randomPieces(length: number): () => Buffer {
  let supply = Buffer.alloc(0);
  return () => {
    if (supply.length < length) supply = randomBytes(100 * length);
    const piece = supply.subarray(0, length);
    supply = supply.subarray(length);
    return piece;
  };
}

/** Writes wall-clock times in UTC with milliseconds; asked again for the same millisecond it need not work. */
export function timestamps(now: () => number = Date.now): () => string {
  let last = Number.NaN;
  let text = '';
  return () => {
    const time = now();
    if (time !== last) [last, text] = [time, new Date(time).toISOString()];
    return text;
  };
}
