import type { IncomingMessage } from 'node:http';

/** Longest accepted body in bytes; the official SDK takes no more either. */
export const bodyLimit = 4 * 1024 * 1024;

/** A body as it came, or why there is none. */
export type Body = Readonly<{ kind: 'bytes'; bytes: Buffer }> | Readonly<{ kind: 'tooLong' }> | Readonly<{ kind: 'broken' }>;

/** Reads a body to its end, or to the limit, whatever length it claims. Never rejects. */
export function readBody(request: IncomingMessage): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > bodyLimit) return Promise.resolve({ kind: 'tooLong' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bodyLimit) return void chunks.push(chunk);
      chunks.length = 0;
      resolve({ kind: 'tooLong' });
    });
    request.once('end', () => resolve({ kind: 'bytes', bytes: Buffer.concat(chunks) }));
    request.once('error', () => resolve({ kind: 'broken' }));
    request.once('close', () => resolve({ kind: 'broken' }));
  });
}

/** Bytes and milliseconds that the rest of a refused request may take: who still sends when its connection is cut never reads why. */
const rest = { bytes: 16 * 1024 * 1024, ms: 2000 } as const;

/** Lets the rest of a refused request pass unseen; resolves when it is over or took too much. */
export function passOver(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let length = 0;
    const timer = setTimeout(resolve, rest.ms);
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > rest.bytes) resolve();
    });
    for (const end of ['end', 'close', 'error'] as const) request.once(end, () => (clearTimeout(timer), resolve()));
    request.resume();
  });
}
