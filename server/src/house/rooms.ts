import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { ensureControlKey } from '../../../link/src/controlKey';
import type { Pending } from '../../../protocol/src/approvals';
import type { KnownHead } from '../../../protocol/src/audit/chain';
import type { NewEvent } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';
import { createTelling } from '../../../protocol/src/queue';
import { configSentence } from '../../../protocol/src/configState';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { AuditHealth } from '../../../protocol/src/messages';
import { openApprovers, type Approvers } from '../approvals/approvers';
import { createDesk, type Desk } from '../approvals/desk';
import { noGrants, type Grants } from '../approvals/grants';
import { vouch } from '../approvals/vouching';
import { headOfCheckpoints } from '../audit/checkpoints/checkpointer';
import { CheckpointStore } from '../audit/checkpoints/checkpointStore';
import { realDisk } from '../audit/files/disk';
import { eventIds } from '../audit/write/eventId';
import { createRedaction } from '../audit/content/redaction';
import { ensureSaltSecret } from '../audit/content/saltSecret';
import { openSnapshots, type Snapshots } from '../audit/content/snapshots';
import { createAuditReader } from '../audit/read/reader';
import { createShelf, type Shelf } from '../approvals/shelf';
import { createWitness, type Witness } from '../approvals/witness';
import { defaultKeeping, type Keeping } from '../audit/upkeep/newLog';
import { openAuditWriter, type AuditWriter } from '../audit/write/writer';
import { createBreakers, type Breakers } from '../breaker/breakers';
import type { Logger, LogLevel } from '../base/logger';
import { version } from '../base/version';
import type { KnownSecret } from '../rules/redaction/known';
import { ownNames } from '../call/secretArguments';
import type { Redactor } from '../rules/redaction/redactor';
import { createPipeline, type Pipeline } from '../call/pipeline';
import { createRecorder, type Log } from '../call/recorder';
import type { Rooms } from '../call/rooms';
import { openConfig, type OpenConfig } from '../config/open';
import { filesystemTools } from '../tools/filesystem/tools';
import { gitTools } from '../tools/git/tools';
import { createShellTool } from '../tools/shell/tool';
import { declareForCommands, shellSecrets } from './shellSecrets';
import { seal } from '../tools/seal';
import type { Tool } from '../tools/tool';
import type { AgentRooms } from './agents';
import { buildRegistry, preflightNeeds } from './externalServers';
import { absenceOf } from '../tools/backends/absent';
import { managingTools } from '../tools/backends/managing';
import type { FillIn } from '../tools/backends/start';
import type { OpenRegistry } from '../tools/backends/openRegistry';
import { declaring, fillerOf } from './backendSecrets';
import { admitBoth, backendOf, breakerSettings, openExternalTools, type ExternalTools } from './externalTools';
import { anchorsOf } from '../anchors/places';
import { createApproverKeys, finishKeyChange, type ApproverKeys } from './approverKeys';
import { approvedIn } from './approvedCalls';
import { createAudience, type Audience } from './audience';
import { actorOf } from './actor';
import { buildCredentials, type Credentials } from './credentials';
import { keepingOf, keepLogFiles } from './logKeeping';
import { createProvenance, type Provenance } from './provenance';
import { shownKeeper } from './shown';
import { createRefusalLog, type RefusalLog } from './refusalLog';
import { openSigning, type Signing } from './signing';
import { buildGrants, stillGranted } from './grants';
import { endOrphans, orphansSentence } from './orphans';

/** Builds the rooms that calls pass through, and introduces them to each other. */

/** What the process gives the house. */
export type Ground = Readonly<{ configDir: string; logger: Logger; /** Takes secrets out of all that leaves; the house tells it which there are. */ redactor: Redactor; setLogLevel(level: LogLevel): void }>;

const schedule = (run: () => void, ms: number): (() => void) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Every room, built. */
export type Built = Readonly<{
  registry: OpenRegistry;
  /** Puts secrets into the profile of a backend that is started. */
  fillIn: FillIn;
  clean: Redactor['value'];
  /** What people get is free of values of the store; what only has the form of a token they see, since it may be what they decide about. */
  cleanForPeople: Redactor['knownOut'];
  /** Hears each host that a program of an external server asked for in vain. */
  onRefused(backend: string, host: string): void;
  external: ExternalTools;
  self: Actor;
  config: OpenConfig;
  writer: AuditWriter;
  logFiles: { stop(): void };
  snapshots: Snapshots;
  /** Keeps what a person was shown who signed an answer. */
  keepShown(shown: Pending): void;
  provenance: Provenance;
  desk: Desk;
  shelf: Shelf;
  breakers: Breakers;
  tools: ReadonlyMap<string, Tool>;
  witness: Witness;
  grants: Grants;
  /** Heard which answers were meant to last. */
  chosen: Witness;
  approvers: Approvers;
  approverKeys: ApproverKeys;
  pipeline: Pipeline;
  /** The same decisions over rooms that leave no trace and ask nobody, for the proof of the doors; `breached` once they admitted a call. */
  proof: Readonly<{ pipeline: Pipeline; breached(): boolean }>;
  agents: Omit<AgentRooms, 'running'>;
  audience: Audience;
  signing: Signing;
  credentials: Credentials;
  /** Where doors say what they refused. */
  refusals: RefusalLog;
  /** Hears that the configuration is another; gives the function that stops it. */
  onPolicyChange: Rooms['onPolicyChange'];
  /** Keeps the token of the HTTP door out of all that leaves and out of arguments. */
  hide(httpToken: string): void;
}>;

/** Builds every room. An unusable log or configuration gives rooms that refuse and say why. */
export async function buildRooms(ground: Ground): Promise<Built> {
  const { configDir } = ground;
  const self: Actor = { role: 'broker', user: userInfo().username };
  const audience = createAudience();
  const newId = eventIds();
  const witness = createWitness();
  const policyListeners = new Set<() => void>();
  const { calls } = await endOrphans(ground);
  // The configuration is read after the log is open, because its changes are recorded.
  let keeping = (): Keeping => defaultKeeping;
  const log = join(configDir, 'audit.log');
  const store = new CheckpointStore(log, realDisk);
  const known = await headOfKept(store, ground);
  const salt = ensureSaltSecret(log);
  if (salt.lost !== undefined) ground.logger.error('what is removed from the log of this run can never be proven, because audit.salt cannot be used', { error: toConductorError(salt.lost).message });
  const { redactor } = ground;
  const own = ownSecrets(ensureControlKey(configDir), salt.secret);
  redactor.know(own);
  const redaction = createRedaction({ secret: salt.secret, known: redactor.find, knowledge: redactor.knowledge });
  const writer = await openAuditWriter({
    redact: (entry, id) => redaction.entry(entry, id),
    path: log, createdBy: `conductor ${version}`, actor: self, nextId: newId,
    ...(known === undefined ? {} : { known }),
    afterCrash: (call) => orphansSentence(calls.get(call)),
    keeping: () => keeping(),
  });
  const tellHealth = (): void => audience.tellSoon('audit/appended', () => auditHealth(writer));
  writer.onAppended(tellHealth);
  writer.onHealth(tellHealth);
  const signing = openSigning({ log, writer, store, actor: self, audience });
  const snapshots = openSnapshots(log);
  const holdsSecret = (texts: readonly string[]): boolean => {
    const entry: NewEvent = { phase: 'event', tool: 'approvals.shown', input: { texts }, result: 'ok' };
    return redaction.entry(entry, '') !== entry;
  };
  const keepShown = shownKeeper({ snapshots, holdsSecret, logger: ground.logger });
  const provenance = createProvenance(snapshots, () => ({
    breakers: breakers.views().filter(({ state, failures }) => state !== 'closed' || failures > 0).map(({ tool, state, failures }) => ({ tool, state, failures })),
    pending: desk.list().length, entries: writer.state().entries,
  }), ground.logger);
  const config = await openConfig({
    file: join(configDir, 'config.json'),
    onChange: (loaded) => {
      const { config: next, state } = loaded;
      provenance.policy(loaded);
      ground.setLogLevel(next.server.logLevel);
      audience.tell('config/changed', state);
      signing.useAnchors(anchorsOf(next.audit.anchors, log, configDir));
      breakers.settingsChanged();
      for (const listener of policyListeners) listener();
      writer.append({ phase: 'event', tool: 'config.changed', input: { source: state.source, policyHash: state.policyHash, problems: state.problems.length }, result: 'ok', actor: self }).catch(() => undefined);
    },
  });
  keeping = () => keepingOf(config.current().config);
  writer.onRotated(() => {
    const metrics = provenance.measured();
    if (metrics !== undefined) writer.append({ phase: 'event', tool: 'audit.metrics', input: { why: 'rotation', metrics: `sha256:${metrics}` }, result: 'ok', actor: self }).catch(() => undefined);
  });
  const logFiles = keepLogFiles({ path: join(configDir, 'audit.log'), writer, snapshots, self, keeping, logger: ground.logger });
  ground.setLogLevel(config.current().config.server.logLevel);
  const rounds = createWitness();
  const sealed = (tool: Tool): Tool => seal(tool, (call, prepared) => witness.take(call) || stillGranted(grants, call, prepared, config.current().config), rounds);
  const tools = new Map<string, Tool>([createShellTool(process.env['PATH'] ?? '', shellSecrets(() => credentials.store, redactor)), ...filesystemTools, ...gitTools].map((tool) => [tool.name, sealed(tool as Tool)]));
  signing.useAnchors(anchorsOf(config.current().config.audit.anchors, log, configDir));
  const now = (): number => performance.now();
  const registry = await buildRegistry(configDir, { writer, reader: createAuditReader(log), logger: ground.logger }, self, () => config.current().config.externalMcp);
  registry.onChange(() => {
    audience.tellSoon('backends/changed', () => ({}));
    // What waits for an answer may be forbidden by now.
    for (const listener of policyListeners) listener();
  });
  policyListeners.add(() => registry.settingsChanged());
  const onRefused = (backend: string, host: string): void => refusals.note({ actor: self, tool: 'backend.egress', rule: 'external.egressHost', reason: `The program of ${backend} asked for ${host}, which its egress_allowlist does not name.`, input: { backend, host } });
  const managing = managingTools({ registry, preflight: preflightNeeds({ registry, configDir, fillIn: (...asked) => fillIn(...asked), clean: redactor.value, onRefused }), record: (event) => writer.append({ ...event, actor: self }) });
  for (const tool of managing) tools.set(tool.name, sealed(tool));
  const breakers = createBreakers({ tools: [...tools.keys()], settings: () => breakerSettings(config.current().config.circuitBreaker, registry), now, schedule, onChange: (views) => audience.tell('breakers/changed', { breakers: views }) });
  const approvers = openApprovers(configDir);
  await finishKeyChange(approvers, createAuditReader(log));
  const vouching = { approvers, wallNow: Date.now, requireSigned: () => config.current().config.approvals.requireSigned };
  const telling = createTelling();
  const desk = createDesk({ now, wallNow: Date.now, schedule, nonce: () => randomBytes(32).toString('hex'), vouch: (...asked) => vouch(vouching, ...asked), onChange: (pending) => audience.tell('approvals/changed', { pending: telling(pending) }) });
  const policy: Rooms['policy'] = () => {
    const loaded = config.current();
    const { config: present, state } = loaded;
    // Before it judges anything; once it is kept this is one look into a set.
    provenance.policy(loaded);
    return { config: present, policyHash: state.policyHash, ...(state.source !== 'current' && state.problems.length > 0 ? { trouble: configSentence(state) } : {}) };
  };
  const onPolicyChange: Rooms['onPolicyChange'] = (listener) => {
    policyListeners.add(listener);
    return () => void policyListeners.delete(listener);
  };
  const shelf = createShelf();
  const chosen = createWitness();
  const grants = await buildGrants({ configDir, log, writer, audience, self, newId, chosen, requireSigned: vouching.requireSigned, onForbidden: () => policyListeners.forEach((listener) => listener()) });
  const absent: Rooms['absent'] = (tool) => {
    const backend = backendOf(tool) ?? '';
    const absence = absenceOf(registry, external.backends, backend, tool);
    // While it has no tool nothing else would ever start it again; it keeps to its pauses.
    if (absence?.code === 'BACKEND_UNAVAILABLE') external.backends.get(backend)?.shared().catch(() => undefined);
    return absence === undefined ? undefined : { kind: 'refused', ...absence };
  };
  const shared = { absent, shelf, redactor, tools, configDir, policy, onPolicyChange, newId, now, wallNow: Date.now };
  const pipeline = createPipeline({
    ...shared, desk, grants, approvedInLog: () => approvedIn(createAuditReader(log)),
    // A second look at the settings: without them the seal hears nothing.
    heardFromClient: (call) => { const { elicitation, requireSigned } = config.current().config.approvals; if (elicitation && !requireSigned) witness.heard(call); },
    admit: (tool) => admitBoth(breakers, tool),
    openFor: (tool) => { const backend = backendOf(tool); return (backend === undefined ? undefined : breakers.openFor(backend)) ?? breakers.openFor(tool); },
    recorder: provenance.counting(createRecorder(growing(writer), (call, text) => redaction.output(call, text))),
  });
  const silent = () => Promise.resolve();
  let breached = false;
  const proofPipeline = createPipeline({
    ...shared,
    grants: noGrants, approvedInLog: () => Promise.resolve([]),
    heardFromClient: () => undefined,
    desk: { ask: () => Promise.resolve({ kind: 'unavailable' }) },
    admit: () => ({ kind: 'admitted', settle: () => undefined }),
    openFor: () => undefined,
    recorder: { admitted: () => { breached = true; return Promise.reject(new Error('the proof must never be admitted')); }, finished: silent, refused: silent, parked: silent, reviewed: silent, notFetched: silent },
  });
  const refusals = createRefusalLog({
    append: (entry) => writer.append(entry), newId, self, schedule,
    failed: (thrown) => ground.logger.warn('a refusal could not be recorded', { error: toConductorError(thrown).message }),
  });
  const credentials = await buildCredentials({ configDir, log, writer, audience, refusals, self, logger: ground.logger, schedule }, (guest) => actorOf(guest, { self }));
  const declareCommands = (): void => void declareForCommands(credentials.store, config.current().config);
  policyListeners.add(declareCommands);
  declareCommands();
  let httpToken: readonly KnownSecret[] = [];
  let more = 0;
  const tellRedactor = (): void => {
    const others = [...httpToken, ...credentials.store.known()];
    // It knows its own since the log was opened, and making them ready takes a while of each start.
    if (others.length > 0 || more > 0) redactor.know([...own, ...others]);
    more = others.length;
  };
  const hide = (token: string): void => {
    httpToken = [{ name: ownNames.httpToken, value: Buffer.from(token) }];
    tellRedactor();
  };
  credentials.store.onKnown(tellRedactor);
  tellRedactor();
  const declare = declaring(credentials.store, () => registry.known());
  declare();
  // Before the servers hear of a change: what is started over it may need a credential.
  registry.onChange(declare);
  const fillIn = fillerOf(credentials.store, (backend) => external.backends.retry(backend));
  const external = openExternalTools({ configDir, registry, tools, wrap: sealed, now, fillIn, clean: redactor.value, onRefused, changed: () => audience.tellSoon('backends/changed', () => ({})) });
  const agents: Built['agents'] = {
    version, pipeline, configDir, newId, clean: redactor.value,
    onNews: (listener) => external.onNews(listener),
    passage: (project, only) => external.passage(project, only),
    ended: (connection) => {
      grants.endSession(connection);
      external.backends.leave(String(connection));
    },
    refused: (refusal) => refusals.note(refusal),
  };
  const approverKeys = createApproverKeys({ approvers, desk, config, writer, audience, newId, self, configDir });
  return { external, registry, fillIn, onRefused, clean: redactor.value, cleanForPeople: redactor.knownOut, self, config, writer, logFiles, snapshots, keepShown, provenance, desk, breakers, tools, shelf, witness, grants, chosen, approvers, approverKeys, pipeline, proof: { pipeline: proofPipeline, breached: () => breached }, agents, audience, signing, credentials, refusals, onPolicyChange, hide };
}

/** The two secrets that are always there, as bytes and as they stand in their files: whoever got hold of one must not find it again. */
function ownSecrets(controlKey: Buffer, salt: Buffer): KnownSecret[] {
  return [{ name: ownNames.controlKey, value: controlKey }, { name: ownNames.auditSalt, value: salt }].flatMap(({ name, value }) => [{ name, value }, { name, value: Buffer.from(value.toString('hex')) }]);
}

/** The second look at the log: an entry counts as written when the log is longer than before, not when somebody says so. */
function growing(writer: AuditWriter): Log {
  return {
    append: async (entry) => {
      const { entries } = writer.state();
      const placed = await writer.append(entry);
      if (writer.state().entries <= entries) throw new ConductorError('AUDIT_UNAVAILABLE', 'The audit log did not grow with an entry that was said to be written.');
      return placed;
    },
    enqueue: (entry) => writer.enqueue(entry),
  };
}

/** What the checkpoints hold the log to. A file of them that cannot be read is told, and holds it to nothing. */
async function headOfKept(store: CheckpointStore, ground: Ground): Promise<KnownHead | undefined> {
  try {
    await store.open();
    return headOfCheckpoints(store);
  } catch (thrown) {
    ground.logger.error('the checkpoints of the audit log cannot be read', { error: toConductorError(thrown).message });
    return undefined;
  }
}

/** Health of the log in the words of the message table. */
export function auditHealth(writer: AuditWriter): AuditHealth {
  const { entries, head, health } = writer.state();
  const common = { entries, head: head ?? '' };
  switch (health.state) {
    case 'healthy':
      return { ...common, health: 'ok', message: 'The audit log is written.' };
    case 'tampered':
      return { ...common, health: 'tampered', message: health.message };
    case 'failed':
      return { ...common, health: 'unavailable', message: health.message };
    case 'closed':
      return { ...common, health: 'unavailable', message: 'The broker is ending.' };
  }
}

