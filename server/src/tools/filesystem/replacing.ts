import { ConductorError } from '../../../../protocol/src/errors';
import { wrongInput } from './answers';

/** Exact replacements in a text: nothing is guessed, and what is not clear is not done. */

/** One replacement. */
export type Edit = Readonly<{ oldText: string; newText: string; replaceAll?: boolean | undefined }>;

/** The text after all replacements, and how many places they changed. */
export type Replaced = Readonly<{ text: string; places: number }>;

/**
 * Makes replacements in their order, each on what the one before left; all of them or none. In a text whose lines all end with CR LF,
 * a line feed in an edit stands for that ending, since agents write plain line feeds.
 */
export function replaceIn(text: string, edits: readonly Edit[], path: string): Replaced | ConductorError {
  const endings = lineEndingsOf(text);
  let now = text;
  let places = 0;
  for (const [index, edit] of edits.entries()) {
    const done = replaceOnce(now, edit, endings, edits.length === 1 ? path : `${path}, edit ${index + 1}`);
    if (!('text' in done)) return done;
    now = done.text;
    places += done.places;
    if (places > most.places) return new ConductorError('TOO_LARGE', `The edits change more than ${most.places} places of ${path}.`);
  }
  return now === text ? wrongInput(`The edits change nothing in ${path}: old and new text are the same.`) : { text: now, places };
}

/** How the lines of a text end; `none` when it has only one. */
export type LineEndings = 'LF' | 'CRLF' | 'mixed' | 'none';

/** Looks at every line ending. */
export function lineEndingsOf(text: string): LineEndings {
  const all = count(text, '\n');
  const pairs = count(text, '\r\n');
  if (all === 0) return 'none';
  return pairs === 0 ? 'LF' : pairs === all ? 'CRLF' : 'mixed';
}

function replaceOnce(text: string, edit: Edit, endings: LineEndings, where: string): Replaced | ConductorError {
  const oldText = fitted(edit.oldText, endings);
  const newText = fitted(edit.newText, endings);
  const found = count(text, oldText);
  if (found === 0) return missing(text, edit.oldText, where);
  if (found > 1 && edit.replaceAll !== true) return ambiguous(text, oldText, found, where);
  const length = text.length + found * (newText.length - oldText.length);
  if (found > most.places || length > most.characters) return new ConductorError('TOO_LARGE', `The old text occurs ${found} times in ${where}, and ${length} characters would come out, more than the ${most.places} places or ${most.characters} characters that one edit may have.`);
  // The replacement is never interpreted: `$&` is two characters.
  return { text: text.replaceAll(oldText, () => newText), places: found };
}

/** Places that one edit changes, and characters that come out of it. */
const most = { places: 1_000_000, characters: 8 * 1_048_576 } as const;

function fitted(text: string, endings: LineEndings): string {
  return endings === 'CRLF' && !text.includes('\r') ? text.replaceAll('\n', '\r\n') : text;
}

function firstPositions(text: string, part: string): readonly number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at >= 0 && found.length < maxNamed; at = text.indexOf(part, at + part.length)) found.push(at);
  return found;
}

/** Lines that are named in a message. */
const maxNamed = 10;

function ambiguous(text: string, oldText: string, found: number, where: string): ConductorError {
  const lines = firstPositions(text, oldText).map((at) => count(text.slice(0, at), '\n') + 1);
  const more = found > maxNamed ? ', …' : '';
  return wrongInput(`The old text occurs ${found} times in ${where} (at lines ${lines.join(', ')}${more}). Give more of what stands around it, so that it occurs once, or set replaceAll.`);
}

/** The commonest reasons have names: white space, or a first line that stands there while the rest does not. */
function missing(text: string, oldText: string, where: string): ConductorError {
  const begin = `The old text does not occur in ${where}.`;
  const squeezed = squeeze(oldText);
  if (squeezed !== '' && squeeze(text).includes(squeezed)) return wrongInput(`${begin} It would, were it not for blanks, tabs or line ends: copy it exactly as filesystem.read gives it.`);
  const first = oldText.split('\n').find((line) => line.trim() !== '')?.trim() ?? '';
  const at = first === '' || !oldText.includes('\n') ? -1 : text.indexOf(first);
  if (at >= 0) return wrongInput(`${begin} Its first line stands at line ${count(text.slice(0, at), '\n') + 1}, but what follows is different there. Read the file again.`);
  return wrongInput(`${begin} Read the file again; it may have changed.`);
}

function squeeze(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function count(text: string, part: string): number {
  let found = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) found += 1;
  return found;
}
