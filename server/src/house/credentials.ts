import { join } from 'node:path';
import type { NewEvent } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';
import type { SlotView } from '../../../protocol/src/credentials';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { createAuditReader, type AuditReader } from '../audit/read/reader';
import type { AuditWriter } from '../audit/write/writer';
import type { Logger } from '../base/logger';
import type { RememberedStore } from '../credentials/box';
import { realFiles } from '../credentials/files';
import { importOld, oldFolder, oldMachineSecrets } from '../credentials/legacy';
import { machineId } from '../credentials/machineId';
import { defaultCosts, type Slot } from '../credentials/slots';
import { openCredentials, type CredentialStore } from '../credentials/store';
import type { Asker, Handlers } from '../doors/requests';
import type { Guest } from '../doors/socket';
import type { Audience } from './audience';
import type { RefusalLog } from './refusalLog';

/** Introduces the store of credentials to the log and to windows and terminals. Everything about it is recorded by name; no value comes near the log. */

/** Name of the folder of the store in the configuration folder. */
export const credentialsFolder = 'credentials';

/** What the log calls it when a person took a store, or none, as it is. */
const acceptedTool = 'credential.accepted';

type Around = Readonly<{ configDir: string; log: string; writer: AuditWriter; audience: Audience; refusals: RefusalLog; self: Actor; logger: Logger; schedule(run: () => void, ms: number): () => void }>;

/** The store, and the answers to the messages about it. */
export type Credentials = Readonly<{ store: CredentialStore; handlers: CredentialHandlers }>;

type CredentialHandlers = Pick<Handlers, Extract<keyof Handlers, `credentials/${string}`>>;

/** Opens the store of a configuration folder. */
export async function buildCredentials(around: Around, actorOf: (guest: Guest) => Actor): Promise<Credentials> {
  const { configDir, writer, audience, refusals, self, logger } = around;
  const reader = createAuditReader(around.log);
  const record = async (event: Pick<NewEvent, 'tool' | 'input'>, actor: Actor = self): Promise<void> => {
    const { store: id, generation } = store?.state() ?? {};
    await writer.append({ phase: 'event', result: 'ok', tool: event.tool, input: { ...event.input, store: id ?? null, generation: generation ?? null }, actor });
  };
  let store: CredentialStore | undefined;
  store = await openCredentials({
    folder: join(configDir, credentialsFolder), files: realFiles(), machineId: () => machineId(), costs: defaultCosts,
    now: () => new Date().toISOString(),
    remembered: () => rememberedIn(reader, logger),
    schedule: around.schedule,
    used: ({ holder, names }) => record({ tool: 'credential.used', input: { holder, names } }),
    refused: ({ holder, names }, error) => refusals.note({ actor: self, tool: 'credential.used', input: { holder, names: names.slice(0, 50) }, rule: `credential.${error.code}`, reason: error.message }),
    changed: () => audience.tellSoon('credentials/changed', () => (store as CredentialStore).state()),
  });
  const { state, message, remarks } = store.state();
  for (const remark of remarks) logger.warn('the store of credentials was repaired', { remark });
  if (state === 'refused') logger.error('the store of credentials is refused', { why: message });
  // Says where the store stands, so that an older copy is known by it, also one that is put back while nothing runs.
  if (state !== 'empty') await record({ tool: 'credential.opened', input: { state } }).catch(() => undefined); // a log that cannot be written says so elsewhere
  return { store, handlers: handlersOf({ store, writer, configDir, refusals, record, actorOf }) };
}

type Handling = Readonly<{ store: CredentialStore; writer: AuditWriter; configDir: string; refusals: RefusalLog; record(event: Pick<NewEvent, 'tool' | 'input'>, actor: Actor): Promise<void>; actorOf(guest: Guest): Actor }>;

function handlersOf({ store, writer, configDir, refusals, record, actorOf }: Handling): CredentialHandlers {
  // Nothing changes that could not be recorded; and what was changed is recorded with the generation that it led to.
  const change = async <Value>(guest: Guest, tool: string, work: () => Promise<Value>, told: (value: Value) => Readonly<Record<string, unknown>>): Promise<Value> => {
    const { health } = writer.state();
    if (health.state !== 'healthy') throw new ConductorError('AUDIT_UNAVAILABLE', 'The audit log cannot be written, so no credential is touched.');
    const value = await work();
    await record({ tool, input: told(value) }, actorOf(guest));
    return value;
  };
  // A window that has gone would never take its key along.
  const bringer = ({ role, connection }: Guest, { signal }: Asker): number | 'stays' => {
    if (role === 'editor' && signal.aborted) throw new ConductorError('CANCELLED', 'The window that brought this key has gone.');
    return role === 'editor' ? connection : 'stays';
  };
  return {
    'credentials/list': () => store.state(),
    'credentials/set': async ({ name, value }, guest) => {
      const bytes = Buffer.from(value);
      try {
        return { done: await change(guest, 'credential.set', () => store.set(name, bytes), (done) => ({ name, done })) };
      } finally {
        bytes.fill(0);
      }
    },
    'credentials/delete': async ({ name }, guest) => ({ deleted: await change(guest, 'credential.deleted', () => store.delete(name), (deleted) => ({ name, deleted })) }),
    'credentials/rotate': async (_, guest) => {
      await change(guest, 'credential.rotated', () => store.renew(), () => ({}));
      return { credentials: store.list().length };
    },
    'credentials/offerKey': async (offered, guest, asker) => {
      const slot = await change(guest, 'credential.unlocked', () => store.offer(offered, bringer(guest, asker)), slotInput).catch((thrown: unknown) => {
        const { code, message } = toConductorError(thrown);
        // A window that looks whether there is a store for its key is no attempt.
        if (code !== 'NOT_FOUND') refusals.note({ actor: actorOf(guest), tool: 'credential.unlocked', input: {}, rule: `credential.${code}`, reason: message });
        throw thrown;
      });
      return { slot: viewOf(store, slot) };
    },
    'credentials/addSlot': async (asked, guest, asker) => ({ slot: viewOf(store, await change(guest, 'credential.slotAdded', () => store.addSlot(asked, bringer(guest, asker)), slotInput)) }),
    'credentials/removeSlot': async ({ id }, guest) => ({ removed: viewOf(store, await change(guest, 'credential.slotRemoved', () => store.removeSlot(id), slotInput)) }),
    'credentials/import': (_, guest) => {
      const folder = join(configDir, oldFolder);
      const old = { folder, files: realFiles(), secrets: () => oldMachineSecrets(folder) };
      return change(guest, 'credential.imported', () => importOld(old, store, new Date()), ({ imported, kept, problems, movedTo }) => ({ names: imported.slice(0, 200), kept: kept.length, problems: problems.length, moved: movedTo !== null }));
    },
    'credentials/accept': async ({ reason }, guest) => {
      await change(guest, acceptedTool, () => store.accept(), () => ({ reason }));
      return { generation: store.state().generation ?? 0 };
    },
  };
}

function slotInput({ id, kind }: Slot): Readonly<Record<string, unknown>> {
  return { slot: id, kind };
}

function viewOf(store: CredentialStore, { id, kind, createdAt }: Slot): SlotView {
  return store.state().slots.find((slot) => slot.id === id) ?? { id, kind, createdAt, atHand: false, trouble: null };
}

/** The store that the newest 64 MiB of the log name last, unless somebody said since that none is right. A log that cannot be read names none, and is told. */
async function rememberedIn(reader: AuditReader, logger: Logger): Promise<RememberedStore | undefined> {
  const page = await reader.page({ filter: { tool: 'credential', phase: 'event' }, limit: 1_000 }).catch((thrown: unknown) => {
    logger.error('the audit log cannot tell whether an older store of credentials was put back', { error: toConductorError(thrown).message });
    return { items: [] };
  });
  const events = page.items.flatMap(({ entry }) => (entry?.phase === 'event' ? [entry] : []));
  const begun = events.findIndex(({ tool, input }) => tool === acceptedTool && input['store'] === null);
  const since = begun === -1 ? events : events.slice(0, begun);
  const store = since.map(({ input }) => input['store']).find((id) => typeof id === 'string');
  if (store === undefined) return undefined;
  const generations = since.flatMap(({ input }) => (input['store'] === store && typeof input['generation'] === 'number' ? [input['generation']] : []));
  return { store, generation: Math.max(0, ...generations) };
}
