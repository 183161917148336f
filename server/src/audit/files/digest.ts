import { createHash } from 'node:crypto';
import { withBlock } from './blocks';
import type { ReadableFile } from './disk';

/** Who wants to hear how far a digest is, in bytes, and who may end it. */
type Watching = Readonly<{ signal?: AbortSignal; onProgress?: (done: number, total: number) => void }>;

/** SHA-256 (`sha256:` and hex) and size of a file, read in blocks from byte `from`. Rejects with the reason of `signal` when that is aborted. */
export async function digestOf(file: ReadableFile, from = 0, { signal, onProgress }: Watching = {}): Promise<{ sha256: string; bytes: number }> {
  const digest = createHash('sha256');
  let position = from;
  await withBlock(async (block) => {
    for (let length = await file.read(block, position); length > 0; length = await file.read(block, position)) {
      signal?.throwIfAborted();
      digest.update(block.subarray(0, length));
      position += length;
      onProgress?.(position, file.mark().size);
    }
  });
  return { sha256: `sha256:${digest.digest('hex')}`, bytes: position - from };
}

/** All bytes of a file. */
export async function wholeOf(file: ReadableFile): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(file.mark().size);
  let at = 0;
  for (let length = await file.read(bytes.subarray(at), at); length > 0; length = await file.read(bytes.subarray(at), at)) at += length;
  return bytes.subarray(0, at);
}
