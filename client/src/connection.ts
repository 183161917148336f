import { CancellationTokenSource, EventEmitter, type CancellationToken, type LogOutputChannel } from 'vscode';
import type { NotificationName, NotificationParams, QuestionName, QuestionParams, QuestionResult, RequestName, RequestParams, RequestResult } from '../../protocol/src/messages';
import { messageOf, type Answer, type Broker, type Link } from './broker';
import type { OpenLink } from './languageClient';
import { after, type Disposable } from './lifetime';
import { Retries } from './retries';
import { isOlder } from './versions';

/** What the connection needs to know. */
export type ConnectionOptions = Readonly<{ configDir: string; brokerScript: string; version: string; client: string; window: string; log: LogOutputChannel }>;

const answerMs = 30_000;
/** A whole log may take long to verify; the person can cancel it. */
const untimed: ReadonlySet<RequestName> = new Set(['audit/verify']);

/**
 * Keeps one connection to the broker for as long as the extension lives: finds or starts the broker, waits a little longer
 * after each failure, and begins anew when the broker ends. Each connection is a life of its own.
 */
export class Connection implements Broker, Disposable {
  readonly configDir: string;
  private readonly links = new EventEmitter<Link>();
  private readonly answers = new Map<QuestionName, Answer<QuestionName>>();
  private readonly news = new EventEmitter<{ name: NotificationName; params: unknown }>();
  readonly onLink = this.links.event;
  private state: Link = { kind: 'connecting' };
  private open: OpenLink | undefined;
  private over = false;
  private readonly retries = new Retries({
    now: () => performance.now(),
    later: after,
    live: (signal) => this.live(signal),
    failed: (error) => {
      this.options.log.error(`No connection to the broker: ${messageOf(error)}`);
      this.become({ kind: 'connecting', reason: messageOf(error) });
    },
  });

  constructor(private readonly options: ConnectionOptions) {
    this.configDir = options.configDir;
  }

  link(): Link {
    return this.state;
  }

  /** Connects and stays connected until disposed; never rejects. */
  async run(): Promise<void> {
    // Loading the language client takes as long as everything else together: it must not count as activation.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await this.retries.run();
  }

  /** Drops the connection, or the attempt to make one, and tries again at once. */
  restart(): void {
    this.retries.restart();
  }

  async request<Name extends RequestName>(name: Name, params: RequestParams<Name>, token?: CancellationToken): Promise<RequestResult<Name>> {
    if (this.open === undefined) throw new Error('Conductor is not connected to its broker. Run "Conductor: Restart Connection".');
    const source = new CancellationTokenSource();
    const cancelled = token?.onCancellationRequested(() => source.cancel());
    const timer = untimed.has(name) ? undefined : setTimeout(() => source.cancel(), answerMs);
    try {
      // Cancelling only tells the broker; that it answers is not waited for.
      return await Promise.race([this.open.request(name, params, source.token), rejection(source.token, name)]);
    } finally {
      clearTimeout(timer);
      cancelled?.dispose();
      source.dispose();
    }
  }

  on<Name extends NotificationName>(name: Name, listener: (params: NotificationParams<Name>) => void): Disposable {
    return this.news.event((item) => {
      if (item.name === name) listener(item.params as NotificationParams<Name>);
    });
  }

  answer<Name extends QuestionName>(name: Name, answer: Answer<Name>): void {
    this.answers.set(name, answer);
  }

  dispose(): void {
    this.over = true;
    this.retries.dispose();
    this.become({ kind: 'closed' });
    this.links.dispose();
    this.news.dispose();
  }

  /** One connection from its opening to its end, or to the signal. */
  private async live(signal: AbortSignal): Promise<void> {
    const { openLink } = await import('./languageClient');
    let ended: () => void = () => undefined;
    const end = new Promise<void>((resolve) => (ended = resolve));
    signal.addEventListener('abort', ended);
    const opening = openLink({ ...this.options, heard: (name, params) => this.news.fire({ name, params }), answer: (name, params) => this.asked(name, params), closed: ended });
    const link = await Promise.race([opening, end]);
    if (link === undefined || signal.aborted) return discard(opening);
    try {
      this.open = link;
      this.options.log.info(`Connected to broker ${link.version}.`);
      this.become({ kind: 'connected', version: link.version });
      if (isOlder(link.version, this.options.version)) this.replaceOlder();
      await end;
    } finally {
      this.open = undefined;
      link.dispose();
      this.become({ kind: 'connecting' });
    }
  }

  private async asked<Name extends QuestionName>(name: Name, params: QuestionParams<Name>): Promise<QuestionResult<Name>> {
    const answer = this.answers.get(name);
    if (answer === undefined) throw new Error(`This editor has no answer to ${name}.`);
    return (await answer(params)) as QuestionResult<Name>;
  }

  /** Asks an older broker to finish what runs and leave; the next connection starts the one of this version. */
  private replaceOlder(): void {
    this.options.log.info('The broker is older than this extension. It is asked to finish its calls and leave.');
    this.request('conductor/drain', {}).catch((error: unknown) => this.options.log.warn(`The older broker stays: ${messageOf(error)}`));
  }

  private become(link: Link): void {
    if (this.over && link.kind !== 'closed') return;
    this.state = link;
    this.links.fire(link);
  }

}

/** Lets go of a connection that nobody waits for any more, if it comes at all. */
function discard(opening: Promise<OpenLink>): void {
  opening.then((link) => link.dispose(), () => undefined);
}

function rejection(token: CancellationToken, name: string): Promise<never> {
  return new Promise((_, reject) => token.onCancellationRequested(() => reject(new Error(`The broker did not answer ${name}, or it was cancelled.`))));
}
