import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Files } from './files';
import type { SlotPlace } from './slotFile';
import { saltNameOf, slotsName, type Slots } from './slots';

/** What interrupted changes left: it never counted, and goes when it is sure what holds. */

const epochName = /^[0-9a-f]{16}$/;

/** Removes stores beside the folder that were never finished. */
export function sweepBeside({ folder, files }: SlotPlace): void {
  const [parent, own] = [dirname(folder), basename(folder)];
  if (!existsSync(parent)) return;
  for (const name of files.list(parent)) {
    if (!name.startsWith(`${own}.`) || !/\.[0-9a-f]{12}\.new$/.test(name)) continue;
    const left = join(parent, name);
    removeAll(files, left, files.list(left));
    files.removeFolder(left);
  }
}

/** Removes from the folder what the slots that hold do not name. */
export function tidyFolder({ folder, files }: SlotPlace, slots: Slots): void {
  const named = new Set([slotsName, slots.epoch, ...slots.slots.map(saltNameOf)]);
  removeAll(files, folder, files.list(folder).filter((name) => !named.has(name)));
}

function removeAll(files: Files, folder: string, names: readonly string[]): void {
  for (const name of names) {
    const path = join(folder, name);
    if (!epochName.test(name)) files.remove(path);
    else {
      for (const inner of files.list(path)) files.remove(join(path, inner));
      files.removeFolder(path);
    }
  }
}
