import { systemPins, type Pins } from '../../base/pin';
import { createDelete } from './delete';
import { createEdit } from './edit';
import { createList } from './list';
import { createPlaces } from './places';
import { createRead } from './read';
import { createSearch } from './search';
import { machineWith } from '../shell/tool';
import type { Tool } from '../tool';
import { createWrite } from './write';

/**
 * The six file tools of one broker: `filesystem.read`, `.write`, `.edit`, `.list`, `.search` and `.delete`.
 * `path` is the search path on which ripgrep is looked for, in the form of PATH; default: that of this process.
 * `pins` is how firmly files are held while they are judged and used; default: the firmest way of this system.
 */
export function createFilesystemTools(pins: Pins = systemPins, path: string = process.env['PATH'] ?? ''): readonly Tool[] {
  const places = createPlaces(pins);
  return [createRead(places), createWrite(places), createEdit(places), createList(places), createSearch(places, machineWith(path)), createDelete(places)];
}

/** The file tools of this process, at the firmest level of this system. */
export const filesystemTools: readonly Tool[] = createFilesystemTools();
