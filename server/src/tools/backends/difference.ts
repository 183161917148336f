import { reveal } from '../../../../protocol/src/display';
import { ConductorError } from '../../../../protocol/src/errors';
import type { BackendDifference } from '../../../../protocol/src/externalServers';
import type { LaunchIdentity, ToolDescriptor } from '../../rules/backends/identity';
import { toolDigest } from '../../rules/backends/identity';
import type { OpenRegistry } from './openRegistry';

/** What was approved of a backend and what is there now, side by side. Everything is written out: what a person does not see is not approved. */
export async function differenceOf(registry: OpenRegistry, backend: string): Promise<BackendDifference> {
  const identity = (await registry.launch(backend))?.identity;
  if (identity === undefined) throw new ConductorError('NOT_FOUND', `There is no backend ${backend}.`);
  const approved = registry.pins.approvedTools(backend);
  const offered = registry.offered(backend);
  const launch = registry.pins.state(backend, identity.hash);
  const waiting = (offered ?? []).filter((tool) => registry.pins.tool(backend, tool.name, tool) !== 'approved' || launch !== 'approved');
  return {
    launch, identity: identity.hash,
    before: launch === 'new' ? 'Nothing is approved yet.\n' : textOf(registry.pins.approvedParts(backend), approved),
    after: textOf(identity.parts, offered),
    tools: waiting.map((tool) => ({ name: tool.name, digest: toolDigest(tool) })),
  };
}

function textOf(parts: LaunchIdentity['parts'], tools: readonly ToolDescriptor[] | undefined): string {
  const launch = ['How it is started or reached', ...parts.map(([label, value]) => `  ${shown(label)}: ${shown(value)}`)];
  if (tools === undefined) return [...launch, '', 'Its tools are not known before it is started.', ''].join('\n');
  const sorted = [...tools].sort((one, other) => (one.name < other.name ? -1 : 1));
  return [...launch, '', `Tools (${String(tools.length)})`, ...sorted.flatMap((tool) => ['', `  ${shown(tool.name)}`, ...membersOf(tool)]), ''].join('\n');
}

/** All that a backend says of a tool but its name, members in the order of their names, so that only what differs stands out. */
function membersOf(tool: ToolDescriptor): string[] {
  return Object.entries(tool).filter(([name]) => name !== 'name').sort(([one], [other]) => (one < other ? -1 : 1)).flatMap(([name, value]) => linesOf(`${shown(name)}: `, value).map((line) => `    ${line}`));
}

function linesOf(label: string, value: unknown): string[] {
  // A text keeps its lines, so that a change in the middle of a description is one line of the difference.
  if (typeof value === 'string') return value.split('\n').map((line, index) => (index === 0 ? label : '  ') + shown(line));
  const [first = '', ...rest] = JSON.stringify(sorted(value), undefined, 2).split('\n');
  return [label + shown(first), ...rest.map(shown)];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, one]) => [name, sorted(one)]));
}

function shown(text: string): string {
  return reveal(text).text.replace(/\n/g, '\\n');
}
