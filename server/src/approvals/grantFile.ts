import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fchmodSync, fstatSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import { rungNames } from '../../../protocol/src/grants';
import type { Grant } from '../rules/grants/ground';
import type { Use } from './grantView';

/**
 * The file of what was granted beyond a session, in the configuration folder. A code over its content (HMAC-SHA-256, with a key made from
 * the control key) tells what the broker wrote from what anybody else did; a file without the right one is set aside and holds nothing.
 */

/** Name of the file. */
export const grantFileName = 'grants.json';

/** A grant with the count of its uses. */
export type KeptGrant = Readonly<{ grant: Grant; use: Use }>;

/** Where grants are kept between two lives of the broker. */
export type GrantFile = Readonly<{
  /** What was kept; nothing when there is no file; the trouble in words when it cannot be trusted, and then it is set aside. */
  read(): Readonly<{ kept: readonly KeptGrant[] }> | Readonly<{ trouble: string }>;
  /** Puts the file in place in one step; the trouble, when it cannot. */
  write(kept: readonly KeptGrant[]): string | undefined;
}>;

/** Bytes above which the file is none that the broker wrote. */
const maxBytes = 8 * 1_048_576;

const tie = z.strictObject({ label: z.string(), key: z.string(), value: z.string() });
const words = z.array(z.string());
const scope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('call'), argvs: z.array(words), ties: z.array(tie) }),
  z.strictObject({ kind: z.literal('unit'), argv: words, ties: z.array(tie) }),
  z.strictObject({ kind: z.literal('form'), program: z.string(), subcommand: z.string().optional(), options: words.optional(), ties: z.array(tie) }),
  z.strictObject({ kind: z.literal('file'), path: z.string() }),
  z.strictObject({ kind: z.literal('name'), program: z.string(), subcommand: z.string().optional() }),
]);
const lastingGrant = z.strictObject({
  id: z.string().regex(/^grant_[0-9A-Z]{26}$/), effect: z.enum(['allow', 'deny']), rung: z.enum(rungNames).exclude(['once']), tool: z.string(), project: z.string(), agent: z.string(), policy: z.string(), pin: z.string(),
  reasons: z.array(z.strictObject({ rule: z.string(), reason: z.string() })), scope, createdAt: z.number(), expiresAt: z.number().optional(),
  title: z.string(), covers: z.string(), by: z.string(), signed: z.literal(true).optional(), call: z.string(),
});
const body = z.strictObject({ v: z.literal(1), kept: z.array(z.strictObject({ grant: lastingGrant, use: z.strictObject({ uses: z.number().int(), lastUsedAt: z.number().optional() }) })) });
const stored = z.strictObject({ mac: z.string().regex(/^[0-9a-f]{64}$/), body });

/** The file at a path; `controlKey` are the 32 bytes of the control key. */
export function grantFileAt(path: string, controlKey: Uint8Array): GrantFile {
  const key = createHmac('sha256', controlKey).update('conductor grants 1').digest();
  return {
    read() {
      const text = textOf(path);
      if (text === undefined) return { kept: [] };
      const kept = typeof text === 'string' ? trusted(text, key) : undefined;
      return kept === undefined ? { trouble: setAside(path) } : { kept };
    },
    write(kept) {
      const content = { v: 1, kept: kept.map(({ grant, use }) => ({ grant: withoutTexts(grant), use })) };
      return replace(path, `${JSON.stringify({ mac: macOf(content, key), body: content })}\n`);
    },
  };
}

/** What a file held is shown while it can be, and is no part of a grant. */
function withoutTexts(grant: Grant): Grant {
  if (!('ties' in grant.scope)) return grant;
  return { ...grant, scope: { ...grant.scope, ties: grant.scope.ties.map(({ label, key, value }) => ({ label, key, value })) } };
}

/** The text of a plain file of ours; undefined when there is none, false for anything else. */
function textOf(path: string): string | undefined | false {
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

function trusted(text: string, key: Uint8Array): readonly KeptGrant[] | undefined {
  try {
    const parsed = stored.parse(JSON.parse(text));
    const mac = Buffer.from(parsed.mac, 'hex');
    if (!timingSafeEqual(mac, Buffer.from(macOf(parsed.body, key), 'hex'))) return undefined;
    return parsed.body.kept as readonly KeptGrant[];
  } catch {
    return undefined;
  }
}

function macOf(content: unknown, key: Uint8Array): string {
  return createHmac('sha256', key).update(canonicalJson(content).text).digest('hex');
}

function setAside(path: string): string {
  const aside = `${path}.ignored-${randomBytes(4).toString('hex')}`;
  const says = `${path} was not written by Conductor, or was changed since, so nothing of it counts: what was granted asks again, and what was forbidden for good does too.`;
  try {
    renameSync(path, aside);
    return `${says} It is kept as ${aside}.`;
  } catch {
    return `${says} It could not be moved away.`;
  }
}

function replace(path: string, text: string): string | undefined {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const descriptor = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      fchmodSync(descriptor, 0o600);
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
    return undefined;
  } catch (error) {
    tryRemove(temporary);
    return `Grants could not be written to ${path} (${error instanceof Error ? error.message : String(error)}): they hold until the broker ends.`;
  }
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function tryRemove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made, or is in place already.
  }
}
