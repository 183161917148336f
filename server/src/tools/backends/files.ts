import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { z } from 'zod';
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import { backendsFileName, backendsSchema, noBackends, type Backends } from '../../../../protocol/src/backends';
import { externalPolicyFileName, externalPolicySchema, nothingExternal, type ExternalPolicy } from '../../../../protocol/src/externalPolicy';
import type { ConfigState } from '../../../../protocol/src/configState';
import type { FileContent } from '../../config/file';
import { followFile, type Followed, type FollowOptions } from '../../config/follow';
import { parseAs } from '../../config/parse';
import { jsonSchemaOf } from '../../config/schema';

/** What is in force of one of the two files: the value, where it came from, what is wrong with it, and the hash that names it. */
export type FileInForce<T> = Readonly<{ value: T; state: ConfigState }>;

/** The two files about external servers, followed. */
export type ExternalFiles = Readonly<{ backends: Followed<FileInForce<Backends>>; policy: Followed<FileInForce<ExternalPolicy>>; close(): void }>;

type Timing = Pick<FollowOptions<FileInForce<unknown>>, 'debounceMs' | 'pollMs' | 'settleMs'>;

/** Loads both files of the configuration folder and follows them. What is broken keeps the last good one; without one nothing external is there (T36, T39). */
export async function followExternalFiles(configDir: string, onChange: () => void, timing: Timing = {}): Promise<ExternalFiles> {
  const [backends, policy] = await Promise.all([
    follow(join(configDir, backendsFileName), backendsSchema, noBackends, onChange, timing),
    follow(join(configDir, externalPolicyFileName), externalPolicySchema, nothingExternal, onChange, timing),
  ]);
  return { backends, policy, close: () => (backends.close(), policy.close()) };
}

function follow<T extends object>(file: string, schema: z.ZodType<T>, nothing: T, onChange: () => void, timing: Timing): Promise<Followed<FileInForce<T>>> {
  const inForce = (value: T, source: ConfigState['source'], problems: ConfigState['problems']): FileInForce<T> => ({ value, state: { file, source, problems, policyHash: contentHash(value) } });
  const judge = (content: FileContent, good: FileInForce<T> | undefined): FileInForce<T> => {
    if (content.kind === 'missing') return inForce(nothing, 'defaults', []);
    const parsed = content.kind === 'bytes' ? parseAs(content.bytes, schema, () => jsonSchemaOf(schema)) : undefined;
    const remarks = content.kind === 'bytes' ? content.remarks.map(wholeFile) : [wholeFile(content.message)];
    if (parsed?.kind === 'config') return inForce(parsed.config, 'current', remarks);
    const problems = [...(parsed?.problems ?? []).map(({ message, path, line, column }) => ({ message, path, line, column })), ...remarks];
    return good === undefined ? inForce(nothing, 'defaults', problems) : inForce(good.value, 'lastGood', problems);
  };
  return followFile({ file, judge, onChange: () => onChange(), ...timing });
}

function wholeFile(message: string): ConfigState['problems'][number] {
  return { message, path: '', line: 1, column: 1 };
}

/** SHA-256 hex over the canonical JSON of a file's content; comments, order and `$schema` do not matter. */
export function contentHash(value: object): string {
  return createHash('sha256').update(canonicalJson({ ...value, $schema: undefined }).text).digest('hex');
}
