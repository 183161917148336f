import { dirname } from 'node:path';
import type { Approvers } from '../approvals/approvers';
import type { Answer, Question } from '../approvals/question';
import { approverId, fingerprintText, holdsKey, keyChangeDigest, type ApproverKey, type ApproverPlace, type KeyChange, type Registration, type RegistrationState } from '../../../protocol/src/approvers';
import type { NewEvent } from '../../../protocol/src/audit/entry';
import { ConductorError } from '../../../protocol/src/errors';
import type { NotificationParams } from '../../../protocol/src/messages';
import type { AuditReader } from '../audit/read/reader';
import { storedApproval } from '../call/recorder';
import { approvalOf } from '../call/asking';
import type { Handlers } from '../doors/requests';
import type { Guest } from '../doors/socket';
import { actorOf } from './actor';
import type { Built } from './rooms';

/**
 * Registers the keys with which people sign. The first key of all is believed and shown to everybody; every further one, and each removal,
 * is a question on the desk that only a registered key can approve. All of it is in the log before it counts.
 */

/** What the registering of keys needs of the house. */
export type KeyRooms = Pick<Built, 'approvers' | 'desk' | 'config' | 'writer' | 'audience' | 'self'> & Readonly<{ configDir: string; /** Makes the id of a question. */ newId(): string }>;

type KeyHandlers = Pick<Handlers, 'approvals/register' | 'approvals/keys' | 'approvals/removeKey' | 'approvals/resetKeys'>;

/** The answers to messages about keys, and what to do when a connection ends. */
export type ApproverKeys = Readonly<{ handlers: KeyHandlers; left(connection: number): void }>;

/** Builds them. */
export function createApproverKeys(rooms: KeyRooms): ApproverKeys {
  const changes = new KeyChanges(rooms);
  return {
    handlers: {
      'approvals/register': (registration, guest) => changes.register(registration, guest),
      'approvals/keys': () => keysOf(rooms),
      'approvals/removeKey': ({ id }, guest) => changes.remove(id, guest),
      'approvals/resetKeys': ({ reason }, guest) => changes.reset(reason, guest),
    },
    left: (connection) => changes.left(connection),
  };
}

/** Keeps the keys that the log tells of and the file does not, because the broker ended in between. A log that cannot be read leaves them as they are. */
export async function finishKeyChange(approvers: Approvers, reader: Pick<AuditReader, 'page'>): Promise<void> {
  const announced = approvers.announced();
  if (announced === undefined) return;
  const page = await reader.page({ filter: { tool: 'approver', phase: 'event' }, limit: 1_000 }).catch(() => undefined);
  if (page?.items.some(({ entry }) => entry?.id === announced.id) === true) approvers.keep(announced.keys);
}

function isLast({ approvers }: KeyRooms, { id }: ApproverKey): boolean {
  return approvers.list().every((one) => one.id === id);
}

function keysOf({ approvers, config }: KeyRooms): NotificationParams<'approvals/keysChanged'> {
  return { keys: [...approvers.list()], problem: approvers.problem() ?? null, requireSigned: config.current().config.approvals.requireSigned };
}

class KeyChanges {
  /** What is being asked or was refused in this broker's life, by key, so that a window that reconnects asks nobody twice. */
  readonly #asked = new Map<string, 'asked' | 'refused'>();
  readonly #visits = new Map<number, AbortController>();
  /** One change at a time: of two first keys only one is the first. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(readonly rooms: KeyRooms) {}

  register(registration: Registration, guest: Guest): Promise<RegistrationState> {
    return this.#inTurn(async () => {
      const { approvers } = this.rooms;
      const problem = approvers.problem();
      if (problem !== undefined) throw new ConductorError('CONFIG_INVALID', `No key can be registered: ${problem}`, { next: 'Put the file back, or begin anew with "conductor approvals keys reset".' });
      const key = keyOf(registration, guest);
      const shown = fingerprintText(key.id);
      if (approvers.find(key.id) !== undefined) return { state: 'registered', key: key.id, message: `The key ${shown} is registered.` };
      if (approvers.list().length === 0) return await this.#believe(key, guest);
      if (this.#asked.get(key.id) === 'refused') return { state: 'refused', key: key.id, message: `The key ${shown} was refused. Restart the broker to ask again.` };
      if (this.#asked.get(key.id) === undefined) this.#ask('approvals.addKey', key, guest);
      return { state: 'asked', key: key.id, message: `The key ${shown} must be approved with a registered key first; the question waits like any other.` };
    });
  }

  async remove(id: string, guest: Guest): Promise<{ message: string }> {
    const key = this.rooms.approvers.list().find((one) => one.id === id);
    if (key === undefined) throw new ConductorError('NOT_FOUND', `There is no registered key ${id.slice(0, 64)}.`);
    if (isLast(this.rooms, key)) throw new ConductorError('INVALID_INPUT', 'This is the only registered key. Without one the next that comes would be believed unasked.', { next: 'Register another key first, or begin anew with "conductor approvals keys reset".' });
    this.#ask('approvals.removeKey', key, guest);
    return Promise.resolve({ message: `Removing the key ${fingerprintText(id)} must be approved with a registered key; the question waits like any other.` });
  }

  reset(reason: string, guest: Guest): Promise<{ removed: number }> {
    return this.#inTurn(async () => {
      const { approvers } = this.rooms;
      const removed = approvers.list().length;
      await this.#change([], { tool: 'approver.reset', input: { reason, removed: approvers.list().map(({ id }) => id) } }, guest);
      this.#asked.clear();
      return { removed };
    });
  }

  left(connection: number): void {
    this.#visits.get(connection)?.abort();
    this.#visits.delete(connection);
  }

  async #believe(key: ApproverKey, guest: Guest): Promise<RegistrationState> {
    await this.#change([key], { tool: 'approver.added', input: { ...key } }, guest);
    return { state: 'first use', key: key.id, message: `The key ${fingerprintText(key.id)} is the first one, so it is trusted from now on. It is noted in approvers.json and in the audit log; every further key needs its approval.` };
  }

  #ask(change: KeyChange, key: ApproverKey, guest: Guest): void {
    const { desk, config } = this.rooms;
    const visit = this.#visits.get(guest.connection) ?? new AbortController();
    this.#visits.set(guest.connection, visit);
    const question = questionOf(change, key, guest, this.rooms);
    this.#asked.set(key.id, 'asked');
    void desk.ask(question, { timeoutMs: config.current().config.approvalTimeout, signal: visit.signal, connection: -guest.connection }).then((answer) =>
      this.#inTurn(() => this.#answered(change, key, question.id, answer, guest)).catch(() => this.#asked.delete(key.id)),
    );
  }

  async #answered(change: KeyChange, key: ApproverKey, question: string, answer: Answer, guest: Guest): Promise<void> {
    const { approvers } = this.rooms;
    const approval = approvalOf(question, answer);
    const by = answer.kind === 'approved' ? keyIn(answer.signed?.statement) : undefined;
    this.#asked.delete(key.id);
    // The desk takes only signed answers to such a question; without a signature in hand nothing changes, whatever it says. The last key stays.
    if (by === undefined || approvers.find(by) === undefined || (change === 'approvals.removeKey' && isLast(this.rooms, key))) {
      if (change === 'approvals.addKey' && answer.kind === 'denied' && answer.by.role !== 'broker') this.#asked.set(key.id, 'refused');
      await this.#record({ tool: 'approver.refused', input: { change, ...key }, result: 'denied', ...storedApproval(approval) }, guest);
      return;
    }
    const added: ApproverKey = { ...key, trust: by };
    const input = change === 'approvals.addKey' ? { ...added } : { ...key, by };
    const others = approvers.list().filter(({ id }) => id !== key.id);
    const entry = { tool: change === 'approvals.addKey' ? 'approver.added' : 'approver.removed', input, ...storedApproval(approval) };
    await this.#change(change === 'approvals.addKey' ? [...others, added] : others, entry, guest);
  }

  /** The log first, and the file after it; what was announced lets the next start finish what a crash cut off in between. */
  async #change(keys: readonly ApproverKey[], entry: Pick<NewEvent, 'tool' | 'input' | 'approval'>, guest: Guest): Promise<void> {
    const { approvers, audience, newId } = this.rooms;
    const id = newId();
    approvers.announce(keys, id);
    await this.#record({ ...entry, id }, guest);
    approvers.keep(keys);
    audience.tell('approvals/keysChanged', keysOf(this.rooms));
  }

  async #record(entry: Pick<NewEvent, 'id' | 'tool' | 'input' | 'approval'> & { result?: 'denied' }, guest: Guest): Promise<void> {
    const { writer, self } = this.rooms;
    await writer.append({ phase: 'event', result: 'ok', ...entry, actor: actorOf(guest, { self }) });
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function keyOf(registration: Registration, guest: Guest): ApproverKey {
  const place: ApproverPlace = guest.role === 'editor' ? 'editor' : 'terminal';
  if (!holdsKey(registration, place)) throw new ConductorError('UNAUTHORIZED', 'The registration is not signed by the key that it names.');
  const { publicKey, name } = registration;
  return { id: approverId(Buffer.from(publicKey, 'base64')), place, name, publicKey, addedAt: new Date().toISOString(), trust: 'first use' };
}

function questionOf(change: KeyChange, key: ApproverKey, guest: Guest, { newId, config, configDir, self }: KeyRooms): Question {
  const adding = change === 'approvals.addKey';
  const shown = fingerprintText(key.id);
  const digest = keyChangeDigest(change, key);
  return {
    id: newId(), tool: change, digest,
    title: adding ? 'Let another key approve calls' : 'Let a key no longer approve calls',
    raw: `${adding ? 'add' : 'remove'} approver key ${shown} (${key.place}, ${key.name})`,
    cwd: configDir, project: dirname(configDir),
    details: [['Key', shown], ['Place', key.place === 'editor' ? "an editor's secret storage" : 'a key file, which every program of yours can read: the weaker place'], ['Name that it gives itself', key.name], ['Public key', key.publicKey]],
    rule: 'approvals.keys', reason: adding ? 'Whoever holds this key could approve calls from then on. Compare it with what that window or terminal shows.' : 'What this key signs would no longer count.',
    client: actorOf(guest, { self }).client ?? guest.role, signedOnly: true,
    // No tool stands behind it; the digest names the change and the key.
    binding: { policy: config.current().state.policyHash, tool: digest },
  };
}

function keyIn(statement: string | undefined): string | undefined {
  return /\nkey ([0-9a-f]{32})\n$/.exec(statement ?? '')?.[1];
}
