import { ConductorError, toConductorError } from '../../../../protocol/src/errors';
import { isRecord, rpc, type Answer, type Frame, type RequestId, type RpcError } from '../../base/frames';
import { Excess } from './excess';
import type { Incoming, Message, Transport } from './transport';

/**
 * The conversation with one backend over one transport: requests get ids of our own, answers find their request, and what a hostile
 * program sends beyond that is counted and dropped (T60, T61, T63).
 */

/** One request to the backend. */
export type Ask = Readonly<{
  signal?: AbortSignal;
  /** Milliseconds of silence after which nobody waits any longer; progress breaks the silence. */
  timeoutMs: number;
  /** Asks for progress and hears it, without the token. */
  onProgress?(progress: Readonly<Record<string, unknown>>): void;
  /** Hears what the backend reports of this request: over HTTP what comes with its answer, else what can only be about requests of this client. */
  reports?: Readonly<{ client: string; hear(params: Readonly<Record<string, unknown>>): void }>;
}>;

/** What the backend asks or tells by itself. `answer` rejects with a ConductorError for what is not served. */
export type Listener = Readonly<{
  asked(method: string, params: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Answer>;
  told(method: string, params: Readonly<Record<string, unknown>>): void;
  ended(why: string): void;
}>;

/** Requests of a backend that wait for an answer at a time. */
const askedLimit = 64;
/** How many silences a call may last in all, however much progress it reports. */
export const patience = 60;
/** Ids of requests that nobody waits for any longer, remembered so that late answers are no nonsense. */
const lateLimit = 1000;

type Waiting = Readonly<{ settle(answer: Answer): void; fail(error: ConductorError): void; progress?(params: Readonly<Record<string, unknown>>): void }> & Pick<Ask, 'reports'>;
type Stream = Readonly<{ told: Listener['told']; ended(answer: Answer | undefined): void }>;

/** One end of the conversation. */
export class Peer {
  readonly #waiting = new Map<number, Waiting>();
  readonly #late = new Set<number>();
  readonly #streams = new Map<number, Stream>();
  readonly #asked = new Map<RequestId, AbortController>();
  #transport: Transport | undefined;
  #next = 1;
  readonly #excess: Excess;
  #ended: string | undefined;

  constructor(readonly listener: Listener, readonly now: () => number) {
    this.#excess = new Excess(now);
  }

  /** What the transport is to be given. */
  readonly incoming: Incoming = {
    frame: (frame, about) => this.#take(frame, about),
    tooLong: (head) => this.#tooLong(head),
    ended: (why) => this.#end(why),
  };

  /** Over which transport requests go from now on. */
  use(transport: Transport): void {
    this.#transport = transport;
  }

  /** Which revision was agreed upon. */
  agreed(revision: string): void {
    this.#transport?.agreed(revision);
  }

  /** Why the conversation is over; undefined while it is not. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** Requests that wait for an answer. */
  get open(): number {
    return this.#waiting.size;
  }

  /** Asks, and resolves with what the backend answered, be it an error. Rejects with BACKEND_UNAVAILABLE, TIMEOUT, TOO_LARGE or CANCELLED. */
  request(method: string, params: Readonly<Record<string, unknown>>, ask: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(gone(this.#ended));
      if (ask.signal?.aborted === true) return reject(cancelled());
      const id = this.#next++;
      const travel = this.#transport?.cuts === true ? new AbortController() : undefined;
      const began = this.now();
      let timer: NodeJS.Timeout | undefined;
      const done = (act: () => void): void => {
        if (!this.#waiting.delete(id)) return;
        clearTimeout(timer);
        ask.signal?.removeEventListener('abort', withdraw);
        act();
      };
      const giveUp = (error: ConductorError): void => done(() => {
        this.#forget(id, method, error.message);
        travel?.abort();
        reject(error);
      });
      const silent = (): void => {
        giveUp(new ConductorError('TIMEOUT', `The server said nothing for ${String(ask.timeoutMs)} ms.`));
        this.#cutOff(this.#excess.silence());
      };
      const withdraw = (): void => giveUp(cancelled());
      const listen = (): void => {
        clearTimeout(timer);
        // While it waits for an answer from here, its silence is not its own.
        timer = setTimeout(() => (this.#asked.size > 0 ? listen() : silent()), ask.timeoutMs);
      };
      const { onProgress } = ask;
      this.#waiting.set(id, {
        settle: (answer) => done(() => resolve(answer)),
        fail: (error) => done(() => reject(error)),
        ...(ask.reports === undefined ? {} : { reports: ask.reports }),
        ...(onProgress === undefined ? {} : {
          progress: ({ progressToken: _, ...progress }) => {
            if (this.now() - began > patience * ask.timeoutMs) return giveUp(new ConductorError('TIMEOUT', `The server reported progress for ${String(patience * ask.timeoutMs)} ms and came to no end.`));
            listen();
            onProgress(progress);
          },
        }),
      });
      ask.signal?.addEventListener('abort', withdraw, { once: true });
      listen();
      this.#send({ jsonrpc: '2.0', id, method, params: onProgress === undefined ? params : withToken(params, id) }, travel?.signal).catch((thrown: unknown) => this.#waiting.get(id)?.fail(toConductorError(thrown, 'BACKEND_UNAVAILABLE')));
    });
  }

  /** Opens a subscription of the stateless revision; `told` hears what comes of it, and `ended` that nothing more does, with the answer if there was one. */
  subscribe(notifications: Readonly<Record<string, unknown>>, meta: Readonly<Record<string, unknown>>, told: Listener['told'], ended: Stream['ended'] = () => undefined): () => void {
    const id = this.#next++;
    const travel = new AbortController();
    this.#streams.set(id, { told, ended });
    this.#send({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications, _meta: meta } }, travel.signal).catch(() => this.#streamEnded(id));
    return () => {
      if (!this.#streams.delete(id)) return;
      this.#forget(id, 'subscriptions/listen', 'Nobody listens any more.');
      travel.abort();
    };
  }

  /** Tells something; nobody hears whether it arrived. */
  notify(method: string, params: Readonly<Record<string, unknown>>): void {
    if (this.#ended === undefined) this.#send({ jsonrpc: '2.0', method, params }).catch(() => undefined);
  }

  /** Ends the conversation; what still waits is told why. */
  close(why: string): void {
    this.#end(why);
  }

  #take(frame: Frame, about?: RequestId): void {
    switch (frame.kind) {
      case 'blank':
        return;
      case 'refused':
        return this.#nonsense('sent too many lines that are no messages');
      case 'response':
        return this.#answered(frame.id, frame.answer);
      case 'notification':
        return this.#told(frame.method, frame.params, about);
      case 'request':
        return this.#request(frame.id, frame.method, frame.params);
    }
  }

  #answered(id: RequestId, answer: Answer): void {
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (waiting === undefined) return typeof id === 'number' && (this.#late.delete(id) || this.#streamEnded(id, answer)) ? undefined : this.#nonsense('answered too often what it was not asked');
    this.#excess.answered();
    waiting.settle(answer);
  }

  #streamEnded(id: number, answer?: Answer): boolean {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.ended(answer);
    return stream !== undefined;
  }

  #told(method: string, params: Readonly<Record<string, unknown>>, about: RequestId | undefined): void {
    if (this.#floods()) return;
    if (method === 'notifications/cancelled') return this.#takenBack(params['requestId']);
    const reports = method === 'notifications/message' ? this.#reportsFor(about) : undefined;
    if (reports !== undefined) return reports.hear(params);
    if (method !== 'notifications/progress') return (this.#streamOf(params)?.told ?? this.listener.told)(method, params);
    const token = params['progressToken'];
    // Progress of a request that nobody asked for, or of somebody else's, goes nowhere.
    if (typeof token === 'number') this.#waiting.get(token)?.progress?.(params);
  }

  // A program does not say which request it speaks of: where several clients wait for reports, nobody gets what may be another's (T60).
  #reportsFor(about: RequestId | undefined): Ask['reports'] {
    if (typeof about === 'number') return this.#waiting.get(about)?.reports;
    const wanted = [...this.#waiting.values()].flatMap(({ reports }) => reports ?? []);
    return wanted.every(({ client }) => client === wanted[0]?.client) ? wanted[0] : undefined;
  }

  #streamOf({ _meta: given }: Readonly<Record<string, unknown>>): Stream | undefined {
    const id = isRecord(given) ? given['io.modelcontextprotocol/subscriptionId'] : undefined;
    return typeof id === 'number' ? this.#streams.get(id) : undefined;
  }

  #takenBack(id: unknown): void {
    if (typeof id === 'string' || typeof id === 'number') this.#asked.get(id)?.abort();
  }

  #request(id: RequestId, method: string, params: Readonly<Record<string, unknown>>): void {
    if (this.#floods()) return;
    if (method === 'ping') return this.#reply(id, { kind: 'result', result: {} });
    if (this.#asked.has(id)) return this.#reply(id, failure({ code: rpc.invalidRequest, message: 'A request with this id is still running.' }));
    if (this.#asked.size >= askedLimit) return this.#reply(id, failure({ code: rpc.internal, message: `At most ${String(askedLimit)} requests wait at a time.` }));
    const abort = new AbortController();
    this.#asked.set(id, abort);
    void this.listener.asked(method, params, abort.signal).then(
      (answer) => this.#finish(id, abort, answer),
      (thrown: unknown) => this.#finish(id, abort, failure({ code: rpc.internal, message: toConductorError(thrown).message })),
    );
  }

  #finish(id: RequestId, abort: AbortController, answer: Answer): void {
    this.#asked.delete(id);
    if (!abort.signal.aborted) this.#reply(id, answer);
  }

  #reply(id: RequestId, answer: Answer): void {
    if (this.#ended !== undefined) return;
    const body = answer.kind === 'result' ? { result: answer.result } : { error: answer.error };
    this.#send({ jsonrpc: '2.0', id, ...body }).catch(() => undefined);
  }

  // What the answer was about stands at its beginning, or nobody knows and all that wait are told.
  #tooLong(head: string): void {
    const id = /"id"\s*:\s*([0-9]{1,15})\s*[,}]/.exec(head)?.[1];
    const error = new ConductorError('TOO_LARGE', 'The answer of the server is longer than its max_response_bytes, so it was dropped.');
    const one = id === undefined ? undefined : this.#waiting.get(Number(id));
    for (const waiting of one === undefined ? [...this.#waiting.values()] : [one]) waiting.fail(error);
    this.#nonsense('sent too many lines that were too long');
  }

  #nonsense(what: string): void {
    this.#cutOff(this.#excess.nonsense(what));
  }

  #floods(): boolean {
    const why = this.#excess.message();
    this.#cutOff(why);
    return why !== undefined;
  }

  #cutOff(why: string | undefined): void {
    if (why === undefined) return;
    this.#end(why);
    void this.#transport?.end();
  }

  #forget(id: number, method: string, reason: string): void {
    this.#late.add(id);
    const [oldest] = this.#late;
    if (this.#late.size > lateLimit && oldest !== undefined) this.#late.delete(oldest);
    // MCP forbids to withdraw the introduction.
    if (method !== 'initialize') this.notify('notifications/cancelled', { requestId: id, reason });
  }

  #end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    for (const abort of this.#asked.values()) abort.abort();
    for (const waiting of [...this.#waiting.values()]) waiting.fail(gone(why));
    for (const id of [...this.#streams.keys()]) this.#streamEnded(id);
    this.listener.ended(why);
  }

  async #send(message: Message, signal?: AbortSignal): Promise<void> {
    if (this.#transport === undefined) throw gone('The connection is not made yet.');
    await this.#transport.send(message, signal);
  }
}

function failure(error: RpcError): Answer {
  return { kind: 'error', error };
}

function gone(why: string): ConductorError {
  return new ConductorError('BACKEND_UNAVAILABLE', `The connection to the server has ended. ${why}`);
}

function cancelled(): ConductorError {
  return new ConductorError('CANCELLED', 'The request was withdrawn.');
}

/** The token is the id of the request, so that no two clients can share one. */
function withToken(params: Readonly<Record<string, unknown>>, id: number): Readonly<Record<string, unknown>> {
  const given = params['_meta'];
  return { ...params, _meta: { ...(typeof given === 'object' ? given : {}), progressToken: id } };
}
