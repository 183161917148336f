import type { BackendsState, BackendView } from '../../../../protocol/src/externalServers';
import type { Backend as Profile } from '../../../../protocol/src/backends';
import { toolDigest, type ToolDescriptor } from '../../rules/backends/identity';
import { nameDoubts, wireName } from '../../rules/backends/names';
import { scanText, type ForeignTool } from '../../rules/backends/scan';
import type { ToolChange } from '../../rules/backends/toolChanges';
import { clearElsewhere, heldInClear } from '../../rules/backends/clearSecrets';
import { openEgress } from '../../rules/backends/verdict';
import type { Backends } from './backends';
import { expectedEgress } from './fence';
import type { OpenRegistry } from './openRegistry';
import { isSaid } from './said';

/** What people see of all backends. `own` are the names of Conductor's tools, which no other may look like. */
export async function stateOf(registry: OpenRegistry, backends: Pick<Backends, 'get'>, own: readonly string[]): Promise<BackendsState> {
  const names = [...registry.known().keys()];
  const offered = names.flatMap((backend) => (registry.offered(backend) ?? []).filter(({ name }) => !isSaid(name)).map(({ name }) => ({ backend, tool: name })));
  const views = await Promise.all([...registry.known()].map(([name, profile]) => viewOf(registry, backends, { name, profile, own, offered })));
  const [first, second] = [registry.files.backends.current(), registry.files.policy.current()];
  const { enabled, strict, softFail, optional, remarks } = registry.mode();
  return {
    backends: views,
    mode: { enabled, strict, softFail, optional: [...optional], remarks: [...remarks] },
    problems: [first, second].flatMap(({ state: { file, problems } }) => problems.map((problem) => ({ file, ...problem }))),
    backendsHash: first.state.policyHash, policyHash: second.state.policyHash,
    trouble: registry.pins.trouble ?? '',
  };
}

type Subject = Readonly<{ name: string; profile: Profile; own: readonly string[]; offered: readonly ForeignTool[] }>;

async function viewOf(registry: OpenRegistry, backends: Pick<Backends, 'get'>, subject: Subject): Promise<BackendView> {
  const { name, profile } = subject;
  const identity = (await registry.launch(name))?.identity;
  const state = backends.get(name)?.state;
  const open = openEgress(profile);
  const egress = state?.kind === 'ready' ? state.connection.transport.egress : await expectedEgress(profile);
  const tools = registry.offered(name);
  return {
    backend: name, transport: profile.transport, description: profile.description ?? '', enabled: profile.enabled, optional: profile.optional,
    launch: registry.pins.state(name, identity?.hash), identity: identity?.hash ?? '',
    parts: (identity?.parts ?? []).map(([label, value]) => [label, value]),
    changes: identity === undefined ? [] : [...registry.pins.backendChanges(name, identity)],
    tools: tools === undefined ? null : toolsOf(registry, tools, subject),
    missingEnv: [...registry.missingEnv(name)], preflight: registry.preflight(name),
    egress, warnings: [...clearWords(name, profile), ...(open === undefined ? [] : [`${open}.`])],
    connection: state?.kind ?? 'stopped', failure: state?.kind === 'failed' ? state.why : '',
    preflightAgeMs: registry.preflightAge(name) ?? null, latencyMs: backends.get(name)?.latencyMs ?? null,
  };
}

function clearWords(name: string, profile: Profile): readonly string[] {
  const held = heldInClear(name, profile);
  return [...(held === undefined ? [] : [held.short]), ...clearElsewhere(profile)];
}

function toolsOf(registry: OpenRegistry, tools: readonly ToolDescriptor[], { name, own, offered }: Subject): NonNullable<BackendView['tools']> {
  const changes = new Map(registry.pins.toolChanges(name, tools).map((change) => [change.tool, change]));
  const others = offered.filter(({ backend }) => backend !== name);
  const doubts = nameDoubts([...others, ...tools.map(({ name: tool }) => ({ backend: name, tool }))], own);
  const present = tools.map((tool) => ({
    name: tool.name, wire: wireName(name, tool.name), state: stateOfTool(changes.get(tool.name)), digest: toolDigest(tool), description: textOf(tool['description']),
    changes: [...(changes.get(tool.name)?.says ?? [])],
    doubts: [...doubts.filter((doubt) => doubt.backend === name && doubt.tool === tool.name), ...scanText(textsIn(tool).join('\n'), name, others)].map(({ says }) => says),
  }));
  const gone = [...changes.values()].filter(({ kind }) => kind === 'gone').map(({ tool, says }) => ({ name: tool, wire: wireName(name, tool), state: 'gone' as const, digest: '', description: '', changes: [...says], doubts: [] }));
  return [...present, ...gone];
}

function stateOfTool(change: ToolChange | undefined): 'approved' | 'new' | 'changed' {
  return change === undefined || change.kind === 'gone' ? 'approved' : change.kind;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Every text in what a backend says of a tool, names of members included. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, one]) => [key, ...textsIn(one)]) : [];
}
