import type { IncomingMessage } from 'node:http';
import { backendNameSchema } from '../../../../protocol/src/backends';
import { opens } from './token';

/** What a request must show before a byte of its body is read: where it came from, where it goes, and the token. */

/** What is held against each request. */
export type GateRules = Readonly<{ port: number; token: string; /** Exact values of `Origin` that may stand there. */ allowedOrigins: readonly string[]; /** Whether a backend of this name exists. */ knows(backend: string): boolean }>;

/** A request that is let in, or why not; `rule` is a stable id, and the reason holds nothing that was sent. */
export type Gated = Readonly<{ kind: 'in'; only: string | undefined }> | GateRefusal;

/** A refusal in the words of HTTP. */
export type GateRefusal = Readonly<{ kind: 'out'; status: number; rule: string; reason: string; headers?: Readonly<Record<string, string>> }>;

/** Headers of which a second one would leave open which is meant. */
const single = ['host', 'origin', 'authorization', 'content-type', 'content-length', 'content-encoding', 'mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'conductor-project'];

/** Judges the head of a request (T64, T65, T66, T67). */
export function gate(request: Pick<IncomingMessage, 'headers' | 'headersDistinct' | 'method' | 'url'>, rules: GateRules): Gated {
  const { headers, headersDistinct, method = '', url = '' } = request;
  const twice = single.find((name) => (headersDistinct[name]?.length ?? 0) > 1);
  if (twice !== undefined) return out(400, 'http.header', `The header ${twice} stands twice.`);
  if (!hostsAt(rules.port).includes(headers.host ?? '')) return out(403, 'http.host', 'The header Host names another place than this door: some page or name server may have led the request here.');
  const { origin } = headers;
  if (origin !== undefined && !rules.allowedOrigins.includes(origin)) return out(403, 'http.origin', 'The request comes from a page of a browser whose origin is not in server.allowedOrigins.');
  const path = /^\/mcp(?:\/([^/?#]+))?$/.exec(url);
  if (path === null) return out(404, 'http.path', 'There is nothing here. MCP is at /mcp, one backend at /mcp/<backend>, both without a query.');
  if (!opens(headers.authorization, rules.token)) return { ...out(401, 'http.token', 'The token is missing or wrong. It stands in the file http.token of the configuration folder; send it as "Authorization: Bearer".'), headers: { 'WWW-Authenticate': 'Bearer' } };
  const only = path[1];
  if (only !== undefined && !(backendNameSchema.safeParse(only).success && rules.knows(only))) return out(404, 'http.backend', 'There is no backend of this name.');
  if (!['GET', 'POST', 'DELETE'].includes(method)) return { ...out(405, 'http.method', 'Only GET, POST and DELETE are served.'), headers: { Allow: 'GET, POST, DELETE' } };
  return { kind: 'in', only };
}

function hostsAt(port: number): string[] {
  return ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${String(port)}`);
}

function out(status: number, rule: string, reason: string): GateRefusal {
  return { kind: 'out', status, rule, reason };
}
