import { reveal, revealLine } from '../../protocol/src/display';

/** Text of agents made fit for the editor's own surfaces, which give a meaning to some characters. */

// Quick picks and status items turn `$(name)` into an icon and an unknown name into nothing at all, so that `rm $(whoami)` would
// lose a part; a backslash before it keeps the text.
const icon = /\$\([A-Za-z0-9-]+(~[A-Za-z]+)?\)/g;

/** One line of at most `limit` characters for quick picks and status items. */
export function plainLabel(text: string, limit: number): string {
  return escapeIcons(revealLine(text, limit));
}

/** Keeps `$(name)` from becoming an icon. */
export function escapeIcons(text: string): string {
  return text.replace(icon, (match) => `\\${match}`);
}

/** What a row of a list begins with that goes on where the one above it ended; as wide as an icon. */
export const rowIndent = '      ';

/** Whether a screen reader is told less than a label shows: the editor takes the signs of `$(name)` out of what it hands on. */
export function isSpokenShort(label: string): boolean {
  return /\$\(.*?\)/.test(label);
}

// Latin, Greek, Cyrillic and the signs of text: every font of an interface has them. No mark is among them that joins the letter before it.
const surelyDrawn = /^[\t\n\u0020-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u205e\u20a0-\u20c0\u2190-\u22ff]*$/;

/** Whether rows and lists may draw a part of a text as nothing: their fonts lack the letters of many scripts, and piles of marks fall out of a row. */
export function mayGoUndrawn(text: string): boolean {
  return !surelyDrawn.test(text);
}

/** How many characters of a text cannot be seen, change the order of others, or pass for other letters. */
export function hiddenCount(text: string): number {
  const { count, alike } = reveal(text);
  return count + alike;
}

// Characters that take two columns: Hangul, CJK, full-width forms and emoji, close enough to know whether a text fits.
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Cuts a text into pieces of at most `columns` columns; newlines end a piece. Nothing is lost but the newlines. */
export function fold(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => foldLine(line, columns));
}

/** How many columns a text of one line takes where every letter has the same width. */
export function columnsOf(text: string): number {
  return [...text].reduce((sum, point) => sum + widthOf(point), 0);
}

/** Cuts one line into pieces of at most `columns` columns; an empty line is one empty piece. */
export function foldLine(line: string, columns: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let used = 0;
  for (const point of line) {
    const width = widthOf(point);
    if (used + width > columns) {
      pieces.push(piece);
      piece = '';
      used = 0;
    }
    piece += point;
    used += width;
  }
  return [...pieces, piece];
}

/** Cuts a sentence of ours between its words where it can. */
export function foldWords(text: string, columns: number): string[] {
  const lines = text.split(' ').reduce<string[]>((all, word) => {
    const last = all.at(-1);
    return last !== undefined && columnsOf(`${last} ${word}`) <= columns ? [...all.slice(0, -1), `${last} ${word}`] : [...all, word];
  }, []);
  return lines.flatMap((line) => fold(line, columns));
}

// A tab is counted as wide as it can be drawn with the editor's usual setting.
function widthOf(point: string): number {
  if (point === '\t') return 4;
  return wide.test(point) ? 2 : 1;
}

/** A moment, given in milliseconds since 1970, as `20:02:00` on this machine's clock. */
export function clockText(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 8);
}

/** A count with its noun: `1 call`, `2 calls`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** The day of a moment in the past, given as ISO text, in words that stay true for the day: `today`, `yesterday`, `3 days ago`, `on 2026-09-01`. */
export function dateText(iso: string, nowMs: number): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return 'at an unknown time';
  const days = Math.round((midnightOf(nowMs) - midnightOf(at.getTime())) / 86_400_000);
  if (days <= 0) return 'today';
  if (days === 1) return 'yesterday';
  return days <= 60 ? `${days} days ago` : `on ${iso.slice(0, 10)}`;
}

/** The same with the time of day where that was today: `today 20:02`. */
export function dayText(iso: string, nowMs: number): string {
  const day = dateText(iso, nowMs);
  return day === 'today' ? `today ${clockText(Date.parse(iso)).slice(0, 5)}` : day;
}

function midnightOf(atMs: number): number {
  return new Date(atMs).setHours(0, 0, 0, 0);
}
