import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { receive, type Visitor } from '../../../link/src/reception';
import { ensurePrivateFolder } from '../../../link/src/privateFolder';

/** The broker's one listening socket: it greets, checks the role, and hands the connection to the door of that role. */

/** A connection whose role is proven, numbered within this broker's life. */
export type Guest = Visitor & Readonly<{ connection: number }>;

/** What the socket needs: an address that only the holder of the lock uses, the key, and a door for guests. */
export type Reception = Readonly<{
  address: string;
  version: string;
  key: Buffer;
  /** The next number of a connection. */
  number(): number;
  /** Takes over the paused socket. */
  welcome(socket: Socket, guest: Guest): void;
  /** Somebody failed to prove a role, spoke nonsense, or found no place; `guest` when the role was proven. */
  turnedAway(error: ConductorError, guest?: Guest): void;
  /** The number of connections changed. */
  counted(guests: readonly Guest[]): void;
}>;

/** Milliseconds that a visitor gets to take its last answers when the socket closes. */
const farewell = 500;
/** Most agents at a time; the next one is closed. Windows and terminals, which proved the key, always find a place. */
const agentLimit = 192;
/** Most connections that have not introduced themselves; beyond it the one that has taken longest is closed. */
const strangerLimit = 64;

/** Opens the socket. Resolves when it listens; the result closes it and every connection. */
export async function openSocket(reception: Reception): Promise<{ close(): Promise<void> }> {
  const { address } = reception;
  if (process.platform !== 'win32') {
    ensurePrivateFolder(dirname(address));
    // Only the holder of the lock comes here: whatever is left at the address belongs to a broker that is gone.
    rmSync(address, { force: true });
  }
  const sockets = new Set<Socket>();
  const strangers = new Set<Socket>();
  const guests = new Map<Socket, Guest>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    sockets.add(socket);
    strangers.add(socket);
    const [longest] = strangers;
    if (strangers.size > strangerLimit) {
      reception.turnedAway(new ConductorError('UNAUTHORIZED', `More than ${String(strangerLimit)} connections had not introduced themselves; the one that took longest was closed.`));
      longest?.destroy();
    }
    socket.on('close', () => {
      sockets.delete(socket);
      strangers.delete(socket);
      if (guests.delete(socket)) reception.counted([...guests.values()]);
    });
    receive(socket, reception).then(
      (visitor) => {
        strangers.delete(socket);
        if (socket.destroyed) return;
        const guest = { ...visitor, connection: reception.number() };
        if (visitor.role === 'agent' && [...guests.values()].filter(({ role }) => role === 'agent').length >= agentLimit) {
          reception.turnedAway(new ConductorError('UNAUTHORIZED', `More than ${String(agentLimit)} agents are connected already.`), guest);
          return void socket.destroy();
        }
        guests.set(socket, guest);
        reception.counted([...guests.values()]);
        reception.welcome(socket, guest);
        socket.resume();
      },
      (thrown: unknown) => {
        reception.turnedAway(toConductorError(thrown, 'UNAUTHORIZED'));
        socket.end();
        setTimeout(() => socket.destroy(), 1000).unref();
      },
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(address, resolve));
  if (process.platform !== 'win32') chmodSync(address, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // What was answered last still leaves; who does not take it is cut off.
        for (const socket of sockets) socket.end(() => socket.destroy());
        setTimeout(() => { for (const socket of sockets) socket.destroy(); }, farewell).unref();
      }),
  };
}
