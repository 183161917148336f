import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, sep } from 'node:path';
import { ConductorError } from '../../../protocol/src/errors';

/**
 * Resolves the folder that an agent says it works in. Throws PROJECT_MISSING for what cannot be a project: nothing, a file, the root of a
 * disk, the home folder, and every folder that holds Conductor's own, since commands that search a whole project would read its key.
 */
export function resolveProject(given: string | undefined, configDir: string): string {
  if (given === undefined || !isAbsolute(given)) throw new ConductorError('PROJECT_MISSING', 'The agent named no project folder.');
  let project: string;
  try {
    project = realpathSync(given);
    if (!statSync(project).isDirectory()) throw new Error('it is not a folder');
  } catch (error) {
    throw new ConductorError('PROJECT_MISSING', `The project folder ${given} cannot be used: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (dirname(project) === project) throw new ConductorError('PROJECT_MISSING', `${project} is a whole disk, not a project folder.`);
  if (holds(project, realOrSelf(configDir))) throw new ConductorError('PROJECT_MISSING', `${project} holds Conductor's own folder ${configDir}. Work in a folder that does not, or set CONDUCTOR_CONFIG_DIR to one outside.`);
  if (project === realOrSelf(homedir())) throw new ConductorError('PROJECT_MISSING', `${project} is your home folder, not a project folder: everything you own would be inside.`);
  return project;
}

function holds(folder: string, other: string): boolean {
  return other === folder || other.startsWith(`${folder}${sep}`);
}

function realOrSelf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
