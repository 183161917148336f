import type { Pending } from '../../../protocol/src/approvals';
import { oddWords, reveal, revealLine } from '../../../protocol/src/display';
import type { FileChange, FileContent, Hunk } from '../../../protocol/src/fileChanges';
import { columnsOf, counted, foldLine, hiddenCount, plainLabel } from '../labels';
import type { Look } from './changeUri';

/** The texts of a difference: what hides something is written out, and said in the title. */

/** Columns up to which a line is sure to be seen without wrapping. */
const sureColumns = 160;
/** Columns at which lines are folded: editors stop to draw very long ones. */
const foldColumns = 2000;

/** One side as it is shown. */
export function sideText(content: FileContent): string {
  switch (content.kind) {
    case 'none':
      return '';
    case 'unshown':
      return `Not shown: ${content.why}\nIt has ${content.bytes} bytes.\n`;
    case 'text':
      return shown(content.text);
  }
}

/** Carriage returns before line feeds are line ends and no hidden characters; the title tells when they change. */
function shown(text: string): string {
  return reveal(unified(text)).text.split('\n').flatMap((line) => foldLine(line, foldColumns)).join('\n');
}

function unified(text: string): string {
  return text.replaceAll('\r\n', '\n');
}

// Blanks within a line that push what follows out of a narrow side, where a language of its own would not wrap it.
const gap = /\S[ \t]{20,}\S/;

/** The colours of its language only where no setting could hide a part: no hidden characters, no long lines, no change that is white space alone. */
export function lookOf({ before, after }: FileChange): Look {
  if (before.kind === 'unshown' || after.kind !== 'text') return 'plain';
  const texts = [before.kind === 'text' ? unified(before.text) : '', unified(after.text)] as const;
  const hides = texts.some((text) => hiddenCount(text) > 0 || gap.test(text) || text.split('\n').some((line) => columnsOf(line) > sureColumns));
  return hides || changesBlanks(texts[0], texts[1]) || changesBlanks(texts[1], texts[0]) ? 'plain' : 'file';
}

/** Whether a line of one text differs from lines of the other in white space only, which an editor may be set to ignore. */
function changesBlanks(one: string, other: string): boolean {
  const lines = new Set(other.split('\n'));
  const trimmed = new Set([...lines].map((line) => line.trim()));
  return one.split('\n').some((line) => !lines.has(line) && trimmed.has(line.trim()));
}

/** The title of a difference: what is done to which file, how much of it, and what a look at it might miss. */
export function changeTitle(call: Pending, change: FileChange): string {
  const verb = change.before.kind === 'none' ? 'Create' : call.tool.endsWith('.edit') ? 'Edit' : 'Write';
  const parts = [`${verb} ${shortPath(call, change)}`, ...size(change), ...warnings(change)];
  if (call.narrowed !== undefined) parts.push(`${call.narrowed.kept} of ${call.narrowed.of}, the rest left out`);
  return parts.join(' · ');
}

/** How much there is to look at: changes, or the lines of a file that is new. */
function size({ before, after, hunks }: FileChange): string[] {
  if (before.kind === 'none' && after.kind === 'text') return [counted(linesIn(after.text), 'line')];
  return hunks.length === 0 ? [] : [counted(hunks.length, 'change')];
}

function linesIn(text: string): number {
  return text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function warnings({ before, after }: FileChange): string[] {
  const texts = [before, after].map((content) => (content.kind === 'text' ? content.text : ''));
  const odd = oddWords(texts.map(unified));
  const [was = '', is = ''] = texts;
  const ends = before.kind === 'text' && was.includes('\r\n') !== is.includes('\r\n');
  return [
    ...(odd === undefined ? [] : [odd.toUpperCase()]),
    ...(ends ? [`line ends become ${is.includes('\r\n') ? 'CR LF' : 'LF'}`] : []),
    ...(texts.some((text) => text.split('\n').some((line) => line.length > foldColumns)) ? ['very long lines are folded'] : []),
  ];
}

function shortPath({ project }: Pending, { path }: FileChange): string {
  const inside = path.startsWith(project) ? path.slice(project.length).replace(/^[\\/]/, '') : path;
  return revealLine(inside, 80);
}

/** A row of the list in which a person chooses among changes. */
export function hunkRow({ line, removed, added, begins }: Hunk): Readonly<{ label: string; description: string; detail: string }> {
  const signs = [...(removed === 0 ? [] : [`−${removed}`]), ...(added === 0 ? [] : [`+${added}`])].join(' ');
  return { label: `Line ${line}`, description: signs, detail: plainLabel(begins.replace(/\r?\n$/, ''), 120) || '(an empty line)' };
}
