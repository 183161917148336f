import { lastingGrant, type GrantsAt, type KeptGrant } from './grantFile';
import type { Grant } from '../rules/grants/ground';

/**
 * Holds the file of grants against the log, which has each change of it under a number. A file that was removed, or an older copy that was put
 * in its place, is found so: what was forbidden since counts again, what was taken back does not, and what was allowed since asks.
 */

/** One numbered change, as the log tells it. */
export type LoggedChange = Readonly<{
  change: number;
  effect: 'allowed' | 'forbidden' | 'undone';
  /** Id of the grant. */
  id: string;
  project: string;
  tool: string;
  title: string;
  /** For what was forbidden: the whole grant; undefined where the log does not have all of it. */
  grant: unknown;
  /** Grants that ended with this change, since there were too many. */
  ended: readonly string[];
}>;

/** What the log knows of the changes. */
export type LoggedGrants = Readonly<{
  /** Number of the last change. */
  change: number;
  /** The changes after this number, oldest first, as far as the log still has them. */
  since(change: number): Promise<readonly LoggedChange[]>;
}>;

/** What is in force after the look, and what had to be mended; undefined when the file is what the log says. */
export type Mended = GrantsAt & Readonly<{ mended?: Readonly<{ restored: readonly string[]; dropped: readonly string[]; /** What to tell people. */ says: string }> }>;

/** Brings the grants of a file to where the log says that they are. */
export async function upToDate(file: GrantsAt, log: LoggedGrants, now: number): Promise<Mended> {
  if (file.change >= log.change) return file;
  const changes = await log.since(file.change);
  const all = new Map(file.kept.map((one) => [one.grant.id, one]));
  const restored = new Map<string, KeptGrant>();
  for (const one of changes) {
    for (const id of [...one.ended, ...(one.effect === 'undone' ? [one.id] : [])]) [all, restored].forEach((map) => map.delete(id));
    if (one.effect === 'forbidden') restored.set(one.id, { grant: denialFrom(one, now), use: { uses: 0 } });
  }
  // Where a change is missing from the log, nobody knows what it took back.
  const complete = changes.length === log.change - file.change;
  const kept = [...all.values()].filter(({ grant }) => complete || grant.effect === 'deny');
  const dropped = file.kept.map(({ grant }) => grant.id).filter((id) => !kept.some(({ grant }) => grant.id === id));
  const mended = { restored: [...restored.keys()], dropped, says: sentence(file, log, { restored: [...restored.values()], dropped, complete }) };
  return { kept: [...kept, ...restored.values()], change: log.change, mended };
}

/** The denial as it was given, or one of everything where the log cannot say what it forbade. */
function denialFrom({ id, project, tool, title, grant }: LoggedChange, now: number): Grant {
  const read = lastingGrant.safeParse(grant).data;
  if (read?.effect === 'deny' && read.id === id && read.project === project) return read as Grant;
  return {
    id, effect: 'deny', rung: 'exact', tool, project, agent: '', policy: '', pin: '', reasons: [], scope: { kind: 'any' }, createdAt: now, by: 'broker', call: '',
    title: `Cannot be restored: ${title}`, covers: `Every call of ${tool} here, since nothing tells any more what exactly was forbidden. Take it back when you have forbidden again what you meant.`,
  };
}

function sentence({ change }: GrantsAt, log: LoggedGrants, { restored, dropped, complete }: Readonly<{ restored: readonly KeptGrant[]; dropped: readonly string[]; complete: boolean }>): string {
  const titles = restored.slice(0, 5).map(({ grant }) => `“${grant.title}”`).join(', ');
  return [
    `grants.json was removed, or is an older copy: it holds change ${String(change)}, and the log tells of ${String(log.change)}.`,
    ...(restored.length === 0 ? [] : [`What was forbidden since counts again, by the log: ${titles}${restored.length > 5 ? ` and ${String(restored.length - 5)} more` : ''}.`]),
    ...(dropped.length === 0 ? [] : [`${String(dropped.length)} ${dropped.length === 1 ? 'answer' : 'answers'} in it ${complete ? 'had been taken back and' : 'may have been taken back, which the log cannot tell, and'} ${dropped.length === 1 ? 'does' : 'do'} not count.`]),
    ...(complete ? [] : ['The log does not have all changes since, so that something that was forbidden in them may be lost: look at what you want to be forbidden.']),
    'What was allowed since asks again.',
  ].join(' ');
}
