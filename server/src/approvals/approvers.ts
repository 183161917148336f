import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { approverKeySchema, type ApproverKey } from '../../../protocol/src/approvers';
import { toConductorError } from '../../../protocol/src/errors';
import { writePrivateFile } from '../base/privateFile';

/** The registered keys of people who answer, kept in a file of the configuration folder that no tool may touch. */
export type Approvers = Readonly<{
  /** In the order in which they came. */
  list(): readonly ApproverKey[];
  find(id: string): ApproverKey | undefined;
  /** Why the file cannot be used; no signature counts then, and no key is believed. */
  problem(): string | undefined;
  /** Keeps these keys and no others; durable when it returns. Throws when the file cannot be written. */
  keep(keys: readonly ApproverKey[]): void;
}>;

/** Name of the file in the configuration folder; mode 0600. */
export const approversFileName = 'approvers.json';

const fileSchema = z.strictObject({ v: z.literal(1), keys: z.array(approverKeySchema).max(1000) });

/** Reads the registered keys. A file that is not there means none; one that cannot be understood is a problem, not none. */
export function openApprovers(configDir: string): Approvers {
  const path = join(configDir, approversFileName);
  let { keys, problem } = read(path);
  return {
    list: () => keys,
    find: (id) => keys.find((key) => key.id === id),
    problem: () => problem,
    keep(next) {
      writePrivateFile(path, `${JSON.stringify({ v: 1, keys: next }, undefined, 2)}\n`);
      keys = next;
      problem = undefined;
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
