import type { GrantView } from '../../../protocol/src/grants';
import type { Grant, Scope, Tie } from '../rules/grants/ground';

/** How often and when a grant was used last; milliseconds since 1970. */
export type Use = Readonly<{ uses: number; lastUsedAt?: number }>;

/** A grant as people see it. */
export function viewOf(grant: Grant, use: Use = { uses: 0 }): GrantView {
  const { id, effect, rung, title, covers, tool, project, agent, session, reasons, by, call, createdAt, expiresAt } = grant;
  return {
    id, effect, rung, title, covers, tool, project, agent, session: session !== undefined, reasons: reasons.map(({ reason }) => reason), programs: programsOf(grant.scope), by, call,
    createdAt: timeOf(createdAt), uses: use.uses, ...(expiresAt === undefined ? {} : { expiresAt: timeOf(expiresAt) }), ...(use.lastUsedAt === undefined ? {} : { lastUsedAt: timeOf(use.lastUsedAt) }),
  };
}

function programsOf(scope: Scope): string[] {
  const ties: readonly Tie[] = 'ties' in scope ? scope.ties : [];
  return ties.filter(({ label }) => label === 'Program').map(({ key, value }) => `${key} ${value}`);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
