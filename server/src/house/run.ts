import type { NewEvent } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';
import type { AuditReader } from '../audit/read/reader';
import { version } from '../base/version';

/** The pair of entries that stands around each run of the broker: between them it recorded everything, and outside of them it did not run. */

/** One run. The id of its first entry names it. */
export type Run = Readonly<{ started: NewEvent; stopped(why: string, more: Readonly<Record<string, unknown>>): NewEvent }>;

/** How the run before ended, as its last entry says; `cut off` when it has none: it was killed, or the machine was. */
type Before = Readonly<{ run?: string; ended: 'stopped' | 'cut off' }>;

const names = { started: 'broker.started', stopped: 'broker.stopped' } as const;

/** Begins a run: its first entry names the run before and how that ended, null when there is none nearby in the log. */
export async function beginRun(id: string, reader: Pick<AuditReader, 'page'>, actor: Actor): Promise<Run> {
  const previous = await runBefore(reader).catch(() => null); // a log that cannot be read says so elsewhere
  const input = { version, pid: process.pid, node: process.versions.node, selfTest: 'passed', previous };
  return {
    started: { phase: 'event', id, tool: names.started, input, result: 'ok', actor },
    stopped: (why, more) => ({ phase: 'event', tool: names.stopped, input: { why, run: id, ...more }, result: 'ok', actor }),
  };
}

async function runBefore(reader: Pick<AuditReader, 'page'>): Promise<Before | null> {
  const { items } = await reader.page({ filter: { tool: 'broker', phase: 'event' }, limit: 1_000 });
  for (const { entry } of items) {
    if (entry?.tool === names.started) return { run: entry.id, ended: 'cut off' };
    if (entry?.tool !== names.stopped) continue;
    const run = entry.input['run'];
    return { ...(typeof run === 'string' && { run }), ended: 'stopped' };
  }
  return null;
}
