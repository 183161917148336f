import { dirname, join } from 'node:path';
import type { z } from 'zod';
import type { KnownHead } from '../../../protocol/src/audit/chain';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { ConductorError } from '../../../protocol/src/errors';
import { parseVerifierKey, type VerifierKey } from '../../../protocol/src/audit/note';
import type { requests, Status } from '../../../protocol/src/messages';
import type { Role } from '../../../protocol/src/roles';
import { checkpointFileOf } from '../audit/checkpointStore';
import { realDisk } from '../audit/disk';
import { createAuditReader } from '../audit/reader';
import { gradeLog, readBefore } from '../audit/grading';
import { verifyAuditLog } from '../audit/verifier';
import { createAuditView } from '../audit/view';
import { systemPins } from '../base/pin';
import { version } from '../base/version';
import type { Handlers } from '../doors/requests';
import type { Guest } from '../doors/socket';
import { outsideHeads, witnessKeysOf } from '../anchors/places';
import type { Presence } from './presence';
import { createProofs } from './proofs';
import { auditHealth, type Built, type Ground } from './rooms';

/** What answers the messages of windows and terminals. */

type HandlerRooms = Built & Readonly<{ ground: Ground; presence: Presence }>;

/** Builds the handlers over the rooms. */
export function createHandlers(rooms: HandlerRooms): Handlers {
  const { desk, witness, breakers, writer, config, ground, presence } = rooms;
  const path = join(ground.configDir, 'audit.log');
  const view = createAuditView(createAuditReader(path));
  return {
    ...createProofs(ground.configDir, config),
    'conductor/status': () => statusOf(rooms),
    'conductor/drain': () => {
      setImmediate(() => presence.leave('a newer version asked for it'));
      return { draining: true };
    },
    'approvals/attend': ({ attending }, guest) => {
      if (attending) desk.attend(guest.connection);
      else desk.leave(guest.connection);
      return { pending: desk.list() };
    },
    'approvals/list': () => ({ pending: desk.list() }),
    'approvals/decide': (decision, guest) => {
      const result = desk.decide(decision, { role: guest.role, connection: guest.connection, client: `${guest.role} ${guest.version}` });
      if (result.outcome === 'accepted' && decision.decision === 'approve') witness.heard(decision.id);
      return result;
    },
    'audit/page': ({ filter, before, limit }) => view.page({ filter, limit, ...(before === undefined ? {} : { before }) }),
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
    'audit/buckets': async ({ filter }) => ({ days: await view.days(filter) }),
    'audit/verify': (asked) => verify(path, rooms, asked),
    'audit/startNew': async ({ reason }, guest) => {
      const movedTo = await writer.startNewLog(`${reason} (asked by ${guest.role})`);
      await rooms.signing.startAnew();
      return { movedTo: movedTo ?? join(ground.configDir, 'audit') };
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

function actorOf(guest: Guest, rooms: Built): Built['self'] {
  return { role: guest.role, connection: guest.connection, user: rooms.self.user, client: `${guest.role} ${guest.version}` };
}

type AskedToVerify = z.output<(typeof requests)['audit/verify']['params']>;

// A log must hold what the asker remembers of it, and end where the broker left it; then come signatures and places outside.
async function verify(log: string, rooms: Built, { expected, anchor, publicKeys = [] }: AskedToVerify): Promise<VerificationReport> {
  const { entries, head } = rooms.writer.state();
  const own = head === null ? undefined : bare({ entries, head });
  const places = { log, checkpoints: checkpointFileOf(log), disk: realDisk };
  const kept = await readBefore(places);
  let report = await verifyAuditLog(log, known(expected === undefined ? own : bare(expected)));
  if (expected !== undefined && report.verdict === 'intact') report = await verifyAuditLog(log, known(own));
  if (report.verdict === 'intact') await takeUp(rooms);
  const { anchors } = rooms.config.current().config.audit;
  const { heads, warnings } = await outsideHeads(anchors, dirname(log));
  const outside = [...(anchor === undefined ? [] : [{ ...bare(anchor), place: anchor.place, at: anchor.at }]), ...heads];
  return await gradeLog(report, kept, places, { pins: pinsOf(publicKeys), outside, witnesses: witnessKeysOf(anchors), warnings });
}

// Whoever put a log back and verifies it need not wait for the next call to see that it is written again.
async function takeUp({ writer, self }: Built): Promise<void> {
  const { state } = writer.state().health;
  if (state === 'healthy' || state === 'closed') return;
  await writer.append({ phase: 'event', tool: 'audit.resumed', input: { after: state }, result: 'ok', actor: self }).catch(() => undefined);
}

function pinsOf(publicKeys: readonly string[]): VerifierKey[] {
  return publicKeys.map((text) => {
    const key = parseVerifierKey(text);
    if (key === undefined) throw new ConductorError('INVALID_INPUT', `This is no verifier key: ${text}`);
    return key;
  });
}

function known(head: KnownHead | undefined): { known?: KnownHead } {
  return head === undefined ? {} : { known: head };
}

function bare({ entries, head }: KnownHead): KnownHead {
  return { entries, head: head.replace(/^sha256:/, '') };
}
