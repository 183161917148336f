import type { Duplex } from 'node:stream';
import { createConnection, type Connection, type InitializeResult } from 'vscode-languageserver';
import { createProtocolConnection, StreamMessageWriter } from 'vscode-languageserver-protocol/node';
import { BoundedReader } from './boundedReader';
import { cleanWriter, type Clean } from './cleanWriter';
import { endWith } from './control';
import { refuseUnknown, serveRequests, whenGone, type AskingWire, type Handlers, type Refused } from './requests';
import type { Guest } from './socket';

/** The door for editor windows: the language server protocol with our own messages beside it. */

/** What the door needs of the language room: to register on a connection, and what it then offers. */
export type LanguageRoom = Readonly<{ attach(connection: Connection): InitializeResult['capabilities'] }>;

/** Serves one window. The result is where notifications and questions go. */
export function serveEditor(socket: Duplex, guest: Guest, handlers: Handlers, language: LanguageRoom, version: string, refused: Refused, clean: Clean): AskingWire {
  const end = endWith(socket, refused);
  // The ready-made Node entry would end the whole broker when one window says `exit`; here it ends that window's connection.
  const watchDog = { shutdownReceived: false, initialize: () => undefined, exit: () => void socket.end() };
  const connection = createConnection(
    (logger) => {
      const reader = new BoundedReader(socket, () => end('A message is too long.'));
      reader.onError(() => end('What came is no message.'));
      return createProtocolConnection(reader, cleanWriter(new StreamMessageWriter(socket), clean), logger);
    },
    watchDog,
  );
  const capabilities = language.attach(connection);
  connection.onInitialize(() => ({ capabilities, serverInfo: { name: 'conductor', version } }));
  serveRequests(connection, handlers, guest, whenGone(socket), refused);
  refuseUnknown(connection, refused);
  connection.listen();
  return connection;
}
