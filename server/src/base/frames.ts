import { isUtf8 } from 'node:buffer';
import type { WireAnswer } from '../../../protocol/src/call';
import { inheritText, parseJsonText } from './jsonText';

/** JSON-RPC 2.0 as an untrusted client writes it: one object a line, and nothing else becomes a message. */

/** Id of a request: a string or a number, never null. */
export type RequestId = string | number;

/** What a request was answered with. */
export type Answer = WireAnswer;

/** The error of JSON-RPC, as it came. */
export type RpcError = Extract<WireAnswer, { kind: 'error' }>['error'];

/** What one line turned out to be. `refused` carries the JSON-RPC error to answer with; its id is null when none could be read. */
export type Frame =
  | Readonly<{ kind: 'request'; id: RequestId; method: string; params: Readonly<Record<string, unknown>> }>
  | Readonly<{ kind: 'notification'; method: string; params: Readonly<Record<string, unknown>> }>
  | Readonly<{ kind: 'response'; id: RequestId; answer: Answer }>
  | Readonly<{ kind: 'blank' }>
  | Readonly<{ kind: 'refused'; id: RequestId | null; code: number; message: string; method?: string }>;

/** JSON-RPC error codes used here. */
export const rpc = { parse: -32700, invalidRequest: -32600, methodNotFound: -32601, invalidParams: -32602, internal: -32603, unsupportedVersion: -32022 } as const;

const members = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];

/** Reads one line that somebody else wrote. Never throws. */
export function readFrame(line: Buffer): Frame {
  if (!isUtf8(line)) return refused(null, rpc.parse, 'The line is not valid UTF-8.');
  const text = line.toString('utf8').trim();
  if (text === '') return { kind: 'blank' };
  const json = parseJsonText(text);
  if (json.kind === 'invalid') return refused(null, rpc.parse, `The line is not one JSON object: ${json.message.slice(0, 200)}`);
  if (json.kind === 'duplicate') return refused(null, rpc.invalidRequest, `The member "${json.member.slice(0, 64)}" stands twice in one object; send it once.`);
  if (Array.isArray(json.value)) return refused(null, rpc.invalidRequest, 'Batches are not accepted. Send each request on a line of its own.');
  if (!isRecord(json.value)) return refused(null, rpc.invalidRequest, 'A message is a JSON object.');
  return classify(json.value);
}

function classify(message: Readonly<Record<string, unknown>>): Frame {
  const id = message['id'];
  const readable = typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id)) ? id : null;
  const look = Object.keys(message).find((name) => !members.includes(name) && members.includes(name.toLowerCase()));
  if (look !== undefined) return refused(readable, rpc.invalidRequest, `"${look.slice(0, 64)}" is not a member of JSON-RPC; its names are lower-case.`);
  if (message['jsonrpc'] !== '2.0') return refused(readable, rpc.invalidRequest, 'The member "jsonrpc" must be "2.0".');
  const method = message['method'];
  for (const part of ['result', 'params']) inheritText(message, part);
  if (method === undefined && ('result' in message || 'error' in message)) return response(readable, message);
  if (typeof method !== 'string') return refused(readable, rpc.invalidRequest, 'The member "method" must be a string.');
  const params = message['params'] ?? {};
  if (!isRecord(params)) return refused(readable, rpc.invalidParams, 'The member "params" must be an object.', method);
  if (!('id' in message)) return { kind: 'notification', method, params };
  if (readable === null) return refused(null, rpc.invalidRequest, 'The member "id" must be a string or a number.', method);
  return { kind: 'request', id: readable, method, params };
}

function response(id: RequestId | null, { result, error }: Readonly<Record<string, unknown>>): Frame {
  if (id === null) return refused(null, rpc.invalidRequest, 'An answer needs the id of its request.');
  if (error === undefined) return isRecord(result) ? { kind: 'response', id, answer: { kind: 'result', result } } : refused(null, rpc.invalidRequest, 'The member "result" must be an object.');
  if (result !== undefined || !isRecord(error) || !Number.isInteger(error['code']) || typeof error['message'] !== 'string') return refused(null, rpc.invalidRequest, 'The member "error" needs a code and a message, and stands without a result.');
  const { code, message, data } = error as RpcError;
  return { kind: 'response', id, answer: { kind: 'error', error: { code, message, ...(data === undefined ? {} : { data }) } } };
}

/** Whether a value is a plain object, not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(id: RequestId | null, code: number, message: string, method?: string): Frame {
  return { kind: 'refused', id, code, message, ...(method === undefined ? {} : { method }) };
}
