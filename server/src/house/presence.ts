import type { OpenConfig } from '../config/open';
import type { Guest } from '../doors/socket';

/** What a door showed at start. */
export type DoorProof = Readonly<{ door: string; open: boolean; message: string }>;

/** Who is here and what runs, and when to leave. */
export type Presence = {
  doors: readonly DoorProof[];
  leave: (why: string) => void;
  readonly startedAt: string;
  guests(): readonly Guest[];
  counted(guests: readonly Guest[]): void;
  /** Counts the time without visitors by the settings of now. */
  settingsChanged(): void;
  running(change: 1 | -1): void;
  /** Resolves when no call runs, or after so many milliseconds. */
  quiet(ms: number): Promise<void>;
  /** Stops waiting for the last visitor to have been away for long. */
  close(): void;
};

/** Makes the presence of nobody. */
export function createPresence(config: OpenConfig): Presence {
  let guests: readonly Guest[] = [];
  let running = 0;
  let idle: NodeJS.Timeout | undefined;
  let waiters: (() => void)[] = [];
  let closed = false;
  const presence: Presence = {
    doors: [],
    leave: () => undefined,
    startedAt: new Date().toISOString(),
    guests: () => guests,
    counted(present) {
      guests = present;
      presence.settingsChanged();
    },
    settingsChanged() {
      clearTimeout(idle);
      const { idleMinutes, transport } = config.current().config.server;
      // Nobody who comes by HTTP could start it again.
      if (guests.length === 0 && !closed && transport !== 'http') idle = setTimeout(() => presence.leave('nobody is left'), idleMinutes * 60_000);
    },
    running(change) {
      running += change;
      if (running > 0) return;
      for (const wake of waiters) wake();
      waiters = [];
    },
    quiet: (ms) =>
      running === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiters.push(resolve);
            setTimeout(resolve, ms);
          }),
    close() {
      closed = true;
      clearTimeout(idle);
    },
  };
  return presence;
}
