import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import { openFlags, sameObject, systemPins, type Pin, type Pins } from './pin';

/** Reading from a file that is held, and only from a regular one: opening never waits and never wakes a device. */

/** Bytes from a position; fewer than asked only at the end of the file. `stat` is as of the opening. */
export type Slice = Readonly<{ bytes: Buffer; stat: BigIntStats }>;

/** Up to this many bytes are read at once without leaving the thread; more would keep other calls waiting. */
const quickBytes = 65_536;

/** Reads up to `limit` bytes from `position`. Undefined when the held path no longer leads to the same regular file. Throws the system's error. */
export async function readSlice(pin: Pin, position: number, limit: number, pins: Pins = systemPins): Promise<Slice | undefined> {
  if (!pin.stat.isFile() || !pin.holds()) return undefined;
  const expected = Number(pin.stat.size) - position;
  return expected <= quickBytes && limit > quickBytes ? readQuickly(pin, position, limit, pins) : readPatiently(pin, position, limit, pins);
}

/** A small file in one go; one that grew meanwhile, or that reports no size, is read the other way. */
async function readQuickly(pin: Pin, position: number, limit: number, pins: Pins): Promise<Slice | undefined> {
  const descriptor = openSync(pin.path, openFlags(pins, constants.O_RDONLY));
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    if (!isSameFile(stat, pin)) return undefined;
    const buffer = Buffer.allocUnsafe(Math.max(0, Number(stat.size) - position) + 1);
    if (buffer.length <= quickBytes + 1) {
      const count = readSync(descriptor, buffer, 0, buffer.length, position);
      if (count < buffer.length) return { bytes: buffer.subarray(0, count), stat };
    }
  } finally {
    closeSync(descriptor);
  }
  return readPatiently(pin, position, limit, pins);
}

async function readPatiently(pin: Pin, position: number, limit: number, pins: Pins): Promise<Slice | undefined> {
  const file = await open(pin.path, openFlags(pins, constants.O_RDONLY));
  try {
    const stat = await file.stat({ bigint: true });
    if (!isSameFile(stat, pin)) return undefined;
    const buffer = Buffer.allocUnsafe(limit);
    let filled = 0;
    while (filled < limit) {
      const { bytesRead } = await file.read(buffer, filled, limit - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return { bytes: buffer.subarray(0, filled), stat };
  } finally {
    await file.close();
  }
}

function isSameFile(stat: BigIntStats, pin: Pin): boolean {
  return stat.isFile() && sameObject(stat, pin.stat);
}
