import { z } from 'zod';
import { logKeysSchema } from '../../../protocol/src/audit/keys';

/** Keeps the keys that sign an audit log in the editor's secret storage, with what was signed last: one secret for each log. */

/** The part of VS Code's secret storage that is used here. */
export type Secrets = Readonly<{ get(name: string): PromiseLike<string | undefined>; store(name: string, value: string): PromiseLike<void> }>;

/** The head that was signed last: entries, bare hash of the last of them, and when. */
const signedHead = z.strictObject({ entries: z.number().int().min(1), head: z.string().regex(/^[0-9a-f]{64}$/), at: z.string() });
/** The head that was signed last. */
export type SignedHead = z.infer<typeof signedHead>;

const keptSchema = z.strictObject({ keys: logKeysSchema, signed: signedHead.nullable() });
/** What is kept of one log. `signed` is null before the first signature. */
export type KeptKeys = z.infer<typeof keptSchema>;

/** The keys of logs, by the id of the log (32 hex digits). */
export class LogKeyStore {
  constructor(private readonly secrets: Secrets) {}

  /** What is kept; undefined when nothing is. Rejects when the storage cannot be read, or holds what this version does not understand. */
  async read(logId: string): Promise<KeptKeys | undefined> {
    const text = await this.secrets.get(nameOf(logId));
    return text === undefined ? undefined : keptSchema.parse(JSON.parse(text));
  }

  /** Keeps this, and reads it again: a storage that forgets would make a new key with each signature. */
  async write(logId: string, kept: KeptKeys): Promise<void> {
    const text = JSON.stringify(kept);
    await this.secrets.store(nameOf(logId), text);
    if ((await this.secrets.get(nameOf(logId))) !== text) throw new Error('the secret storage of this editor does not keep what it is given');
  }
}

function nameOf(logId: string): string {
  return `conductor.audit.${logId}`;
}
