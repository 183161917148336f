import type { Socket } from 'node:net';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { serveRequests, whenGone, type Handlers, type Wire } from './requests';
import type { Guest } from './socket';

/** The door for terminals: our own messages over JSON-RPC. The result is where notifications go. */
export function serveTerminal(socket: Socket, guest: Guest, handlers: Handlers): Wire {
  const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  serveRequests(connection, handlers, guest, whenGone(socket));
  connection.onError(() => connection.end());
  connection.listen();
  return connection;
}
