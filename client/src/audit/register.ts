import { commands as editorCommands, window, workspace, type Memento } from 'vscode';
import type { AuditFilter, AuditRow } from '../../../protocol/src/audit/query';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import type { AuditHealth } from '../../../protocol/src/messages';
import { messageOf, type Broker } from '../broker';
import { commands, contextKeys, settings, views, type CommandId } from '../ids';
import type { Secrets } from '../credentials/logKeys';
import { Lifetime, after } from '../lifetime';
import { EntryDocuments } from './entryDocument';
import { pickFilter } from './filterPicker';
import { Marks } from './marks';
import { registerLogFiles } from './logFiles';
import { Memory, hashOfLine } from './memory';
import { AuditModel } from './model';
import { AuditProblems } from './problems';
import { Schedule } from './schedule';
import { searchEntries } from './search';
import { lazySigner, type LogSigner } from './lazySigner';
import { AuditTree } from './tree';
import { createTurns, type Turns } from './turns';
import { tellWrong, verifyLog, verifyQuietly } from './verify';

/** The commands of this folder. */
export type AuditCommand = Extract<CommandId, `conductor.audit.${string}`>;

/** The feature "audit" as the rest of the extension sees it. */
export type Audit = Readonly<{
  marks: Marks;
  tree: AuditTree;
  /** Called when something is found to be wrong, or found to be right again. */
  onChange: (listener: () => void) => void;
  handlers: Readonly<Record<AuditCommand, (...args: unknown[]) => unknown>>;
}>;

const gatherMs = 250;
/** Milliseconds that the days of a filter may take to be counted before those that are known by then are shown. */
const soonMs = 80;
/** Most findings whose days and hours are looked up. */
const mostPlaced = 20;

/** Everything that the commands of this folder work with. */
type Room = Readonly<{ broker: Broker; memory: Memory; signer: LogSigner; model: AuditModel; marks: Marks; tree: AuditTree; documents: EntryDocuments; turns: Turns; marksChanged: () => void }>;

/** Shows the log, follows it, verifies it and remembers how long it was. */
export function registerAudit(broker: Broker, { globalState, secrets }: Readonly<{ globalState: Memento; secrets: Secrets }>, life: Lifetime): Audit {
  const marks = new Marks();
  const model = new AuditModel({
    buckets: (filter, by) => broker.request('audit/buckets', { filter, by, ...(by === 'day' ? { withinMs: soonMs } : {}) }),
    page: (filter, before, limit) => broker.request('audit/page', { filter, limit, ...(before === undefined ? {} : { before }) }),
  }, () => tree.refresh());
  const tree = life.add(new AuditTree(model, marks, () => broker.link().kind === 'connected'));
  const problems = life.add(new AuditProblems(broker.configDir));
  const listeners: (() => void)[] = [];
  const marksChanged = (): void => {
    problems.show(marks);
    void editorCommands.executeCommand('setContext', contextKeys.tampered, marks.notice() !== undefined);
    tree.refresh();
    for (const listener of listeners) listener();
  };
  const hashAt = async (seq: number): Promise<string | undefined> => hashOfLine((await broker.request('audit/entry', { seq })).line);
  const signer = lazySigner(secrets, hashAt);
  broker.answer('audit/sign', (request) => signer.answer(request));
  const room: Room = { broker, memory: new Memory(globalState, broker.configDir), signer, model, marks, tree, documents: life.add(new EntryDocuments(broker, marks)), turns: createTurns(), marksChanged };
  follow(room, life);
  schedule(room, globalState, life);
  registerLogFiles(broker.configDir, life);
  return { marks, tree, onChange: (listener) => void listeners.push(listener), handlers: handlersOf(room) };
}

/** Draws anew after each connection and each burst of entries, and remembers the longest log seen. */
function follow(room: Room, life: Lifetime): void {
  let timer: NodeJS.Timeout | undefined;
  life.onEnd(() => clearTimeout(timer));
  life.add(
    room.broker.onLink((link) => {
      room.model.show(room.model.filter);
      room.tree.refresh();
      if (link.kind === 'connected') void compare(room);
    }),
  );
  life.add(
    room.broker.on('audit/appended', (health) => {
      clearTimeout(timer);
      timer = setTimeout(() => void caughtUp(room, health), gatherMs);
    }),
  );
}

/** Verifies after each connection and as often as the setting says. */
function schedule(room: Room, store: Memento, life: Lifetime): void {
  const everyMinutes = (): number => Math.max(0, workspace.getConfiguration().get<number>(settings.verifyEvery) ?? 60);
  const verifyNow = async (): Promise<VerificationReport | undefined> => {
    const inForce = room.turns.begin();
    const report = await verifyQuietly(room);
    if (report !== undefined && inForce()) await mark(room, report);
    return report;
  };
  const own = life.add(new Schedule({ verify: verifyNow, tell: (report) => tellWrong(report, room), everyMinutes, later: after, store, configDir: room.broker.configDir }));
  life.add(room.broker.onLink(({ kind }) => (kind === 'connected' ? own.connected() : own.disconnected())));
  life.add(workspace.onDidChangeConfiguration((change) => (change.affectsConfiguration(settings.verifyEvery) && room.broker.link().kind === 'connected' ? own.restart() : undefined)));
}

async function caughtUp(room: Room, health: AuditHealth): Promise<void> {
  try {
    room.tree.refresh(await room.model.appended());
    await hear(room, health);
    if (health.health === 'ok' && room.marks.notice() === undefined) await room.memory.keep(health);
  } catch {
    // The connection ended meanwhile; the next one draws everything anew.
  }
}

/** A log that the broker refuses is marked at once, and then where it is damaged; one that it accepts again loses those marks. */
async function hear(room: Room, health: AuditHealth): Promise<void> {
  if (!room.marks.told(health)) return;
  room.marksChanged();
  const { refused } = room.marks;
  const inForce = room.turns.begin();
  const report = await verifyQuietly(room);
  if (report !== undefined && inForce() && refused === room.marks.refused) await mark(room, report);
}

/** After connecting: does the log still contain what this editor saw? Only then is more remembered. */
async function compare(room: Room): Promise<void> {
  try {
    const { audit } = await room.broker.request('conductor/status', {});
    await hear(room, audit);
    if (audit.health !== 'ok') return;
    const result = await room.memory.compare(audit, async (seq) => hashOfLine((await room.broker.request('audit/entry', { seq })).line));
    const kept = room.memory.recall()?.entries ?? 0;
    if (result === 'shorter') room.marks.lost(`Entries missing: this editor remembers ${kept}, the log has ${audit.entries}`);
    else if (result === 'different') room.marks.lost(`Not the same log: entry ${kept} is not the one that this editor remembers`);
    else return await room.memory.keep(audit);
    room.marksChanged();
  } catch {
    // Not knowing changes nothing: what is remembered stays, and a verification compares again.
  }
}

function handlersOf(room: Room): Audit['handlers'] {
  return {
    [commands.verify]: () => verify(room),
    [commands.filter]: () => filter(room),
    [commands.clearFilter]: () => applyFilter(room, {}),
    [commands.search]: () => search(room),
    [commands.refresh]: () => applyFilter(room, room.model.filter),
    [commands.loadMore]: (key, what) => loadMore(room, key, what),
    [commands.openEntry]: (seq, form) => openEntry(room, seq, form),
    [commands.openSnapshot]: (hash) => (typeof hash === 'string' ? room.documents.openSnapshot(hash) : undefined),
    [commands.showCall]: (call) => showCall(room, call),
    [commands.revealEntry]: (seq) => revealEntry(room, seq),
    [commands.startNew]: () => startNew(room),
  };
}

async function verify(room: Room): Promise<unknown> {
  const inForce = room.turns.begin();
  const report = await verifyLog(room);
  if (report === undefined) return undefined;
  if (inForce()) await mark(room, report);
  return report;
}

/** Marks what a verification found: the rows, the days and hours that hold them; and brings the first into sight without taking the focus. */
async function mark(room: Room, report: VerificationReport): Promise<void> {
  room.marks.verified(report);
  room.marksChanged();
  const numbers = room.marks.all().slice(0, mostPlaced).map(([entry]) => entry);
  if (numbers.length === 0) return;
  const entries = await Promise.all(numbers.map((entry) => entryAt(room, entry)));
  room.marks.placed(entries.filter((row) => row !== undefined));
  room.tree.refresh();
  const [first] = entries;
  if (first !== undefined) await bringIntoSight(room, first);
}

/** The entry with a number; the one before it when nobody can read it, or at the end of a log that was cut. */
async function entryAt({ broker }: Room, entry: number): Promise<AuditRow | undefined> {
  const { rows } = await broker.request('audit/page', { filter: {}, before: entry + 1, limit: 5 });
  return rows.find(({ timestamp }) => timestamp !== '');
}

async function filter(room: Room): Promise<void> {
  const chosen = await pickFilter(room.model.filter, () => room.broker.request('audit/values', {}));
  if (chosen !== undefined) applyFilter(room, chosen);
}

function applyFilter(room: Room, chosen: AuditFilter): void {
  room.model.show(chosen);
  void editorCommands.executeCommand('setContext', contextKeys.filtered, Object.keys(chosen).length > 0);
  room.tree.refresh();
}

async function search(room: Room): Promise<void> {
  const row = await searchEntries(room.broker);
  if (row === undefined) return;
  await room.documents.open(row.seq);
  await bringIntoSight(room, row);
}

/** Shows the row of an entry in the view without taking the focus, where the view is open. */
async function bringIntoSight({ tree, model }: Room, row: AuditRow): Promise<void> {
  const node = tree.visible ? await model.find(row) : undefined;
  if (node !== undefined) await tree.reveal(node);
}

/** Shows the view with the row of an entry; a filter that hides it is taken away. */
async function revealEntry(room: Room, seq: unknown): Promise<void> {
  if (typeof seq !== 'number') return;
  const row = await entryAt(room, seq);
  if (row === undefined) return;
  if (Object.keys(room.model.filter).length > 0 && (await room.model.find(row)) === undefined) applyFilter(room, {});
  await editorCommands.executeCommand(`${views.audit}.focus`);
  const node = await room.model.find(row);
  if (node !== undefined) await room.tree.reveal(node);
}

/** Shows only the entries of one call. */
async function showCall(room: Room, call: unknown): Promise<void> {
  if (typeof call !== 'string') return;
  applyFilter(room, { call });
  await editorCommands.executeCommand(`${views.audit}.focus`);
}

async function loadMore(room: Room, key: unknown, what: unknown): Promise<void> {
  const bucket = await room.model.bucket(key);
  if (bucket === undefined) return;
  if (what === 'newest') await room.model.showNewest(bucket);
  else await room.model.loadMore(bucket);
  room.tree.refresh(bucket);
}

/** Opens an entry; without a number, the first place where the chain is broken. */
async function openEntry(room: Room, seq: unknown, form: unknown): Promise<void> {
  const number = typeof seq === 'number' ? seq : room.marks.first()?.entry;
  if (number === undefined) await verify(room);
  else await room.documents.open(number, form === 'json' ? 'json' : 'txt');
}

async function startNew(room: Room): Promise<void> {
  const reason = await window.showInputBox({
    title: 'Conductor: Start New Audit Log',
    prompt: 'The present log is kept under another name. Why is a new one needed? The new log begins with your answer.',
    validateInput: (text) => (text.trim() === '' || text.length > 500 ? 'Write 1 to 500 characters.' : undefined),
  });
  if (reason === undefined) return;
  try {
    const { movedTo } = await room.broker.request('audit/startNew', { reason: reason.trim() });
    await room.memory.forget();
    room.marks.clear();
    applyFilter(room, {});
    room.marksChanged();
    void window.showInformationMessage(`Conductor: a new audit log begins. The earlier one is kept at ${movedTo}.`);
  } catch (error) {
    void window.showErrorMessage(`Conductor: no new audit log. ${messageOf(error)}`);
  }
}
