import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ConductorError } from '../../../protocol/src/errors';
import type { ImportPlan, ImportSource } from '../../../protocol/src/externalServers';
import { writePrivateFile } from '../base/privateFile';
import type { Handlers } from '../doors/requests';
import { textWith } from '../tools/backends/changes';
import { findServers, foreignFiles, type Found } from '../tools/backends/foreignFiles';
import type { OpenRegistry } from '../tools/backends/openRegistry';

/** Takes over the MCP servers that other programs have, as one change that is shown first and can be taken back. */

/** Name of the file that remembers the last import, so that it can be undone. */
const recordName = 'backends_import.json';
const recordSchema = z.strictObject({ v: z.literal(1), backends: z.array(z.string()), credentials: z.array(z.string()) });
type Done = Readonly<{ backends: string[]; credentials: string[] }>;

/** The messages by which every single step is made and recorded, as if a person had sent them one after the other. */
type Steps = Pick<Handlers, 'backends/change' | 'backends/withdraw' | 'credentials/list' | 'credentials/set' | 'credentials/delete'>;

/** Answers the messages about taking over. */
export function importHandlers(registry: OpenRegistry, configDir: string, steps: Steps): Pick<Handlers, 'backends/importPlan' | 'backends/import' | 'backends/undoImport'> {
  const file = join(configDir, recordName);
  const work = (sources: readonly ImportSource[] | undefined): Worked => workedOut(registry, sources ?? foreignFiles(homedir(), process.platform, process.env));
  return {
    'backends/importPlan': ({ sources }) => ({ ...work(sources).plan, undoable: recorded(file) !== undefined }),
    'backends/import': async ({ digest, sources }, guest, asker) => {
      const { plan, servers } = work(sources);
      if (plan.digest !== digest) throw new ConductorError('CONFLICT', 'What would be taken over is another by now.', { next: 'Look at it again.' });
      const { credentials } = await steps['credentials/list']({}, guest, asker);
      const twice = servers.flatMap(({ secrets }) => secrets).find(({ credential }) => credentials.some(({ name }) => name === credential));
      if (twice !== undefined) throw new ConductorError('CONFLICT', `There is a credential ${twice.credential} already, which is not replaced.`, { next: 'Delete or rename it, then import again.' });
      const done: Done = { backends: [], credentials: [] };
      // What is done is remembered before it is done, so that an import that stops half-way can be undone.
      const remember = (): void => writePrivateFile(file, `${JSON.stringify({ v: 1, ...done })}\n`);
      for (const { backend, profile, secrets } of servers) {
        for (const { credential, value } of secrets) {
          done.credentials.push(credential);
          remember();
          await steps['credentials/set']({ name: credential, value }, guest, asker);
        }
        done.backends.push(backend);
        remember();
        await steps['backends/change']({ change: 'set', backend, profile }, guest, asker);
      }
      return done;
    },
    'backends/undoImport': async (_, guest, asker) => {
      const record = recorded(file);
      if (record === undefined) throw new ConductorError('NOT_FOUND', 'There is no import to undo.');
      for (const backend of record.backends.filter((name) => presentIn(registry).includes(name))) {
        await steps['backends/withdraw']({ backend }, guest, asker);
        await steps['backends/change']({ change: 'remove', backend }, guest, asker);
      }
      for (const name of record.credentials) await steps['credentials/delete']({ name }, guest, asker);
      rmSync(file);
      return record;
    },
  };
}

type Worked = Readonly<{ plan: Omit<ImportPlan, 'undoable'>; servers: readonly Found[] }>;

/** The digest is over all that would be done, the values of secrets included, which the plan itself does not hold. */
function workedOut(registry: OpenRegistry, sources: readonly ImportSource[]): Worked {
  const { servers, leftOut } = findServers(sources, presentIn(registry));
  const { before, after } = textWith(registry.files, servers.map(({ backend, profile }) => [backend, profile]));
  const digest = createHash('sha256').update(JSON.stringify([before, after, servers.map(({ secrets }) => secrets)])).digest('hex');
  const told = servers.map(({ backend, program, file, profile, secrets, remarks }) => ({ backend, program, file, profile, credentials: secrets.map(({ credential }) => credential), remarks: [...remarks] }));
  return { servers, plan: { digest, servers: told, leftOut: [...leftOut], before, after } };
}

function presentIn({ files }: OpenRegistry): string[] {
  return Object.keys(files.backends.current().value.backends);
}

function recorded(file: string): Done | undefined {
  try {
    const { backends, credentials } = recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return { backends, credentials };
  } catch {
    return undefined;
  }
}
