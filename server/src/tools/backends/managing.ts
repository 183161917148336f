import { z } from 'zod';
import { backendNameSchema, type BackendInput } from '../../../../protocol/src/backends';
import type { NewEvent } from '../../../../protocol/src/audit/entry';
import type { Outcome, Verdict } from '../../../../protocol/src/call';
import type { BackendChange } from '../../../../protocol/src/externalServers';
import { ConductorError } from '../../../../protocol/src/errors';
import { clearSecrets } from '../../rules/backends/clearSecrets';
import type { Fact } from '../fact';
import type { PrepareContext, Prepared, Shown, Tool } from '../tool';
import { planChange, type PlannedChange } from './changes';
import { describeStrict, makeChange } from './making';
import type { OpenRegistry } from './openRegistry';
import { runPreflight, type PreflightNeeds } from './preflight';
import { isSaid } from './said';

/** The tools by which agents look at external servers and propose changes. What widens asks a person, once for each change; what narrows does not. */

/** What these tools need. */
export type ManagingNeeds = Readonly<{
  registry: OpenRegistry;
  preflight: PreflightNeeds;
  /** Writes an event into the log in the broker's name; rejects when it cannot. */
  record(event: Omit<NewEvent, 'actor'>): Promise<unknown>;
}>;

const backend = backendNameSchema;
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'Write the hash that a list or an earlier change answered.').optional().describe('Hash of the file as you saw it; the change is refused when it is another by now.');
const anything = z.record(z.string(), z.unknown());

/** All of them. */
export function managingTools(needs: ManagingNeeds): readonly Tool[] {
  const change = <Input extends Readonly<Record<string, unknown>>>(name: string, title: string, description: string, input: z.ZodType<Input>, changeOf: (given: Input) => BackendChange): Tool => ({
    name, title, description, input: input as unknown as Tool['input'],
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => Promise.resolve(prepareChange(needs, changeOf(given as Input), title, context)),
  });
  const one = z.strictObject({ backend, expected_hash: hash });
  const all = [
    change('set_external_mcp_backend', 'Add or change an external MCP server', 'Registers an MCP server, or replaces its profile. A person is asked, and approves later how it starts and what it offers. Secrets are named as ${secret:service.key}, never written.', z.strictObject({ backend, profile: anything.describe('{transport: "stdio", command, args, env, ...} or {transport: "http", url, headers, ...}, with egress_allowlist, required_env, preflight, timeout_ms.'), expected_hash: hash }), ({ backend: name, profile, expected_hash }) => ({ change: 'set', backend: name, profile, ...expected(expected_hash) })),
    change('set_external_mcp_policy', 'Change the policy for external MCP servers', 'Replaces the policy or adds to it. A person is asked when agents could do more afterwards; narrowing is made at once.', z.strictObject({ policy: anything.describe('{rules: [{backend, tools: [exact names], approval, arguments, rate}], deny: [...]}.'), mode: z.enum(['replace', 'merge']), expected_hash: hash }), ({ policy, mode, expected_hash }) => ({ change: 'policy', policy, mode, ...expected(expected_hash) })),
    ...(['remove', 'enable', 'disable'] as const).map((kind) => change(`${kind}_external_mcp_backend`, `${kind.charAt(0).toUpperCase()}${kind.slice(1)} an external MCP server`, kind === 'enable' ? 'Switches a server on; a person is asked.' : `${kind === 'remove' ? 'Removes a server' : 'Switches a server off'}; nobody is asked.`, one, ({ backend: name, expected_hash }) => ({ change: kind, backend: name, ...expected(expected_hash) }))),
    listTool(needs),
    getTool(needs),
    preflightTool(needs),
  ];
  // Where nothing external can be used there is nothing to look at, or to propose.
  return all.map((tool) => ({ ...tool, listed: () => needs.registry.mode().enabled }));
}

function expected(expectedHash: string | undefined): { expectedHash?: string } {
  return expectedHash === undefined ? {} : { expectedHash };
}

/** Works the change out, so that a person sees the very difference, and makes exactly that or nothing. */
function prepareChange(needs: ManagingNeeds, change: BackendChange, title: string, { project }: PrepareContext): Prepared {
  const { registry } = needs;
  const shown = (raw: string): Shown => ({ title, raw, cwd: project, details: [] });
  const plan = worked(registry, change);
  if (plan instanceof ConductorError) return ended(shown(JSON.stringify(change, undefined, 2)), plan);
  const raw = [...plan.says, ...describeStrict(registry, change)].join('\n') || 'Nothing becomes different.';
  const facts: Fact[] = [
    { label: 'File', key: '', value: plan.file },
    { label: 'Content before', key: '', value: `sha256:${plan.before}` },
    { label: 'Content after', key: '', value: `sha256:${plan.hash}` },
    { label: 'Change', key: '', value: raw },
  ];
  const verdict: Verdict = plan.widens
    ? { verdict: 'approve', rule: 'external.widens', reason: 'Agents could do more of external servers afterwards.' }
    : { verdict: 'allow', rule: 'external.narrows', reason: 'Agents can do no more of external servers afterwards.' };
  return {
    verdict, facts, readOnly: false, show: shown(raw),
    run: async () => {
      if (worked(registry, change) instanceof ConductorError || planChange(registry.files, change).before !== plan.before) return { kind: 'refused', code: 'APPROVAL_STALE', rule: 'external.stale', reason: `${plan.file} changed after this was judged, so nothing was done.` };
      const made = await makeChange(registry, change, needs.record);
      const answer = change.change === 'policy' ? { policy_version: '1', policy_hash: made.hash } : { backend: change.backend, hash: made.hash };
      return succeeded({ ...answer, changes: made.says });
    },
  };
}

function worked(registry: OpenRegistry, change: BackendChange): PlannedChange | ConductorError {
  try {
    const plan = planChange(registry.files, change);
    const secret = change.change === 'set' ? clearSecrets(change.profile as BackendInput)[0] : undefined;
    if (secret !== undefined) return new ConductorError('INVALID_INPUT', `${secret.path.join('.')}: ${secret.says}`);
    const flaw = registry.mode().strict ? describeStrict(registry, change)[0] : undefined;
    return flaw === undefined ? plan : new ConductorError('INVALID_INPUT', `${flaw} Strict mode refuses that.`);
  } catch (thrown) {
    if (thrown instanceof ConductorError) return thrown;
    throw thrown;
  }
}

/** A change that cannot be made: nobody is asked about it. */
function ended(show: Shown, error: ConductorError): Prepared {
  return {
    verdict: { verdict: 'allow', rule: 'external.impossible', reason: 'Nothing will be changed: the call only reports why it cannot work.' },
    facts: [{ label: 'Cannot work', key: '', value: `${error.code}: ${error.message}` }],
    readOnly: true, show, run: () => Promise.resolve({ kind: 'failure', error }),
  };
}

function succeeded(structured: Readonly<Record<string, unknown>>): Outcome {
  return { kind: 'success', text: JSON.stringify(structured, undefined, 2), structured, truncated: false };
}

type Look = Readonly<{ name: string; title: string; description: string; input: z.ZodType<Readonly<Record<string, unknown>>> }>;

function lookingTool(look: Look, answer: (given: Readonly<Record<string, unknown>>, context: PrepareContext) => Promise<Readonly<Record<string, unknown>>>): Tool {
  return {
    ...look,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => Promise.resolve({
      verdict: { verdict: 'allow', rule: 'external.looks', reason: 'Looking at external servers changes nothing.' },
      facts: [{ label: 'Look', key: '', value: JSON.stringify(given) }],
      readOnly: true,
      show: { title: look.title, raw: JSON.stringify(given), cwd: context.project, details: [] },
      run: async () => succeeded(await answer(given, context)),
    }),
  };
}

/** What an agent sees of a server: no values, and no words of the server that nobody approved. */
function outlineOf({ registry }: ManagingNeeds, name: string, project: string): Readonly<Record<string, unknown>> {
  const profile = registry.known().get(name);
  if (profile === undefined) throw new ConductorError('NOT_FOUND', `There is no backend ${JSON.stringify(name)}.`);
  const quarantined = registry.quarantined(name);
  const tools = (registry.offered(name) ?? []).map(({ name: tool }) => tool).filter((tool) => !isSaid(tool) && registry.shown({ backend: name, tool, arguments: {}, project }));
  return { backend: name, transport: profile.transport, enabled: profile.enabled, optional: profile.optional, usable: quarantined === undefined, preflight: registry.preflight(name), missing_env: registry.missingEnv(name, project), tools };
}

function listTool(needs: ManagingNeeds): Tool {
  return lookingTool({ name: 'list_external_mcp_backends', title: 'List external MCP servers', description: 'Names the registered MCP servers, their state and the tools that the policy lists, with the hashes of both files.', input: z.strictObject({}) }, (_, { project }) => {
    const { registry } = needs;
    const { strict, softFail } = registry.mode();
    return Promise.resolve({ backends: [...registry.known().keys()].map((name) => outlineOf(needs, name, project)), backends_hash: registry.files.backends.current().state.policyHash, policy_hash: registry.files.policy.current().state.policyHash, strict, soft_fail: softFail });
  });
}

function getTool(needs: ManagingNeeds): Tool {
  return lookingTool({ name: 'get_external_mcp_backend', title: 'Look at an external MCP server', description: 'Shows one registered MCP server: state, tools, and what the policy says of each.', input: z.strictObject({ backend }) }, ({ backend: name }, { project }) => {
    const outline = outlineOf(needs, String(name), project);
    const rules = needs.registry.files.policy.current().value.rules.filter((rule) => rule.backend === name);
    return Promise.resolve({ ...outline, rules, hash: needs.registry.files.backends.current().state.policyHash });
  });
}

function preflightTool(needs: ManagingNeeds): Tool {
  const input = z.strictObject({ backend, timeout_ms: z.number().int().min(100).max(600_000).optional().describe('Time limit in milliseconds. Default: what the profile says.') });
  const flights = new Map<string, ReturnType<typeof runPreflight>>();
  const looking = lookingTool({ name: 'preflight_external_mcp_backend', title: 'Check an external MCP server', description: 'Runs the ordered checks of a server and reports each. Starts or reaches it only as a person approved it, and calls none of its tools.', input }, ({ backend: name, timeout_ms: ms }) => {
    // Each starts the server once for itself, so agents that ask all at once get one answer.
    const flying = flights.get(String(name)) ?? runPreflight(needs.preflight, String(name), typeof ms === 'number' ? ms : undefined).finally(() => flights.delete(String(name)));
    flights.set(String(name), flying);
    return flying;
  });
  return { ...looking, annotations: { ...looking.annotations, readOnlyHint: false, openWorldHint: true } };
}
