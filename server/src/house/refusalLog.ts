import type { NewEntry } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';

/** Something that a door refused before it could become a call, or beside calls. */
export type DoorRefusal = Readonly<{
  actor: Actor;
  /** Dotted name of what was refused, for instance `mcp.message`; a tool's name for a call that came to no project. */
  tool: string;
  /** Stable id of why, for instance `door.proof`. */
  rule: string;
  /** A sentence for the person who reads the log. */
  reason: string;
  input?: Readonly<Record<string, unknown>>;
  project?: string;
}>;

/** Records what doors refuse. Nobody who is refused can fill the log: above a limit refusals are counted, and the count is recorded. */
export type RefusalLog = Readonly<{
  note(refusal: DoorRefusal): void;
  /** Records what was only counted so far. */
  close(): Promise<void>;
}>;

/** What the refusal log needs, and its limits. */
export type RefusalLogOptions = Readonly<{
  append(entry: NewEntry): Promise<unknown>;
  newId(): string;
  self: Actor;
  schedule(run: () => void, ms: number): () => void;
  /** The broker's own log hears of refusals that could not be recorded. */
  failed(cause: unknown): void;
  limits?: Limits;
}>;

/** Refusals that are recorded one by one in each span: of one connection, and of all. Beyond them they are counted. */
export type Limits = Readonly<{ each: number; all: number; spanMs: number }>;

/** Twenty a minute for each connection, one hundred and twenty in all. */
export const ordinaryLimits: Limits = { each: 20, all: 120, spanMs: 60_000 };

/** Makes a refusal log. Spans begin with the first refusal after the last span. */
export function createRefusalLog({ append, newId, self, schedule, failed, limits = ordinaryLimits }: RefusalLogOptions): RefusalLog {
  let recorded = new Map<string, number>();
  let all = 0;
  /** Rules are a closed set of ours, so that this stays small. */
  let counted = new Map<string, number>();
  let cancel: (() => void) | undefined;

  const write = (entry: NewEntry): Promise<void> => append(entry).then(() => undefined, failed);
  const endSpan = (): Promise<void> => {
    cancel?.();
    cancel = undefined;
    const rules = Object.fromEntries(counted);
    const refusals = [...counted.values()].reduce((sum, count) => sum + count, 0);
    recorded = new Map();
    counted = new Map();
    all = 0;
    if (refusals === 0) return Promise.resolve();
    return write({ phase: 'event', tool: 'audit.suppressed', input: { refusals, rules }, result: 'denied', actor: self });
  };
  return {
    note(refusal) {
      cancel ??= schedule(() => void endSpan(), limits.spanMs);
      const who = `${refusal.actor.role} ${String(refusal.actor.connection ?? '')}`;
      const before = recorded.get(who) ?? 0;
      if (before >= limits.each || all >= limits.all) {
        counted.set(refusal.rule, (counted.get(refusal.rule) ?? 0) + 1);
        return;
      }
      recorded.set(who, before + 1);
      all += 1;
      void write(entryOf(refusal, newId()));
    },
    close: endSpan,
  };
}

function entryOf({ actor, tool, rule, reason, input = {}, project }: DoorRefusal, id: string): NewEntry {
  return { phase: 'denied', id, tool: tool.slice(0, 100), input, result: 'denied', actor, verdict: { verdict: 'deny', rule, reason: reason.slice(0, 500) }, ...(project === undefined ? {} : { project }) };
}
