import { join } from 'node:path';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { Status } from '../../../protocol/src/messages';
import type { Role } from '../../../protocol/src/roles';
import { realDisk } from '../audit/files/disk';
import { KeptCounts } from '../audit/read/keptCounts';
import { createAuditReader } from '../audit/read/reader';
import { createAuditView } from '../audit/read/view';
import { systemPins } from '../base/pin';
import { version } from '../base/version';
import type { Handlers } from '../doors/requests';
import { actorOf } from './actor';
import { choiceOf, grantHandlers } from './grants';
import { backendHandlers } from './externalServers';
import { importHandlers } from './importing';
import type { Verifications } from './lastVerification';
import type { Presence } from './presence';
import { createProofs } from './proofs';
import { auditHealth, type Built, type Ground } from './rooms';
import { createVerifying } from './verifying';

/** What answers the messages of windows and terminals. */

type HandlerRooms = Built & Readonly<{ ground: Ground; presence: Presence; verifications: Verifications }>;

/** Builds the handlers over the rooms. */
export function createHandlers(rooms: HandlerRooms): Handlers {
  const { desk, witness, breakers, writer, config, ground, presence } = rooms;
  const path = join(ground.configDir, 'audit.log');
  const view = createAuditView(createAuditReader(path, realDisk, new KeptCounts(realDisk, path)));
  const verifying = createVerifying(path, rooms);
  // Counted now, a long log is there at once when somebody looks.
  view.buckets({}, 'day').catch((cause: unknown) => ground.logger.warn('the audit log could not be counted', { error: toConductorError(cause).message }));
  const external = backendHandlers({ ...rooms, backends: rooms.external.backends, configDir: ground.configDir, own: rooms.external.own }, (guest) => actorOf(guest, rooms));
  return {
    ...createProofs(ground.configDir, config),
    ...grantHandlers(rooms, createAuditReader(path), (guest) => actorOf(guest, rooms)),
    ...rooms.approverKeys.handlers,
    ...rooms.credentials.handlers,
    ...external,
    ...importHandlers(rooms.registry, ground.configDir, { ...external, ...rooms.credentials.handlers }),
    'conductor/status': () => statusOf(rooms),
    'conductor/drain': (_, guest) => {
      setImmediate(() => presence.leave(`asked by ${whoIs(actorOf(guest, rooms))}`));
      return { draining: true };
    },
    'approvals/attend': ({ attending }, guest) => {
      if (attending) desk.attend(guest.connection);
      else desk.leave(guest.connection);
      return { pending: desk.list() };
    },
    'approvals/list': () => ({ pending: desk.list() }),
    'approvals/content': ({ id, digest }) => ({ files: rooms.shelf.look(id, digest) }),
    'approvals/narrow': (narrowing, guest) => {
      const result = rooms.shelf.narrow(narrowing, { ...actorOf(guest, rooms), role: guest.role, connection: guest.connection });
      if (result.outcome !== 'accepted') rooms.refusals.note({ actor: actorOf(guest, rooms), tool: 'approvals.narrow', input: { id: narrowing.id.slice(0, 64), digest: narrowing.digest.slice(0, 64) }, rule: `approval.${result.outcome}`, reason: result.message });
      return result;
    },
    'approvals/decide': (decision, guest) => {
      const shown = decision.signature === undefined ? undefined : desk.list().find(({ id }) => id === decision.id);
      const result = desk.decide(decision, { ...actorOf(guest, rooms), role: guest.role, connection: guest.connection });
      // An answer that is late, said twice, or about something else than what waits.
      if (result.outcome !== 'accepted') {
        const { id, digest, decision: said, signature } = decision;
        rooms.refusals.note({ actor: actorOf(guest, rooms), tool: 'approvals.decide', input: { id: id.slice(0, 64), digest: digest.slice(0, 64), decision: said, ...(signature === undefined ? {} : { key: signature.key }) }, rule: `approval.${result.outcome}`, reason: result.message });
        return result;
      }
      if (shown !== undefined) rooms.keepShown(shown);
      if (decision.decision === 'approve') witness.heard(decision.id);
      if (decision.rung !== undefined) rooms.chosen.heard(choiceOf(decision.id, decision.rung));
      if (decision.decision === 'deny' || !rooms.pipeline.isParked(decision.id)) return result;
      return { ...result, parked: true, message: `${result.message} It waits until its agent, which was told so, calls again.` };
    },
    'audit/page': ({ filter, before, limit }, _guest, { signal }) => view.page({ filter, limit, ...(before === undefined ? {} : { before }) }, signal),
    'audit/entry': async ({ seq }) => {
      const line = await view.line(seq);
      if (line === undefined) throw new ConductorError('NOT_FOUND', `The log has no entry ${String(seq)}.`);
      return { line };
    },
    'audit/snapshot': ({ hash }) => rooms.snapshots.read(hash),
    'audit/measure': async (_, guest) => {
      const hash = rooms.provenance.measure();
      await writer.append({ phase: 'event', tool: 'audit.metrics', input: { why: 'asked', metrics: `sha256:${hash}` }, result: 'ok', actor: actorOf(guest, rooms) });
      return { hash };
    },
    'audit/buckets': async ({ filter, by, withinMs }, _guest, { signal }) => (withinMs === undefined ? { buckets: await view.buckets(filter, by, signal) } : await view.bucketsWithin(filter, by, withinMs, signal)),
    'audit/values': (_, _guest, { signal }) => view.values(signal),
    'audit/verify': async (asked, guest, asker) => {
      const report = await verifying(asked, asker);
      if (guest.role === 'editor') rooms.verifications.made(report);
      return report;
    },
    'audit/startNew': async ({ reason }, guest) => {
      const movedTo = await writer.startNewLog(`${reason} (asked by ${whoIs(actorOf(guest, rooms))})`);
      // The new log does not know how many changes of the grants the old one told of.
      await writer.append({ phase: 'event', tool: 'broker.newLog', input: { grants: rooms.grants.change() }, result: 'ok', actor: rooms.self });
      await rooms.signing.startAnew();
      return { movedTo: movedTo ?? join(ground.configDir, 'audit') };
    },
    'cli/refused': ({ command }, guest) => {
      rooms.refusals.note({ actor: actorOf(guest, rooms), tool: 'cli.command', input: { command }, rule: 'cli.noPerson', reason: 'The command needs a person at an interactive terminal, and there was none.' });
      return { noted: true };
    },
    'breakers/list': () => ({ breakers: breakers.views() }),
    'breakers/reset': async ({ tool, reason }, guest) => {
      if (!rooms.tools.has(tool)) throw new ConductorError('NOT_FOUND', `There is no tool "${tool}".`);
      await writer.append({ phase: 'event', tool: 'breaker.reset', input: { tool, reason }, result: 'ok', actor: actorOf(guest, rooms) });
      return { reset: breakers.reset(tool) === 'reset' };
    },
  };

  function statusOf({ presence: present }: HandlerRooms): Status {
    const count = (role: Role): number => present.guests().filter((guest) => guest.role === role).length;
    return {
      version, pid: process.pid, startedAt: present.startedAt, configDir: ground.configDir,
      pathIsolation: systemPins.level === 'descriptor' ? 'descriptor walk' : 'best effort',
      connections: { agent: count('agent'), viewer: count('viewer'), editor: count('editor'), cli: count('cli') },
      pending: desk.list().length, audit: auditHealth(writer), signing: rooms.signing.state(), config: config.current().state,
      memoryMb: Math.round(process.memoryUsage().rss / 1_048_576), doors: [...present.doors],
    };
  }
}

function whoIs({ role, client, window }: Built['self']): string {
  return [role, client, ...(window === undefined ? [] : ['window', window])].filter((part) => part !== undefined).join(' ');
}
