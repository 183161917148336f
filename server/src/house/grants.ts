import { join } from 'node:path';
import { ensureControlKey } from '../../../link/src/controlKey';
import type { Actor } from '../../../protocol/src/call';
import type { Config } from '../../../protocol/src/config';
import { ConductorError } from '../../../protocol/src/errors';
import type { RungName } from '../../../protocol/src/grants';
import { grantFileAt, grantFileName } from '../approvals/grantFile';
import { openGrants, type Grants } from '../approvals/grants';
import type { Witness } from '../approvals/witness';
import { createAuditReader, type AuditReader } from '../audit/read/reader';
import type { AuditWriter } from '../audit/write/writer';
import { groundAgain } from '../call/granting';
import type { Handlers } from '../doors/requests';
import type { Guest } from '../doors/socket';
import type { Platform } from '../rules/commandPlan';
import type { Heard } from '../tools/seal';
import type { Prepared } from '../tools/tool';
import type { Audience } from './audience';
import { loggedGrants } from './grantLog';
import type { Built } from './rooms';
import { weigh } from './weighing';

/** Introduces the keeper of grants to the log, the file, the doors and the tools. */

const platform: Platform = process.platform === 'win32' ? 'win32' : 'posix';

type Around = Readonly<{ configDir: string; /** Path of the audit log. */ log: string; writer: AuditWriter; audience: Audience; self: Actor; newId(): string; chosen: Witness; requireSigned(): boolean; onForbidden(): void }>;

/** Opens the grants of a configuration folder. */
export async function buildGrants({ configDir, log, writer, audience, self, newId, chosen, requireSigned, onForbidden }: Around): Promise<Grants> {
  // A log that cannot be read refuses everything by itself.
  const logged = await loggedGrants(createAuditReader(log)).catch(() => undefined);
  const grants: Grants = await openGrants({
    platform, self, requireSigned, onForbidden,
    wallNow: Date.now,
    newUlid: () => newId().slice('evt_'.length),
    record: (event) => writer.append(event),
    file: grantFileAt(join(configDir, grantFileName), ensureControlKey(configDir)),
    heard: (call, rung) => chosen.take(choiceOf(call, rung)),
    onChange: () => audience.tellSoon('grants/changed', () => grants.state()),
    ...(logged === undefined ? {} : { logged }),
  });
  return grants;
}

/** A choice as witnesses remember it. */
export function choiceOf(call: string, rung: RungName): string {
  return `${call} ${rung}`;
}

/** Whether what covered a call still does, by what is about to start. */
export function stillGranted(grants: Grants, call: string, prepared: Prepared, config: Config): Heard {
  switch (grants.stillCovers(call, (of) => groundAgain(of, prepared, config))) {
    case 'covered':
      return true;
    case 'withdrawn':
      return 'withdrawn';
    case 'never':
      return false;
  }
}

/** Answers the messages about grants. */
export function grantHandlers({ grants, desk }: Pick<Built, 'grants' | 'desk'>, reader: AuditReader, actorOf: (guest: Guest) => Actor): Pick<Handlers, 'approvals/weigh' | 'grants/list' | 'grants/undo'> {
  return {
    'approvals/weigh': async ({ id, digest }) => {
      const pending = desk.list().find((one) => one.id === id && one.digest === digest);
      const ground = grants.asked(id);
      if (pending?.ladder === undefined || ground === undefined) throw new ConductorError('NOT_FOUND', 'This call no longer waits.');
      return { rungs: await weigh(ground, pending, reader, platform) };
    },
    'grants/list': () => grants.state(),
    'grants/undo': async ({ id }, guest) => ({ undone: await grants.undo(id, actorOf(guest)) }),
  };
}
