import { z } from 'zod';
import type { LoggedChange, LoggedGrants } from '../approvals/grantHistory';
import type { AuditPage, AuditReader } from '../audit/read/reader';

/** Reads from the log what became of the grants. Each change has a number, and each start of the broker says which was the last. */

type Reader = Pick<AuditReader, 'page'>;
type Item = AuditPage['items'][number];

const numbered = z.looseObject({ change: z.number().int().positive(), id: z.string() });
const effects: Readonly<Record<string, LoggedChange['effect']>> = { 'grant.created': 'allowed', 'grant.forbidden': 'forbidden', 'grant.undone': 'undone' };

/** What the log knows of the grants. Reads back to the start of the last run, and further only when somebody asks for changes. Rejects when the log cannot be read. */
export async function loggedGrants(reader: Reader): Promise<LoggedGrants> {
  const started = await lastStart(reader);
  const [newest] = await changesAfter(reader, 0, started.offset, 1);
  return { change: Math.max(started.change, newest?.change ?? 0), since: async (change) => (await changesAfter(reader, change, 0)).reverse() };
}

/** The newest start of a broker or of a log that says how many changes there were, and where it stands; the beginning of the log when there is none. */
async function lastStart(reader: Reader): Promise<Readonly<{ change: number; offset: number }>> {
  for (let before: number | undefined; ; ) {
    const { items, next } = await reader.page({ filter: { tool: 'broker', phase: 'event' }, limit: 20, ...(before === undefined ? {} : { before }) });
    for (const { entry, offset } of items) if (typeof entry?.input['grants'] === 'number') return { change: entry.input['grants'], offset };
    if (next === undefined) return { change: 0, offset: 0 };
    before = next;
  }
}

/** Changes with higher numbers than `change`, newest first, none of them before this byte of the log; at most so many. */
async function changesAfter(reader: Reader, change: number, from: number, most = Infinity): Promise<LoggedChange[]> {
  const found: LoggedChange[] = [];
  for (let before: number | undefined; ; ) {
    const { items, next } = await reader.page({ filter: { tool: 'grant', phase: 'event' }, limit: 1000, from, ...(before === undefined ? {} : { before }) });
    for (const one of items.flatMap(changeOf)) {
      if (one.change <= change) return found;
      found.push(one);
      if (found.length >= most) return found;
    }
    if (next === undefined) return found;
    before = next;
  }
}

function changeOf({ entry }: Item): LoggedChange[] {
  const effect = entry === undefined ? undefined : effects[entry.tool];
  const read = numbered.safeParse(entry?.input).data;
  if (entry === undefined || effect === undefined || read === undefined) return [];
  const { title, of, ended, grant } = read;
  const words = (text: unknown): string => (typeof text === 'string' ? text : '');
  return [{
    change: read.change, effect, id: read.id, project: entry.project ?? '', tool: words(of), title: words(title),
    // What redaction has changed is not what was forbidden.
    grant: entry.removed === undefined ? grant : undefined,
    ended: Array.isArray(ended) ? ended.filter((id): id is string => typeof id === 'string') : [],
  }];
}
