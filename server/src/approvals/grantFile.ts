import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { rungNames } from '../../../protocol/src/grants';
import { sealedFileAt } from '../base/sealedFile';
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
  /** What was kept and after how many changes; nothing when there is no file; the trouble in words when it cannot be trusted, and then it is set aside. */
  read(): GrantsAt | Readonly<{ trouble: string }>;
  /** Puts the file in place in one step; the trouble, when it cannot. */
  write(kept: GrantsAt): string | undefined;
}>;

/** What lasts, and the number of the change that made it so: each change of the file has one, which the log has too. */
export type GrantsAt = Readonly<{ kept: readonly KeptGrant[]; change: number }>;

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
  z.strictObject({ kind: z.literal('any') }),
]);
/** A grant as the file and the log keep it. */
export const lastingGrant = z.strictObject({
  id: z.string().regex(/^grant_[0-9A-Z]{26}$/), effect: z.enum(['allow', 'deny']), rung: z.enum(rungNames).exclude(['once']), tool: z.string(), project: z.string(), agent: z.string(), policy: z.string(), pin: z.string(),
  reasons: z.array(z.strictObject({ rule: z.string(), reason: z.string() })), scope, createdAt: z.number(), expiresAt: z.number().optional(),
  title: z.string(), covers: z.string(), by: z.string(), signed: z.literal(true).optional(), call: z.string(),
});
const body = z.strictObject({ v: z.literal(1), /** Absent in files of the first version. */ change: z.number().int().min(0).optional(), kept: z.array(z.strictObject({ grant: lastingGrant, use: z.strictObject({ uses: z.number().int(), lastUsedAt: z.number().optional() }) })) });

/** The file at a path; `controlKey` are the 32 bytes of the control key. */
export function grantFileAt(path: string, controlKey: Uint8Array): GrantFile {
  const key = createHmac('sha256', controlKey).update('conductor grants 1').digest();
  const file = sealedFileAt({ path, key, schema: body, maxBytes });
  return {
    read() {
      const found = file.read();
      if (found.kind === 'missing') return { kept: [], change: 0 };
      return found.kind === 'kept' ? { kept: found.body.kept as readonly KeptGrant[], change: found.body.change ?? 0 } : { trouble: ignored(path, found.at) };
    },
    write({ kept, change }) {
      try {
        file.write({ v: 1, change, kept: kept.map(({ grant, use }) => ({ grant: withoutTexts(grant), use })) } as z.output<typeof body>);
        return undefined;
      } catch (error) {
        return `Grants could not be written to ${path} (${error instanceof Error ? error.message : String(error)}): they hold until the broker ends.`;
      }
    },
  };
}

/** What a file held is shown while it can be, and is no part of a grant. */
export function withoutTexts(grant: Grant): Grant {
  if (!('ties' in grant.scope)) return grant;
  return { ...grant, scope: { ...grant.scope, ties: grant.scope.ties.map(({ label, key, value }) => ({ label, key, value })) } };
}

function ignored(path: string, at: string | undefined): string {
  const says = `${path} was not written by Conductor, or was changed since, so nothing of it counts: what was granted asks again, and what was forbidden is taken from the log.`;
  return at === undefined ? `${says} It could not be moved away.` : `${says} It is kept as ${at}.`;
}
