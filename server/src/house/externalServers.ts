import { join } from 'node:path';
import { ensureControlKey } from '../../../link/src/controlKey';
import type { Actor } from '../../../protocol/src/call';
import type { Config } from '../../../protocol/src/config';
import { settingsOf } from '../../../protocol/src/backendFields';
import { wantedByBackend, wantedByCommands } from '../../../protocol/src/configFields';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { AuditReader } from '../audit/read/reader';
import type { AuditWriter } from '../audit/write/writer';
import type { Logger } from '../base/logger';
import type { Breakers } from '../breaker/breakers';
import type { OpenConfig } from '../config/open';
import type { Handlers } from '../doors/requests';
import type { Guest } from '../doors/socket';
import { openerOf, type Backends, type WayNeeds } from '../tools/backends/backends';
import { describeStrict, makeChange } from '../tools/backends/making';
import { planChange } from '../tools/backends/changes';
import { openRegistry, type OpenRegistry } from '../tools/backends/openRegistry';
import { differenceOf } from '../tools/backends/difference';
import { runPreflight, type PreflightNeeds } from '../tools/backends/preflight';
import type { Redactor } from '../rules/redaction/redactor';
import type { FillIn } from '../tools/backends/start';
import { stateOf } from '../tools/backends/state';

/** Introduces the registry of external servers to the log, the settings, and to windows and terminals. */

/** Opens the registry of a configuration folder. */
export function buildRegistry(configDir: string, { writer, reader, logger }: Readonly<{ writer: AuditWriter; reader: AuditReader; logger: Logger }>, self: Actor, settings: () => Config['externalMcp']): Promise<OpenRegistry> {
  return openRegistry({
    configDir, self, settings,
    newestPins: () => newestPins(reader, logger),
    controlKey: ensureControlKey(configDir),
    environment: process.env,
    record: (event) => writer.append(event),
    now: () => performance.now(), wallNow: Date.now,
  });
}

/** The highest generation of the file of approvals that the newest 64 MiB of the log name. A log that cannot be read names none, and is told. */
async function newestPins(reader: AuditReader, logger: Logger): Promise<number | undefined> {
  const page = await reader.page({ filter: { tool: 'backend.pins', phase: 'event' }, limit: 1000 }).catch((thrown: unknown) => {
    logger.error('the audit log cannot tell whether older approvals of servers were put back', { error: toConductorError(thrown).message });
    return { items: [] };
  });
  const found = page.items.flatMap(({ entry }) => (entry?.phase === 'event' && typeof entry.input['generation'] === 'number' ? [entry.input['generation']] : []));
  return found.length === 0 ? undefined : Math.max(...found);
}

type Around = Readonly<{ registry: OpenRegistry; backends: Backends; breakers: Breakers; writer: AuditWriter; config: Pick<OpenConfig, 'current'>; configDir: string; fillIn: FillIn; clean: Redactor['value']; onRefused: WayNeeds['onRefused']; /** Names of Conductor's own tools. */ own: readonly string[] }>;

type BackendHandlers = Omit<Pick<Handlers, Extract<keyof Handlers, `backends/${string}`>>, 'backends/importPlan' | 'backends/import' | 'backends/undoImport'>;

/** What a preflight needs, over the rooms. */
export function preflightNeeds({ registry, configDir, fillIn, clean, onRefused }: Pick<Around, 'registry' | keyof WayNeeds>): PreflightNeeds {
  return { registry, now: () => performance.now(), wallNow: Date.now, open: (name, profile) => openerOf(name, profile, 'preflight', { configDir, fillIn, clean, onRefused }) };
}

/** Answers the messages about external servers. */
export function backendHandlers(around: Around, actorOf: (guest: Guest) => Actor): BackendHandlers {
  const { registry, backends, breakers, writer, own, config, configDir } = around;
  const known = (backend: string): void => {
    if (!registry.known().has(backend)) throw new ConductorError('NOT_FOUND', `There is no backend ${JSON.stringify(backend)}.`);
  };
  return {
    'backends/list': () => stateOf(registry, backends, own),
    'backends/preflight': async ({ backend, timeoutMs }, guest) => {
      const report = await runPreflight(preflightNeeds(around), backend, timeoutMs);
      await writer.append({ phase: 'event', tool: 'backend.preflight', input: { backend, ok: report.ok, checks: Object.fromEntries(report.checks.map(({ name, status }) => [name, status])) }, result: report.ok ? 'ok' : 'error', actor: actorOf(guest) });
      return report;
    },
    'backends/approve': async (approval, guest) => {
      known(approval.backend);
      const launch = await registry.launch(approval.backend);
      if (launch === undefined) throw new ConductorError('NOT_FOUND', `There is no backend ${approval.backend}.`);
      await registry.pins.approve(approval, { identity: launch.identity, offered: registry.offered(approval.backend) ?? [] }, actorOf(guest));
      // What it offers can be looked at as soon as it may be started.
      await backends.get(approval.backend)?.shared().catch(() => undefined);
      return { approved: true };
    },
    'backends/needs': () => {
      const profiles = [...registry.known()];
      return {
        credentials: [...profiles.flatMap(([backend, profile]) => wantedByBackend(profile).map((wanted) => ({ ...wanted, backend }))), ...wantedByCommands(config.current().config).map((wanted) => ({ ...wanted, backend: null }))],
        settings: profiles.flatMap(([backend, profile]) => settingsOf(profile).map((setting) => ({ backend, ...setting }))),
        variables: profiles.flatMap(([backend]) => registry.missingEnv(backend).map((variable) => ({ backend, variable }))),
      };
    },
    'backends/difference': async ({ backend }) => {
      known(backend);
      return await differenceOf(registry, backend);
    },
    'backends/start': async ({ backend }, guest) => {
      known(backend);
      const present = backends.get(backend);
      if (present === undefined) throw new ConductorError('BACKEND_UNAVAILABLE', `The server ${backend} is switched off.`, { next: 'Enable it first.' });
      if (present.state.kind === 'failed') await present.rest();
      await present.shared();
      await writer.append({ phase: 'event', tool: 'backend.started', input: { backend }, result: 'ok', actor: actorOf(guest) });
      return { tools: present.tools?.length ?? 0 };
    },
    'backends/stop': async ({ backend }, guest) => {
      known(backend);
      await writer.append({ phase: 'event', tool: 'backend.stopped', input: { backend }, result: 'ok', actor: actorOf(guest) });
      return { stopped: (await backends.get(backend)?.rest()) ?? false };
    },
    'backends/withdraw': async ({ backend }, guest) => ({ withdrawn: await registry.pins.withdraw(backend, actorOf(guest)) }),
    'backends/plan': (change) => {
      const { widens, says, hash } = planChange(registry.files, change);
      return { widens, says: [...says, ...describeStrict(registry, change)], hash };
    },
    'backends/change': async (change, guest) => await makeChange(registry, change, (event) => writer.append({ ...event, actor: actorOf(guest) })),
    'backends/policy': () => {
      const { value, state } = registry.files.policy.current();
      return { policy: JSON.stringify(value, undefined, 2), hash: state.policyHash, source: state.source, problems: [...state.problems] };
    },
    'backends/check': ({ project, ...asked }) => {
      const { verdict, warnings } = registry.judge({ ...asked, project: project ?? join(configDir, 'no-project') });
      return { ...verdict, warnings: [...warnings] };
    },
    'backends/reset': async ({ backend, reason }, guest) => {
      known(backend);
      await writer.append({ phase: 'event', tool: 'breaker.reset', input: { tool: backend, reason }, result: 'ok', actor: actorOf(guest) });
      return { reset: breakers.reset(backend) === 'reset' };
    },
  };
}
