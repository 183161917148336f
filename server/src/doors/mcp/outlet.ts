import type { Duplex } from 'node:stream';
import type { RequestId } from '../../base/frames';
import { encodingOf, messageText } from '../../base/jsonText';

/** Where messages to one client go. `about` names the request they belong to, for carriers on which that matters. */
export type Outlet = Readonly<{
  send(message: object, about?: RequestId): void;
  /** Whether the client has not taken what waits for it already, on the way on which messages about this request go. */
  crowded(about?: RequestId): boolean;
  /** Ends the connection after what was sent. */
  close(): void;
}>;

/** Bytes that may wait for a client before notifications to it are dropped. */
const unreadLimit = 4 * 1024 * 1024;

/** One JSON object a line on a stream. */
export function streamOutlet(stream: Duplex): Outlet {
  return {
    send(message) {
      if (!stream.writable) return;
      // Who does not read its answers is not read either, so that nothing piles up here.
      const line = `${messageText(message as Readonly<Record<string, unknown>>)}\n`;
      if (stream.write(line, encodingOf(line)) || stream.isPaused()) return;
      stream.pause();
      stream.once('drain', () => stream.resume());
    },
    crowded: () => stream.writableLength >= unreadLimit,
    close: () => stream.end(),
  };
}
