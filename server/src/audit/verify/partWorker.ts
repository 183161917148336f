/** What a thread of a verification does: it reads the stretches that it is told to, by a descriptor of the same process, and answers each. */
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { readStretch, type StretchJob } from './stretches';

/** A stretch of the file that is open as `fd`. */
export type PartJob = StretchJob & Readonly<{ fd: number }>;

parentPort?.on('message', (job: PartJob) => {
  const file = { read: (target: Buffer, position: number) => Promise.resolve(readSync(job.fd, target, 0, target.length, position)) };
  // What cannot be read here is read once more by whoever asked, who then says why.
  readStretch(file, job).then((stretch) => parentPort?.postMessage(stretch), () => parentPort?.postMessage(undefined));
});
