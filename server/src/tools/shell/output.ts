import type { Captured } from '../../base/capture';

/** What a command wrote, made fit for reading. */

/** Control sequences of terminals: colours and cursor moves, titles and links, single escapes. */
const sequences = /\u001b\[[0-?]*[ -/]*[@-~]|\u009b[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;

/** Text without control sequences and control characters; line ends become newlines. */
export function cleanText(text: string): string {
  return text
    .replace(sequences, '')
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]/gu, '');
}

/** Takes out what a cut left of a secret: half of one is not recognised as one any more. */
export type Edges = Readonly<{ beginning(text: string): string; ending(text: string): string }>;

/** For output of which nobody knows a secret. */
export const plainEdges: Edges = { beginning: (text) => text, ending: (text) => text };

/** The text of one captured stream; where bytes were left out a line says how many. */
export function textOf(captured: Captured, edges: Edges): string {
  if (captured.omitted === 0) return cleanText(Buffer.concat([captured.head, captured.tail]).toString('utf8'));
  return `${edges.beginning(cleanText(captured.head.toString('utf8')))}\n[${captured.omitted} bytes left out]\n${edges.ending(cleanText(captured.tail.toString('utf8')))}`;
}

/** Keeps the head and the tail of a text that several commands wrote together. */
export function clip(text: string, maxCharacters: number, edges: Edges): Readonly<{ text: string; clipped: boolean }> {
  if (text.length <= maxCharacters) return { text, clipped: false };
  const half = Math.floor(maxCharacters / 2);
  return { text: `${edges.beginning(text.slice(0, half))}\n[${text.length - 2 * half} characters left out]\n${edges.ending(text.slice(-half))}`, clipped: true };
}
