import type { FileChange } from '../../../protocol/src/fileChanges';
import { languages } from '../ids';
import type { CallRef } from './callUri';

/** Addresses of the two sides of a difference that is shown for a call. Both have the same path, so that no editor takes the change for a new name. */

/**
 * How a side is shown. `plain`: in our own language, whose settings hide nothing; `file`: in the language of the file, with its colours, where
 * no setting of a person could hide a part of the change.
 */
export type Look = 'plain' | 'file';

/** One side of a difference. */
export type SideRef = CallRef & Readonly<{ file: number; side: 'before' | 'after' }>;

/** The parts of an address. */
export type SideAddress = Readonly<{ path: string; query: string }>;

const folders: Readonly<Record<Look, string>> = { plain: languages.change, file: 'conductor-file' };
const pattern = /^(evt_[0-9A-Z]{1,40})\.([0-9a-f]{64})\.(\d{1,3})\.(before|after)\.(?:some|whole)$/;

/** The address of one side. The manifest's menus read from its end whether the change can be divided, and the editor reads the language from its path. */
export function sideAddress(call: CallRef & Readonly<{ project: string }>, file: number, side: SideRef['side'], { path, divisible }: Pick<FileChange, 'path' | 'divisible'>, look: Look): SideAddress {
  const inside = path.startsWith(call.project) ? path.slice(call.project.length) : path;
  const names = inside.split(/[\\/]/).map((name) => name.replace(/[^\w.,+=@ -]/g, '_').slice(0, 100)).filter((name) => name !== '' && name !== '..').slice(-4);
  // A whole name like package.json would decide about the language before the folder does.
  const shown = `${names.join('/') || 'file'}${look === 'plain' ? ' ' : ''}`;
  return { path: `/${folders[look]}/${shown}`, query: [call.id, call.digest, file, side, divisible ? 'some' : 'whole'].join('.') };
}

/** Reads such an address; undefined when it is not one of ours. */
export function parseSideAddress({ query }: Pick<SideAddress, 'query'>): SideRef | undefined {
  const [, id, digest, file, side] = pattern.exec(query) ?? [];
  if (id === undefined || digest === undefined || file === undefined) return undefined;
  return { id, digest, file: Number(file), side: side === 'before' ? 'before' : 'after' };
}
