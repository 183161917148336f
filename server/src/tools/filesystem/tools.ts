import { systemPins, type Pins } from '../../base/pin';
import { createDelete } from './delete';
import { createList } from './list';
import { createPlaces } from './places';
import { createRead } from './read';
import { createSearch } from './search';
import type { Tool } from '../tool';
import { createWrite } from './write';

/**
 * The five file tools of one broker: `filesystem.read`, `.write`, `.list`, `.search` and `.delete`.
 * `pins` is how firmly files are held while they are judged and used; default: the firmest way of this system.
 */
export function createFilesystemTools(pins: Pins = systemPins): readonly Tool[] {
  const places = createPlaces(pins);
  return [createRead(places), createWrite(places), createList(places), createSearch(places), createDelete(places)];
}

/** The file tools of this process, at the firmest level of this system. */
export const filesystemTools: readonly Tool[] = createFilesystemTools();
