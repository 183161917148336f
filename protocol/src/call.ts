import type { ConductorError, ErrorCode } from './errors';

/** What the rules say of one call. `rule` is a stable id such as `shell.notListed`; `reason` is a sentence for a person and an agent. */
export type Verdict = Readonly<{ verdict: 'allow' | 'approve' | 'deny'; rule: string; reason: string }>;

/** Who stands behind a call, as stamped by the broker; only `client` and `window` are an agent's own claim. */
export type Actor = Readonly<{
  role: 'agent' | 'viewer' | 'editor' | 'cli' | 'broker' | /** Somebody who came to the socket and proved nothing. */ 'stranger';
  /** Name and version that the client gave of itself, for instance `claude-code 2.1.330`. */
  client?: string;
  /** Connection number within this broker's life, to tell two agents of the same name apart. */
  connection?: number;
  /** Id of the editor window: the one behind the connection, or the one that started the agent. */
  window?: string;
  /** Login name of the operating-system user. */
  user: string;
}>;

/** One request to run one tool, validated but not yet judged. */
export type ToolCall = Readonly<{
  /** `evt_` and a ULID; also the id of the call's first audit entry. */
  id: string;
  /** Dotted tool name, for instance `filesystem.read`. */
  tool: string;
  input: Readonly<Record<string, unknown>>;
  /** Absolute, resolved project root of the connection. */
  project: string;
  actor: Actor;
  /** The client's own end of the call; of this process only, and never written down. */
  line?: ClientLine;
}>;

/** What a client sent besides the arguments, and a way back to it, for tools that hand both on. */
export type ClientLine = Readonly<{
  /** Tells the clients of this broker apart. */
  key: string;
  /** Absolute, resolved project root of the client. */
  project: string;
  /** `_meta` of the request as it came, without the progress token. */
  meta: Readonly<Record<string, unknown>>;
  /** What else came with it and belongs to it: `inputResponses`, `requestState` and `task`. */
  rest: Readonly<Record<string, unknown>>;
  /** What the client can do: its capabilities as it declared them. */
  capabilities: Readonly<Record<string, unknown>>;
  /** Asks the client something for a backend; undefined for clients that can only be answered. Rejects when it is gone or gives no answer. */
  ask?(from: string, method: string, params: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<WireAnswer>;
  /** Shows the client a form of Conductor's own (`elicitation/create`), which no server asked for; like `ask`. */
  elicit?(form: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<WireAnswer>;
  /** Tells the client something that belongs to it alone. */
  tell(method: string, params: Readonly<Record<string, unknown>>): void;
}>;

/** The answer of an external server or of a client, as it came. */
export type WireAnswer = Readonly<{ kind: 'result'; result: Readonly<Record<string, unknown>> }> | Readonly<{ kind: 'error'; error: Readonly<{ code: number; message: string; data?: unknown }> }>;

/** How a call ended. Refusals carry the rule that refused; failures carry the code. */
export type Outcome =
  | Readonly<{ kind: 'success'; text: string; structured?: Readonly<Record<string, unknown>>; truncated: boolean; /** What an external server answered: handed on as it is. */ wire?: WireAnswer; /** How many characters of it could not be seen before they were marked. */ hidden?: number }>
  | Readonly<{ kind: 'failure'; error: ConductorError; text?: string; structured?: Readonly<Record<string, unknown>>; wire?: WireAnswer; hidden?: number }>
  | Readonly<{
      kind: 'refused';
      code: ErrorCode;
      rule: string;
      reason: string;
      /** Milliseconds until another try makes sense, for an open breaker. */
      retryAfterMs?: number;
      /** Milliseconds within which the same call must come again to get the answer, where a person was asked and the client could not be kept waiting. */
      callAgainWithinMs?: number;
    }>;

/** The answer of a tool that asks its client something before it goes on (`input_required`, revision 2026-07-28); undefined for every other outcome. */
export function questionsToClient(outcome: Outcome): Readonly<Record<string, unknown>> | undefined {
  const wire = outcome.kind === 'success' ? outcome.wire : undefined;
  return wire?.kind === 'result' && wire.result['resultType'] === 'input_required' ? wire.result : undefined;
}

/** Severity order of verdicts: the strictest of several wins. */
const severity = { allow: 0, approve: 1, deny: 2 } as const;

/** The strictest verdict of a list; the first one of equal severity. An empty list is a bug and throws. */
export function strictest(verdicts: readonly Verdict[]): Verdict {
  const [first, ...rest] = verdicts;
  if (first === undefined) throw new RangeError('strictest() needs at least one verdict');
  return rest.reduce((worst, next) => (severity[next.verdict] > severity[worst.verdict] ? next : worst), first);
}
