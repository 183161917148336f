/**
 * A disk in memory that loses power. What was not synced may be there, be missing, or be there in part: an append as
 * any subset of its 512-byte sectors (the rest zeros) or as any beginning of it; a new or changed name as if it had
 * never been given, until its folder was synced.
 */
import { dirname } from 'node:path';
import type { AppendFile, Disk } from '../../server/src/audit/files/disk';

/** Chances for what a power cut leaves; every number drawn is in [0, 1). */
export type Chance = () => number;

/** What happens to a mutating call: nothing special, an error of the operating system, a short write, or the end of the world. */
export type Fate = 'well' | 'short' | 'power' | Readonly<{ code: string }>;

type Node = { readonly id: string; durable: Buffer; content: Buffer; version: number };
type NameChange = Readonly<{ name: string; node: Node | undefined }>;

const sector = 512;

/** A small generator with a seed (mulberry32), so that every found case can be named and run again. */
export function seeded(seed: number): Chance {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A disk whose mutating calls are counted and can be made to fail. */
export class SimulatedDisk implements Disk {
  /** Mutating calls so far, by name. */
  readonly calls = new Map<string, number>();
  /** Decides over the next mutating call, told its name and its number from 1. */
  fate: (call: string, number: number) => Fate = () => 'well';
  /** Whether files can have second names. */
  links = true;
  #names = new Map<string, Node>();
  #durableNames = new Map<string, Node>();
  #changes: (readonly NameChange[])[] = [];
  #count = 0;
  #dead = false;
  #nodes = 0;

  /** Mutating calls so far. */
  get operations(): number {
    return this.#count;
  }

  makeFolder(): Promise<void> {
    return this.#alive(() => undefined);
  }

  openRead(path: string): Promise<AppendFile | undefined> {
    return this.openAppend(path);
  }

  openAppend(path: string): Promise<AppendFile | undefined> {
    return this.#alive(() => {
      const node = this.#names.get(path);
      return node === undefined ? undefined : this.#fileOf(node);
    });
  }

  create(path: string): Promise<AppendFile> {
    return this.#mutate('create', () => {
      this.#nodes += 1;
      const node = { id: `${this.#nodes}`, durable: Buffer.alloc(0), content: Buffer.alloc(0), version: 0 };
      this.#change([{ name: path, node }]);
      return this.#fileOf(node);
    });
  }

  mark(path: string): { id: string; size: number; modified: string } | undefined {
    if (this.#dead) throw new Error('power lost');
    const node = this.#names.get(path);
    return node === undefined ? undefined : markOf(node);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#mutate('rename', () => {
      const node = this.#names.get(from);
      if (node === undefined) throw new Error(`nothing at ${from}`);
      this.#change([{ name: from, node: undefined }, { name: to, node }]);
    });
  }

  remove(path: string): Promise<void> {
    return this.#mutate('remove', () => this.#change([{ name: path, node: undefined }]));
  }

  link(from: string, to: string): Promise<boolean> {
    return this.#mutate('link', () => {
      const node = this.#names.get(from);
      if (node === undefined) throw new Error(`nothing at ${from}`);
      if (this.links) this.#change([{ name: to, node }]);
      return this.links;
    });
  }

  syncFolder(path: string): Promise<void> {
    return this.#mutate('syncFolder', () => {
      this.#changes = this.#changes.filter((change) => {
        if (!change.some(({ name }) => dirname(name) === path)) return true;
        applyTo(this.#durableNames, change);
        return false;
      });
    });
  }

  list(path: string): Promise<readonly string[]> {
    return this.#alive(() => [...this.#names.keys()].filter((name) => dirname(name) === path).map((name) => name.slice(path.length + 1)));
  }

  /** Bytes of a file as a running program sees them. */
  bytes(path: string): Buffer | undefined {
    return this.#names.get(path)?.content;
  }

  /** Names and bytes of all files. */
  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([name, node]) => [name, node.content]));
  }

  /** Changes a file behind everybody's back, durably; undefined removes it. */
  tamper(path: string, bytes: Buffer | undefined, sameFile = true): void {
    const old = this.#names.get(path);
    if (bytes === undefined) {
      this.#names.delete(path);
      this.#durableNames.delete(path);
      return;
    }
    this.#nodes += 1;
    const id = sameFile && old !== undefined ? old.id : `${this.#nodes}`;
    const node = sameFile && old !== undefined ? old : { id, durable: bytes, content: bytes, version: 0 };
    node.content = bytes;
    node.durable = bytes;
    node.version += 1;
    this.#names.set(path, node);
    this.#durableNames.set(path, node);
  }

  /** The disk as the next start finds it after the power went. */
  afterPowerCut(chance: Chance): SimulatedDisk {
    const next = new SimulatedDisk();
    next.links = this.links;
    const names = new Map(this.#durableNames);
    for (const change of this.#changes) if (chance() < 0.5) applyTo(names, change);
    const survivors = new Map<Node, Node>();
    for (const [name, node] of names) {
      let survivor = survivors.get(node);
      if (survivor === undefined) {
        const left = leftover(node, chance);
        survivor = { id: node.id, durable: left, content: left, version: 0 };
        survivors.set(node, survivor);
      }
      next.#names.set(name, survivor);
      next.#durableNames.set(name, survivor);
    }
    next.#nodes = this.#nodes;
    return next;
  }

  #fileOf(node: Node): AppendFile {
    const set = (content: Buffer): void => {
      node.content = content;
      node.version += 1;
    };
    return {
      read: (target, position) => this.#alive(() => node.content.copy(target, 0, position)),
      mark: () => markOf(node),
      close: () => Promise.resolve(),
      append: (bytes) => {
        const copy = Buffer.from(bytes);
        return this.#mutate('append', (fate) => {
          const part = fate === 'short' ? copy.subarray(0, Math.floor(copy.length / 2)) : copy;
          set(Buffer.concat([node.content, part]));
          return part.length;
        });
      },
      sync: () =>
        this.#mutate('sync', () => {
          node.durable = node.content;
        }),
      makePrivate: () => Promise.resolve(undefined),
      truncate: (size) => this.#mutate('truncate', () => set(node.content.subarray(0, size))),
    };
  }

  #change(change: readonly NameChange[]): void {
    applyTo(this.#names, change);
    this.#changes.push(change);
  }

  async #alive<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.#dead) throw new Error('power lost');
    return work();
  }

  /** A call at which the power goes has its effect, which is then as uncertain as any other that was not synced. */
  async #mutate<T>(call: string, work: (fate: Fate) => T): Promise<T> {
    await Promise.resolve();
    if (this.#dead) throw new Error('power lost');
    this.#count += 1;
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
    const fate = this.fate(call, this.#count);
    if (fate === 'power') {
      this.#dead = true;
      if (call !== 'sync' && call !== 'syncFolder') work(fate);
      throw new Error('power lost');
    }
    if (typeof fate === 'object') throw Object.assign(new Error(`${fate.code}: simulated`), { code: fate.code });
    return work(fate);
  }
}

function markOf(node: Node): { id: string; size: number; modified: string } {
  return { id: node.id, size: node.content.length, modified: `${node.version}` };
}

function applyTo(names: Map<string, Node>, change: readonly NameChange[]): void {
  for (const { name, node } of change) {
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
}

function leftover({ durable, content }: Node, chance: Chance): Buffer {
  const way = chance();
  // What was cut and written anew since the sync is as uncertain as what was only added.
  const sure = commonBytes(durable, content);
  if (content.length === sure) return way < 0.5 ? durable : content;
  if (way < 0.2) return durable;
  if (way < 0.4) return content;
  const grown = content.length - sure;
  if (way < 0.7) return content.subarray(0, sure + Math.floor(chance() * (grown + 1)));
  const left = Buffer.from(content);
  for (let at = sure; at < left.length; ) {
    const end = Math.min(left.length, (Math.floor(at / sector) + 1) * sector);
    if (chance() < 0.4) left.fill(0, at, end);
    at = end;
  }
  return left;
}

function commonBytes(one: Buffer, other: Buffer): number {
  const most = Math.min(one.length, other.length);
  if (one.subarray(0, most).equals(other.subarray(0, most))) return most;
  let same = 0;
  while (one[same] === other[same]) same += 1;
  return same;
}
