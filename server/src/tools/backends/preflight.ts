import type { Backend as Profile } from '../../../../protocol/src/backends';
import type { PreflightReport } from '../../../../protocol/src/externalServers';
import { ConductorError, toConductorError } from '../../../../protocol/src/errors';
import { isRecord } from '../../base/frames';
import { clearElsewhere, heldInClear } from '../../rules/backends/clearSecrets';
import { toolsHash, type ToolDescriptor } from '../../rules/backends/identity';
import { openEgress } from '../../rules/backends/verdict';
import { Connection, type OpenTransport } from './connection';
import { expectedEgress } from './fence';
import type { OpenRegistry } from './openRegistry';
import { isSaid } from './said';

/** Looks at one backend in a fixed order and reports each check. It starts or reaches the backend once for itself and calls no tool. */

/** What a preflight needs. */
export type PreflightNeeds = Readonly<{
  registry: OpenRegistry;
  /** The way to the backend under its profile. */
  open(backend: string, profile: Profile): OpenTransport;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since 1970. */
  wallNow(): number;
}>;

type Check = PreflightReport['checks'][number];
type Found = Readonly<{ status: Exclude<Check['status'], 'skipped'>; detail: string }>;

const passed = (detail: string): Found => ({ status: 'passed', detail });
const failed = (detail: string): Found => ({ status: 'failed', detail });

/** Most tools that are listed. */
const mostTools = 1000;

/** Runs the preflight of a backend; `timeoutMs` in place of what the profile says. Never rejects: what goes wrong is a failed check. The registry hears the result. */
export async function runPreflight(needs: PreflightNeeds, backend: string, timeoutMs?: number): Promise<PreflightReport> {
  const { registry } = needs;
  const profile = registry.known().get(backend);
  const checks: Check[] = [];
  const check = async (name: Check['name'], look: () => Found | Promise<Found>): Promise<void> => {
    // What fails makes what follows pointless; only a policy that lists nothing yet does not.
    if (checks.some((one) => one.status === 'failed' && one.name !== 'policy')) return void checks.push({ name, status: 'skipped', detail: 'An earlier check failed.', ms: 0 });
    const began = needs.now();
    const found = await Promise.resolve().then(look).catch((thrown: unknown) => failed(toConductorError(thrown).message));
    checks.push({ name, ...found, ms: Math.round((needs.now() - began) * 10) / 10 });
  };
  const flight = new Flight(needs, backend, profile, timeoutMs ?? profile?.preflight.timeout_ms ?? 0);
  try {
    await check('registered', () => registered(registry, backend, profile));
    await check('policy', () => listedTools(registry, backend));
    await check('requiredEnv', () => environment(registry.missingEnv(backend), backend, profile));
    await check('launch', async () => launchable(await registry.launch(backend), profile));
    await check('egress', () => egress(profile));
    await check('approved', async () => approved(registry, backend, (await registry.launch(backend))?.identity.hash));
    await check('start', () => flight.start());
    await check('initialize', () => flight.initialized());
    await check('toolsList', () => flight.list());
    await check('requiredTools', () => required(profile, flight.tools));
    await check('toolsPinned', () => pinned(registry, backend, flight.tools));
  } finally {
    await flight.end();
  }
  return report(needs, backend, profile, checks, flight.tools);
}

function report({ registry, wallNow }: PreflightNeeds, backend: string, profile: Profile | undefined, checks: Check[], tools: readonly ToolDescriptor[] | undefined): PreflightReport {
  const strict = registry.mode().strict;
  const ok = checks.every(({ status }) => status === 'passed' || (status === 'warning' && !strict));
  registry.preflighted(backend, ok);
  const at = wallNow();
  return {
    backend, ok, checks,
    tools_hash: tools === undefined ? null : toolsHash(tools),
    checked_at: new Date(at).toISOString(),
    expires_at: ok && profile !== undefined ? new Date(at + profile.preflight.ttl_s * 1000).toISOString() : null,
  };
}

function registered({ files }: OpenRegistry, backend: string, profile: Profile | undefined): Found {
  if (profile !== undefined) return passed(profile.enabled ? 'It is registered and enabled.' : 'It is registered, and disabled.');
  const problem = files.backends.current().state.problems[0];
  return failed(problem === undefined ? `There is no backend ${backend} in mcp_backends.json.` : `mcp_backends.json cannot be used: line ${String(problem.line)}: ${problem.message}`);
}

function listedTools({ files }: OpenRegistry, backend: string): Found {
  const { value, state } = files.policy.current();
  const named = value.rules.filter((rule) => rule.backend === backend);
  const rules = named.filter(({ tracks }) => tracks === undefined);
  if (rules.length === 0 && named.length > 0) return failed(`external_mcp_policy.json lists tools of ${backend} for tracks only, and there are none yet.`);
  if (rules.length === 0) return failed(state.problems[0] === undefined ? `external_mcp_policy.json lists no tool of ${backend}.` : `external_mcp_policy.json cannot be used: ${state.problems[0].message}`);
  if (rules.some(({ tools }) => tools.includes('*'))) return { status: 'warning', detail: 'The policy lists every tool by "*".' };
  return passed(`The policy lists ${String(new Set(rules.flatMap(({ tools }) => tools)).size)} of its tools.`);
}

function environment(missing: readonly string[], backend: string, profile: Profile | undefined): Found {
  const clear = profile === undefined ? undefined : heldInClear(backend, profile);
  if (clear !== undefined) return failed(`${clear.says} ${clear.next}`);
  const [elsewhere] = profile === undefined ? [] : clearElsewhere(profile);
  if (elsewhere !== undefined && missing.length === 0) return { status: 'warning', detail: elsewhere };
  return missing.length === 0 ? passed('Every required variable is set.') : failed(`Not set: ${missing.join(', ')}.`);
}

function launchable(launch: Awaited<ReturnType<OpenRegistry['launch']>>, profile: Profile | undefined): Found {
  if (launch === undefined || profile === undefined) return failed('It is not registered.');
  if (launch.missing !== undefined) return failed(launch.missing);
  return passed(profile.transport === 'stdio' ? `It starts ${launch.identity.parts.find(([label]) => label === 'program')?.[1] ?? profile.command}.` : `It is reached at ${profile.url}.`);
}

async function egress(profile: Profile | undefined): Promise<Found> {
  if (profile === undefined) return failed('It is not registered.');
  const open = openEgress(profile);
  if (open !== undefined) return { status: 'warning', detail: `${open}.` };
  const hosts = profile.egress_allowlist ?? [];
  if (profile.transport === 'stdio') {
    const { level, says } = await expectedEgress(profile);
    return profile.egress_sandbox === 'required' && level !== 'namespace' ? failed(`Its egress_sandbox is "required". ${says}`) : passed(says);
  }
  const { hostname, port, protocol } = new URL(profile.url);
  const host = `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
  return hosts.includes(hostname) || hosts.includes(host) ? passed(`Its address ${host} is on its list of hosts.`) : failed(`Its address ${host} is not on its egress_allowlist.`);
}

function approved({ pins }: OpenRegistry, backend: string, identity: string | undefined): Found {
  const state = pins.state(backend, identity);
  return state === 'approved' ? passed('It is started or reached as a person approved it.') : failed(state === 'new' ? `Nobody approved it yet. Run "conductor backends approve ${backend}".` : `It changed since it was approved. Run "conductor backends approve ${backend}".`);
}

function required(profile: Profile | undefined, tools: readonly ToolDescriptor[] = []): Found {
  const missing = (profile?.preflight.required_tools ?? []).filter((name) => !tools.some((tool) => tool.name === name));
  return missing.length === 0 ? passed('Every required tool is there.') : failed(`It does not offer ${missing.join(', ')}.`);
}

function pinned({ pins }: OpenRegistry, backend: string, tools: readonly ToolDescriptor[] = []): Found {
  const changes = pins.toolChanges(backend, tools).filter(({ tool }) => !isSaid(tool));
  if (changes.length === 0) return passed(`Its ${String(tools.length)} tools are described as they were approved.`);
  return { status: 'warning', detail: `In quarantine: ${changes.slice(0, 20).map(({ tool, kind }) => `${tool} (${kind})`).join(', ')}${changes.length > 20 ? ` and ${String(changes.length - 20)} more` : ''}.` };
}

/** The one connection of a preflight. */
class Flight {
  tools: readonly ToolDescriptor[] | undefined;
  #connection: Connection | undefined;
  #opening: Promise<Connection> | undefined;

  constructor(readonly needs: PreflightNeeds, readonly backend: string, readonly profile: Profile | undefined, readonly timeoutMs: number) {}

  /** Resolves once the program runs or the address was reached; the introduction goes on. */
  async start(): Promise<Found> {
    const { profile } = this;
    if (profile === undefined) return failed('It is not registered.');
    let began: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (began = resolve));
    const open = this.needs.open(this.backend, profile);
    const silent = { asked: () => Promise.reject(new ConductorError('DENIED', 'A preflight answers nothing.')), told: () => undefined, ended: () => undefined };
    const opening = this.#open(async (incoming) => {
      const transport = await open(incoming);
      began();
      return transport;
    }, silent);
    this.#opening = opening;
    await Promise.race([started, opening]);
    return passed(profile.transport === 'stdio' ? 'Its program started.' : 'It is being reached.');
  }

  async initialized(): Promise<Found> {
    this.#connection = await this.#opening;
    const server = this.#connection?.server;
    return server === undefined ? failed('It was not started.') : passed(`It speaks MCP ${server.revision}.`);
  }

  async list(): Promise<Found> {
    const connection = this.#connection;
    if (connection === undefined) return failed('It was not started.');
    if (!isRecord(connection.server.capabilities['tools'])) {
      this.tools = [];
      return passed('It offers no tools.');
    }
    const listed = await connection.list('tools/list', 'tools', this.timeoutMs, mostTools);
    this.tools = listed.filter((tool): tool is ToolDescriptor => isRecord(tool) && typeof tool['name'] === 'string');
    return passed(`It offers ${String(this.tools.length)} tools.`);
  }

  async end(): Promise<void> {
    const connection = this.#connection ?? (await this.#opening?.catch(() => undefined));
    await connection?.end('The preflight is over.');
  }

  async #open(open: OpenTransport, listener: Parameters<typeof Connection.open>[0]['listener']): Promise<Connection> {
    const beginning = { declared: {}, timeoutMs: this.timeoutMs, now: () => this.needs.now(), listener, open };
    let died = false;
    try {
      return await Connection.open({ ...beginning, older: false, listener: { ...listener, ended: () => { died = true; } } });
    } catch (thrown) {
      // Some older servers end over the question that only newer ones know.
      if (!died) throw thrown;
      return await Connection.open({ ...beginning, older: true });
    }
  }
}
