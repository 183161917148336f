import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { credentialNameSchema, mostCredentials, mostValueBytes, partsOf } from '../../../protocol/src/credentials';
import { ConductorError } from '../../../protocol/src/errors';
import type { Files } from './files';
import { boundTo, mac, seal, unseal, type StoreKeys } from './sealing';

/**
 * The sealed files of one epoch of the data key: an index, and one file for each credential. What the index names is there, whole; what it
 * does not name does not count. So the index is where each change happens, in one step, and everything before and after may be interrupted.
 */

/** Where a vault lies, whose it is, and with what it is sealed. */
export type VaultPlace = Readonly<{ folder: string; store: string; epoch: string; keys: StoreKeys; files: Files }>;

const entrySchema = z.strictObject({
  name: credentialNameSchema,
  /** The generation in which the value was set: never the same twice, not even after a deletion. */
  version: z.number().int().min(1),
  createdAt: z.string(),
  changedAt: z.string(),
  lastUsedAt: z.string().nullable(),
  /** SHA-256 of its file, hex. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
const indexSchema = z.strictObject({ v: z.literal(1), generation: z.number().int().min(0), entries: z.array(entrySchema).max(mostCredentials) });

/** What the index says of one credential. */
export type VaultEntry = z.infer<typeof entrySchema>;
type Index = z.infer<typeof indexSchema>;

const indexName = 'index';
const indexMark = Buffer.from('CNDI\u0001');
const valueMark = Buffer.from('CNDS\u0001');
/** Bytes before the sealed part of a value: mark and version. */
const valueHead = valueMark.length + 8;
/** Lengths of values are told only in steps of so many bytes. */
const padding = 256;
const mostIndexBytes = 4 * 1_048_576;
const mostFileBytes = mostValueBytes + 1_024;

/** One open vault. Every method that changes something is durable when it returns, and has changed nothing when it throws. */
export class Vault {
  readonly #entries: Map<string, VaultEntry>;
  #generation: number;
  #usesToKeep = false;

  private constructor(readonly place: VaultPlace, index: Index) {
    this.#entries = new Map(index.entries.map((entry) => [entry.name, entry]));
    this.#generation = index.generation;
  }

  /** Opens what is there. Throws CREDENTIALS_REFUSED when the index is missing or not as it was written. */
  static open(place: VaultPlace): Vault {
    return new Vault(place, readIndex(place));
  }

  /** Makes a vault of no credentials in a new folder. */
  static create(place: VaultPlace, generation: number): Vault {
    place.files.makeFolder(place.folder);
    const vault = new Vault(place, { v: 1, generation, entries: [] });
    vault.#write([], generation);
    return vault;
  }

  /** Rises with each change. */
  get generation(): number {
    return this.#generation;
  }

  entries(): readonly VaultEntry[] {
    return [...this.#entries.values()];
  }

  entry(name: string): VaultEntry | undefined {
    return this.#entries.get(name);
  }

  /** The value, which the caller overwrites after use. Throws NOT_FOUND, and CREDENTIAL_DAMAGED when its file is not the one that was written last. */
  read(name: string): Buffer {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new ConductorError('NOT_FOUND', `There is no credential ${name}.`, { next: `Set it with "conductor secrets set ${name}".` });
    const bytes = this.#bytesOf(entry);
    const value = this.#unsealed(entry, bytes);
    if (value === undefined) throw damaged(name, 'its file cannot be opened with the key of the store');
    return value;
  }

  /** Puts a value in place; whether it is new. Throws TOO_LARGE when there are too many. */
  put(name: string, value: Uint8Array, at: string): 'created' | 'changed' {
    const before = this.#entries.get(name);
    if (before === undefined && this.#entries.size >= mostCredentials) throw new ConductorError('TOO_LARGE', `The store holds ${String(mostCredentials)} credentials, which is all that it can.`, { next: 'Delete some first.' });
    const version = this.#generation + 1;
    const digest = this.#writeValue(name, version, value);
    const entry: VaultEntry = { name, version, createdAt: before?.createdAt ?? at, changedAt: at, lastUsedAt: before?.lastUsedAt ?? null, digest };
    this.#write([...this.entries().filter((other) => other.name !== name), entry], version);
    if (before !== undefined) this.#forgetFile(before);
    return before === undefined ? 'created' : 'changed';
  }

  /** Whether there was one. */
  remove(name: string): boolean {
    const before = this.#entries.get(name);
    if (before === undefined) return false;
    this.#write(this.entries().filter((other) => other !== before), this.#generation + 1);
    this.#forgetFile(before);
    return true;
  }

  /** Notes a use; kept with the next change, or by `keepUses`. */
  used(name: string, at: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.set(name, { ...entry, lastUsedAt: at });
    this.#usesToKeep = true;
  }

  keepUses(): void {
    if (this.#usesToKeep) this.#write(this.entries(), this.#generation);
  }

  /** Raises the generation, for a store that was restored on purpose. */
  raise(generation: number): void {
    if (generation > this.#generation) this.#write(this.entries(), generation);
  }

  /** Writes everything into a new vault. Throws CREDENTIAL_DAMAGED, naming it, when a value cannot be read. */
  copyTo(place: VaultPlace): Vault {
    place.files.makeFolder(place.folder);
    const next = new Vault(place, { v: 1, generation: this.#generation, entries: [] });
    const entries = this.entries().map((entry) => {
      const value = this.read(entry.name);
      try {
        return { ...entry, digest: next.#writeValue(entry.name, entry.version, value) };
      } finally {
        value.fill(0);
      }
    });
    next.#write(entries, this.#generation + 1);
    return next;
  }

  /** Removes what the index does not name. */
  tidy(): void {
    const { folder, files } = this.place;
    const named = new Set([indexName, ...this.entries().map((entry) => this.#fileOf(entry.name, entry.version))]);
    for (const name of files.list(folder)) if (!named.has(name)) files.remove(join(folder, name));
  }

  #bytesOf({ name, version, digest }: VaultEntry): Buffer {
    const { folder, files } = this.place;
    const bytes = readOr(() => files.read(join(folder, this.#fileOf(name, version)), mostFileBytes), (why) => damaged(name, why));
    if (bytes === undefined) throw damaged(name, 'its file is missing');
    if (sha256(bytes) === digest) return bytes;
    const other = versionIn(bytes);
    throw damaged(name, other === undefined || other === version ? 'its file was changed' : other < version ? 'an older copy of its file was put back' : 'its file is another one');
  }

  #unsealed({ name, version }: VaultEntry, bytes: Buffer): Buffer | undefined {
    const plain = unseal(this.place.keys.values, bytes.subarray(valueHead), this.#boundTo(name, version));
    if (plain === undefined) return undefined;
    const length = plain.readUInt32BE(0);
    const value = Buffer.from(plain.subarray(4, 4 + length));
    plain.fill(0);
    return value.length === length ? value : undefined;
  }

  /** Writes the file of a value, which counts once the index names it; gives its digest. */
  #writeValue(name: string, version: number, value: Uint8Array): string {
    const { folder, files, keys } = this.place;
    const plain = Buffer.alloc(Math.ceil((4 + value.length) / padding) * padding);
    plain.writeUInt32BE(value.length, 0);
    plain.set(value, 4);
    const head = Buffer.alloc(valueHead);
    head.set(valueMark);
    head.writeBigUInt64BE(BigInt(version), valueMark.length);
    const bytes = Buffer.concat([head, seal(keys.values, plain, this.#boundTo(name, version))]);
    plain.fill(0);
    files.write(join(folder, this.#fileOf(name, version)), bytes);
    return sha256(bytes);
  }

  #write(entries: readonly VaultEntry[], generation: number): void {
    const { folder, files, keys } = this.place;
    const body = Buffer.from(JSON.stringify({ v: 1, generation, entries }));
    try {
      files.write(join(folder, indexName), Buffer.concat([indexMark, seal(keys.index, body, indexBoundTo(this.place))]));
    } catch (thrown) {
      this.#adopt();
      throw thrown;
    } finally {
      body.fill(0);
    }
    this.#take({ v: 1, generation, entries: [...entries] });
    this.#usesToKeep = false;
  }

  /** After a failure in the middle of a write nobody knows which index is there, so it is looked at. */
  #adopt(): void {
    try {
      this.#take(readIndex(this.place));
    } catch {
      // There is none that can be read; what is in memory was the last that was.
    }
  }

  #take({ generation, entries }: Index): void {
    this.#generation = generation;
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(entry.name, entry);
  }

  #forgetFile({ name, version }: VaultEntry): void {
    try {
      this.place.files.remove(join(this.place.folder, this.#fileOf(name, version)));
    } catch {
      // It no longer counts, and goes when the store is opened next.
    }
  }

  /** Names stay secret as well, and nothing that somebody named becomes a path. */
  #fileOf(name: string, version: number): string {
    return mac(this.place.keys.names, boundTo(name, version)).subarray(0, 20).toString('hex');
  }

  #boundTo(name: string, version: number): Buffer {
    const { service, key } = partsOf(name);
    return boundTo('conductor credential', 1, this.place.store, this.place.epoch, service, key, version);
  }
}

function readIndex(place: VaultPlace): Index {
  const path = join(place.folder, indexName);
  const refused = (why: string): ConductorError => new ConductorError('CREDENTIALS_REFUSED', `The list of credentials ${path} ${why}.`, { next: 'Put back a copy of the folder that is whole, or move it away and begin anew with "conductor secrets accept".' });
  const bytes = readOr(() => place.files.read(path, mostIndexBytes), (why) => refused(`cannot be read: ${why}`));
  if (bytes === undefined) throw refused('is missing');
  if (!bytes.subarray(0, indexMark.length).equals(indexMark)) throw refused('is damaged, or of a newer version');
  const plain = unseal(place.keys.index, bytes.subarray(indexMark.length), indexBoundTo(place));
  if (plain === undefined) throw refused('was changed, or belongs to another store');
  return indexSchema.parse(JSON.parse(plain.toString('utf8')));
}

function indexBoundTo({ store, epoch }: VaultPlace): Buffer {
  return boundTo('conductor credentials index', 1, store, epoch);
}

function versionIn(bytes: Buffer): number | undefined {
  return bytes.length >= valueHead && bytes.subarray(0, valueMark.length).equals(valueMark) ? Number(bytes.readBigUInt64BE(valueMark.length)) : undefined;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged(name: string, why: string): ConductorError {
  return new ConductorError('CREDENTIAL_DAMAGED', `The credential ${name} cannot be used: ${why}.`, { data: { name }, next: `Set it again with "conductor secrets set ${name}", or put back a copy of the whole folder.` });
}

function readOr(read: () => Buffer | undefined, failure: (why: string) => ConductorError): Buffer | undefined {
  try {
    return read();
  } catch (thrown) {
    throw failure(thrown instanceof Error ? thrown.message : String(thrown));
  }
}
