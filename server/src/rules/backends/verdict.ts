import type { Backend } from '../../../../protocol/src/backends';
import type { Verdict } from '../../../../protocol/src/call';
import type { ExternalPolicy, ExternalRule, Rate } from '../../../../protocol/src/externalPolicy';
import type { PathPlatform } from '../pathText';
import { clearElsewhere } from './clearSecrets';
import { unfitting } from './conditions';
import type { ExternalMode } from './mode';

/** The one decision about a call to an external server, by data alone. What is not known, not listed or not readable is refused. */

/** The policy in force; `unreadable`: there is a file and no usable one ever was. */
export type PolicyState = Readonly<{ kind: 'policy'; policy: ExternalPolicy }> | Readonly<{ kind: 'unreadable'; message: string }>;

/** Whether a person approved this backend or tool as it is: `changed` since then, or never seen before. */
export type PinState = 'approved' | 'new' | 'changed';

/** What is known of a backend's last preflight. */
export type PreflightState = 'passed' | 'never' | 'stale' | 'failed';

/** What an agent wants to call. */
export type ExternalQuestion = Readonly<{ backend: string; tool: string; arguments: Readonly<Record<string, unknown>>; /** The track that the agent works in. */ track?: string }>;

/** What the decision rests on. */
export type ExternalGround = Readonly<{
  policy: PolicyState;
  /** The policy of the project, which can only tighten; absent where there is none. */
  projectPolicy?: PolicyState;
  /** The backend's profile; undefined when none is registered, or its file is not usable. */
  profile: Backend | undefined;
  backendPin: PinState;
  toolPin: PinState;
  /** What changed of the tool since it was approved, in words; shown with the question. */
  toolChanges?: readonly string[];
  preflight: PreflightState;
  /** Names of required variables that are not set. */
  missingEnv: readonly string[];
  mode: ExternalMode;
  platform: PathPlatform;
}>;

/** The decision, and what goes with it. */
export type ExternalVerdict = Readonly<{
  verdict: Verdict;
  /** What strict mode would have refused, in sentences. */
  warnings: readonly string[];
  /** How often the tool may be called. */
  rates: readonly Rate[];
  /** Whether the user's policy says, by its own word, that the tool only reads; a relaxed log may queue its entries then. */
  readOnly: boolean;
  /** Set when only a variable is missing: an optional backend may be skipped instead. */
  unavailable?: 'missingEnv';
}>;

/** Judges one call. The order is that of the checks; the first refusal ends it, and of several reasons to ask all are named. */
export function judgeExternal(question: ExternalQuestion, ground: ExternalGround): ExternalVerdict {
  const { profile, mode } = ground;
  const refused = beforePolicy(question, ground);
  if (refused !== undefined) return refusal(refused);
  if (profile === undefined) return refusal(deny('external.backendUnknown', `There is no backend ${JSON.stringify(question.backend)}. Register it in mcp_backends.json.`));
  const listings = [ground.policy, ...(ground.projectPolicy === undefined ? [] : [ground.projectPolicy])].map((policy) => listing(question, policy, ground));
  const denied = listings.find((one) => one.kind === 'denied');
  if (denied !== undefined) return refusal(denied.verdict);
  const rules = listings.flatMap((one) => (one.kind === 'listed' ? [one.rule] : []));
  if (ground.missingEnv.length > 0) {
    const verdict = deny('external.env', `The backend ${question.backend} needs ${ground.missingEnv.join(', ')}, which is not set. Set it, then call again.`);
    return { ...refusal(verdict), unavailable: 'missingEnv' };
  }
  const doubts = doubtsOf(question, ground, rules);
  const worst = doubts[0];
  if (mode.strict && worst !== undefined) return refusal(deny(worst.rule, `${worst.says} Strict mode refuses that. ${worst.next}`));
  const asks = askingOf(question, ground, [...rules, ...listings.flatMap((one) => (one.kind === 'listed' ? one.elsewhere : []))]);
  const warnings = doubts.map(({ says }) => says);
  return { verdict: asks ?? allowed(question), warnings, rates: rules.flatMap(({ rate }) => rate ?? []), readOnly: ground.toolPin === 'approved' && rules.every(({ read_only_tools }) => read_only_tools.includes(question.tool)) };
}

function beforePolicy({ backend }: ExternalQuestion, { policy, projectPolicy, profile, backendPin, mode }: ExternalGround): Verdict | undefined {
  if (!mode.enabled) return deny('external.off', 'External servers are switched off in config.json, or its file cannot be used. Ask the user.');
  const unreadable = [policy, projectPolicy].find((one) => one?.kind === 'unreadable');
  if (unreadable?.kind === 'unreadable') return deny('external.unreadable', `The policy for external servers cannot be used, so everything external is refused: ${unreadable.message}`);
  if (profile === undefined) return undefined;
  if (!profile.enabled) return deny('external.disabled', `The backend ${backend} is disabled. Ask the user to enable it.`);
  if (backendPin === 'new') return deny('external.quarantined', `The backend ${backend} waits for a person's approval. Ask the user to run "conductor backends approve ${backend}".`);
  if (backendPin === 'changed') return deny('external.quarantined', `The backend ${backend} is started or reached in another way than was approved. Ask the user to look at the change with "conductor backends approve ${backend}".`);
  return undefined;
}

/** `elsewhere`: earlier rules for tracks that fit as well. Which track this is nobody knows, so that they allow nothing, and ask as they would there. */
type Listing = Readonly<{ kind: 'listed'; rule: ExternalRule; elsewhere: readonly ExternalRule[] }> | Readonly<{ kind: 'denied'; verdict: Verdict }>;

function listing(question: ExternalQuestion, state: PolicyState, { platform }: ExternalGround): Listing {
  const denied = (rule: string, reason: string): Listing => ({ kind: 'denied', verdict: deny(rule, reason) });
  if (state.kind === 'unreadable') return denied('external.unreadable', state.message);
  const { backend, tool, track } = question;
  const named = (one: Readonly<{ backend: string; tools: readonly string[] }>): boolean => one.backend === backend && (one.tools.includes(tool) || one.tools.includes('*'));
  const forbidden = state.policy.deny.find(named);
  if (forbidden !== undefined) return denied('external.denied', `The policy forbids ${tool} of ${backend}${forbidden.reason === undefined ? '.' : `: ${forbidden.reason}`}`);
  const rules = state.policy.rules.filter(named);
  if (rules.length === 0) return denied('external.notListed', `The policy lists no tool ${JSON.stringify(tool)} of ${backend}. Ask the user to add it to external_mcp_policy.json.`);
  const here = rules.filter(({ tracks }) => tracks === undefined || (track !== undefined && tracks.includes(track)));
  if (here.length === 0) return denied('external.track', track === undefined ? `The policy lists ${tool} of ${backend} for tracks only (${rules.flatMap(({ tracks = [] }) => tracks).slice(0, 5).join(', ')}), and this call is in none. Ask the user for a rule without "tracks".` : `The policy lists ${tool} of ${backend} for other tracks only.`);
  const flaws = here.map((rule) => unfitting(rule, question.arguments, platform));
  const fitting = here.find((_, index) => flaws[index] === undefined);
  if (fitting === undefined) return denied('external.arguments', `${flaws[0] ?? ''} The policy lists ${tool} of ${backend} for other arguments only.`);
  const earlier = rules.slice(0, rules.indexOf(fitting)).filter((rule) => track === undefined && rule.tracks !== undefined && unfitting(rule, question.arguments, platform) === undefined);
  return { kind: 'listed', rule: fitting, elsewhere: earlier };
}

type Doubt = Readonly<{ rule: string; says: string; next: string }>;

/** What is tolerated with a warning, and refused in strict mode. */
function doubtsOf({ backend, tool }: ExternalQuestion, ground: ExternalGround, rules: readonly ExternalRule[]): Doubt[] {
  const { profile, toolPin, preflight } = ground;
  const doubts: Doubt[] = [];
  if (rules.some(({ tools }) => tools.includes('*'))) doubts.push({ rule: 'external.wildcard', says: `The policy lists every tool of ${backend} by "*".`, next: 'Name each tool in external_mcp_policy.json.' });
  if (profile !== undefined && openEgress(profile) !== undefined) doubts.push({ rule: 'external.egress', says: `${openEgress(profile) ?? ''} (${backend}).`, next: 'Name the hosts that it needs in mcp_backends.json.' });
  const clear = profile === undefined ? undefined : clearElsewhere(profile)[0];
  if (clear !== undefined) doubts.push({ rule: 'external.clearSecret', says: `The profile of ${backend} holds a secret in clear: ${clear}`, next: 'Take it out of mcp_backends.json.' });
  if (preflight !== 'passed') doubts.push({ rule: 'external.preflight', says: `The last preflight of ${backend} ${preflightWords[preflight]}.`, next: `Run "conductor backends preflight ${backend}".` });
  if (toolPin !== 'approved') doubts.push({ rule: 'external.toolChanged', says: `The tool ${tool} of ${backend} ${toolPin === 'new' ? 'was never approved' : 'changed since it was approved'}.`, next: `Look at it with "conductor backends approve ${backend}".` });
  return doubts;
}

const preflightWords: Readonly<Record<Exclude<PreflightState, 'passed'>, string>> = { never: 'never ran', stale: 'is too old', failed: 'failed' };

/** What is open about the hosts that a backend may reach, without a stop at its end; undefined when they are named. */
export function openEgress({ egress_allowlist: hosts }: Pick<Backend, 'egress_allowlist'>): string | undefined {
  if (hosts === undefined) return 'It is not stated which hosts the backend may reach';
  const wide = hosts.find((host) => host.startsWith('*'));
  return wide === undefined ? undefined : `The backend may reach ${JSON.stringify(wide)}`;
}

function askingOf({ backend, tool }: ExternalQuestion, { toolPin, toolChanges = [] }: ExternalGround, rules: readonly ExternalRule[]): Verdict | undefined {
  if (toolPin !== 'approved') {
    const what = toolPin === 'new' ? 'nobody has approved it yet' : `it changed since it was approved${toolChanges.length === 0 ? '' : `: ${toolChanges.join(' ')}`}`;
    return { verdict: 'approve', rule: 'external.toolChanged', reason: `${tool} of ${backend} is in quarantine: ${what}` };
  }
  const asking = rules.find(({ approval, read_only_tools }) => approval === 'always' || (approval === 'writes' && !read_only_tools.includes(tool)));
  return asking === undefined ? undefined : { verdict: 'approve', rule: 'external.approval', reason: `The policy asks before ${tool} of ${backend} is called.` };
}

function allowed({ backend, tool }: ExternalQuestion): Verdict {
  return { verdict: 'allow', rule: 'external.listed', reason: `The policy lists ${tool} of ${backend} without a question.` };
}

function deny(rule: string, reason: string): Verdict {
  return { verdict: 'deny', rule, reason };
}

function refusal(verdict: Verdict): ExternalVerdict {
  return { verdict, warnings: [], rates: [], readOnly: false };
}
