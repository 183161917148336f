import { createHmac } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute } from 'node:path';
import type { Backend } from '../../../../protocol/src/backends';
import { launchIdentity, type LaunchIdentity, type ResolvedProgram } from '../../rules/backends/identity';
import { hashFile, identityOf, readSearchPath, resolveBinary } from '../shell/resolve';

/** What would be started for a profile at one moment, and a quick way to see whether that is still so. */
export type Launch = Readonly<{
  identity: LaunchIdentity;
  /** Why the program cannot be started; absent where it was found. */
  missing?: string;
  /** Whether program and scripts are the same files as then, by their places and times. */
  stands(): boolean;
}>;

type Watched = Readonly<{ path: string; mark: string }>;

/** Looks at the program and the scripts of a profile. Never rejects: what is not found is part of the identity. `controlKey` keys the digests of values. */
export async function lookAtLaunch(profile: Backend, controlKey: Uint8Array): Promise<Launch> {
  const digestOf = (value: string): string => createHmac('sha256', controlKey).update('conductor backend values 1\0').update(value).digest('hex');
  if (profile.transport !== 'stdio') return { identity: launchIdentity(profile, undefined, digestOf), stands: () => true };
  const found = findProgram(profile.command);
  if ('missing' in found) return { identity: launchIdentity(profile, undefined, digestOf), missing: found.missing, stands: () => 'missing' in findProgram(profile.command) };
  const watched = [found.path, ...found.prefix, ...profile.args].filter((path, index) => index === 0 || isScript(path)).flatMap((path) => watch(path) ?? []);
  const hashed = await Promise.all(watched.map(async (one) => ({ path: one.path, sha256: await hashOnce(one).catch(() => 'unreadable') })));
  const [program, ...scripts] = hashed;
  const resolved: ResolvedProgram | undefined = program === undefined ? undefined : { ...program, scripts };
  return {
    identity: launchIdentity(profile, resolved, digestOf),
    stands: () => {
      const now = findProgram(profile.command);
      return !('missing' in now) && now.path === found.path && watched.every(({ path, mark }) => markOf(path) === mark);
    },
  };
}

/** Hashes that are known or under way, by place and mark: many servers are the same interpreter, whose bytes take longer than all else at a start. */
const hashes = new Map<string, Promise<string>>();
/** Hashes that are remembered. */
const mostHashes = 500;

function hashOnce({ path, mark }: Watched): Promise<string> {
  const key = `${path}\0${mark}`;
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const hash = hashFile(path);
  if (hashes.size >= mostHashes) hashes.clear();
  hashes.set(key, hash);
  hash.catch(() => hashes.delete(key));
  return hash;
}

/** The program behind a command: a place, or a name that is looked up in PATH. */
export function findProgram(command: string): Readonly<{ path: string; prefix: readonly string[] }> | Readonly<{ missing: string }> {
  const whole = command.replace(/^~(?=[\\/])/, homedir());
  if (isAbsolute(whole)) return realOf(whole) === undefined ? { missing: `There is no program ${command}.` } : { path: realOf(whole) ?? whole, prefix: [] };
  if (/[\\/]/.test(whole)) return { missing: `${command} is a relative path. Write it whole, or only a name that is found in PATH.` };
  const found = resolveBinary(whole, readSearchPath(process.env['PATH'] ?? ''));
  return 'refused' in found ? { missing: `The command ${command} cannot be used: ${found.refused}.` } : { path: found.path, prefix: found.prefix };
}

/** Files that an interpreter would run. Data that a server works on changes all the time and is none. */
function isScript(path: string): boolean {
  return isAbsolute(path) && /\.(?:[cm]?[jt]s|py|rb|sh|pl|php|jar|lua)$/i.test(path);
}

function watch(path: string): Watched | undefined {
  const mark = markOf(path);
  return mark === undefined ? undefined : { path, mark };
}

function markOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat?.isFile() === true ? identityOf(stat) : undefined;
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
