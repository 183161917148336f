import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute } from 'node:path';
import { ConductorError } from '../../../protocol/src/errors';

/** Resolves the folder that an agent says it works in. Throws PROJECT_MISSING for what cannot be a project: nothing, a file, the root of a disk, or the home folder itself. */
export function resolveProject(given: string | undefined): string {
  if (given === undefined || !isAbsolute(given)) throw new ConductorError('PROJECT_MISSING', 'The agent named no project folder.');
  let project: string;
  try {
    project = realpathSync(given);
    if (!statSync(project).isDirectory()) throw new Error('it is not a folder');
  } catch (error) {
    throw new ConductorError('PROJECT_MISSING', `The project folder ${given} cannot be used: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (dirname(project) === project) throw new ConductorError('PROJECT_MISSING', `${project} is a whole disk, not a project folder.`);
  if (project === realHome()) throw new ConductorError('PROJECT_MISSING', `${project} is your home folder, not a project folder: everything you own would be inside.`);
  return project;
}

function realHome(): string | undefined {
  try {
    return realpathSync(homedir());
  } catch {
    return undefined;
  }
}
