import { revealLine } from '../../../protocol/src/display';
import type { GrantView } from '../../../protocol/src/grants';
import { counted } from '../labels';

/** The words of answers that last. */

/** The words of a row. */
export type GrantRow = Readonly<{ label: string; description: string; spoken: string }>;

/** The row of a grant at a moment, in milliseconds since 1970. */
export function grantRow(grant: GrantView, now: number): GrantRow {
  const label = revealLine(grant.title.replace(/^(?:Approve|Always Deny) /, ''), 90);
  const description = [grant.effect === 'deny' ? 'denied' : useText(grant.uses), endText(grant, now), grant.agent === '' ? '' : revealLine(grant.agent, 40), lastPart(grant.project)].filter((part) => part !== '').join(' · ');
  return { label, description, spoken: `${grant.effect === 'deny' ? 'Denied for good' : 'Approved for longer'}: ${label}, ${description}` };
}

/** Everything about a grant, one line each, for its tooltip. */
export function grantLines(grant: GrantView, now: number): readonly string[] {
  const lines: readonly (readonly [string, string])[] = [
    ['', grant.title], ['', grant.covers],
    ['Project', grant.project], ['Agent', grant.agent === '' ? 'any' : `${grant.agent} (its own words)`], ['Given by', grant.by], ['Given', `${ageText(Date.parse(grant.createdAt), now)} ago`],
    ['Ends', endText(grant, now)], ['Used', grant.lastUsedAt === undefined ? useText(grant.uses) : `${useText(grant.uses)}, last ${ageText(Date.parse(grant.lastUsedAt), now)} ago`],
    ...grant.reasons.map((reason) => ['Only for the reason', reason] as const), ...grant.programs.map((program) => ['Program', program] as const), ['Id', grant.id],
  ];
  return lines.map(([label, value]) => (label === '' ? revealLine(value, 400) : `${label}: ${revealLine(value, 400)}`));
}

/** When it ends, as a span from now. */
export function endText({ expiresAt, session }: GrantView, now: number): string {
  if (expiresAt === undefined) return 'until undone';
  const left = Date.parse(expiresAt) - now;
  return `${left <= 0 ? 'ended' : `${spanText(left)} left`}${session ? ', or until its agent ends' : ''}`;
}

function useText(uses: number): string {
  return uses === 0 ? 'never used' : `used ${uses === 1 ? 'once' : `${uses.toLocaleString('en-US')} times`}`;
}

function ageText(since: number, now: number): string {
  return spanText(Math.max(0, now - since));
}

/** A span in its largest unit: `3 min`, `5 h`, `12 days`. */
export function spanText(ms: number): string {
  if (ms < 90_000) return `${String(Math.round(ms / 1000))} s`;
  if (ms < 90 * 60_000) return `${String(Math.round(ms / 60_000))} min`;
  return ms < 36 * 3_600_000 ? `${String(Math.round(ms / 3_600_000))} h` : counted(Math.round(ms / 86_400_000), 'day');
}

/** The heading above the rows. */
export function grantsHeading(count: number): string {
  return `Answers that last (${String(count)})`;
}

/** The grant that an entry of the log names, as laid out for people; undefined when it names none. */
export function grantIn(entry: string): string | undefined {
  try {
    const parsed = JSON.parse(entry) as Readonly<{ approval?: Readonly<{ id?: unknown; decision?: unknown }>; tool?: unknown; input?: Readonly<{ id?: unknown }> }>;
    const told = parsed.approval?.decision === 'granted' ? parsed.approval.id : parsed.tool === 'grant.created' || parsed.tool === 'grant.forbidden' ? parsed.input?.id : undefined;
    return typeof told === 'string' ? /^grant_[0-9A-Z]{26}/.exec(told)?.[0] : undefined;
  } catch {
    return undefined;
  }
}

function lastPart(path: string): string {
  return revealLine(path.split(/[\\/]/).filter((part) => part !== '').at(-1) ?? path, 40);
}
