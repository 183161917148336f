import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { backendsFileName, projectBackendsSchema, projectFolderName, type ProjectBackends } from '../../../../protocol/src/backends';
import { externalPolicyFileName, externalPolicySchema, type ExternalPolicy } from '../../../../protocol/src/externalPolicy';
import { sizeLimit } from '../../config/jsonc';
import { parseAs } from '../../config/parse';
import { jsonSchemaOf } from '../../config/schema';

/** One of a project's files: absent, usable, or not, in a sentence without a word of what stands in it. */
export type ProjectFile<T> = Readonly<{ kind: 'none' }> | Readonly<{ kind: 'file'; value: T }> | Readonly<{ kind: 'unusable'; message: string }>;

/** What a project tightens. */
export type ProjectFiles = Readonly<{ backends: ProjectFile<ProjectBackends>; policy: ProjectFile<ExternalPolicy> }>;

/** Reads the files of projects, and again when they are others. A file that cannot be used forbids everything external there (T34, T39). */
export function createProjectFiles(configDir: string): (project: string) => ProjectFiles {
  const backends = createReader(backendsFileName, projectBackendsSchema);
  const policy = createReader(externalPolicyFileName, externalPolicySchema);
  const none: ProjectFiles = { backends: { kind: 'none' }, policy: { kind: 'none' } };
  let last: Readonly<{ project: string; folder: string; isOurs: boolean }> | undefined;
  return (project) => {
    if (last?.project !== project) {
      const folder = join(project, projectFolderName);
      last = { project, folder, isOurs: resolve(folder) === resolve(configDir) };
    }
    // The home folder as a project has the user's own files there.
    if (last.isOurs || !isThere(last.folder)) return none;
    return { backends: backends(last.folder), policy: policy(last.folder) };
  };
}

/** False only when nothing is there: each call looks, and most projects have no such folder. */
function isThere(folder: string): boolean {
  try {
    return lstatSync(folder, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** Most projects whose files are remembered. */
const mostKnown = 100;

function createReader<T>(name: string, schema: z.ZodType<T>): (folder: string) => ProjectFile<T> {
  const known = new Map<string, Readonly<{ mark: string; file: ProjectFile<T> }>>();
  return (folder) => {
    const path = join(folder, name);
    const mark = markOf(path);
    if (mark === undefined) return { kind: 'none' };
    const before = known.get(path);
    if (before?.mark === mark) return before.file;
    const file = read(path, name, schema);
    if (known.size >= mostKnown) known.clear();
    known.set(path, { mark, file });
    return file;
  };
}

/** Changes with the file; undefined only when nothing is there. */
function markOf(path: string): string | undefined {
  try {
    // Most projects have no such file, and each call looks: no error is made for that.
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const { dev, ino, size, mtimeNs, ctimeNs } = stat;
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR') ? undefined : 'unreadable';
  }
}

function read<T>(path: string, name: string, schema: z.ZodType<T>): ProjectFile<T> {
  const unusable = (why: string): ProjectFile<T> => ({ kind: 'unusable', message: `${projectFolderName}/${name} of this project ${why}` });
  try {
    // A link would let an agent have other files read; a pipe would wait for a writer.
    const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile() || stat.size > sizeLimit) return unusable('is no plain file of at most 1 MiB.');
      const parsed = parseAs(readFileSync(descriptor), schema, () => jsonSchemaOf(schema));
      return parsed.kind === 'config' ? { kind: 'file', value: parsed.config } : unusable(`is wrong in line ${String(parsed.problems[0]?.line ?? 1)}.`);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return unusable('cannot be read.');
  }
}
