import type { Verdict } from '../../../protocol/src/call';
import { ask, unclear } from './argumentKinds';
import type { GitFacts } from './places';

/**
 * A remote that is a folder is a repository whose hooks and configuration run here; other addresses can name programs. Only https and
 * ssh are known to reach another machine and nothing on this one.
 */

/** Keys whose values decide where git goes, in lower case except for the part in the middle. */
export const addressKeys: readonly RegExp[] = [
  /^remote\..*\.(url|pushurl|mirror|push|proxy)$/,
  /^branch\..*\.(remote|pushremote)$/,
  /^remote\.pushdefault$/,
  /^url\..*\.(insteadof|pushinsteadof)$/,
  /^https?\.(.*\.)?(sslverify|sslcainfo|sslcapath|proxy|proxyssl.*|curloptresolve|cookiefile|savecookies|delegation|emptyauth)$/,
  /^remotes\..+$/,
];

/** The verdicts on a subcommand that talks to other repositories. */
export function judgeRemotes(subcommand: string, operands: readonly string[], facts: GitFacts): readonly Verdict[] {
  const { addresses, remotes } = facts;
  if (addresses === undefined || remotes === undefined) return [];
  const odd = addresses.filter(([key, value]) => !isPlain(key, value, remotes, subcommand)).map(([key]) => key);
  const found: Verdict[] = [];
  if (odd.length > 0) found.push(ask('shell.gitAddress', `The repository's configuration sends git elsewhere than to https and ssh addresses (${odd.slice(0, 5).join(', ')}).`));
  if (operands.length === 0 && !hasDefault(facts)) found.push(unclear('git', 'no remote is configured, and git would take the name "origin" for a folder'));
  return found;
}

/** Without a name git takes the branch's remote, or `origin`; either must have an address. */
function hasDefault(facts: GitFacts): boolean {
  const own = facts.addresses?.findLast(([key]) => key === `branch.${facts.branch ?? ''}.remote`)?.[1];
  return facts.remotes?.includes(own ?? 'origin') ?? false;
}

function isPlain(key: string, value: string, remotes: readonly string[], subcommand: string): boolean {
  const lower = key.toLowerCase();
  if (/^remote\..*\.(url|pushurl)$/.test(lower)) return isAddress(value);
  if (/^(branch\..*\.(remote|pushremote)|remote\.pushdefault)$/.test(lower)) return remotes.includes(value) || isAddress(value);
  if (/^remote\..*\.(mirror|push)$/.test(lower)) return subcommand !== 'push' || (lower.endsWith('.mirror') ? /^(false|no|off|0)$/i.test(value) : !/^[+:]/.test(value));
  // `url.<base>.insteadOf`: whatever begins with the value is rewritten to begin with the base.
  if (lower.startsWith('url.')) return isAddress(`${key.slice(4, key.lastIndexOf('.'))}x`);
  return false;
}

/** An https or ssh address, or `user@host:path`; the host can be no option and no drive letter. */
export function isAddress(value: string): boolean {
  if (/[\s\\\p{Cc}]/u.test(value)) return false;
  if (/^https:\/\/(?!-)[^/]+(\/|$)/i.test(value)) return true;
  if (/^ssh:\/\/([^@/]+@)?(?!-)[^/@]+(\/|$)/i.test(value)) return !/^ssh:\/\/-/i.test(value);
  return /^([A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]+:(?!:)(?!\/\/)/.test(value);
}
