import { readFileSync } from 'node:fs';

/** Actions that try to look like something else in a prompt: test/vectors/prompts/forging.json. */

/** One of them. */
export type Forging = Readonly<{ id: string; about: string; tool: 'shell' | 'write'; text: string }>;

/** Reads them from a checkout at `root`. */
export function forgings(root: string): readonly Forging[] {
  const { prompts } = JSON.parse(readFileSync(`${root}/test/vectors/prompts/forging.json`, 'utf8')) as { prompts: readonly (Omit<Forging, 'text'> & { text: readonly (readonly [string, number])[] })[] };
  return prompts.map((one) => ({ ...one, text: one.text.map(([piece, times]) => piece.repeat(times)).join('') }));
}
