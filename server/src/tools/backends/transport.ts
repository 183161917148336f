import type { Egress } from '../../../../protocol/src/externalServers';
import type { Frame, RequestId } from '../../base/frames';

/** How messages reach one backend and come back, whatever carries them. */

/** One JSON-RPC message as it will be written. */
export type Message = Readonly<{ jsonrpc: '2.0' } & Record<string, unknown>>;

/** What comes from the other end. */
export type Incoming = Readonly<{
  /** One message; `about` is the request with whose answer it came, where the carrier tells. */
  frame(frame: Frame, about?: RequestId): void;
  /** An answer that was longer than the backend may send and was dropped; `head` are its first bytes. */
  tooLong(head: string): void;
  /** Nothing comes any more; called once. */
  ended(why: string): void;
}>;

/** The way to one backend. */
export type Transport = Readonly<{
  /** What holds the backend to its hosts. */
  egress: Egress;
  /** What may have gone wrong as far as this end knows, as sentences; empty where nothing is known. */
  remarks(): string;
  /** Whether `send` follows its signal: what was sent on its own can be cut off, lines on one stream cannot. */
  cuts?: true;
  /** Sends one message. Rejects with a ConductorError when it cannot have arrived, or nobody knows whether it did. */
  send(message: Message, signal?: AbortSignal): Promise<void>;
  /** Tells the transport which revision was agreed upon, for those that name it beside each message. */
  agreed(revision: string): void;
  /** Ends it, and what it started. Never rejects. */
  end(): Promise<void>;
}>;
