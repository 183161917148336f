import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync } from 'node:fs';
import type { z } from 'zod';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import { writePrivateFile } from './privateFile';

/**
 * A private JSON file with a code over its content (HMAC-SHA-256), which tells what this program wrote from what anybody else did. A file
 * without the right one is set aside and holds nothing.
 */

/** What a sealed file is made with. */
export type SealedOptions<T> = Readonly<{ /** Absolute path. */ path: string; key: Uint8Array; schema: z.ZodType<T>; /** Bytes above which the file is none of ours. */ maxBytes: number }>;

/** What a sealed file held: nothing when there is none; `aside` when it was not ours, with the place where it lies now, if it could be moved. */
export type Unsealed<T> = Readonly<{ kind: 'missing' }> | Readonly<{ kind: 'kept'; body: T }> | Readonly<{ kind: 'aside'; at?: string }>;

/** A file that is read whole and replaced whole. */
export type SealedFile<T> = Readonly<{
  read(): Unsealed<T>;
  /** Durable when it returns. Throws the system's error, and the old file stays. */
  write(body: T): void;
  /** Moves a file away that is ours and must not count; says where it lies then, if it could be moved. */
  setAside(): Readonly<{ at?: string }>;
}>;

/** The sealed file at a path. */
export function sealedFileAt<T>({ path, key, schema, maxBytes }: SealedOptions<T>): SealedFile<T> {
  return {
    read() {
      const text = textOf(path, maxBytes);
      if (text === undefined) return { kind: 'missing' };
      const body = text === false ? undefined : trusted(text, key, schema);
      return body === undefined ? setAside(path) : { kind: 'kept', body: body.value };
    },
    write: (body) => writePrivateFile(path, `${JSON.stringify({ mac: macOf(body, key), body })}\n`),
    setAside: () => setAside(path),
  };
}

/** The text of a plain file of ours; undefined when there is none, false for anything else. */
function textOf(path: string, maxBytes: number): string | undefined | false {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? undefined : false;
  }
  try {
    const stat = fstatSync(descriptor);
    const self = process.getuid?.();
    if (!stat.isFile() || stat.size > maxBytes || (self !== undefined && stat.uid !== self)) return false;
    if (process.platform !== 'win32' && (stat.mode & 0o022) !== 0) return false;
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

function trusted<T>(text: string, key: Uint8Array, schema: z.ZodType<T>): Readonly<{ value: T }> | undefined {
  try {
    const stored: unknown = JSON.parse(text);
    if (typeof stored !== 'object' || stored === null || !('mac' in stored) || !('body' in stored) || typeof stored.mac !== 'string' || !/^[0-9a-f]{64}$/.test(stored.mac)) return undefined;
    if (!timingSafeEqual(Buffer.from(stored.mac, 'hex'), Buffer.from(macOf(stored.body, key), 'hex'))) return undefined;
    return { value: schema.parse(stored.body) };
  } catch {
    return undefined;
  }
}

function macOf(content: unknown, key: Uint8Array): string {
  return createHmac('sha256', key).update(canonicalJson(content).text).digest('hex');
}

function setAside(path: string): Readonly<{ kind: 'aside'; at?: string }> {
  const at = `${path}.ignored-${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, at);
    return { kind: 'aside', at };
  } catch {
    return { kind: 'aside' };
  }
}
