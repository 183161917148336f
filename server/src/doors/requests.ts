import { ErrorCodes, ResponseError } from 'vscode-jsonrpc';
import type { z } from 'zod';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { notifications, questions, requests, type NotificationName, type NotificationParams, type QuestionName, type QuestionParams, type QuestionResult, type RequestName, type RequestResult } from '../../../protocol/src/messages';
import { rightsOf } from '../../../protocol/src/roles';
import type { Guest } from './socket';

/** What answers each request; one that nobody handles does not compile. */
export type Handlers = { readonly [Name in RequestName]: (params: z.output<(typeof requests)[Name]['params']>, guest: Guest) => Promise<RequestResult<Name>> | RequestResult<Name> };

/** The part of a JSON-RPC connection that our own messages need; a language-server connection has it, too. */
export type Wire = Readonly<{
  onRequest(method: string, handler: (params: unknown) => Promise<unknown>): unknown;
  sendNotification(method: string, params: unknown): Promise<void>;
}>;

/** A wire whose other end answers questions: an editor's. */
export type AskingWire = Wire & Readonly<{ sendRequest(method: string, params: unknown): Promise<unknown> }>;

/** Serves the table of messages on a connection, within the rights of the guest's role. */
export function serveRequests(wire: Wire, handlers: Handlers, guest: Guest): void {
  for (const name of Object.keys(requests) as RequestName[]) wire.onRequest(name, (params) => answer(name, handlers, params, guest));
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

async function answer<Name extends RequestName>(name: Name, handlers: Handlers, given: unknown, guest: Guest): Promise<unknown> {
  try {
    const message = requests[name];
    if (!rightsOf[guest.role].has(message.right)) throw new ConductorError('UNAUTHORIZED', `The role "${guest.role}" may not send ${name}.`);
    const params = message.params.safeParse(given ?? {});
    if (!params.success) throw new ConductorError('INVALID_REQUEST', `${name}: ${params.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`);
    const handler = handlers[name] as (params: unknown, guest: Guest) => unknown;
    return await handler(params.data, guest);
  } catch (thrown) {
    throw responseError(toConductorError(thrown));
  }
}

/** A failure as it crosses the wire: the sentence, the closed code and the next step. */
export function responseError(error: ConductorError): ResponseError<{ code: string; next: string }> {
  return new ResponseError(ErrorCodes.InternalError, error.message, { code: error.code, next: error.next, ...error.data });
}
