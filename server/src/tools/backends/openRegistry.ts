import { join } from 'node:path';
import type { NewEvent } from '../../../../protocol/src/audit/entry';
import { unanswered, withFields } from '../../../../protocol/src/backendFields';
import type { Backend as Profile } from '../../../../protocol/src/backends';
import type { Actor } from '../../../../protocol/src/call';
import type { Config } from '../../../../protocol/src/config';
import { ConductorError } from '../../../../protocol/src/errors';
import type { ExternalPolicy, Rate } from '../../../../protocol/src/externalPolicy';
import type { FollowOptions, Held } from '../../config/follow';
import type { PathPlatform } from '../../rules/pathText';
import { heldInClear } from '../../rules/backends/clearSecrets';
import type { LaunchIdentity, ToolDescriptor } from '../../rules/backends/identity';
import { modeOf, skipped, type ExternalMode } from '../../rules/backends/mode';
import { withinRate } from '../../rules/backends/rate';
import { markText } from '../../rules/backends/unseen';
import { tighten } from '../../rules/backends/tighten';
import { judgeExternal, type ExternalVerdict, type PolicyState, type PreflightState } from '../../rules/backends/verdict';
import { followExternalFiles, type ExternalFiles } from './files';
import { lookAtLaunch, type Launch } from './launch';
import { instructionsName, isSaid, promptOf, promptPin } from './said';
import { useNames } from './methods';
import { pinFileAt, pinFileName } from './pinFile';
import { Pins } from './pins';
import { createProjectFiles, type ProjectFile } from './projectFiles';
import type { Registry, Wish } from './registry';

/** What the registry needs of the house. */
export type RegistryNeeds = Readonly<{
  configDir: string;
  controlKey: Uint8Array;
  /** The settings in force. */
  settings(): Config['externalMcp'];
  /** The environment of the broker. */
  environment: Readonly<Record<string, string | undefined>>;
  record(event: NewEvent): Promise<unknown>;
  /** The newest generation of the file of approvals that the log names; undefined where it names none. */
  newestPins?(): Promise<number | undefined>;
  self: Actor;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since 1970. */
  wallNow(): number;
  timing?: Pick<FollowOptions<Held>, 'debounceMs' | 'pollMs' | 'settleMs'>;
}>;

/** The registry with what people see and decide of it. */
export type OpenRegistry = Registry &
  Readonly<{
    files: ExternalFiles;
    pins: Pins;
    mode(): ExternalMode;
    /** Every backend of the user's file, also what is switched off or waits for approval. */
    known(): ReadonlyMap<string, Profile>;
    /** How a backend would be started or reached now, looked at afresh where files changed; undefined for one that is not known. */
    launch(backend: string): Promise<Launch | undefined>;
    /** The tools that a backend offered last; undefined before that. */
    offered(backend: string): readonly ToolDescriptor[] | undefined;
    /** Names of required variables that are not set. */
    missingEnv(backend: string, project?: string): readonly string[];
    preflighted(backend: string, passed: boolean): void;
    preflight(backend: string): PreflightState;
    /** Milliseconds since the last preflight; undefined when there was none. */
    preflightAge(backend: string): number | undefined;
    /** Hears that the settings may be others. */
    settingsChanged(): void;
    /** Reads both files now; resolves when what they say is in force. */
    reload(): Promise<void>;
    close(): void;
  }>;

/** Milliseconds for which one call need not be judged again, as long as nothing changed that this process knows of. */
const sameMomentMs = 1;

/** Rules by which agents do not even see a tool. */
const hiddenBy: ReadonlySet<string> = new Set(['external.off', 'external.unreadable', 'external.disabled', 'external.quarantined', 'external.backendUnknown', 'external.notListed', 'external.denied', 'external.track', 'external.toolChanged']);

const platform: PathPlatform = process.platform === 'win32' ? 'win32' : process.platform === 'darwin' ? 'darwin' : 'linux';

/** Opens the registry of a configuration folder. Never rejects: what cannot be read leaves nothing external. */
export async function openRegistry(needs: RegistryNeeds): Promise<OpenRegistry> {
  const listeners = new Set<() => void>();
  let generation = 0;
  const tell = (): void => {
    generation += 1;
    listeners.forEach((listener) => listener());
  };
  const newest = await needs.newestPins?.();
  const pins = new Pins({ ...(newest === undefined ? {} : { newest }), file: pinFileAt(join(needs.configDir, pinFileName), needs.controlKey), record: needs.record, self: needs.self, now: () => new Date(needs.wallNow()).toISOString(), onChange: tell });
  const launches = new Map<string, Readonly<{ profile: Profile; launch: Launch }>>();
  const offered = new Map<string, readonly ToolDescriptor[]>();
  const flights = new Map<string, Readonly<{ passed: boolean; at: number; identity: string }>>();
  const spent = new Map<string, readonly number[]>();
  const projectFiles = createProjectFiles(needs.configDir);
  const files = await followExternalFiles(needs.configDir, () => {
    const [backends, policy] = [files.backends.current().state, files.policy.current().state];
    const input = { backends: backends.policyHash, policy: policy.policyHash, problems: backends.problems.length + policy.problems.length };
    needs.record({ phase: 'event', tool: 'backend.filesChanged', input, result: 'ok', actor: needs.self }).catch(() => undefined);
    void refresh();
  }, needs.timing);
  let settings = JSON.stringify(needs.settings());
  let present: ReadonlyMap<string, Profile> = new Map();

  const usable = createUsable();
  const completed = createCompleted();

  const profileOf = (backend: string): Profile | undefined => present.get(backend);
  const mode = createMode(needs);

  /** Looks at what changed, and only then lets the new profiles hold: nothing runs under an identity that nobody looked at. */
  const refresh = async (): Promise<void> => {
    const { value, state } = files.backends.current();
    const next = new Map(Object.entries(value.backends).map(([name, profile]) => [name, completed(name, profile)] as const));
    await Promise.all([...next].map(async ([name, profile]) => {
      const known = launches.get(name);
      if (known?.profile === profile && known.launch.stands()) return;
      launches.set(name, { profile, launch: await lookAtLaunch(profile, needs.controlKey) });
    }));
    // A later change is looked at by a refresh of its own.
    if (files.backends.current().state.policyHash !== state.policyHash) return;
    for (const name of launches.keys()) if (!next.has(name)) launches.delete(name);
    present = next;
    tell();
  };

  const launchOf = async (backend: string): Promise<Launch | undefined> => {
    const profile = profileOf(backend);
    if (profile === undefined) return undefined;
    const known = launches.get(backend);
    if (known?.profile === profile && known.launch.stands()) return known.launch;
    const launch = await lookAtLaunch(profile, needs.controlKey);
    launches.set(backend, { profile, launch });
    tell();
    return launch;
  };

  const identityOf = (backend: string): LaunchIdentity | undefined => launches.get(backend)?.launch.identity;

  const quarantined = (backend: string): ConductorError | undefined => {
    const profile = profileOf(backend);
    const known = launches.get(backend);
    if (profile === undefined || known === undefined) return quarantine(`There is no server ${backend}.`);
    if (!mode().enabled || !profile.enabled) return quarantine(`The server ${backend} is switched off.`);
    const clear = heldInClear(backend, profile);
    if (clear !== undefined) return new ConductorError('BACKEND_QUARANTINED', clear.says, { data: { clear: true }, next: clear.next });
    if (known.profile !== profile || !known.launch.stands()) {
      void launchOf(backend);
      return quarantine(`The program of ${backend} changed on the disk and is looked at.`);
    }
    const state = pins.state(backend, known.launch.identity.hash);
    if (state === 'approved') return undefined;
    return quarantine(state === 'new' ? `The server ${backend} waits for a person's approval.` : `The server ${backend} is started or reached in another way than was approved: ${pins.backendChanges(backend, known.launch.identity).join(' ')}`);
  };

  const missingEnv = (backend: string, project?: string): readonly string[] => {
    const profile = profileOf(backend);
    return profile === undefined ? [] : notSet(project === undefined ? profile : tighten(profile, tightenedBy(project, backend)));
  };

  const notSet = (profile: Profile): readonly string[] => {
    const { required_env: required } = profile;
    const declared = profile.transport === 'stdio' ? profile.env : {};
    return [...new Set([...required.filter((name) => (declared[name] ?? needs.environment[name] ?? '') === ''), ...unanswered(profile)])];
  };

  const tightenedBy = (project: string, backend: string, file = projectFiles(project).backends) => {
    return file.kind === 'file' && Object.hasOwn(file.value.backends, backend) ? file.value.backends[backend] : undefined;
  };

  const preflight = (backend: string): PreflightState => {
    const flight = flights.get(backend);
    const profile = profileOf(backend);
    if (flight === undefined || profile === undefined) return 'never';
    if (!flight.passed) return 'failed';
    return flight.identity !== identityOf(backend)?.hash || needs.now() - flight.at > profile.preflight.ttl_s * 1000 ? 'stale' : 'passed';
  };

  /** Judgements of a moment ago: a call that nothing holds up asks three times within microseconds. */
  const lately = new WeakMap<Wish, Readonly<{ verdict: ExternalVerdict; at: number; generation: number; policy: ExternalPolicy; settings: Config['externalMcp'] }>>();
  const judge = (wish: Wish): ExternalVerdict => {
    const now = { at: performance.now(), generation, policy: files.policy.current().value, settings: needs.settings() };
    const before = lately.get(wish);
    if (before !== undefined && now.at - before.at < sameMomentMs && before.generation === generation && before.policy === now.policy && before.settings === now.settings) return before.verdict;
    const verdict = judgeNow(wish);
    lately.set(wish, { verdict, ...now });
    return verdict;
  };

  const judgeNow = ({ backend, tool, arguments: given, project }: Wish): ExternalVerdict => {
    const { backends, policy } = projectFiles(project);
    const own = profileOf(backend);
    const held = own === undefined ? undefined : tighten(own, tightenedBy(project, backend, backends));
    const identity = identityOf(backend);
    const inForce = files.policy.current();
    const unusable = inForce.state.source === 'defaults' ? inForce.state.problems[0] : undefined;
    // A prompt is approved by itself, whatever the policy says of prompts.
    const pinned = tool === 'prompts/get' && typeof given['name'] === 'string' ? promptPin(given['name']) : tool;
    const described = offered.get(backend)?.find(({ name }) => name === pinned);
    const toolPin = useNames.has(pinned) ? 'approved' : pins.tool(backend, pinned, described);
    return judgeExternal({ backend, tool, arguments: given }, {
      policy: unusable === undefined ? { kind: 'policy', policy: inForce.value } : { kind: 'unreadable', message: `line ${String(unusable.line)}: ${unusable.message}` },
      ...projectPolicyOf(policy, backends),
      profile: held,
      backendPin: pins.state(backend, identity?.hash),
      toolPin,
      ...(toolPin === 'approved' || described === undefined ? {} : { toolChanges: pins.toolChanges(backend, offered.get(backend) ?? []).find((change) => change.tool === pinned)?.says ?? [] }),
      preflight: preflight(backend),
      missingEnv: held === undefined ? [] : notSet(held),
      mode: mode(),
      platform,
    });
  };

  const registry: OpenRegistry = {
    files, pins, mode, quarantined, judge, missingEnv, preflight,
    known: () => present,
    profiles: () => usable(present, mode().enabled),
    identity: (backend) => identityOf(backend)?.hash ?? '',
    launch: launchOf,
    offered: (backend) => offered.get(backend),
    shown: (wish) => (offered.get(wish.backend) ?? []).every((one) => one.name !== wish.tool || pins.tool(wish.backend, wish.tool, one) === 'approved') && !hiddenBy.has(judge(wish).verdict.rule),
    spend: (wish) => spend(spent, wish, judge(wish).rates, needs.now()),
    listed: (backend, tools) => {
      const before = offered.get(backend);
      offered.set(backend, tools);
      generation += 1;
      const changes = pins.toolChanges(backend, tools);
      if (changes.length === 0 || JSON.stringify(before) === JSON.stringify(tools)) return;
      const input = { backend, changes: changes.slice(0, 100).map(({ tool, kind }) => ({ tool, kind })) };
      needs.record({ phase: 'event', tool: 'backend.toolsQuarantined', input, result: 'ok', actor: needs.self }).catch(() => undefined);
    },
    approvedPrompt: (backend, prompt, name) => pins.tool(backend, promptPin(name), promptOf(prompt, name)) === 'approved',
    instructions: (backend, project) => {
      const text = quarantined(backend) === undefined ? pins.approvedTools(backend).find(({ name }) => name === instructionsName) : undefined;
      const now = offered.get(backend)?.find(({ name }) => name === instructionsName);
      if (typeof text?.['description'] !== 'string' || (offered.has(backend) && (now === undefined || pins.tool(backend, instructionsName, now) !== 'approved'))) return undefined;
      const used = pins.approvedTools(backend).some(({ name }) => !isSaid(name) && !hiddenBy.has(judge({ backend, tool: name, arguments: {}, project }).verdict.rule));
      return used ? markText(text['description']).text : undefined;
    },
    hidden: () => needs.settings().hiddenCharacters,
    approvedTools: (backend) => (quarantined(backend) === undefined ? pins.approvedTools(backend) : []),
    skipped: ({ backend, project }, why, reason) => (tightenedBy(project, backend)?.optional === false ? undefined : skipped(backend, profileOf(backend)?.optional === true, mode(), why, reason)),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    preflightAge: (backend) => {
      const flight = flights.get(backend);
      return flight === undefined ? undefined : needs.now() - flight.at;
    },
    preflighted: (backend, passed) => {
      flights.set(backend, { passed, at: needs.now(), identity: identityOf(backend)?.hash ?? '' });
      tell();
    },
    settingsChanged: () => {
      const now = JSON.stringify(needs.settings());
      if (now === settings) return;
      settings = now;
      tell();
    },
    reload: async () => {
      await Promise.all([files.backends.reload(), files.policy.reload()]);
      await refresh();
    },
    close: () => (listeners.clear(), files.close()),
  };
  await refresh();
  return registry;
}

function quarantine(message: string): ConductorError {
  return new ConductorError('BACKEND_QUARANTINED', message);
}

/** A project whose file of backends cannot be used forbids everything external in it, as one whose policy cannot be used does. */
function projectPolicyOf(policy: ProjectFile<ExternalPolicy>, backends: ProjectFile<unknown>): { projectPolicy?: PolicyState } {
  if (backends.kind === 'unusable') return { projectPolicy: { kind: 'unreadable', message: backends.message } };
  if (policy.kind === 'none') return {};
  return { projectPolicy: policy.kind === 'file' ? { kind: 'policy', policy: policy.value } : { kind: 'unreadable', message: policy.message } };
}

/** Counts a use of a tool; milliseconds to wait where a rate is full, and then nothing is counted. */
function spend(spent: Map<string, readonly number[]>, { backend, tool }: Wish, rates: readonly Rate[], now: number): number | undefined {
  if (rates.length === 0) return undefined;
  const name = JSON.stringify([backend, tool]);
  const earlier = spent.get(name) ?? [];
  const waits = rates.map((rate) => withinRate(earlier, now, rate)).flatMap((one) => (one.kind === 'full' ? [one.retryAfterMs] : []));
  if (waits.length > 0) return Math.max(...waits);
  const longest = Math.max(...rates.map(({ per_s }) => per_s)) * 1000;
  spent.set(name, [...earlier.filter((at) => at > now - longest), now]);
  return undefined;
}

/** Profiles with what their fields give; the same object as long as the file is the same. */
function createCompleted(): (name: string, profile: Profile) => Profile {
  const made = new WeakMap<Profile, Profile>();
  return (name, profile) => {
    const known = made.get(profile) ?? withFields(name, profile);
    made.set(profile, known);
    return known;
  };
}

/** The mode, worked out once for each configuration: the environment of a process stays what it is. */
function createMode({ environment, settings }: Pick<RegistryNeeds, 'environment' | 'settings'>): () => ExternalMode {
  let made: Readonly<{ of: Config['externalMcp']; mode: ExternalMode }> | undefined;
  return () => {
    const of = settings();
    if (made?.of !== of) made = { of, mode: modeOf(environment, of) };
    return made.mode;
  };
}

/** The backends that may be used; the same map as long as nothing changes. */
function createUsable(): (all: ReadonlyMap<string, Profile>, on: boolean) => ReadonlyMap<string, Profile> {
  let of: ReadonlyMap<string, Profile> | undefined;
  let made: ReadonlyMap<string, Profile> = new Map();
  const none = new Map<string, Profile>();
  return (all, on) => {
    if (!on) return none;
    if (of !== all) [of, made] = [all, new Map([...all].filter(([, { enabled }]) => enabled))];
    return made;
  };
}
