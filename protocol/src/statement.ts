/**
 * The statement that an approver key signs: fixed lines of ASCII, each ended by one line feed, the first of them naming the format, so that
 * no signature under anything else of ours fits. docs/approvals.md shows it byte by byte.
 */
import { sha256 } from './audit/bytes';
import { canonicalJson } from './audit/canonical';
import { publicKeyOf, signatureFits, signBytes } from './audit/ed25519';
import type { AnswerSignature, Decision, Pending } from './approvals';
import { approverId } from './approvers';

/** The first line of every statement. */
export const statementHeader = 'conductor.local/approval/v1';

/** Milliseconds after its expiry in which an approval that was given in time may still be used: preparing the call again takes a moment. */
export const useWithinMs = 60_000;

/** What a statement says. Hashes are 64 hex digits without a prefix; times are RFC 3339 in UTC with milliseconds. */
export type Statement = Readonly<{
  decision: 'approve' | 'deny';
  /** Id of the question. */
  question: string;
  tool: string;
  /** Digest of what will run. */
  plan: string;
  /** SHA-256 of the whole question in RFC 8785 form, as it reached the signer: all that a person was shown comes from it. */
  shown: string;
  /** SHA-256 of the answer without its signature in RFC 8785 form: the reason, and whatever else the person chose. */
  answer: string;
  policy: string;
  pin: string;
  nonce: string;
  asked: string;
  expires: string;
  given: string;
  /** Id of the signing key. */
  key: string;
}>;

/** An answer before it is signed. */
export type Unsigned = Omit<Decision, 'signature'>;

/** What is signed when this question gets this answer. */
export function statementOf(pending: Pending, { signature: _none, ...answer }: Decision, { given, key }: Pick<AnswerSignature, 'given' | 'key'>): Statement {
  const { binding } = pending;
  return {
    decision: answer.decision, question: pending.id, tool: pending.tool, plan: pending.digest, shown: hashOf(pending), answer: hashOf(answer),
    policy: binding.policy, pin: binding.tool, nonce: binding.nonce, asked: pending.askedAt, expires: pending.expiresAt, given, key,
  };
}

/** The bytes that are signed, as text. Throws RangeError for a value that does not fit its line. */
export function statementText(statement: Statement): string {
  const lines = [statementHeader, ...layout.map(([name, , prefix]) => `${name} ${prefix}${statement[name]}`), ''];
  const text = lines.join('\n');
  if (!shape.test(text)) throw new RangeError('a value of the statement does not fit its line');
  return text;
}

/** Reads a statement from the text that was signed; undefined when it is none, so that every statement has exactly one text. */
export function parseStatement(text: string): Statement | undefined {
  const groups = shape.exec(text)?.groups;
  return groups === undefined ? undefined : ({ ...groups } as unknown as Statement);
}

/** Signs an answer with the 32 bytes of a secret seed. */
export function signAnswer(pending: Pending, answer: Unsigned, seed: Uint8Array, given: string): Decision {
  const key = approverId(publicKeyOf(seed));
  const text = statementText(statementOf(pending, answer, { given, key }));
  return { ...answer, signature: { key, given, bytes: signBytes(seed, Buffer.from(text)).toString('base64') } };
}

/** Whether this key signed this text. */
export function statementFits(text: string, signature: string, publicKey: string): boolean {
  return signatureFits(Buffer.from(publicKey, 'base64'), Buffer.from(text), Buffer.from(signature, 'base64'));
}

const hex = '[0-9a-f]{64}';
const time = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z';

/** Each line after the first: its name, what may stand there, and what stands before it. The order is part of the format. */
const layout: readonly (readonly [name: keyof Statement, value: string, prefix: '' | 'sha256:'])[] = [
  ['decision', 'approve|deny', ''],
  ['question', 'evt_[0-9A-HJKMNP-TV-Z]{26}', ''],
  ['tool', '[A-Za-z0-9._-]{1,128}', ''],
  ['plan', hex, 'sha256:'],
  ['shown', hex, 'sha256:'],
  ['answer', hex, 'sha256:'],
  ['policy', hex, 'sha256:'],
  ['pin', hex, 'sha256:'],
  ['nonce', hex, ''],
  ['asked', time, ''],
  ['expires', time, ''],
  ['given', time, ''],
  ['key', '[0-9a-f]{32}', ''],
];

const shape = new RegExp(`^${statementHeader.replaceAll('.', '\\.')}\\n${layout.map(([name, value, prefix]) => `${name} ${prefix}(?<${name}>${value})\\n`).join('')}$`);

function hashOf(value: unknown): string {
  return sha256(canonicalJson(value).text);
}

/** What an answer about a result binds to, as facts (label, key, value): the result (`sha256:<hex> <n> bytes` of all that the agent would read) and the call that brought it. */
export function factsOfResult(result: string, call: string): readonly (readonly [label: string, key: string, value: string])[] {
  return [['Result', '', result], ['Result of the call', '', call]];
}
