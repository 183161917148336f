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
}>;

/** How a call ended. Refusals carry the rule that refused; failures carry the code. */
export type Outcome =
  | Readonly<{ kind: 'success'; text: string; structured?: Readonly<Record<string, unknown>>; truncated: boolean }>
  | Readonly<{ kind: 'failure'; error: ConductorError; text?: string; structured?: Readonly<Record<string, unknown>> }>
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

/** Severity order of verdicts: the strictest of several wins. */
const severity = { allow: 0, approve: 1, deny: 2 } as const;

/** The strictest verdict of a list; the first one of equal severity. An empty list is a bug and throws. */
export function strictest(verdicts: readonly Verdict[]): Verdict {
  const [first, ...rest] = verdicts;
  if (first === undefined) throw new RangeError('strictest() needs at least one verdict');
  return rest.reduce((worst, next) => (severity[next.verdict] > severity[worst.verdict] ? next : worst), first);
}
