import type { Duplex } from 'node:stream';
import { createMessageConnection, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { BoundedReader } from './boundedReader';
import { cleanWriter, type Clean } from './cleanWriter';
import { refuseUnknown, serveRequests, whenGone, type Handlers, type Refused, type Wire } from './requests';
import type { Guest } from './socket';

/** The door for terminals: our own messages over JSON-RPC. The result is where notifications go. */
export function serveTerminal(socket: Duplex, guest: Guest, handlers: Handlers, refused: Refused, clean: Clean): Wire {
  const end = endWith(socket, refused);
  const connection = createMessageConnection(new BoundedReader(socket, () => end('A message is too long.')), cleanWriter(new StreamMessageWriter(socket), clean));
  serveRequests(connection, handlers, guest, whenGone(socket), refused);
  refuseUnknown(connection, refused);
  connection.onError(() => end('What came is no message.'));
  connection.listen();
  return connection;
}

/** Ends a connection that does not speak the protocol, and tells why once. */
export function endWith(socket: Duplex, refused: Refused): (reason: string) => void {
  let ended = false;
  return (reason) => {
    if (ended || socket.destroyed) return;
    ended = true;
    refused({ reason: `${reason} The connection was ended.` });
    socket.destroy();
  };
}
