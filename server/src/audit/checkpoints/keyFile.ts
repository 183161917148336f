/** The key of a broker without an editor: a file beside the log. Whoever can write the log can read it, so it is the weaker place. */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { keysAfter, logKeysSchema, newLogKeys, signCheckpoint } from '../../../../protocol/src/audit/keys';
import type { SignAnswer, SignRequest } from '../../../../protocol/src/audit/signing';
import { textOf } from './checkpointStore';
import type { Disk } from '../files/disk';

/** Name of the file beside the log; mode 0600, never readable by tools. */
export const keyFileName = 'audit.key';

const fileSchema = z.record(z.string().regex(/^[0-9a-f]{32}$/), logKeysSchema);

/** Signs with the keys of the file, which is made when it is first needed. */
export function keyFileSigner(log: string, disk: Disk): (request: SignRequest) => Promise<SignAnswer> {
  const path = join(dirname(log), keyFileName);
  return async ({ facts, closed }) => {
    try {
      const all = await readKeys(path, disk);
      const held = all[facts.logId];
      const keys = held === undefined ? newLogKeys() : keysAfter(held, closed);
      // What signs must be on the disk before it has signed, or the next start would sign with other keys.
      if (keys !== held) await writeKeys(path, disk, { ...all, [facts.logId]: keys });
      return { kind: 'signed', note: signCheckpoint(keys, facts, 'file') };
    } catch (cause) {
      return { kind: 'unavailable', reason: `The key file ${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}` };
    }
  };
}

async function readKeys(path: string, disk: Disk): Promise<z.infer<typeof fileSchema>> {
  const text = await textOf(path, disk);
  return text === undefined ? {} : fileSchema.parse(JSON.parse(text));
}

async function writeKeys(path: string, disk: Disk, all: z.infer<typeof fileSchema>): Promise<void> {
  const file = await disk.create(`${path}.tmp`);
  try {
    const bytes = Buffer.from(`${JSON.stringify(all)}\n`);
    if ((await file.append(bytes)) !== bytes.length) throw new Error('the disk may be full');
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(`${path}.tmp`, path);
  await disk.syncFolder(dirname(path));
}
