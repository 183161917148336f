import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import type { Server } from 'node:net';
import { isAbsolute } from 'node:path';
import type { Backend } from '../../../../protocol/src/backends';
import { ConductorError } from '../../../../protocol/src/errors';
import type { Egress } from '../../../../protocol/src/externalServers';
import { egressOf, heldTo, type Netting } from '../../rules/backends/egressLevel';
import { isWithin, readSearchPath, resolveBinary, type Binary } from '../shell/resolve';
import { examineBubblewrap, netlessArguments } from '../shell/sandbox/bubblewrap';
import { systemPrograms } from '../shell/sandbox/layout';
import { gateUser, openGate, opener, portInside, type Gate } from './gate';
import { foldersOf, type StdioProfile } from './start';
import type { Program } from './stdio';

/** Keeps a program to the hosts of its list: in a network namespace of its own where bubblewrap is usable, else by variables that ask it to. */

/** A program with what holds it back, and how that is called. */
export type Fenced = Readonly<{
  program: Program;
  egress: Egress;
  /** Its way out; absent where there is none, or nothing holds it. */
  gate?: Gate;
}>;

/** What is needed besides the profile. */
export type FenceNeeds = Readonly<{ configDir: string; /** Hears each host that was asked for in vain. */ onRefused(host: string): void }>;

/** Runs the opener, then becomes the program, which gets neither the channel nor its variables. Every word comes as an argument of its own. */
const opening = 'NODE_OPTIONS= ELECTRON_RUN_AS_NODE=1 "$1" -e "$2" </dev/null >/dev/null || exit 125; shift 2; unset NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE; exec 3>&-; exec "$@"';

/** What would hold a backend of this profile if it were started now. */
export async function expectedEgress(profile: Backend): Promise<Egress> {
  return egressOf(profile, profile.transport === 'stdio' ? (await nettingFor(profile)).netting : { kind: 'variables', why: '' });
}

/** Puts the fence around a program. Rejects with BACKEND_UNAVAILABLE where the profile requires a sandbox and there is none. */
export async function fence(profile: StdioProfile, program: Program, needs: FenceNeeds): Promise<Fenced> {
  const hosts = heldTo(profile);
  const { netting, bubblewrap } = await nettingFor(profile);
  const egress = egressOf(profile, netting);
  if (profile.egress_sandbox === 'required' && bubblewrap === undefined) throw new ConductorError('BACKEND_UNAVAILABLE', `Its egress_sandbox is "required", and it cannot have one: ${netting.kind === 'variables' ? netting.why : ''}.`);
  if (hosts === undefined) return { program, egress };
  const token = randomBytes(16).toString('hex');
  const gate = openGate({ allowed: hosts, token, onRefused: (host) => needs.onRefused(host) });
  if (bubblewrap === undefined) return { program: { ...program, environment: { ...program.environment, ...proxyVariables(token, await gate.listen()) } }, egress, gate };
  const walls = [...netlessArguments(hiddenFrom(needs.configDir), systemPrograms.filter((path) => existsSync(path))), ...ownFolderIn(program.cwd, needs.configDir), '--chdir', program.cwd, '--'];
  const inside = { ...program, file: bubblewrap.path, argv0: 'bwrap' };
  if (hosts.length === 0) return { program: { ...inside, args: [...walls, wordOf(program), ...program.args] }, egress };
  const environment = { ...program.environment, ...proxyVariables(token, portInside) };
  return { program: { ...inside, environment, channel: true, args: [...walls, '/bin/sh', '-c', opening, 'sh', process.execPath, opener, wordOf(program), ...program.args] }, egress, gate };
}

/** The folder of a server that names none lies among what is hidden, and is the one place there that it sees. */
function ownFolderIn(cwd: string, configDir: string): readonly string[] {
  const all = foldersOf(configDir);
  return existsSync(all) && cwd !== realpathSync(all) && isWithin(cwd, realpathSync(all)) ? ['--bind', cwd, cwd] : [];
}

/** What is started inside: the name that it was called by, which some programs go by, where that leads to the very same program. */
function wordOf({ file, argv0, environment }: Program): string {
  if (isAbsolute(argv0)) return argv0;
  const found = resolveBinary(argv0, readSearchPath(environment['PATH'] ?? ''));
  return 'path' in found && found.path === file ? argv0 : file;
}

/** Lets a program of a namespace out through its gate, once it has handed over the socket at which it knocks. */
export function attach(gate: Gate, handed: Promise<unknown>): void {
  void handed.then((server) => {
    if (isServer(server)) gate.serve(server);
  });
}

function isServer(value: unknown): value is Server {
  return typeof value === 'object' && value !== null && 'listening' in value && 'close' in value;
}

async function nettingFor(profile: StdioProfile): Promise<Readonly<{ netting: Netting; bubblewrap?: Binary }>> {
  const without = (why: string): Readonly<{ netting: Netting }> => ({ netting: { kind: 'variables', why } });
  if (heldTo(profile) === undefined) return without('no hosts are stated, or a wildcard');
  if (profile.egress_sandbox === 'off') return without('its egress_sandbox is "off"');
  const found = await examineBubblewrap(readSearchPath(process.env['PATH'] ?? ''));
  return found.kind === 'usable' ? { netting: { kind: 'namespace', sandbox: `bubblewrap ${found.version}` }, bubblewrap: found.binary } : without(found.reason.replace(/\.(?: .*)?$/s, ''));
}

/** Sockets of other programs, through which one could be sent out, and our own keys. */
function hiddenFrom(configDir: string): readonly string[] {
  const real = [configDir, '/run', process.env['XDG_RUNTIME_DIR'] ?? '', '/mnt/wslg'].flatMap((path) => (path !== '' && existsSync(path) ? [realpathSync(path)] : []));
  return real.filter((path) => !real.some((other) => other !== path && isWithin(path, other)));
}

/** The variables that programs read a proxy from; nothing is left out of it. */
function proxyVariables(token: string, port: number): Readonly<Record<string, string>> {
  const address = `http://${gateUser}:${token}@127.0.0.1:${String(port)}`;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
  return { ...Object.fromEntries([...names, ...names.map((name) => name.toLowerCase())].map((name) => [name, address])), NO_PROXY: '', no_proxy: '', NODE_USE_ENV_PROXY: '1' };
}
