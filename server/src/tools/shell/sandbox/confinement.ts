import { homedir, tmpdir } from 'node:os';
import { realpathSync } from 'node:fs';
import type { LimitSettings, SandboxSettings } from '../../../../../protocol/src/confinement';
import type { Binary } from '../resolve';
import { advisory, bubblewrapArguments, examineBubblewrap, installBubblewrap, type Bubblewrap } from './bubblewrap';
import { layOut, type Ground, type Layout, type Needs } from './layout';
import { limiterFor, type Limiter } from './limits';
import { examineRuntime, findRuntime, runtimeSettings, type Runtime } from './runtime';
import { wordFor } from './word';

/** Decides how the operating system confines one command. It never makes a verdict milder. */

/** A sandbox, ready to be started: the program, and all it is told but the folder of the run. */
export type Sandbox =
  | Readonly<{ kind: 'bubblewrap'; binary: Binary; args: readonly string[] }>
  | Readonly<{ kind: 'runtime'; runtime: Runtime; /** Settings file as JSON. */ settings: string }>;

/** How one command is confined; part of the plan and of its digest. */
export type Confinement = Readonly<{
  /** One line for people: the sandbox and what it holds, or why there is none. */
  level: string;
  sandbox?: Sandbox;
  limiter?: Limiter;
  /** What a wrapper starts: a bare name, or a path where that would be ambiguous. */
  word: string;
}>;

/** What the decision rests on. */
export type Circumstances = Readonly<{ project: string; configDir: string; folders: readonly string[]; sandbox: SandboxSettings; limits: LimitSettings }>;

/** One command of a line. */
export type Confined = Readonly<{ binary: Binary; /** Programs that it will start by name. */ inner: readonly Binary[]; /** Whether a person has to approve the line. */ asks: boolean }>;

/** The confinement of a command, or why it may not run: a sandbox was asked for and there is none that holds. */
export async function confine(command: Confined, circumstances: Circumstances): Promise<Confinement | Readonly<{ refused: string }>> {
  const { sandbox, folders } = circumstances;
  const names = [command.binary, ...command.inner].map(({ name }) => name);
  const named = names.find((name) => sandbox.commands.includes(name));
  const needed = named !== undefined || sandbox.mode === 'required';
  if (!needed && sandbox.mode === 'off') return plain(command, circumstances, '');
  const found = await sandboxFor(command, circumstances);
  if ('refused' in found) return needed ? { refused: `"${named ?? command.binary.name}" must run in a sandbox. ${found.refused}` } : plain(command, circumstances, `none: ${found.refused}`);
  const { limiter } = limiterFor(circumstances.limits, folders, true);
  return { level: found.level, sandbox: found.sandbox, ...(limiter === undefined ? {} : { limiter }), word: wordFor(command.binary, folders) };
}

function plain(command: Confined, { limits, folders }: Circumstances, level: string): Confinement {
  const { limiter } = limiterFor(limits, folders, false);
  return limiter === undefined ? { level, word: command.binary.path } : { level, limiter, word: wordFor(command.binary, folders) };
}

type Refused = Readonly<{ refused: string }>;

async function sandboxFor(command: Confined, { sandbox: settings, folders, project, configDir }: Circumstances): Promise<Readonly<{ level: string; sandbox: Sandbox }> | Refused> {
  const ground: Ground = { project, configDir, home: homedir(), temporaryRoot: realpathSync.native(tmpdir()), settings };
  const binaries = [command.binary, ...command.inner];
  const git = binaries.some(({ name }) => name === 'git');
  const found = await examineSandbox(ground, folders, { binaries, git, approvedGit: git && command.asks, approved: command.asks });
  if ('refused' in found) return found;
  const writable = [...new Set(found.layout.writable.map(({ source }) => source))].join(', ');
  const flaw = found.sound ? '' : `; ${advisory} is not fixed in it, so control files of the project are not protected`;
  return { level: `${found.name}, ${found.network}, writes only in ${writable}${flaw}`, sandbox: found.sandbox };
}

/** A sandbox that was tried and holds. */
export type Examined = Readonly<{ name: string; network: string; sound: boolean; layout: Layout; sandbox: Sandbox }>;

/** Finds the sandbox for a place on the disk, or says why there is none and what to install. */
export async function examineSandbox(ground: Ground, folders: readonly string[], needs: Omit<Needs, 'searchPath'>): Promise<Examined | Refused> {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return { refused: `There is no sandbox for ${process.platform} yet.` };
  const { settings } = ground;
  const needed = { ...needs, searchPath: folders };
  const layout = layOut(ground, needed);
  if ('refused' in layout) return layout;
  if (process.platform === 'darwin') return withRuntime(ground, needed, undefined);
  const bubblewrap = await examineBubblewrap(folders);
  if (bubblewrap.kind === 'unusable') return { refused: bubblewrap.reason };
  if (!bubblewrap.sound && !settings.allowUnpatched) {
    return { refused: `bubblewrap ${bubblewrap.version} (${bubblewrap.binary.path}) has ${advisory}: a link that was planted in a project makes it create files outside. ${installBubblewrap} Or set "plugins.shell.sandbox.allowUnpatched" to true; then control files of the project are not protected.` };
  }
  if (settings.network.length > 0) return withRuntime(ground, needed, bubblewrap);
  const { binary, version, sound } = bubblewrap;
  return { name: `bubblewrap ${version}`, network: 'no network', sound, layout, sandbox: { kind: 'bubblewrap', binary, args: bubblewrapArguments(layout, sound) } };
}

type Usable = Extract<Bubblewrap, { kind: 'usable' }>;

async function withRuntime(ground: Ground, needs: Needs, bubblewrap: Usable | undefined): Promise<Examined | Refused> {
  const { network: hosts } = ground.settings;
  // It makes mount points below the project, which an unpatched build must never be asked for.
  if (bubblewrap?.sound === false) return { refused: `Hosts are listed in "plugins.shell.sandbox.network", and bubblewrap ${bubblewrap.version} has ${advisory}, by which @anthropic-ai/sandbox-runtime could be led astray. ${installBubblewrap}` };
  const parts = findRuntime(needs.searchPath, bubblewrap?.binary);
  if ('refused' in parts) return parts;
  // Parts of it run inside, next to the command, and have to be seen there.
  const layout = layOut(ground, { ...needs, binaries: [...needs.binaries, parts.node, parts.srt, ...Object.values(parts.helpers)] });
  if ('refused' in layout) return layout;
  const runtime = await examineRuntime(parts);
  if ('refused' in runtime) return runtime;
  const name = `sandbox-runtime ${runtime.version}${bubblewrap === undefined ? '' : ` over bubblewrap ${bubblewrap.version}`}`;
  const network = hosts.length === 0 ? 'no network' : `network only to ${hosts.join(', ')}`;
  return { name, network, sound: true, layout, sandbox: { kind: 'runtime', runtime, settings: runtimeSettings(layout, hosts, runtime) } };
}

/** Every program that confines a command: pinned like the command itself. */
export function programsOf(confinement: Confinement | undefined): readonly Binary[] {
  const { sandbox, limiter } = confinement ?? {};
  const programs = sandbox === undefined ? [] : sandbox.kind === 'bubblewrap' ? [sandbox.binary] : [sandbox.runtime.node, sandbox.runtime.srt, ...Object.values(sandbox.runtime.helpers)];
  return [...programs, ...(limiter === undefined ? [] : [limiter.binary])];
}

/** The terms of a confinement as plain data with a fixed order, for the digest of a plan; its programs are there by their identity. */
export function termsOf(confinement: Confinement | undefined): unknown {
  if (confinement === undefined) return null;
  const { level, sandbox, limiter, word } = confinement;
  return [level, sandbox === undefined ? null : sandbox.kind === 'bubblewrap' ? sandbox.args : sandbox.settings, limiter?.args ?? null, word];
}
