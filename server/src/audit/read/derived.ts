/** Files beside the log that are made from it, and can be made anew: nobody needs them, and nothing in them is believed against the log. */
import type { Disk } from '../files/disk';
import type { LogPart } from '../files/wholeLog';

/** The name of what is derived from a closed file, wherever that is. */
export function derivedPath(file: string, ending: string): string {
  return `${/(\d{6,})\.log(?:\.gz)?$/.exec(file)?.[1] ?? 'unnamed'}.${ending}`;
}

/** The very file: which, how long, and when it was last written; undefined when it is not there. */
export function markText(disk: Disk, { path }: LogPart): string | undefined {
  const mark = disk.mark(path);
  return mark === undefined ? undefined : `${mark.id} ${mark.size} ${mark.modified}`;
}

/** Writes a derived file whole or not at all. */
export async function putDerived(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const file = await disk.create(`${path}.new`);
  try {
    for (let done = 0; done < bytes.length; ) done += await file.append(bytes.subarray(done));
  } finally {
    await file.close();
  }
  await disk.rename(`${path}.new`, path);
}
