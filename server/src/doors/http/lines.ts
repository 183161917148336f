import { randomBytes } from 'node:crypto';
import type { AgentLine } from './line';

/** The agents that come by HTTP: those with a session by its id, the others by what they say of themselves. */

/** Most agents at a time; for one more the one that was not used for longest is forgotten. */
export const lineLimit = 64;
/** Milliseconds without a request and without an open response after which an agent is forgotten. */
const idleMs = 30 * 60_000;
/** Milliseconds between two looks for them. */
const sweepMs = 60_000;

/** Where an agent comes in: its requests reach no other agent's line. */
export type Place = Readonly<{ only: string | undefined; project: string | undefined }>;

type Kept = Readonly<{ line: AgentLine; place: string; left(): void }>;

/** All lines that are open. */
export class Lines {
  readonly #kept = new Map<string, Kept>();
  readonly #timer: NodeJS.Timeout;

  constructor(readonly now: () => number) {
    this.#timer = setInterval(() => this.sweep(), sweepMs).unref();
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The line of a session, undefined when there is none at this place. */
  session(id: string, place: Place): AgentLine | undefined {
    const kept = this.#kept.get(`session ${id}`);
    return kept?.place === keyOf(place) ? kept.line : undefined;
  }

  /** Opens a session with an id that nobody can guess; undefined when all places are in use. */
  open(place: Place, make: (close: () => void) => Omit<Kept, 'place'>): Readonly<{ id: string; line: AgentLine }> | undefined {
    const id = randomBytes(24).toString('base64url');
    const line = this.#add(`session ${id}`, place, make);
    return line === undefined ? undefined : { id, line };
  }

  /** The line of an agent without a session: the same for the same name at the same place, so that it can call again and answer. */
  nameless(client: string, place: Place, make: (close: () => void) => Omit<Kept, 'place'>): AgentLine | undefined {
    const key = `client ${JSON.stringify([client, keyOf(place)])}`;
    return this.#kept.get(key)?.line ?? this.#add(key, place, make);
  }

  /** Ends a session; false when there is none at this place. */
  close(id: string, place: Place): boolean {
    return this.session(id, place) !== undefined && this.#end(`session ${id}`);
  }

  /** Forgets who was not used for long. */
  sweep(): void {
    for (const [key, { line }] of this.#kept) if (this.now() - line.usedAt >= idleMs) this.#end(key);
  }

  /** Ends all of them. */
  end(): void {
    clearInterval(this.#timer);
    for (const key of [...this.#kept.keys()]) this.#end(key);
  }

  #add(key: string, place: Place, make: (close: () => void) => Omit<Kept, 'place'>): AgentLine | undefined {
    if (this.#kept.size >= lineLimit && !this.#makeRoom()) return undefined;
    const made = make(() => void this.#end(key));
    this.#kept.set(key, { ...made, place: keyOf(place) });
    return made.line;
  }

  #makeRoom(): boolean {
    const now = this.now();
    const [longest] = [...this.#kept].filter(([, { line }]) => line.usedAt < now).sort(([, one], [, other]) => one.line.usedAt - other.line.usedAt);
    return longest !== undefined && this.#end(longest[0]);
  }

  #end(key: string): boolean {
    const kept = this.#kept.get(key);
    if (!this.#kept.delete(key) || kept === undefined) return false;
    kept.line.end();
    kept.left();
    return true;
  }
}

function keyOf({ only, project }: Place): string {
  return JSON.stringify([only ?? null, project ?? null]);
}
