import { createHash } from 'node:crypto';
import type { Change, Pending } from '../../../protocol/src/approvals';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import type { ToolCall } from '../../../protocol/src/call';
import type { Config } from '../../../protocol/src/config';
import { oddWords } from '../../../protocol/src/display';
import type { Grants } from '../approvals/grants';
import type { NearMiss } from '../rules/grants/coverage';
import type { Grant, Ground } from '../rules/grants/ground';
import { reasonsOf, tiesOf } from '../tools/ties';
import { differences } from '../tools/fact';
import type { Prepared, Reach } from '../tools/tool';
import type { Approval } from './asking';
import { changeOf, tellAtMost } from './changes';
import type { Judged } from './judging';
import { pinOf } from './toolPin';

/** Holds calls against what people granted and forbade, and turns their lasting answers into grants. */

/** The part of the grants that a call needs. */
export type GrantRoom = Pick<Grants, 'denies' | 'cover' | 'near' | 'ladder' | 'keep'>;

/**
 * A judged call as grants see it. Its time limit is no tie, since a shorter or longer one makes no other action; reasons that are known
 * one by one are compared as such.
 */
export function groundOf(call: Pick<ToolCall, 'tool' | 'project' | 'actor'>, prepared: Pick<Prepared, 'verdict' | 'facts' | 'show' | 'reach'>, config: Config, pin: string): Ground {
  const { facts, verdict } = prepared;
  const reach = prepared.reach?.();
  const commands = reach?.kind === 'commands' ? reach : undefined;
  return {
    tool: call.tool, project: call.project, agent: agentName(call.actor.client), session: call.actor.connection ?? 0,
    policy: policyOf(config, call.tool), pin,
    whole: isWhole(prepared, reach),
    reasons: reach === undefined ? reasonsOf([verdict]) : reach.kind === 'file' ? reach.reasons : [...reach.units.flatMap(({ reasons }) => reasons), ...reach.around],
    around: commands?.around ?? [],
    ties: tiesOf(facts.filter(({ label }) => label !== 'Time limit' && (commands === undefined || !label.startsWith('Why (')))),
    units: commands?.units ?? [],
    ...(reach?.kind === 'file' ? { file: reach.path } : {}),
  };
}

/** The same call, made ready again or looked at once more: what it is about, by what it now rests on. */
export function groundAgain(of: Ground, prepared: Pick<Prepared, 'verdict' | 'facts' | 'show' | 'reach'>, config: Config): Ground {
  const { tool, project, agent, session, pin } = of;
  return { ...groundOf({ tool, project, actor: { role: 'agent', user: '' } }, prepared, config, pin), agent, session };
}

/** Characters of a command line, and of the raw action of other tools, up to which a person can be said to have seen all of it. */
const wholeUpTo = { commands: 10_000, others: 65_536 };

function isWhole({ show, facts }: Pick<Prepared, 'show' | 'facts'>, reach: Reach | undefined): boolean {
  if (show.raw.length > (reach?.kind === 'commands' ? wholeUpTo.commands : wholeUpTo.others)) return false;
  return [show.raw, show.cwd, ...facts.flatMap(({ key, value }) => [key, value])].every((text) => oddWords([text]) === undefined);
}

/** The agent's name for itself without the version that follows it, which would end every grant with each update. */
export function agentName(client: string | undefined): string {
  return (client ?? 'unnamed client').replace(/ v?\d[\w.+-]*$/, '');
}

const hashes = new WeakMap<Config, Map<string, string>>();

/** Hash of the settings that judge a tool: those of its plugin, and the write scope, which holds everywhere. */
export function policyOf(config: Config, tool: string): string {
  const plugin = tool.split('.', 1)[0] ?? '';
  const known = hashes.get(config) ?? new Map<string, string>();
  hashes.set(config, known);
  const found = known.get(plugin) ?? hashOf(config, plugin);
  known.set(plugin, found);
  return found;
}

function hashOf({ plugins }: Config, plugin: string): string {
  const own = Object.entries(plugins).find(([name]) => name === plugin)?.[1] ?? plugins;
  return `sha256:${createHash('sha256').update(canonicalJson({ own, writeScope: plugins.filesystem.writeScope }).text).digest('hex')}`;
}

/** The approval that grants stand for: the entry of the call names them. */
export function approvalByGrants(by: readonly Grant[]): Approval {
  return { id: by.map(({ id }) => id).join(' '), decision: 'granted', by: { role: 'broker' }, waitedMs: 0 };
}

/** What a question says about lasting answers: what may be chosen, and which earlier one no longer holds. */
export function lastingPart(grants: GrantRoom, call: string, ground: Ground, config: Config): Pick<Pending, 'ladder' | 'outgrown'> {
  const ladder = grants.ladder(call, ground, config.grants);
  const near = grants.near(ground);
  return { ladder, ...(near === undefined ? {} : { outgrown: { grant: near.grant.id, title: near.grant.title, changes: changesOf(near) } }) };
}

function changesOf({ before, after }: NearMiss): Change[] {
  return differences(before, after).slice(0, tellAtMost.changes).map(changeOf);
}

/** Keeps the answer that a person chose to last. */
export async function keepAnswer(grants: GrantRoom, { call, tool, bound, policy }: Judged, approval: Approval): Promise<void> {
  const { rung, by, signed } = approval;
  if (rung === undefined || rung === 'once') return;
  const effect = approval.decision === 'approved' ? 'allow' : 'deny';
  await grants.keep(groundOf(call, bound.prepared, policy.config, pinOf(tool)), { effect, rung, by, call: call.id, signed: signed !== undefined }, policy.config.grants);
}
