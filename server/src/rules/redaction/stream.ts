import type { Redactor } from './redactor';
import { tokenBegunAt } from './tokens';

/** Takes secrets out of a text that comes in chunks, wherever the borders fall. */

type Streamed = Pick<Redactor, 'text' | 'openAt' | 'beginningOf'>;

/** One stream. What may still turn out to be the beginning of a secret is held back until that is known. */
export type TextStream = Readonly<{
  /** Takes a chunk and gives what is certain by now. */
  push(chunk: string): string;
  /** Gives the rest. */
  end(): string;
}>;

/** The same for bytes of UTF-8. */
export type ByteStream = Readonly<{ push(chunk: Buffer): Buffer; end(): Buffer }>;

/** Makes a stream of bytes of one of text; what is no UTF-8 becomes replacement characters. */
export function createByteStream(redactor: Streamed): ByteStream {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const text = createTextStream(redactor);
  return {
    push: (chunk) => Buffer.from(text.push(decoder.decode(chunk, { stream: true }))),
    end: () => Buffer.from(text.push(decoder.decode()) + text.end()),
  };
}

/** The same for any bytes: what holds no secret comes out as it went in, byte for byte. */
export function createRawStream(redactor: Streamed): ByteStream {
  const text = createTextStream(redactor);
  // Markers are the only text beyond Latin-1 in there.
  const bytesOf = (clean: string): Buffer => Buffer.from(clean.replaceAll('‹', '<').replaceAll('›', '>'), 'latin1');
  return { push: (chunk) => bytesOf(text.push(chunk.toString('latin1'))), end: () => bytesOf(text.end()) };
}

/** Characters that are held back, at most: a private key fits. */
const mostHeld = 65_536;

/** An escape, or a break, that the next chunk may complete. */
const unfinished = /(?:\\(?:u\{?[0-9a-f]{0,4}|x[0-9a-f]?|[0-7]{1,2}|[nr])?|%[0-9a-f]?|&(?:#x?)?[0-9a-z]{0,6}|(?:\r|\n|\\[nr])[ \t]{0,40})$/i;

/** Makes a stream through a redactor; values that become known on the way count from then on. */
export function createTextStream(redactor: Streamed): TextStream {
  let held = '';
  return {
    push(chunk) {
      held += chunk;
      const cut = Math.max(cutOf(redactor, held), held.length - mostHeld);
      const certain = held.slice(0, cut);
      held = held.slice(cut);
      return redactor.text(certain);
    },
    end() {
      const rest = redactor.text(held);
      held = '';
      return rest;
    },
  };
}

/** Where a text can be cut without cutting a secret. */
function cutOf(redactor: Streamed, text: string): number {
  const open = unfinished.exec(text.slice(-64))?.[0].length ?? 0;
  return redactor.beginningOf(text, Math.min(redactor.openAt(text.slice(0, text.length - open)), tokenBegunAt(text)));
}
