import type { Actor } from '../../../protocol/src/call';
import type { Guest } from '../doors/socket';

/** The actor of an entry about what a guest did; `self` knows the user of the operating system. */
export function actorOf({ role, connection, client, version: own, window }: Guest, { self }: Readonly<{ self: Pick<Actor, 'user'> }>): Actor {
  return { role, client: client ?? `conductor ${own}`, connection, ...(window === undefined ? {} : { window }), user: self.user };
}
