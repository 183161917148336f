import type { Socket } from 'node:net';
import { LogLevel, type CancellationToken, type LogOutputChannel } from 'vscode';
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, type LanguageClientOptions } from 'vscode-languageclient/node';
import { notifications, questions, requests, type NotificationName, type NotificationParams, type QuestionName, type QuestionParams, type QuestionResult, type RequestName, type RequestParams, type RequestResult } from '../../protocol/src/messages';
import { connectToBroker } from '../../link/src/connect';
import { commands, languages } from './ids';

/** The heavy half of the connection, bundled on its own and loaded after the views stand: sockets, the language client, the schemas. */

/** Hears every notification of the broker, parsed. */
export type Listener = <Name extends NotificationName>(name: Name, params: NotificationParams<Name>) => void;

/** Answers every question of the broker. */
export type Answerer = <Name extends QuestionName>(name: Name, params: QuestionParams<Name>) => Promise<QuestionResult<Name>>;

/** What opening needs to know. */
export type Opening = Readonly<{
  configDir: string;
  /** Absolute path of the broker's script. */
  brokerScript: string;
  version: string;
  /** Name and version of the editor, and a random id of this window: the log says who decided. */
  client: string;
  window: string;
  log: LogOutputChannel;
  heard: Listener;
  answer: Answerer;
  /** Called once when an open connection ends by itself. */
  closed: () => void;
}>;

/** One connection to one broker; it ends once and is never reopened. */
export type OpenLink = Readonly<{
  version: string;
  request<Name extends RequestName>(name: Name, params: RequestParams<Name>, token?: CancellationToken): Promise<RequestResult<Name>>;
  dispose(): void;
}>;

const startMs = 15_000;

/** Connects to the broker, starting it when there is none, and speaks LSP and our own messages over the same socket. */
export async function openLink(opening: Opening): Promise<OpenLink> {
  const { socket, brokerVersion } = await connectToBroker({
    configDir: opening.configDir,
    who: { role: 'editor', version: opening.version, client: opening.client.slice(0, 200), window: opening.window },
    program: { execPath: process.execPath, script: opening.brokerScript },
  });
  const client = clientOn(socket, opening);
  hear(client, opening);
  answerQuestions(client, opening);
  try {
    await within(startMs, client.start());
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    version: brokerVersion,
    request: async (name, params, token) => parseResult(name, await client.sendRequest(name, params, token)),
    dispose: () => end(client, socket),
  };
}

function clientOn(socket: Socket, opening: Opening): LanguageClient {
  const options: LanguageClientOptions = {
    documentSelector: [{ language: languages.config }],
    outputChannel: opening.log,
    traceOutputChannel: traceless(opening.log),
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    diagnosticCollectionName: 'conductor',
    // Hovers may lead to an entry; nothing else in them does anything.
    markdown: { isTrusted: { enabledCommands: [commands.openEntry] }, supportHtml: false },
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      // Our own loop connects anew, with a fresh client: a broker that died has forgotten everything this one agreed on.
      closed: () => {
        // Not at once: the client is disposed then, which it takes badly before it has noticed its own end.
        setTimeout(opening.closed, 0);
        return { action: CloseAction.DoNotRestart, handled: true, message: 'The connection to the broker ended.' };
      },
    },
  };
  return new LanguageClient('conductor', 'Conductor', () => Promise.resolve({ reader: socket, writer: socket }), options);
}

/**
 * The channel of traces, which never asks for one: whatever `conductor.trace.server` says and however much the log is set to tell, keys and values of
 * credentials are among the messages.
 */
function traceless(log: LogOutputChannel): LogOutputChannel {
  return Object.create(log, { logLevel: { value: LogLevel.Info }, onDidChangeLogLevel: { value: () => ({ dispose: () => undefined }) } }) as LogOutputChannel;
}

function hear(client: LanguageClient, opening: Opening): void {
  for (const name of Object.keys(notifications) as NotificationName[]) {
    client.onNotification(name, (raw: unknown) => {
      const parsed = notifications[name].safeParse(raw);
      if (parsed.success) opening.heard(name, parsed.data as NotificationParams<typeof name>);
      else opening.log.warn(`The broker sent a ${name} that this version does not understand: ${parsed.error.message}`);
    });
  }
}

function answerQuestions(client: LanguageClient, opening: Opening): void {
  for (const name of Object.keys(questions) as QuestionName[]) client.onRequest(name, (raw: unknown) => opening.answer(name, questions[name].params.parse(raw)));
}

function parseResult<Name extends RequestName>(name: Name, raw: unknown): RequestResult<Name> {
  const parsed = requests[name].result.safeParse(raw);
  if (!parsed.success) throw new Error(`The broker's answer to ${name} is not understood by this version. Update the older side. (${parsed.error.message})`);
  return parsed.data as RequestResult<Name>;
}

/** Ends politely when the client runs, and in any case. */
function end(client: LanguageClient, socket: Socket): void {
  client
    .dispose(2000)
    .catch(() => undefined)
    .finally(() => socket.destroy());
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The broker did not finish the start within ${ms / 1000} s.`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
