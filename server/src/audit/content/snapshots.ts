/** Keeps what entries rest on, once, under the SHA-256 of its bytes, so that a hash in the log can be opened years later. */
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensurePrivateFolder } from '../../../../link/src/privateFolder';
import { sha256 } from '../../../../protocol/src/audit/bytes';
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import { snapshotKinds, type Snapshot, type SnapshotKind } from '../../../../protocol/src/audit/snapshot';
import { ConductorError } from '../../../../protocol/src/errors';
import { writePrivateFile } from '../../base/privateFile';

/** Name of the folder beside the log; mode 0700, its files 0600. */
export const snapshotFolderName = 'snapshots';

/** A snapshot in the folder; `storedAt` in milliseconds since 1970. */
export type StoredSnapshot = Readonly<{ kind: SnapshotKind; hash: string; storedAt: number }>;

/** The snapshots beside one log. */
export type Snapshots = Readonly<{
  /** Stores a value in RFC 8785 form, unless it is there already, and gives its hash (64 hex digits). Durable when it returns; throws the system's error. */
  keep(kind: SnapshotKind, value: unknown): string;
  /** The same for what nothing waits for, without holding anything up: durable when it resolves, rejects with the system's error. */
  keepLater(kind: SnapshotKind, value: unknown): Promise<void>;
  /** The snapshot of a hash. Throws NOT_FOUND when none is stored, CONFLICT when its file was changed. */
  read(hash: string): Snapshot;
  /** What is stored, all but what was kept since this was opened, since entries may be about to name it. */
  stored(): readonly StoredSnapshot[];
  /** Removes one that nothing names; does nothing when it is gone, or was kept meanwhile. */
  remove(snapshot: StoredSnapshot): void;
}>;

/** Makes the snapshots beside a log; the folder comes with the first of them. */
export function openSnapshots(log: string): Snapshots {
  const folder = join(dirname(log), snapshotFolderName);
  const fileOf = (kind: SnapshotKind, hash: string): string => join(folder, `${kind}-${hash}.json`);
  const kept = new Set<string>();
  return {
    keep(kind, value) {
      const { text } = canonicalJson(value);
      const hash = sha256(text);
      if (kept.has(hash)) return hash;
      const file = fileOf(kind, hash);
      if (textOf(file) !== text) write(folder, file, text);
      kept.add(hash);
      return hash;
    },
    async keepLater(kind, value) {
      const { text } = canonicalJson(value);
      const file = fileOf(kind, sha256(text));
      ensurePrivateFolder(folder);
      await writeLater(file, text);
    },
    read(given) {
      const hash = given.replace(/^sha256:/, '');
      for (const kind of snapshotKinds) {
        const text = textOf(fileOf(kind, hash));
        if (text === undefined) continue;
        if (sha256(text) !== hash) throw new ConductorError('CONFLICT', `${fileOf(kind, hash)} was changed: its content does not give the hash in its name.`, { next: 'Compare with a backup; the entry in the log says the right hash.' });
        return { kind, hash, text: JSON.stringify(JSON.parse(text), undefined, 2) };
      }
      throw new ConductorError('NOT_FOUND', `Nothing with the hash ${hash} is kept in ${folder}.`, { next: 'Entries of older versions name policies that were not kept; and a log that was moved may have left its snapshots behind.' });
    },
    stored: () => namesIn(folder).flatMap((name) => {
      const [, kind, hash] = storedName.exec(name) ?? [];
      const known = snapshotKinds.find((one) => one === kind);
      return known === undefined || hash === undefined || kept.has(hash) ? [] : [{ kind: known, hash, storedAt: statSync(join(folder, name)).mtimeMs }];
    }),
    remove({ kind, hash }) {
      if (!kept.has(hash)) rmSync(fileOf(kind, hash), { force: true });
    },
  };
}

/** Largest text that is read back, in bytes: more than any question takes. */
const mostText = 16_777_216;

/** The text that is kept beside a log under a hash (64 hex digits), whether or not it gives that hash; undefined when there is none, or when it is no file of a usable size. */
export function keptText(log: string, kind: SnapshotKind, hash: string): string | undefined {
  const file = join(dirname(log), snapshotFolderName, `${kind}-${hash}.json`);
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size <= mostText ? textOf(file) : undefined;
}

const storedName = /^([a-z]+)-([0-9a-f]{64})\.json$/;

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** At once and not in the background: no call may be judged by what is not kept yet. It happens once for each policy. */
function write(folder: string, file: string, text: string): void {
  ensurePrivateFolder(folder);
  writePrivateFile(file, text);
}

async function writeLater(file: string, text: string): Promise<void> {
  const fresh = `${file}.${randomBytes(6).toString('hex')}.new`;
  try {
    const opened = await open(fresh, 'wx', 0o600);
    try {
      await opened.writeFile(text);
      await opened.sync();
    } finally {
      await opened.close();
    }
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
}
