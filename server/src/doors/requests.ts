import { setMaxListeners } from 'node:events';
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc';
import type { z } from 'zod';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { notifications, questions, requests, type NotificationName, type NotificationParams, type QuestionName, type QuestionParams, type QuestionResult, type RequestName, type RequestResult } from '../../../protocol/src/messages';
import { rightsOf } from '../../../protocol/src/roles';
import type { Guest } from './socket';

/** Whoever waits for one answer: `signal` aborts when they no longer do, `notify` reaches nobody else. */
export type Asker = Readonly<{ signal: AbortSignal; notify<Name extends NotificationName>(name: Name, params: NotificationParams<Name>): void }>;

/** What answers each request; one that nobody handles does not compile. */
export type Handlers = { readonly [Name in RequestName]: (params: z.output<(typeof requests)[Name]['params']>, guest: Guest, asker: Asker) => Promise<RequestResult<Name>> | RequestResult<Name> };

/** What a connection tells of one request: whether its sender took it back. */
export type Cancellation = Readonly<{ isCancellationRequested: boolean; onCancellationRequested(listener: () => void): Readonly<{ dispose(): void }> }>;

/** The part of a JSON-RPC connection that our own messages need; a language-server connection has it, too. */
export type Wire = Readonly<{
  onRequest(method: string, handler: (params: unknown, token: Cancellation) => Promise<unknown>): unknown;
  sendNotification(method: string, params: unknown): Promise<void>;
}>;

/** A wire whose other end answers questions: an editor's. */
export type AskingWire = Wire & Readonly<{ sendRequest(method: string, params: unknown): Promise<unknown> }>;

/** Hears what a door refused: the method, if one could be read, and why. */
export type Refused = (what: { method?: string; reason: string }) => void;

/** Serves the table of messages on a connection, within the rights of the guest's role. `gone` aborts when the connection ended. */
export function serveRequests(wire: Wire, handlers: Handlers, guest: Guest, gone: AbortSignal, refused: Refused): void {
  for (const name of Object.keys(requests) as RequestName[]) {
    wire.onRequest(name, async (params, token) => {
      const taken = new AbortController();
      const end = (): void => taken.abort();
      const listening = token.onCancellationRequested(end);
      gone.addEventListener('abort', end);
      // What was read before the end is answered after it.
      if (gone.aborted) end();
      try {
        return await answer(name, handlers, params, guest, refused, { signal: taken.signal, notify: (news, told) => notify(wire, news, told) });
      } finally {
        listening.dispose();
        gone.removeEventListener('abort', end);
      }
    });
  }
}

/** Aborts when the connection ends. */
export function whenGone(socket: Readonly<{ on(event: 'close', listener: () => void): unknown }>): AbortSignal {
  const gone = new AbortController();
  // Each request that is being answered listens.
  setMaxListeners(0, gone.signal);
  socket.on('close', () => gone.abort());
  return gone.signal;
}

/** Sends one notification of the table; a connection that is gone is no error. */
export function notify<Name extends NotificationName>(wire: Wire, name: Name, params: NotificationParams<Name>): void {
  wire.sendNotification(name, notifications[name].parse(params)).catch(() => undefined);
}

/** Puts a question to an editor. Rejects when it gives no answer within so many milliseconds, or one that is not understood. */
export async function askEditor<Name extends QuestionName>(wire: AskingWire, name: Name, params: QuestionParams<Name>, patienceMs: number): Promise<QuestionResult<Name>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the editor did not answer within ${patienceMs / 1000} s`)), patienceMs);
  });
  try {
    const answered = await Promise.race([wire.sendRequest(name, params), late]);
    return questions[name].result.parse(answered) as QuestionResult<Name>;
  } finally {
    clearTimeout(timer);
  }
}

async function answer<Name extends RequestName>(name: Name, handlers: Handlers, given: unknown, guest: Guest, refused: Refused, asker: Asker): Promise<unknown> {
  try {
    const message = requests[name];
    if (!rightsOf[guest.role].has(message.right)) throw new ConductorError('UNAUTHORIZED', `The role "${guest.role}" may not send ${name}.`);
    const params = message.params.safeParse(given ?? {});
    if (!params.success) throw new ConductorError('INVALID_REQUEST', `${name}: ${params.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`);
    const handler = handlers[name] as (params: unknown, guest: Guest, asker: Asker) => unknown;
    return await handler(params.data, guest, asker);
  } catch (thrown) {
    const error = toConductorError(thrown);
    // Not what a handler found: a message that no handler saw.
    if (error.code === 'UNAUTHORIZED' || error.code === 'INVALID_REQUEST') refused({ method: name, reason: error.message });
    throw responseError(error);
  }
}

/** A failure as it crosses the wire: the sentence, the closed code and the next step. */
export function responseError(error: ConductorError): ResponseError<{ code: string; next: string }> {
  return new ResponseError(ErrorCodes.InternalError, error.message, { code: error.code, next: error.next, ...error.data });
}

/** Refuses every request that nobody handles, and says so. */
export function refuseUnknown(wire: { onRequest(handler: (method: string) => unknown): unknown }, refused: Refused): void {
  wire.onRequest((method) => {
    refused({ method: method.slice(0, 200), reason: 'The method is not served.' });
    return new ResponseError(ErrorCodes.MethodNotFound, `Method not found: ${method.slice(0, 100)}`);
  });
}
