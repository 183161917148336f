import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFrame, rpc, type Frame, type RequestId } from '../../base/frames';
import { eraOf, meta, sessionRevisions, statelessRevisions } from '../mcp/eras';
import { bodyLimit, readBody } from './body';
import type { HttpHouse } from './house';
import type { Lines, Place } from './lines';
import { differs, headerMismatch } from './mirror';
import { Reply, sendJson, sendLast } from './reply';

/** What a message over HTTP is part of, and which line it goes to. What counts is the body; headers must not say otherwise. */

type Request = Extract<Frame, { kind: 'request' }>;
/** One POST that was let in. */
type Posted = Readonly<{ request: IncomingMessage; response: ServerResponse; place: Place; lines: Lines; house: HttpHouse }>;
/** An error in the words of JSON-RPC under a status of HTTP. */
type Wrong = Readonly<{ status: number; id?: RequestId | null; code: number; message: string; data?: unknown; method?: string }>;

/** Takes one POST. */
export async function takePost(posted: Posted): Promise<void> {
  const { headers } = posted.request;
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) return refuse(posted, { status: 415, code: rpc.invalidRequest, message: 'The Content-Type of a message is application/json.' });
  if (headers['content-encoding'] !== undefined) return refuse(posted, { status: 415, code: rpc.invalidRequest, message: 'Bodies are taken as they are, without Content-Encoding.' });
  if (!accepts(headers.accept, 'application/json') || !accepts(headers.accept, 'text/event-stream')) return refuse(posted, { status: 406, code: rpc.invalidRequest, message: 'Accept both application/json and text/event-stream.' });
  const body = await readBody(posted.request);
  if (body.kind === 'broken') return;
  if (body.kind === 'tooLong') return refuse(posted, { status: 413, code: rpc.invalidRequest, message: `A message is at most ${String(bodyLimit)} bytes long.` });
  const frame = readFrame(body.bytes);
  switch (frame.kind) {
    case 'blank':
      return refuse(posted, { status: 400, code: rpc.invalidRequest, message: 'The body is empty.' });
    case 'refused':
      // What the parser says quotes the body: the log gets the sentence before it.
      return refuse(posted, { status: 400, ...frame }, frame.code === rpc.parse ? (frame.message.split(':')[0] ?? '') : frame.message);
    case 'request':
      return isStateless(posted, frame) ? takeStateless(posted, frame) : takeInSession(posted, frame);
    case 'notification':
    case 'response':
      return tellSession(posted, frame);
  }
}

/** The body says it; a body that says nothing is of the revision in the header, if that has no sessions. */
function isStateless({ request: { headers } }: Posted, { params, method }: Request): boolean {
  if (eraOf(params).kind !== 'session') return true;
  return method !== 'initialize' && headers['mcp-session-id'] === undefined && statelessRevisions.some((revision) => revision === headers['mcp-protocol-version']);
}

function takeStateless(posted: Posted, frame: Request): void {
  const { request, response, lines, place, house } = posted;
  const { id, method, params } = frame;
  const era = eraOf(params);
  if (era.kind === 'session') return refuse(posted, { status: 400, id, code: rpc.invalidParams, method, message: `Every request of ${statelessRevisions[0]} names ${meta.version} and ${meta.capabilities} in _meta.` });
  const line = lines.nameless(era.kind === 'stateless' ? (era.client ?? '') : '', place, (close) => house.line(place, close));
  if (line === undefined) return refuse(posted, busy(id));
  const mismatch = differs(request.headers, method, params, (name) => house.schemaOf(line.house, name));
  if (mismatch !== undefined) return refuse(posted, { status: 400, id, code: headerMismatch, method, message: mismatch });
  if (era.kind === 'invalid') return refuse(posted, { status: 400, id, method, ...era });
  line.request(frame, new Reply(response, statusOf));
}

/** Since 2026-07-28 the status repeats some errors of JSON-RPC. */
function statusOf(message: object): number {
  const code = 'error' in message && typeof message.error === 'object' && message.error !== null && 'code' in message.error ? message.error.code : undefined;
  return code === rpc.methodNotFound ? 404 : code === rpc.unsupportedVersion || code === headerMismatch || code === missingCapability ? 400 : 200;
}

/** JSON-RPC error of a request that needs what its client did not declare. */
const missingCapability = -32_021;

function takeInSession(posted: Posted, frame: Request): void {
  const { request: { headers }, response, lines, place, house } = posted;
  const { id, method } = frame;
  if (method === 'initialize') {
    if (headers['mcp-session-id'] !== undefined) return refuse(posted, { status: 400, id, code: rpc.invalidRequest, method, message: 'A session is initialized once. Leave Mcp-Session-Id out to begin another.' });
    const opened = lines.open(place, (close) => house.line(place, close));
    if (opened === undefined) return refuse(posted, busy(id));
    opened.line.request(frame, new Reply(response, (message) => {
      if ('result' in message) response.setHeader('Mcp-Session-Id', opened.id);
      return 200;
    }));
    if (opened.line.session.negotiated === undefined) lines.close(opened.id, place);
    return;
  }
  const line = sessionOf(posted, id);
  if (line === undefined) return;
  if (line.has(id)) return refuse(posted, { status: 400, id, code: rpc.invalidRequest, method, message: 'A request with this id is still running.' });
  line.request(frame, new Reply(response, () => 200));
}

function tellSession(posted: Posted, frame: Exclude<Frame, { kind: 'request' | 'refused' | 'blank' }>): void {
  const { request: { headers }, response } = posted;
  // A client without a session closes a response instead of taking a request back; what it says besides means nothing here.
  if (headers['mcp-session-id'] === undefined && frame.kind === 'notification' && frame.method !== 'tools/call') return void response.writeHead(202).end();
  const line = sessionOf(posted, null);
  if (line === undefined) return;
  line.tell(frame);
  response.writeHead(202).end();
}

/** The session that a request names; answers the request when there is none. */
export function sessionOf(posted: Posted, id: RequestId | null): ReturnType<Lines['session']> {
  const { request: { headers }, place, lines } = posted;
  const version = headers['mcp-protocol-version'];
  if (version !== undefined && !sessionRevisions.some((revision) => revision === version)) return void refuse(posted, { status: 400, id, code: rpc.unsupportedVersion, message: 'Unsupported protocol version', data: { supported: [...sessionRevisions, ...statelessRevisions] } });
  const given = headers['mcp-session-id'];
  if (typeof given !== 'string') return void refuse(posted, { status: 400, id, code: rpc.invalidRequest, message: 'Send "initialize" first, and its Mcp-Session-Id with each request after it.' });
  const line = lines.session(given, place);
  if (line === undefined) return void refuse(posted, { status: 404, id, code: -32_001, message: 'There is no such session here, or not any more. Send "initialize" again.' });
  return line;
}

function busy(id: RequestId): Wrong {
  return { status: 503, id, code: rpc.internal, message: 'Too many agents are connected. End one, or wait.' };
}

function refuse({ request, response, house, place }: Posted, { status, id = null, code, message, data, method }: Wrong, reason: string = message): void {
  house.refused({ rule: 'mcp.refused', reason, ...(method === undefined ? {} : { method }), ...place });
  const error = { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } };
  if (request.complete) sendJson(response, status, error);
  else sendLast(request, response, status, error);
}

function accepts(header: string | undefined, type: string): boolean {
  const [group = ''] = type.split('/');
  return (header ?? '').split(',').some((one) => [type, `${group}/*`, '*/*'].includes(one.split(';')[0]?.trim().toLowerCase() ?? ''));
}
