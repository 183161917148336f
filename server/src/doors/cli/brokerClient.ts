import { join } from 'node:path';
import { createMessageConnection, ResponseError, StreamMessageReader, StreamMessageWriter, type MessageConnection } from 'vscode-jsonrpc/node';
import { connectToBroker, type Route } from '../../../../link/src/connect';
import { advice, ConductorError, type ErrorCode } from '../../../../protocol/src/errors';
import { notifications, requests, type NotificationName, type NotificationParams, type RequestName, type RequestParams, type RequestResult } from '../../../../protocol/src/messages';
import { version } from '../../base/version';

/** A terminal's connection to the broker: the messages of the table, both ends parsed. */
export type BrokerClient = Readonly<{
  request<Name extends RequestName>(name: Name, params: RequestParams<Name>): Promise<RequestResult<Name>>;
  on<Name extends NotificationName>(name: Name, listener: (params: NotificationParams<Name>) => void): void;
  /** Resolves when the connection ended. */
  closed: Promise<void>;
  close(): void;
}>;

/** Connects as a terminal, starting the broker when none runs. Throws a ConductorError that says why not. */
export function openBroker(configDir: string): Promise<BrokerClient> {
  return open({ configDir, who: { role: 'cli', version }, program: { execPath: process.execPath, script: join(__dirname, 'broker.js') } });
}

/** Connects to look, if a broker runs. Throws BROKER_UNAVAILABLE when none does. */
export function openRunningBroker(configDir: string): Promise<BrokerClient> {
  return open({ configDir, who: { role: 'viewer', version } });
}

/** Connects as a terminal, if a broker runs. Throws BROKER_UNAVAILABLE when none does. */
export function openRunningTerminal(configDir: string): Promise<BrokerClient> {
  return open({ configDir, who: { role: 'cli', version } });
}

async function open(route: Route): Promise<BrokerClient> {
  const { socket } = await connectToBroker(route);
  const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  const closed = new Promise<void>((resolve) => connection.onClose(() => resolve()));
  connection.listen();
  return {
    request: (name, params) => send(connection, name, params),
    on: (name, listener) => void connection.onNotification(name, (params: unknown) => listener(notifications[name].parse(params) as never)),
    closed,
    close: () => {
      connection.end();
      socket.end();
    },
  };
}

async function send<Name extends RequestName>(connection: MessageConnection, name: Name, params: RequestParams<Name>): Promise<RequestResult<Name>> {
  try {
    const answer: unknown = await connection.sendRequest(name, params);
    return requests[name].result.parse(answer) as RequestResult<Name>;
  } catch (thrown) {
    throw errorOf(thrown);
  }
}

function errorOf(thrown: unknown): unknown {
  if (!(thrown instanceof ResponseError)) return thrown;
  const data: unknown = thrown.data;
  const code = typeof data === 'object' && data !== null && 'code' in data && typeof data.code === 'string' && data.code in advice ? (data.code as ErrorCode) : 'BROKER_UNAVAILABLE';
  const next = typeof data === 'object' && data !== null && 'next' in data && typeof data.next === 'string' ? { next: data.next } : {};
  return new ConductorError(code, thrown.message, next);
}
