import { createDecipheriv, createHash, scrypt } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isCredentialName, type Imported } from '../../../protocol/src/credentials';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { readSmallFile } from '../base/smallFile';
import type { Files } from './files';
import { machineId } from './machineId';
import type { CredentialStore } from './store';

/**
 * Takes over credentials of the published format: `keychain/<service>.<key>.enc`, version 2 (`v2:iv:tag:cipher`, AES-256-GCM) and version 1
 * (`iv:cipher`, AES-256-CBC), under a key that scrypt makes from the id of the machine. That key is known to every program of this machine.
 */

/** Where older files lie, and what may have been taken for the id of this machine; the first that opens a file is right. */
export type OldPlace = Readonly<{ folder: string; files: Files; secrets(): Promise<readonly string[]> }>;

/** Name of the folder of older files in the configuration folder. */
export const oldFolder = 'keychain';

const mostFileBytes = 400_000;
const ending = '.enc';

/** Sets in the store what the older files hold, and moves their folder aside once all of them are in it. Throws NOT_FOUND when there are none. */
export async function importOld(place: OldPlace, store: Pick<CredentialStore, 'has' | 'list' | 'set'>, now: Date): Promise<Imported> {
  const { folder, files } = place;
  const found = files.list(folder).filter((name) => name.endsWith(ending));
  if (found.length === 0) throw new ConductorError('NOT_FOUND', `There are no older credentials in ${folder}.`, { next: 'Set credentials with "conductor secrets set SERVICE.KEY".' });
  // Throws while nobody can know what is there.
  store.list();
  const keys = await Promise.all((await place.secrets()).map(keyOf));
  const result = { imported: [] as string[], kept: [] as string[], problems: [] as string[] };
  for (const file of found) {
    const name = file.slice(0, -ending.length);
    try {
      if (!isCredentialName(name)) throw new Error('its name is not service.key');
      if (store.has(name)) result.kept.push(name);
      else {
        await setFrom(store, name, opened(files.read(join(folder, file), mostFileBytes), keys));
        result.imported.push(name);
      }
    } catch (thrown) {
      result.problems.push(`${join(folder, file)} is not imported: ${toConductorError(thrown).message}`);
    }
  }
  return { ...result, movedTo: result.problems.length === 0 ? setAside(place, now) : null };
}

/** What the published versions took for the id of this machine, the likeliest first. */
export async function oldMachineSecrets(folder: string): Promise<readonly string[]> {
  const read = (path: string): string => readSmallFile(path, 4_096)?.trim() ?? '';
  const found = [read('/etc/machine-id'), read('/var/lib/dbus/machine-id'), (await machineId()) ?? '', read(join(folder, 'machine_secret')), read('/proc/sys/kernel/random/boot_id'), hostname()];
  return [...new Set(found)].filter((text) => text !== '');
}

async function setFrom(store: Pick<CredentialStore, 'set'>, name: string, value: Buffer): Promise<void> {
  try {
    await store.set(name, value);
  } finally {
    value.fill(0);
  }
}

function opened(bytes: Buffer | undefined, keys: readonly Buffer[]): Buffer {
  const parts = bytes?.toString('latin1').trim().split(':') ?? [];
  const [version, ...rest] = parts;
  const sealed = version === 'v2' && rest.length === 3 ? rest : parts.length === 2 ? parts : undefined;
  if (sealed?.every((part) => /^(?:[0-9a-f]{2})+$/i.test(part)) !== true) throw new Error('it is not in a format that is known');
  for (const key of keys) {
    const value = version === 'v2' ? openedV2(sealed, key) : openedV1(sealed, key);
    if (value !== undefined) return value;
  }
  throw new Error('it was changed, or written on another machine');
}

function openedV2([iv = '', tag = '', cipher = '']: readonly string[], key: Buffer): Buffer | undefined {
  if (iv.length !== 24 || tag.length !== 32) return undefined;
  const opening = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'hex'), { authTagLength: 16 }).setAuthTag(Buffer.from(tag, 'hex'));
  return finished(opening, cipher);
}

/** Nothing tells a changed file of version 1 but that what comes out is no text. */
function openedV1([iv = '', cipher = '']: readonly string[], key: Buffer): Buffer | undefined {
  if (iv.length !== 32) return undefined;
  const value = finished(createDecipheriv('aes-256-cbc', key, Buffer.from(iv, 'hex')), cipher);
  return value !== undefined && isUtf8(value) && !value.some((byte) => byte < 9) ? value : undefined;
}

function finished(opening: Readonly<{ update(bytes: Buffer): Buffer; final(): Buffer }>, cipher: string): Buffer | undefined {
  try {
    return Buffer.concat([opening.update(Buffer.from(cipher, 'hex')), opening.final()]);
  } catch {
    return undefined;
  }
}

function setAside({ folder, files }: OldPlace, now: Date): string {
  const aside = `${folder}.imported-${now.toISOString().replace(/[:.]/g, '-')}`;
  files.rename(folder, aside);
  return aside;
}

function keyOf(secret: string): Promise<Buffer> {
  const salt = createHash('sha256').update('conductor:keychain:v1').digest();
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, 32, { N: 16_384, r: 8, p: 1 }, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
