import type { GrantView } from '../../../protocol/src/grants';
import type { Grant, Scope, Tie } from '../rules/grants/ground';

/** How often and when a grant was used last; milliseconds since 1970. */
export type Use = Readonly<{ uses: number; lastUsedAt?: number }>;

/** A grant as people see it. */
export function viewOf(grant: Grant, use: Use = { uses: 0 }): GrantView {
  const { id, effect, rung, title, covers, tool, project, agent, session, reasons, by, call, createdAt, expiresAt } = grant;
  return {
    id, effect, rung, title: `${title}${exactly(grant)}`, covers, tool, project, agent, session: session !== undefined, reasons: reasons.map(({ reason }) => reason), programs: programsOf(grant.scope), by, call,
    createdAt: timeOf(createdAt), uses: use.uses, ...(expiresAt === undefined ? {} : { expiresAt: timeOf(expiresAt) }), ...(use.lastUsedAt === undefined ? {} : { lastUsedAt: timeOf(use.lastUsedAt) }),
  };
}

/** Characters of a command that a list of grants tells. */
const mostTold = 200;

/** What holds for "exactly this" says what this is; raw, as an agent wrote it. */
function exactly({ scope, tool }: Grant): string {
  if (scope.kind !== 'unit' && scope.kind !== 'call') return '';
  const lists = scope.kind === 'unit' ? [scope.argv] : scope.argvs;
  const words = lists.map((argv) => argv.map((word) => (/^[\w.,:=@%+/-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')).join(' … ');
  const told = words === '' ? tool : words;
  return `: ${told.length > mostTold ? `${told.slice(0, mostTold)}…` : told}`;
}

function programsOf(scope: Scope): string[] {
  const ties: readonly Tie[] = 'ties' in scope ? scope.ties : [];
  return ties.filter(({ label }) => label === 'Program').map(({ key, value }) => `${key} ${value}`);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
