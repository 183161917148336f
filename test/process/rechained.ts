import { sha256 } from '../../protocol/src/audit/bytes';
import type { Json } from './house';

/** The text of a log that holds these entries, numbered and chained anew: what somebody writes who knows the format and can write the file. */
export function rechained(entries: readonly Json[]): string {
  let prev = '0'.repeat(64);
  return entries
    .map(({ prevHash: _prev, hash: _hash, ...entry }, index) => {
      const text = `${JSON.stringify({ ...entry, seq: index + 1 }).slice(0, -1)},"prevHash":"sha256:${prev}"`;
      prev = sha256(`${text}}`);
      return `${text},"hash":"sha256:${prev}"}\n`;
    })
    .join('');
}
