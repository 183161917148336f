import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { approverKeySchema, type ApproverKey } from '../../../protocol/src/approvers';
import { eventId } from '../../../protocol/src/audit/entry';
import { toConductorError } from '../../../protocol/src/errors';
import { writePrivateFile } from '../base/privateFile';

/** The registered keys of people who answer, kept in a file of the configuration folder that no tool may touch. */
export type Approvers = Readonly<{
  /** In the order in which they came. */
  list(): readonly ApproverKey[];
  find(id: string): ApproverKey | undefined;
  /** Why the file cannot be used; no signature counts then, and no key is believed. */
  problem(): string | undefined;
  /** Notes durably which keys there will be once the log has the entry `id`, so that a crash between the two leaves neither alone. Throws when that cannot be written. */
  announce(keys: readonly ApproverKey[], id: string): void;
  /** Keeps these keys and no others; durable when it returns. Throws when the file cannot be written. */
  keep(keys: readonly ApproverKey[]): void;
  /** What was announced and not kept before the last end. */
  announced(): Readonly<{ keys: readonly ApproverKey[]; id: string }> | undefined;
}>;

/** Name of the file in the configuration folder; mode 0600. */
export const approversFileName = 'approvers.json';

/** What `announce` leaves beside the file until it is kept. */
const nextFileName = `${approversFileName}.next`;

const fileSchema = z.strictObject({ v: z.literal(1), keys: z.array(approverKeySchema).max(1000) });
const nextSchema = fileSchema.extend({ id: eventId });

/** Reads the registered keys. A file that is not there means none; one that cannot be understood is a problem, not none. */
export function openApprovers(configDir: string): Approvers {
  const path = join(configDir, approversFileName);
  const nextPath = join(configDir, nextFileName);
  let { keys, problem } = read(path);
  return {
    list: () => keys,
    find: (id) => keys.find((key) => key.id === id),
    problem: () => problem,
    announce(next, id) {
      writePrivateFile(nextPath, `${JSON.stringify({ v: 1, keys: next, id })}\n`);
    },
    keep(next) {
      writePrivateFile(path, `${JSON.stringify({ v: 1, keys: next }, undefined, 2)}\n`);
      keys = next;
      problem = undefined;
      rmSync(nextPath, { force: true });
    },
    announced() {
      try {
        return nextSchema.parse(JSON.parse(readFileSync(nextPath, 'utf8')));
      } catch {
        // None, or one that a crash cut off before the log was asked to record anything.
        return undefined;
      }
    },
  };
}

function read(path: string): { keys: readonly ApproverKey[]; problem: string | undefined } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { keys: [], problem: undefined };
    return { keys: [], problem: `${path} cannot be read: ${toConductorError(error).message}` };
  }
  try {
    return { keys: fileSchema.parse(JSON.parse(text)).keys, problem: undefined };
  } catch {
    return { keys: [], problem: `${path} holds something that is no list of approver keys.` };
  }
}
