import type { NotificationName, NotificationParams } from '../../../protocol/src/messages';
import { notify, type Wire } from '../doors/requests';

/** Everybody who hears of changes: the windows and terminals that are connected. */
export type Audience = Readonly<{
  join(wire: Wire): () => void;
  tell<Name extends NotificationName>(name: Name, params: NotificationParams<Name>): void;
  /** Like `tell`, but for what changes many times a second: only the latest is sent, at most every 100 ms. */
  tellSoon<Name extends NotificationName>(name: Name, params: () => NotificationParams<Name>): void;
}>;

/** Milliseconds that frequent changes are gathered for. */
const gathering = 100;

/** Makes an audience of nobody. */
export function createAudience(): Audience {
  const wires = new Set<Wire>();
  const soon = new Set<NotificationName>();
  const tell: Audience['tell'] = (name, params) => {
    for (const wire of wires) notify(wire, name, params);
  };
  return {
    join(wire) {
      wires.add(wire);
      return () => void wires.delete(wire);
    },
    tell,
    tellSoon(name, params) {
      if (wires.size === 0 || soon.has(name)) return;
      soon.add(name);
      setTimeout(() => {
        soon.delete(name);
        tell(name, params());
      }, gathering).unref();
    },
  };
}
