/** Tells entries apart by what lists filter by, without parsing them: a log of a million entries has a few dozen kinds. */
import { isMember, memberAt, type MemberSpan } from './members';

/** What the entries of one kind have in common. */
export type Kind = Readonly<{ phase: string; tool: string; result: string; client: string; user: string }>;

/** Number of the kind of entries that are not told apart: those beyond the limit, and lines that are no entries. Whoever filters must read them. */
export const mixedKind = 0;

/** Agents choose the names of clients: more kinds than this are not told apart. */
const mostKinds = 4_096;
const names = ['phase', 'tool', 'result', 'client', 'user'] as const;
const [phaseText, toolText, resultText, actorText, clientText, userText, prevHashText] = ['phase', 'tool', 'result', 'actor', 'client', 'user', 'prevHash'].map((name) => Buffer.from(name)) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

/** The kinds seen so far, numbered. */
export class Kinds {
  readonly #kinds: Readonly<{ kind: Kind; bytes: Buffer }>[] = [];
  /** Numbers of kinds by a hash of their bytes. */
  readonly #byHash = new Map<number, number[]>();
  /** For each of `names`, where its raw value starts and ends. */
  readonly #spans = new Int32Array(2 * names.length);
  readonly #member: MemberSpan = { nameFrom: 0, nameTo: 0, from: 0, to: 0 };

  /** The number of the kind of the line in `bytes[start, end)`. */
  numberOf(bytes: Buffer, start: number, end: number): number {
    if (!this.#find(bytes, start, end)) return mixedKind;
    const hash = this.#hash(bytes);
    const same = this.#byHash.get(hash) ?? [];
    for (const number of same) if (this.#is(bytes, number)) return number;
    if (this.#kinds.length >= mostKinds) return mixedKind;
    const number = this.#kinds.push(this.#made(bytes));
    this.#byHash.set(hash, [...same, number]);
    return number;
  }

  /** The number of a kind that is known by its words. */
  known(kind: Kind): number {
    const line = Buffer.from(`{"phase":${JSON.stringify(kind.phase)},"tool":${JSON.stringify(kind.tool)},"result":${JSON.stringify(kind.result)},"actor":{${kind.client === '' ? '' : `"client":${JSON.stringify(kind.client)},`}"user":${JSON.stringify(kind.user)}}}`);
    return this.numberOf(line, 0, line.length);
  }

  /** What entries of this number have in common; undefined for `mixedKind`. */
  at(number: number): Kind | undefined {
    return this.#kinds[number - 1]?.kind;
  }

  #find(bytes: Buffer, start: number, end: number): boolean {
    const spans = this.#spans.fill(0);
    const member = this.#member;
    let at = start;
    while (memberAt(bytes, at, end, member)) {
      at = member.to;
      if (isMember(bytes, member, phaseText)) put(spans, 0, member);
      else if (isMember(bytes, member, toolText)) put(spans, 1, member);
      else if (isMember(bytes, member, resultText)) put(spans, 2, member);
      else if (isMember(bytes, member, actorText)) {
        this.#findActor(bytes, member.from, member.to);
        break;
      } else if (isMember(bytes, member, prevHashText)) break;
    }
    return spans[1] !== 0 && spans[3] !== 0 && spans[5] !== 0;
  }

  #findActor(bytes: Buffer, start: number, end: number): void {
    const member = { nameFrom: 0, nameTo: 0, from: 0, to: 0 };
    for (let at = start; memberAt(bytes, at, end, member); at = member.to) {
      if (isMember(bytes, member, clientText)) put(this.#spans, 3, member);
      else if (isMember(bytes, member, userText)) put(this.#spans, 4, member);
    }
  }

  #hash(bytes: Buffer): number {
    const spans = this.#spans;
    let hash = 0x811c9dc5;
    for (let pair = 0; pair < spans.length; pair += 2) {
      for (let at = spans[pair] ?? 0; at < (spans[pair + 1] ?? 0); at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
      hash = Math.imul(hash ^ 0xff, 0x01000193);
    }
    return hash;
  }

  #is(bytes: Buffer, number: number): boolean {
    const known = this.#kinds[number - 1]?.bytes;
    if (known === undefined) return false;
    let from = 0;
    for (let pair = 0; pair < this.#spans.length; pair += 2) {
      const [start = 0, end = 0] = [this.#spans[pair], this.#spans[pair + 1]];
      for (let at = start; at < end; at += 1, from += 1) if (bytes[at] !== known[from]) return false;
      if (known[from] !== 0xff) return false;
      from += 1;
    }
    return from === known.length;
  }

  #made(bytes: Buffer): Readonly<{ kind: Kind; bytes: Buffer }> {
    const values = names.map((_, index) => bytes.subarray(this.#spans[2 * index], this.#spans[2 * index + 1]));
    const [phase = '', tool = '', result = '', client = '', user = ''] = values.map(textOf);
    return { kind: { phase, tool, result, client, user }, bytes: Buffer.concat(values.flatMap((value) => [value, Buffer.from([0xff])])) };
  }
}

function put(spans: Int32Array, index: number, { from, to }: MemberSpan): void {
  spans[2 * index] = from;
  spans[2 * index + 1] = to;
}

function textOf(raw: Buffer): string {
  if (raw.length === 0) return '';
  try {
    const value: unknown = JSON.parse(raw.toString('utf8'));
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}
