import { reveal } from '../../../../protocol/src/display';
import { skeleton } from './names';

/** What is suspicious in a text that a backend wrote: descriptions, instructions, results, errors, resources (T57, T59). */
export type TextDoubt = Readonly<{ kind: 'hidden' | 'otherTool' | 'orders'; says: string }>;

/** Another backend's tool, by whose name a text is searched. */
export type ForeignTool = Readonly<{ backend: string; tool: string }>;

/** Longest text that is searched for words, in UTF-16 units; hidden characters are counted in all of it. */
const searched = 262_144;

/** Looks at a text of `backend`: characters that cannot be seen, tools of other backends, and words that order a model about. Linear in its length. */
export function scanText(text: string, backend: string, others: readonly ForeignTool[]): TextDoubt[] {
  const doubts: TextDoubt[] = [];
  const { count } = reveal(ordinary(text));
  if (count > 0) doubts.push({ kind: 'hidden', says: `It holds ${String(count)} ${count === 1 ? 'character' : 'characters'} that cannot be seen.` });
  const words = wordsOf(text.slice(0, searched));
  const mentioned = others.filter((other) => other.backend !== backend && mentions(words, other));
  for (const { backend: of, tool } of mentioned.slice(0, 10)) doubts.push({ kind: 'otherTool', says: `It speaks of ${tool}, a tool of ${of}.` });
  const order = orders.exec(text.slice(0, searched).normalize('NFKC'));
  if (order !== null) doubts.push({ kind: 'orders', says: `It seems to give orders: ${JSON.stringify(order[0].slice(0, 80))}.` });
  return doubts;
}

/** Carriage returns before line ends, emoji joiners and the selectors after symbols are ordinary text. */
function ordinary(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/(\p{Extended_Pictographic})(?:\ufe0f|\u200d(?=\p{Extended_Pictographic}))*/gu, '$1');
}

const orders =
  /\b(?:ignore|disregard|forget)\s{1,5}(?:all\s{1,5})?(?:any\s{1,5})?(?:previous|prior|earlier|above|other)\s{1,5}(?:instructions?|rules?|prompts?)|<\/?(?:important|system|secret|instructions?)>|\b(?:do\s{1,5}not|don't|never)\s{1,5}(?:tell|mention|inform|show|reveal)\b[^.\n]{0,40}\buser\b|\bbefore\s{1,5}(?:using|calling)\s{1,5}any\s{1,5}other\s{1,5}tool/i;

function wordsOf(text: string): ReadonlySet<string> {
  return new Set((text.match(/[\p{L}\p{N}\p{M}\p{Cf}_.-]{3,200}/gu) ?? []).flatMap((word) => [skeleton(word), skeleton(word.replace(/[.-]+$/, ''))]));
}

/** A plain word such as "search" is in every text; only names that are more than one word, or the backend's name before it, count. */
function mentions(words: ReadonlySet<string>, { backend, tool }: ForeignTool): boolean {
  const name = skeleton(tool);
  return (name.includes('_') && words.has(name)) || (/\p{Ll}\p{Lu}/u.test(tool) && words.has(name)) || words.has(skeleton(`${backend}__${tool}`));
}
