import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import { egressSandboxes, type Backend, type Backends } from '../../../../protocol/src/backends';
import { externalApprovals, type ExternalPolicy, type ExternalRule } from '../../../../protocol/src/externalPolicy';

/** What a change of the two files means for agents: it widens unless it is seen not to. */
export type ChangeMeaning = Readonly<{ widens: boolean; says: readonly string[] }>;

/** Compares two sets of backends. Switching off, removing and shorter limits narrow; everything else widens. */
export function backendsChange(before: Backends, after: Backends): ChangeMeaning {
  const names = [...new Set([...Object.keys(before.backends), ...Object.keys(after.backends)])];
  const changes = names.flatMap((name) => backendChange(name, own(before.backends, name), own(after.backends, name)) ?? []);
  return joined(changes);
}

function own<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

function joined(changes: readonly ChangeMeaning[]): ChangeMeaning {
  return { widens: changes.some(({ widens }) => widens), says: changes.flatMap(({ says }) => says) };
}

function backendChange(name: string, before: Backend | undefined, after: Backend | undefined): ChangeMeaning | undefined {
  if (after === undefined) return before === undefined ? undefined : { widens: false, says: [`${name} is removed.`] };
  if (before === undefined) return { widens: true, says: [`${name} is new: ${text(after)}`] };
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => text(member(before, key)) !== text(member(after, key)));
  if (keys.length === 0) return undefined;
  return { widens: keys.some((key) => !narrows(key, member(before, key), member(after, key))), says: keys.map((key) => `${name}.${key}: ${text(member(before, key))} becomes ${text(member(after, key))}`) };
}

function member(value: object, key: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[key];
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : canonicalJson(value).text;
}

/** Whether this value of a key of a profile lets agents do no more than that one. */
function narrows(key: string, before: unknown, after: unknown): boolean {
  switch (key) {
    case 'enabled':
    case 'optional':
      return after === false;
    case 'description':
      return true;
    case 'timeout_ms':
    case 'max_response_bytes':
      return typeof before === 'number' && typeof after === 'number' && after <= before;
    case 'required_env':
      return isList(before) && isList(after) && before.every((name) => after.includes(name));
    case 'egress_allowlist':
      // Nothing stated, or a wildcard, is what strict mode refuses: naming hosts instead lets calls through.
      return isList(before) && isList(after) && after.every((host) => before.includes(host)) && (!before.some(isWild) || after.some(isWild));
    case 'egress_sandbox':
      return rankOf(after) >= rankOf(before);
    default: // How it starts, where it reaches, when it is checked.
      return false;
  }
}

function rankOf(sandbox: unknown): number {
  return egressSandboxes.findIndex((one) => one === sandbox);
}

function isWild(host: unknown): boolean {
  return typeof host === 'string' && host.startsWith('*');
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/**
 * Compares two policies, tool by tool. A tool that is forbidden or no longer listed narrows; so does a list of rules of which each is the
 * same as before or asks more often. A rule that fits fewer calls narrows only at the end, since the calls fall to the next one otherwise.
 */
export function policyChange(before: ExternalPolicy, after: ExternalPolicy): ChangeMeaning {
  const pairs = new Map([before, after].flatMap(({ rules, deny }) => [...rules, ...deny]).flatMap(({ backend, tools, ...rule }) => [...tools, ...('read_only_tools' in rule ? rule.read_only_tools : []), '*'].map((tool) => [JSON.stringify([backend, tool]), { backend, tool }] as const)));
  const changes = [...pairs.values()].flatMap(({ backend, tool }): ChangeMeaning[] => {
    const [was, is] = [listOf(before, backend, tool), listOf(after, backend, tool)];
    if (text(was) === text(is)) return [];
    return [{ widens: !tighter(was, is), says: [`${backend} ${tool === '*' ? '(every other tool)' : tool}: ${words(was)} becomes ${words(is)}`] }];
  });
  return joined(changes);
}

type Part = Omit<ExternalRule, 'backend' | 'tools' | 'read_only_tools'> & Readonly<{ reads: boolean; /** It names every tool, which strict mode refuses. */ everyTool?: true }>;

/** The rules that a tool meets, in their order; none where it is forbidden. */
function listOf({ rules, deny }: ExternalPolicy, backend: string, tool: string): readonly Part[] {
  const meets = (one: Readonly<{ backend: string; tools: readonly string[] }>): boolean => one.backend === backend && (one.tools.includes(tool) || one.tools.includes('*'));
  if (deny.some(meets)) return [];
  return rules.filter(meets).map(({ backend: _, tools, read_only_tools: reads, ...rest }) => ({ ...rest, reads: reads.includes(tool), ...(tools.includes('*') ? { everyTool: true as const } : {}) }));
}

function tighter(was: readonly Part[], is: readonly Part[]): boolean {
  if (is.length === 0) return true;
  return is.length === was.length && is.every((rule, index) => atMost(rule, was[index], index === is.length - 1));
}

function atMost(rule: Part, than: Part | undefined, last: boolean): boolean {
  if (than === undefined || asking(rule) < asking(than)) return false;
  if (than.everyTool === true && rule.everyTool !== true) return false;
  if (than.rate !== undefined && (rule.rate === undefined || rule.rate.calls * than.rate.per_s > than.rate.calls * rule.rate.per_s || rule.rate.calls > than.rate.calls)) return false;
  const fits = text([rule.arguments, rule.other_arguments, rule.tracks]) === text([than.arguments, than.other_arguments, than.tracks]);
  return fits || (last && fitsFewer(rule, than));
}

function fitsFewer(rule: Part, than: Part): boolean {
  const conditions = Object.entries(than.arguments).every(([name, condition]) => text(own(rule.arguments, name)) === text(condition));
  const others = than.other_arguments || (!rule.other_arguments && Object.keys(rule.arguments).every((name) => Object.hasOwn(than.arguments, name)));
  const tracks = than.tracks === undefined || rule.tracks?.every((track) => than.tracks?.includes(track)) === true;
  return conditions && others && tracks;
}

/** How often a rule asks about a tool, as a rank. */
function asking({ approval, reads }: Part): number {
  const effective = approval === 'writes' ? (reads ? 'never' : 'always') : approval;
  return [...externalApprovals].reverse().indexOf(effective);
}

function words(rules: readonly Part[]): string {
  return rules.length === 0 ? 'refused' : rules.map((rule) => text({ ...rule, reads: undefined, approval: rule.approval === 'writes' ? (rule.reads ? 'writes (only reads)' : 'writes') : rule.approval })).join(', else ');
}
