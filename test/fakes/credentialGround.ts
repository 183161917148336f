import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realFiles } from '../../server/src/credentials/files';
import type { CredentialUse, StoreGround } from '../../server/src/credentials/store';

/** A folder of its own for a store, on a machine with an id that tests choose, with a clock that counts seconds and costs that do not. */
export type TestGround = StoreGround & Readonly<{ base: string; uses: CredentialUse[]; refusals: { use: CredentialUse; code: string }[]; scheduled: (() => void)[] }>;

/** Makes one. */
export function credentialGround(more: Partial<StoreGround> = {}): TestGround {
  const base = more.folder === undefined ? realpathSync(mkdtempSync(join(tmpdir(), 'conductor-credentials-'))) : join(more.folder, '..');
  const uses: CredentialUse[] = [];
  const refusals: { use: CredentialUse; code: string }[] = [];
  const scheduled: (() => void)[] = [];
  let seconds = 0;
  return {
    base, uses, refusals, scheduled,
    folder: join(base, 'credentials'),
    files: realFiles(),
    machineId: () => Promise.resolve('0123456789abcdef0123456789abcdef'),
    costs: { machine: { N: 1024, r: 1, p: 1 }, passphrase: { N: 1024, r: 1, p: 1 } },
    now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, (seconds += 1))).toISOString(),
    remembered: () => Promise.resolve(undefined),
    used: (use) => Promise.resolve(void uses.push(use)),
    refused: (use, { code }) => void refusals.push({ use, code }),
    changed: () => undefined,
    schedule: (run) => {
      scheduled.push(run);
      return () => void scheduled.splice(scheduled.indexOf(run), 1);
    },
    ...more,
  };
}
