/** Holds what people were shown, as it was kept, against the hash that they signed and against what the statement names beside it. */
import { sha256 } from '../../../../protocol/src/audit/bytes';
import type { Statement } from '../../../../protocol/src/statement';

/** Gives the bytes that are kept under a hash (64 hex digits) as text; undefined when none are. */
export type KeptQuestions = (hash: string) => string | undefined;

/** The members of a question that a statement repeats. */
const repeated: readonly (readonly [member: string, of: keyof Statement])[] = [['id', 'question'], ['tool', 'tool'], ['digest', 'plan'], ['askedAt', 'asked'], ['expiresAt', 'expires'], ['binding.nonce', 'nonce'], ['binding.policy', 'policy'], ['binding.tool', 'pin']];

/** One look at the questions of a log. */
export class ShownQuestions {
  #same = 0;
  #absent = 0;

  constructor(private readonly kept: KeptQuestions) {}

  /** What is wrong with the question that a signed statement is about. One that is not kept cannot be wrong; it is counted. */
  flaw(statement: Statement): string | undefined {
    const text = this.kept(statement.shown);
    if (text === undefined) return void (this.#absent += 1);
    if (sha256(text) !== statement.shown) return `rests on a question whose kept text was changed: it does not give the hash that was signed (${statement.shown.slice(0, 16)}…)`;
    const question = parsed(text);
    const other = repeated.find(([member, of]) => member.split('.').reduce(memberOf, question) !== statement[of]);
    if (other !== undefined) return `records an answer to a question that says something else than its statement: ${other[0]}`;
    this.#same += 1;
    return undefined;
  }

  /** How many were held against what was signed. */
  notes(): string[] {
    if (this.#same + this.#absent === 0) return [];
    const rest = this.#absent === 0 ? '' : ` Of ${this.#absent} more only the hash is kept: the question held a secret, showed a result, is of an older version, or was removed.`;
    return [`What was shown with ${this.#same} signed ${this.#same === 1 ? 'answer' : 'answers'} is kept and gives the hash that was signed.${rest}`];
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
