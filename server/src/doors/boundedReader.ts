import type { Duplex } from 'node:stream';
import { StreamMessageReader, type DataCallback, type Disposable } from 'vscode-jsonrpc/node';

/** Longest accepted message of a window or a terminal in bytes: a whole document with room to spare. */
export const messageLimit = 64 * 1024 * 1024;

/** Reads messages with headers; calls back once when one is longer than may be, before it is held whole. */
export class BoundedReader extends StreamMessageReader {
  #unread = 0;

  constructor(socket: Duplex, tooLong: () => void, limit: number = messageLimit) {
    super(socket);
    const count = (chunk: Buffer): void => {
      this.#unread += chunk.length;
      if (this.#unread <= limit) return;
      socket.off('data', count);
      tooLong();
    };
    socket.on('data', count);
  }

  override listen(callback: DataCallback): Disposable {
    return super.listen((message) => {
      this.#unread = 0;
      callback(message);
    });
  }
}
