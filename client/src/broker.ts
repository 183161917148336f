import type { CancellationToken, Event } from 'vscode';
import type { NotificationName, NotificationParams, QuestionName, QuestionParams, QuestionResult, RequestName, RequestParams, RequestResult } from '../../protocol/src/messages';
import type { Disposable } from './lifetime';

/** How things stand between this window and the broker. */
export type Link =
  | Readonly<{ kind: 'connecting'; /** Why the last attempt failed; absent on the first one. */ reason?: string }>
  | Readonly<{ kind: 'connected'; version: string }>
  | Readonly<{ kind: 'closed' }>;

/** Answers one question of the broker. */
export type Answer<Name extends QuestionName> = (params: QuestionParams<Name>) => Promise<QuestionResult<Name>>;

/** What the features of this extension use of the connection. */
export type Broker = Readonly<{
  configDir: string;
  link(): Link;
  onLink: Event<Link>;
  /** Asks the broker. Rejects when there is no connection, when the broker refuses, after 30 s without an answer, or when cancelled. */
  request<Name extends RequestName>(name: Name, params: RequestParams<Name>, token?: CancellationToken): Promise<RequestResult<Name>>;
  /** Says who answers a question of the broker; there is one for each. */
  answer<Name extends QuestionName>(name: Name, answer: Answer<Name>): void;
  on<Name extends NotificationName>(name: Name, listener: (params: NotificationParams<Name>) => void): Disposable;
}>;

/** The words of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
