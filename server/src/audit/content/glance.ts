/** Looks at all texts of an entry at once, since nearly every entry holds nothing that must be taken out. */
import type { NewEntry } from '../../../../protocol/src/audit/entry';
import { mayHoldSecrets } from '../../rules/redaction/secretText';
import { findTokens } from '../../rules/redaction/tokens';

/** What the texts of an entry may hold: nothing at all; only what looks like a secret by its place; or anything. */
export type Glimpse = 'nothing' | 'looks' | 'anything';

/** Where values stand that must never be written, and something that is another once other values count. */
export type KnownValues = Readonly<{ known(text: string): readonly unknown[]; knowledge(): unknown }>;

/** Between two texts: part of no word, and no escape takes it in. What is found across it only means a closer look. */
const between = '\v';
/** Deeper values are left to the closer look. */
const mostDepth = 16;
/** Words such as names of tools and clients that were found to be clean; beyond these, all are forgotten. */
const mostWords = 1_000;
const longestWord = 200;
/** Calls that run at once whose inputs are remembered. */
const mostCalls = 1_000;

/** Looks at entries, and remembers what it found clean for as long as the same values count. */
export class Glance {
  #knowledge: unknown;
  /** Inputs of decisions, by call: the outcome holds the same object, which nobody changes after it was judged. */
  readonly #clean = new Map<string, object>();
  readonly #words = new Set<string>();
  readonly #values: KnownValues;
  #text = '';
  #fresh: string[] = [];

  constructor(values: KnownValues) {
    this.#values = values;
  }

  at(entry: NewEntry): Glimpse {
    this.#forgetIfOthersCount();
    this.#text = '';
    this.#fresh = [];
    if (!(entry.phase === 'done' && this.#wasClean(entry.call, entry.input)) && !this.#gather(entry.input, 0)) return 'anything';
    if (entry.detail !== undefined && !this.#gather(entry.detail, 0)) return 'anything';
    this.#word(entry.tool);
    this.#word(entry.verdict?.reason);
    this.#word(entry.actor?.client);
    if (entry.approval?.reason !== undefined) this.#add(entry.approval.reason);
    const found = this.#look();
    if (found === 'nothing') this.foundClean(entry);
    return found;
  }

  /** The entry that was looked at last holds nothing, as the closer look found. */
  foundClean(entry: NewEntry): void {
    // Calls that never end are forgotten with all others.
    if (this.#clean.size >= mostCalls) this.#clean.clear();
    if (entry.phase === 'intent') this.#clean.set(entry.id, entry.input);
    if (this.#words.size + this.#fresh.length > mostWords) this.#words.clear();
    for (const word of this.#fresh) this.#words.add(word);
  }

  #look(): Glimpse {
    const text = this.#text;
    if (text === '') return 'nothing';
    if (this.#values.known(text).length > 0 || findTokens(text).length > 0) return 'anything';
    return mayHoldSecrets(text) ? 'looks' : 'nothing';
  }

  #wasClean(call: string, input: object): boolean {
    const clean = this.#clean.get(call) === input;
    this.#clean.delete(call);
    return clean;
  }

  #forgetIfOthersCount(): void {
    const knowledge = this.#values.knowledge();
    if (knowledge === this.#knowledge) return;
    this.#knowledge = knowledge;
    this.#clean.clear();
    this.#words.clear();
  }

  #word(text: string | undefined): void {
    if (text === undefined || this.#words.has(text)) return;
    if (text.length <= longestWord) this.#fresh.push(text);
    this.#add(text);
  }

  #add(text: string): void {
    this.#text += this.#text === '' ? text : between + text;
  }

  /** Adds the names and texts of a value; false when it nests too deep. */
  #gather(value: object, depth: number): boolean {
    if (depth > mostDepth) return false;
    if (Array.isArray(value)) return value.every((item) => this.#gatherOne(item, depth));
    for (const name of Object.keys(value)) {
      this.#add(name);
      if (!this.#gatherOne((value as Readonly<Record<string, unknown>>)[name], depth)) return false;
    }
    return true;
  }

  #gatherOne(value: unknown, depth: number): boolean {
    if (typeof value === 'string') this.#add(value);
    return typeof value !== 'object' || value === null || this.#gather(value, depth + 1);
  }
}
