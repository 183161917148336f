import type { AuditFilter, AuditRow, AuditValues } from '../../../protocol/src/audit/query';
import { revealLine } from '../../../protocol/src/display';
import { counted } from '../labels';
import type { Bucket } from './model';

/** The words of one entry in a list. Times are UTC, like the days above them. */
export function entryLabel(row: AuditRow): { label: string; description: string } {
  const time = row.timestamp.slice(11, 19);
  const took = row.durationMs === undefined ? '' : ` in ${durationText(row.durationMs)}`;
  // What was asked comes first: the icon already says how it ended, and a narrow view shows little.
  const parts = [revealLine(row.summary, 120), `${resultWord(row)}${took}`];
  return { label: `${time} ${revealLine(row.tool, 60)}`, description: parts.filter((part) => part !== '').join(' · ') };
}

/** The words of a day or an hour. */
export function bucketLabel(bucket: Bucket): { label: string; description: string } {
  const label = bucket.kind === 'day' ? bucket.key : `${bucket.key.slice(11)}:00`;
  return { label, description: `${counted(bucket.count, 'entry', 'entries')}${bucket.kind === 'day' ? ' (UTC)' : ''}` };
}

/** What one entry tells of in a word. */
export function resultWord(row: AuditRow): string {
  if (row.phase === 'intent') return 'started';
  if (row.phase === 'genesis') return 'log begins';
  return revealLine(row.result, 40);
}

function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Icon of an entry and its colour, both names that the editor knows. */
export function entryIcon(row: AuditRow): { icon: string; color?: string } {
  if (row.phase === 'intent') return { icon: 'play' };
  switch (row.result) {
    case 'success':
      return { icon: 'pass', color: 'testing.iconPassed' };
    case 'denied':
      return { icon: 'circle-slash', color: 'list.warningForeground' };
    case 'error':
    case 'timeout':
    case 'unknown':
      return { icon: 'error', color: 'list.errorForeground' };
    default:
      return { icon: 'circle-small' };
  }
}

/** A filter in words, empty when everything is shown. */
export function filterText(filter: AuditFilter): string {
  const names: readonly (readonly [keyof AuditFilter, string])[] = [
    ['tool', 'tool'],
    ['result', 'result'],
    ['actor', 'client or user'],
    ['call', 'call'],
    ['text', 'text'],
    ['since', 'since'],
    ['until', 'until'],
  ];
  return names.flatMap(([key, name]) => (filter[key] === undefined ? [] : [`${name} ${revealLine(filter[key], 40)}`])).join(', ');
}

/** Beginnings that several tools share, as filters take them: `filesystem.`, with the entries of all of them. */
export function toolFamilies(tools: AuditValues['tools']): AuditValues['tools'] {
  const families = new Map<string, { name: string; count: number; members: number }>();
  for (const { name, count } of tools) {
    const family = `${name.split('.')[0] ?? ''}.`;
    if (family.length > name.length) continue;
    const known = families.get(family) ?? { name: family, count: 0, members: 0 };
    families.set(family, { name: family, count: known.count + count, members: known.members + 1 });
  }
  return [...families.values()].filter(({ members }) => members > 1).map(({ name, count }) => ({ name, count }));
}

/** A day or an hour as it is read aloud. */
export function spokenBucket(bucket: Bucket, broken: boolean): string {
  const span = bucket.kind === 'day' ? bucket.key : `${bucket.key.slice(0, 10)}, ${bucket.key.slice(11)}:00 to ${bucket.key.slice(11)}:59`;
  return `${broken ? 'Broken: ' : ''}${span}, universal time, ${counted(bucket.count, 'entry', 'entries')}`;
}

/** An entry as it is read aloud: what was asked and how it ended before anything else. */
export function spokenEntry(row: AuditRow, damage: string | undefined): string {
  const parts = [damage === undefined ? undefined : `Broken: ${damage}`, `${revealLine(row.tool, 60)} ${resultWord(row)}`, revealLine(row.summary, 120), row.client === undefined ? undefined : `by ${revealLine(row.client, 60)}`, row.timestamp.slice(11, 19), `number ${String(row.seq)}`];
  return parts.filter((part) => part !== undefined && part !== '').join(', ');
}
