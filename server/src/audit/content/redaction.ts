/** Takes secrets out of an entry before it is hashed or written, and leaves a commitment for each. */
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import type { NewEntry } from '../../../../protocol/src/audit/entry';
import { commitmentTo, mostCommitments, removedMarker, saltOf, secretName, type PartOwner, type Removed, type RemovedPart } from '../../../../protocol/src/audit/removed';
import { findSecrets, namesSecret, type SecretSpan } from '../../rules/redaction/secretText';
import { findTokens } from '../../rules/redaction/tokens';
import { Glance } from './glance';

/**
 * What redaction needs: the secret behind the salts, and where values stand that must never be written. `knowledge` gives something that is
 * another as soon as other values count; without it nothing that was found clean is remembered.
 */
export type RedactionOptions = Readonly<{ secret: Buffer; known(text: string): readonly Readonly<{ from: number; to: number }>[]; knowledge?: () => unknown }>;

/** Takes secrets out. What holds none comes back as it is. */
export type Redaction = Readonly<{
  /** An entry without secrets, under the id that it will have. */
  entry(entry: NewEntry, id: string): NewEntry;
  /** What was released by a call, and which parts of it were removed. */
  output(call: string, text: string): Readonly<{ text: string; removed?: Removed }>;
}>;

/** Values nested deeper are looked at as one text, since an agent chooses how deep its input nests. */
const mostDepth = 32;

/** Names of members that are shorter hold no secret. */
const shortestName = 6;

/** Makes the redaction of one log. */
export function createRedaction({ secret, known, knowledge = () => ({}) }: RedactionOptions): Redaction {
  const named = secretName(secret);
  const glance = new Glance({ known, knowledge });
  const everything = (text: string): readonly SecretSpan[] => certain(text, known);
  return {
    entry(entry, id) {
      const seen = glance.at(entry);
      if (seen === 'nothing') return entry;
      const find = new Finder(secret, { id, call: entry.phase === 'done' || entry.phase === 'event' ? entry.call : id }, seen === 'looks' ? nothing : everything);
      const clean = find.inEntry(entry);
      const removed = find.removed(named, entry.removed);
      if (clean === entry && seen === 'looks') glance.foundClean(entry);
      return clean === entry || removed === undefined ? entry : { ...clean, removed };
    },
    output(call, text) {
      // What is released has no known values and no tokens any more.
      const find = new Finder(secret, { id: call, call }, nothing);
      const clean = find.inOutput(text);
      const removed = find.removed(named, undefined);
      return { text: clean, ...(removed === undefined ? {} : { removed }) };
    },
  };
}

/** Known values, and tokens by their published formats. */
function certain(text: string, known: RedactionOptions['known']): readonly SecretSpan[] {
  return [...known(text).map(({ from, to }) => ({ from, to, kind: 'known' })), ...findTokens(text).map(({ from, to }) => ({ from, to, kind: 'token' }))];
}

function nothing(): readonly SecretSpan[] {
  return [];
}

/** Goes through one entry. Objects are made anew only where something was removed, since in nearly every entry nothing is. */
class Finder {
  readonly #parts: RemovedPart[] = [];
  readonly #path: string[] = [];
  #more = 0;

  constructor(readonly secret: Buffer, readonly owner: PartOwner, readonly certain: (text: string) => readonly SecretSpan[]) {}

  removed(secret: string, before: Removed | undefined): Removed | undefined {
    if (this.#parts.length === 0) return before;
    const more = (before?.more ?? 0) + this.#more;
    return { secret, parts: [...(before?.parts ?? []), ...this.#parts], ...(more === 0 ? {} : { more }) };
  }

  inEntry(entry: NewEntry): NewEntry {
    const input = this.#at('input', entry.input, (value) => this.#inMembers(value, 0)) ?? entry.input;
    const detail = this.#parts.length > 0 && typeof entry.detail?.['digest'] === 'string' ? this.#withoutDigest(entry.detail, entry.detail['digest']) : entry.detail;
    const clean = {
      tool: this.#inMember('tool', entry.tool),
      verdict: this.#at('verdict', entry.verdict, (value) => withMember(value, 'reason', this.#inMember('reason', value.reason))),
      approval: this.#at('approval', entry.approval, (value) => withMember(value, 'reason', this.#inMember('reason', value.reason))),
      actor: this.#at('actor', entry.actor, (value) => withMember(value, 'client', this.#inMember('client', value.client))),
      detail: this.#at('detail', detail, (value) => this.#inMembers(value, 0)),
    };
    if (this.#parts.length === 0) return entry;
    return { ...entry, input, ...Object.fromEntries(Object.entries(clean).filter(([, value]) => value !== undefined)) };
  }

  /** The text of the string at the present path, without what looks like a secret. */
  #inText(text: string): string {
    const spans = findSecrets(text, this.certain(text));
    if (spans.length === 0) return text;
    let clean = '';
    let end = 0;
    for (const { from, to, kind } of spans) {
      clean += text.slice(end, from);
      this.#remove(text.slice(from, to), clean.length, kind);
      clean += removedMarker;
      end = to;
    }
    return clean + text.slice(end);
  }

  inOutput(text: string): string {
    return this.#at('output', text, (value) => this.#inText(value)) ?? text;
  }

  #at<Value>(name: string, value: Value | undefined, look: (value: Value) => Value): Value | undefined {
    if (value === undefined) return undefined;
    this.#path.push(name);
    const clean = look(value);
    this.#path.pop();
    return clean;
  }

  #inMember(name: string, text: string | undefined): string | undefined {
    return this.#at(name, text, (value) => this.#inText(value));
  }

  /** The digest of what was approved is over the input as it was: with the rest of it in the log, a short secret could be guessed from it. */
  #withoutDigest(detail: Readonly<Record<string, unknown>>, digest: string): Readonly<Record<string, unknown>> {
    this.#path.push('detail', 'digest');
    const clean = { ...detail, digest: this.#whole(digest, 'digest') };
    this.#path.length -= 2;
    return clean;
  }

  #inValue(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.#inText(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= mostDepth) return this.#inDeep(value);
    return Array.isArray(value) ? this.#inItems(value, depth + 1) : this.#inMembers(value as Readonly<Record<string, unknown>>, depth + 1);
  }

  /** A deep value is removed whole when anything in it looks like a secret. */
  #inDeep(value: object): unknown {
    const { text } = canonicalJson(value);
    return findSecrets(text, this.certain(text)).length === 0 ? value : this.#whole(text, 'deep');
  }

  #inItems(items: readonly unknown[], depth: number): readonly unknown[] {
    let clean: unknown[] | undefined;
    for (let i = 0; i < items.length; i += 1) {
      const before: unknown = items[i - 1];
      const item: unknown = items[i];
      this.#path.push(String(i));
      const given = typeof item === 'string' && item !== '' && typeof before === 'string' && before.startsWith('-') && namesSecret(before);
      const next = given ? this.#whole(item, 'flag') : this.#inValue(item, depth);
      this.#path.pop();
      if (next === item) continue;
      clean ??= [...items];
      clean[i] = next;
    }
    return clean ?? items;
  }

  #inMembers(members: Readonly<Record<string, unknown>>, depth: number): Readonly<Record<string, unknown>> {
    let clean: Record<string, unknown> | undefined;
    for (const name of Object.keys(members)) {
      const value = members[name];
      const shown = this.#inName(name);
      this.#path.push(shown);
      const next = typeof value === 'string' && value !== '' && namesSecret(name) ? this.#whole(value, 'named') : this.#inValue(value, depth);
      this.#path.pop();
      if (shown === name && next === value) continue;
      clean ??= Object.assign(Object.create(null) as Record<string, unknown>, members);
      if (shown !== name) delete clean[name];
      clean[shown] = next;
    }
    return clean ?? members;
  }

  /** A member whose name is a secret gets a name that no other has. */
  #inName(name: string): string {
    if (name.length < shortestName || findSecrets(name, this.certain(name)).length === 0) return name;
    const shown = `${removedMarker} ${String(this.#parts.length + this.#more)}`;
    this.#path.push(shown);
    this.#remove(name, 0, 'name', true);
    this.#path.pop();
    return shown;
  }

  #whole(text: string, kind: string): string {
    this.#remove(text, 0, kind);
    return removedMarker;
  }

  #remove(text: string, from: number, kind: string, name?: true): void {
    if (this.#parts.length === mostCommitments) {
      this.#more += 1;
      return;
    }
    const at = this.#path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    const part = { at, from, ...(name === undefined ? {} : { name }), kind };
    this.#parts.push({ ...part, hmac: commitmentTo(saltOf(this.secret, this.owner, part), text) });
  }
}

function withMember<Value extends object>(value: Value, name: keyof Value, text: string | undefined): Value {
  return value[name] === text ? value : { ...value, [name]: text };
}
