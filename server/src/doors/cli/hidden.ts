import { isUtf8 } from 'node:buffer';
import { ConductorError } from '../../../../protocol/src/errors';
import { askHidden } from './terminal';

/** Text that nobody may see: typed at a terminal without an echo, or all of standard input without the line end of its last line. */

/** Reads it; "" for nothing. Throws TOO_LARGE above so many bytes, and INVALID_INPUT for what is no text. */
export async function readSecret(question: string, mostBytes: number): Promise<string> {
  if (process.stdin.isTTY) return await askHidden(question);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    // The line end does not count.
    if (length > mostBytes + 2) throw new ConductorError('TOO_LARGE', `Standard input has more than ${String(mostBytes)} bytes.`, { next: 'A credential is short; keep larger things in a file that agents cannot read.' });
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (!isUtf8(bytes)) throw new ConductorError('INVALID_INPUT', 'Standard input is no text.', { next: 'Encode other bytes as base64 first.' });
  return bytes.toString('utf8').replace(/\r?\n$/, '');
}
