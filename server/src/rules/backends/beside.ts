import { canonicalJson } from '../../../../protocol/src/audit/canonical';

/** What a client sends a server beside the arguments of a call, in `_meta`. It reaches the server like they do, so a person sees it, too. */

type Members = Readonly<Record<string, unknown>>;

/** What of it an answer binds to, and what only names this one request, which is another each time. */
export type Beside = Readonly<{ bound: Members; passing: Members }>;

const id = /^[A-Za-z0-9_.:/-]{1,128}$/;

/** Members that trace one request, each with the only form in which it counts as that (W3C Trace Context; what common clients send). */
const tracing: ReadonlyMap<string, RegExp> = new Map([
  ['traceparent', /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/],
  ['tracestate', /^[\x20-\x7e]{0,512}$/],
  ['baggage', /^[\x20-\x7e]{0,1024}$/],
  ['claudecode/toolUseId', id],
  ['x-codex-turn-metadata', /^[\x20-\x7e]{0,2048}$/],
  ['io.modelcontextprotocol/logLevel', id],
  ['vscode.requestId', id],
  ['vscode.conversationId', id],
]);

/** Members of the stateless revision, which are put in afresh for the server. */
const replaced: ReadonlySet<string> = new Set(['io.modelcontextprotocol/protocolVersion', 'io.modelcontextprotocol/clientCapabilities', 'io.modelcontextprotocol/clientInfo']);

/** Divides `_meta`. */
export function besideOf(meta: Members): Beside {
  const sent = Object.entries(meta).filter(([name]) => !replaced.has(name));
  const isPassing = ([name, value]: readonly [string, unknown]): boolean => typeof value === 'string' && tracing.get(name)?.test(value) === true;
  return { bound: Object.fromEntries(sent.filter((one) => !isPassing(one))), passing: Object.fromEntries(sent.filter(isPassing)) };
}

/** Bytes of canonical JSON that the log holds of it; more is named by its size alone. */
const mostLogged = 8192;

/** What the log keeps of it; undefined where there is nothing. */
export function loggedBeside({ bound, passing }: Beside): Members | undefined {
  const all = { ...bound, ...passing };
  if (Object.keys(all).length === 0) return undefined;
  const bytes = Buffer.byteLength(canonicalJson(all).text);
  return bytes <= mostLogged ? all : { tooLong: true, bytes };
}
