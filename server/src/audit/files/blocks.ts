/** Memory for reading files in blocks: the same few buffers serve every file, so that a long log takes no more than a short one. */

/** Bytes that are read at a time; the event loop runs between two blocks. */
export const blockBytes = 524_288;

/** Buffers that wait for the next reader. */
const spare: Buffer[] = [];
const mostSpare = 2;

/** Lends a buffer of twice a block for as long as the work takes; what is in it means nothing. */
export async function withBlock<T>(work: (block: Buffer) => Promise<T>): Promise<T> {
  const block = spare.pop() ?? Buffer.allocUnsafeSlow(2 * blockBytes);
  try {
    return await work(block);
  } finally {
    if (spare.length < mostSpare) spare.push(block);
  }
}
