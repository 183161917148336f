import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { ClientLine } from '../../../protocol/src/call';
import type { Config } from '../../../protocol/src/config';
import { oddWords, reveal, revealLine } from '../../../protocol/src/display';
import type { Answer, Decider, Question } from '../approvals/question';

/**
 * The approver of last resort: a form in the agent's own client (MCP elicitation). The agent's side draws it and answers it, so that such a
 * yes is the weakest there is: never asked for while an editor or terminal attends, never where signatures are wanted, never for more than
 * one call, and only where the user's settings allow it.
 */

/** How a client can be asked: by a request of ours (sessions), or with the answer to its call (2026-07-28). */
export type Way = 'request' | 'round';

/** Names the stateless revisions in `_meta`. */
const versionName = 'io.modelcontextprotocol/protocolVersion';

/** By which way this client may be asked; undefined when it may not. */
export function wayToAsk({ approvals }: Pick<Config, 'approvals'>, line: ClientLine | undefined): Way | undefined {
  if (!approvals.elicitation || approvals.requireSigned || line === undefined) return undefined;
  const declared = line.capabilities['elicitation'];
  if (typeof declared !== 'object' || declared === null || !(Object.keys(declared).length === 0 || 'form' in declared)) return undefined;
  if (versionName in line.meta) return 'round';
  return line.elicit === undefined ? undefined : 'request';
}

/** Characters of an action, and of all that is told of it, that fit such a form; what does not fit is not asked about there. */
const fits = { raw: 4000, facts: 4000, fact: 600 } as const;

/** A form as clients draw it. */
export type Form = Readonly<{ message: string; requestedSchema: Readonly<Record<string, unknown>> }>;

/** The form about a call, raw action first, everything escaped; undefined when not all of it fits. */
export function formOf({ title, raw, cwd, rule, reason, details, client, notWhole, again, arguments: laidOut }: Omit<Question, 'binding'>): Form | undefined {
  const action = reveal(raw);
  const facts = details.map(([label, value]) => `${label}: ${reveal(value).text.replaceAll('\n', '\\n')}`);
  const changes = (again?.changes ?? []).map(({ label, key, before, after }) => revealLine(`Changed since it was approved: ${label} ${key}: ${before ?? '(none)'} -> ${after ?? '(none)'}`, fits.fact));
  const odd = (laidOut?.rows ?? []).filter(({ says }) => says !== undefined).map(({ path, says }) => revealLine(`Argument ${path}: ${says ?? ''}`, fits.fact));
  if (notWhole !== undefined || action.text.length > fits.raw || [...changes, ...odd, ...facts].join('\n').length > fits.facts) return undefined;
  const found = oddWords([raw]);
  const hidden = found === undefined ? [] : [`Careful: ${found}, shown as \\u{…}.`];
  const message = [
    title, ...action.text.split('\n').map((line) => `    ${line}`), `in ${revealLine(cwd, fits.fact)}`, ...hidden, ...changes, ...odd,
    `Why Conductor asks: ${revealLine(reason, fits.fact)} [${rule}]`, ...facts, `Asked by ${revealLine(client, 200)}.`,
    'An answer here is passed on by the agent\'s own client, and recorded as such.',
  ].join('\n');
  return { message, requestedSchema };
}

// Accepting a form as it came must not be a yes: the first choice and the default say no.
const requestedSchema = {
  type: 'object',
  properties: {
    decision: { type: 'string', title: 'Decision', enum: ['deny', 'approve'], enumNames: ['Deny', 'Approve once'], default: 'deny' },
    reason: { type: 'string', title: 'Reason, for the agent', maxLength: 2000 },
  },
  required: ['decision'],
} as const;

const filledIn = z.object({ action: z.enum(['accept', 'decline', 'cancel']), content: z.looseObject({ decision: z.unknown(), reason: z.unknown() }).partial().nullish() });

/** What a client says that its person chose. A form that was closed, or that cannot be understood, is no answer. */
export function answerOf(result: unknown, by: Decider, waitedMs: number): Answer {
  const { data } = filledIn.safeParse(result);
  if (data === undefined || data.action === 'cancel') return { kind: 'unavailable' };
  const reason = typeof data.content?.reason === 'string' && data.content.reason !== '' ? { reason: data.content.reason.slice(0, 2000) } : {};
  const approved = data.action === 'accept' && data.content?.decision === 'approve';
  return { kind: approved ? 'approved' : 'denied', by, waitedMs, level: 'client', ...reason };
}

/** Asks by a request of ours. Never rejects. */
export async function askByRequest(line: ClientLine, form: Form, by: Decider, { timeoutMs, signal, now }: Readonly<{ timeoutMs: number; signal: AbortSignal; now(): number }>): Promise<Answer> {
  const began = now();
  const waitedMs = (): number => Math.max(0, Math.round(now() - began));
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await line.elicit?.(form, AbortSignal.any([signal, limit]));
    return answer?.kind === 'result' ? answerOf(answer.result, by, waitedMs()) : { kind: 'unavailable' };
  } catch {
    return signal.aborted ? { kind: 'withdrawn', waitedMs: waitedMs() } : limit.aborted ? { kind: 'timeout', waitedMs: waitedMs() } : { kind: 'unavailable' };
  }
}

/** The name of our question among those of a result. */
const ours = 'conductor.approval';

/** A question that the client gets with the answer to its call, and answers with the call that it sends then. */
export class HandedOver {
  /** Which question it is: random, and the client sends it back as it is. */
  readonly #state = randomBytes(24).toString('base64url');
  #answered = false;
  #resolve: (answer: Answer) => void = () => undefined;
  readonly answer = new Promise<Answer>((resolve) => { this.#resolve = resolve; });

  constructor(readonly form: Form, readonly by: Decider, limits: Readonly<{ timeoutMs: number; signal: AbortSignal; now(): number }>) {
    const began = limits.now();
    this.waitedMs = () => Math.max(0, Math.round(limits.now() - began));
    const timer = setTimeout(() => this.#end({ kind: 'timeout', waitedMs: this.waitedMs() }), limits.timeoutMs);
    const withdraw = (): void => this.#end({ kind: 'withdrawn', waitedMs: this.waitedMs() });
    limits.signal.addEventListener('abort', withdraw);
    if (limits.signal.aborted) withdraw();
    void this.answer.then(() => (clearTimeout(timer), limits.signal.removeEventListener('abort', withdraw)));
  }

  readonly waitedMs: () => number;

  /** Whether it has ended. */
  get answered(): boolean {
    return this.#answered;
  }

  /** The result that asks. */
  get result(): Readonly<Record<string, unknown>> {
    return { resultType: 'input_required', inputRequests: { [ours]: { method: 'elicitation/create', params: this.form } }, requestState: this.#state };
  }

  /** Whether a call answers this question. */
  isMeant(rest: ClientLine['rest']): boolean {
    return rest['requestState'] === this.#state;
  }

  /** Takes the answer that came with a call; one without an answer of ours is none. */
  take(rest: ClientLine['rest']): void {
    const responses = rest['inputResponses'];
    if (!this.isMeant(rest) || typeof responses !== 'object' || responses === null || !(ours in responses)) return;
    this.#end(answerOf((responses as Readonly<Record<string, unknown>>)[ours], this.by, this.waitedMs()));
  }

  #end(answer: Answer): void {
    this.#answered = true;
    this.#resolve(answer);
  }
}
