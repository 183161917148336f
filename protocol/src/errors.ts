/** The one way in which Conductor fails: a closed code, a sentence, and what to do next. */

/** Every failure code with the next step that a person or an agent can take. A new code without advice does not compile. */
export const advice = {
  INVALID_REQUEST: 'Send one JSON-RPC 2.0 object per line, with an id, a method and object params.',
  UNKNOWN_METHOD: 'Use only the methods that the server announced.',
  UNKNOWN_TOOL: 'Call tools/list and use a name from that list.',
  INVALID_INPUT: "Correct the arguments so that they fit the tool's input schema.",
  TOO_LARGE: 'Send less: split the request or narrow the range.',
  DENIED: 'Do not retry the same call. Choose another way or ask the user.',
  APPROVAL_DENIED: 'The user declined. Ask the user before trying anything similar.',
  APPROVAL_TIMEOUT: 'Nobody answered in time. Ask the user to watch for the approval prompt, then call again.',
  APPROVAL_PENDING: 'Call the same tool again with exactly the same arguments: that call waits on, or gets the answer. Change nothing, and do not work around it.',
  APPROVAL_UNAVAILABLE: 'Open VS Code with Conductor, or run "conductor approvals watch" in a terminal, then call again.',
  APPROVAL_STALE: 'What was approved is no longer what would run. Call again to be asked afresh.',
  CIRCUIT_OPEN: 'This tool failed repeatedly. Wait for retryAfterMs, or ask the user to reset the breaker.',
  RATE_LIMITED: 'Wait for retryAfterMs, then call again. The user decides in external_mcp_policy.json how often this may be called.',
  TOOL_FAILED: 'Read the message, correct the cause, and call again.',
  TIMEOUT: 'Make the work smaller or raise the time limit of the call.',
  CANCELLED: 'The call was withdrawn. Call again if it is still wanted.',
  AUDIT_UNAVAILABLE: 'Conductor runs nothing that it cannot record. Ask the user to look at the audit log ("conductor audit verify"), then call again.',
  CONFIG_INVALID: 'Open the configuration file, correct the marked place and save it.',
  UNAUTHORIZED: 'Connect with a role that has this right and prove it with the control key.',
  INCOMPATIBLE: 'Update the older side so that both speak the same version of the protocol.',
  BROKER_UNAVAILABLE: 'Run "conductor doctor" to see why the broker does not start.',
  BACKEND_UNAVAILABLE: 'Go on without this server, or call again after retryAfterMs. The user sees in Conductor what is wrong with it.',
  BACKEND_QUARANTINED: 'Ask the user to look at what changed of this server in Conductor and to approve it.',
  BROKER_GONE: 'Check what was done, then call again.',
  LOCKED: 'Another broker holds this configuration folder. Connect to that one.',
  NOT_FOUND: 'Check the name; list what exists first.',
  CONFLICT: 'Somebody was faster. Look at the present state and decide again.',
  CREDENTIALS_LOCKED: 'Ask the user to open VS Code with Conductor, or to run "conductor secrets unlock" in a terminal, then call again.',
  CREDENTIALS_REFUSED: 'Ask the user to run "conductor secrets slots list", which says what is wrong with the store of credentials.',
  CREDENTIAL_DAMAGED: 'Ask the user to set this credential again with "conductor secrets set".',
  PROJECT_MISSING: 'Start the server in a project folder, or pass --project with its path.',
} as const satisfies Record<string, string>;

/** The closed set of failure codes. */
export type ErrorCode = keyof typeof advice;

/** A failure with a closed code. The message says what is wrong; `next` says what to do about it. */
export class ConductorError extends Error {
  readonly code: ErrorCode;
  /** Facts that a program can use, for instance `retryAfterMs`. Never secrets. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What to do next, in one sentence: of this failure, or else what its code advises. */
  readonly next: string;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; data?: Readonly<Record<string, unknown>>; next?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ConductorError';
    this.code = code;
    this.data = options.data ?? {};
    this.next = options.next ?? advice[code];
  }
}

/** Turns anything thrown into a ConductorError, keeping one that already is, so that doors can map codes once. */
export function toConductorError(thrown: unknown, code: ErrorCode = 'TOOL_FAILED'): ConductorError {
  if (thrown instanceof ConductorError) return thrown;
  return new ConductorError(code, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}
