import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { mkdirSync, realpathSync } from 'node:fs';
import { optionalSecrets } from '../../../../protocol/src/backendFields';
import type { Backend } from '../../../../protocol/src/backends';
import { ConductorError } from '../../../../protocol/src/errors';
import type { Mark } from '../../base/processTree';
import { readSearchPath, resolveBinary } from '../shell/resolve';
import type { Program } from './stdio';
import { backendEnvironment } from './surroundings';

/** Turns the profile of a backend into what is started. */

/** Gives the texts of a backend's profile, by name, with every `${secret:service.key}` in its place; rejects where one is not there, and leaves out an `optional` one. */
export type FillIn = (backend: string, texts: Readonly<Record<string, string>>, optional?: ReadonlySet<string>) => Promise<Readonly<Record<string, string>>>;

/** A profile whose backend is a program. */
export type StdioProfile = Extract<Backend, { transport: 'stdio' }>;

/** Bytes of a line beyond the answer it carries. */
const aroundAnswer = 64 * 1024;

/** What would be started for a profile at this moment. Rejects with BACKEND_UNAVAILABLE where the program is not found or may not be used. */
export async function programOf(name: string, profile: StdioProfile, configDir: string, mark: Mark, fillIn: FillIn): Promise<Program> {
  const { file, prefix, argv0 } = findProgram(profile.command);
  const declared = await fillIn(name, profile.env, optionalSecrets(profile));
  return {
    file, argv0, mark,
    args: [...prefix, ...profile.args],
    cwd: profile.cwd === undefined ? ownFolder(name, configDir) : profile.cwd.replace(/^~(?=$|[\\/])/, homedir()),
    environment: backendEnvironment(process.env, profile.env_passthrough, declared),
    lineLimit: profile.max_response_bytes + aroundAnswer,
  };
}

/** A folder that no agent can write into, since what lies there may decide what a package runner fetches and runs (docs/decisions/033-folder-of-a-server.md). */
function ownFolder(name: string, configDir: string): string {
  const folder = join(foldersOf(configDir), name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return realpathSync(folder);
}

/** Where the folders lie in which servers start that name none. */
export function foldersOf(configDir: string): string {
  return join(configDir, 'servers');
}

function findProgram(command: string): { file: string; prefix: readonly string[]; argv0: string } {
  const home = command.replace(/^~(?=[\\/])/, homedir());
  if (!isAbsolute(home) && /[\\/]/.test(home)) throw new ConductorError('BACKEND_UNAVAILABLE', `The command ${command} is a relative path. Write it whole, or only a name that is found in PATH.`);
  if (isAbsolute(home)) return { file: realOf(home), prefix: [], argv0: home };
  const found = resolveBinary(home, readSearchPath(process.env['PATH'] ?? ''));
  if ('refused' in found) throw new ConductorError('BACKEND_UNAVAILABLE', `The command ${command} cannot be used: ${found.refused}.`);
  return { file: found.path, prefix: found.prefix, argv0: join(found.name) };
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (thrown) {
    throw new ConductorError('BACKEND_UNAVAILABLE', `The command ${path} cannot be used: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
}
