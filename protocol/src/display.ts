/** Makes text of an agent safe to show: what cannot be seen becomes visible, and is counted. */

// C0 and C1 controls but tab and newline, soft hyphen, combining grapheme joiner, Arabic letter mark, Hangul fillers, Khmer inherent
// vowels, Mongolian separators, zero-width, line and paragraph separators, bidi, word joiners, variation selectors, BOM, tags, NBSP
// and other unusual blanks, lone surrogates.
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\ud800-\udfff](?<![\ud800-\udbff][\udc00-\udfff])(?![\udc00-\udfff])|\udb40[\udc00-\udfff]/g;

/**
 * Replaces every hidden, control and bidirectional character by `\u{hex}`, and every letter that passes for a Latin one where it does; `count`
 * says how many of the former there were, `alike` how many of the latter.
 */
export function reveal(text: string): { text: string; count: number; alike: number } {
  let count = 0;
  const shown = text.replace(hidden, (match) => {
    count += 1;
    return written(match);
  });
  return { count, ...markAlike(shown) };
}

/** What hides something in these texts, counted: `2 hidden characters and 1 look-alike letter`; undefined when nothing does. */
export function oddWords(texts: readonly string[]): string | undefined {
  const found = texts.map(reveal);
  const sum = (of: 'count' | 'alike', one: string): string[] => {
    const all = found.reduce((total, each) => total + each[of], 0);
    return all === 0 ? [] : [`${all.toLocaleString('en-US')} ${one}${all === 1 ? '' : 's'}`];
  };
  const words = [...sum('count', 'hidden character'), ...sum('alike', 'look-alike letter')];
  return words.length === 0 ? undefined : words.join(' and ');
}

function written(letter: string): string {
  return `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;
}

// Letters that fonts draw like Latin ones, by Unicode's table of confusables (UTS 39), upper and lower case.
const alikeLetters = { Cyrillic: 'АВЕЅІЈКМНОРСТУХҮҺԌԚԜаеѕіјорсухүһԁԛԝѵӏ', Greek: 'ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹοναιρυσϲϳ' } as const;
const scripts = Object.entries(alikeLetters).map(([name, letters]) => ({ letters: new Set<string>(letters), only: new RegExp(`^[${letters}\\p{M}]+$`, 'u'), own: new RegExp(`(?![${letters}])\\p{Script=${name}}`, 'u') }));
const mayBeAlike = /[\u0370-\u03ff\u0400-\u052f]/;
const joined = /[\p{L}\p{M}\p{N}_./@:-]+/gu;
const word = /[\p{L}\p{M}]+/gu;
const latin = /\p{Script=Latin}/u;

/**
 * A Cyrillic or Greek letter passes for a Latin one in a word with Latin letters, as a word of nothing else that is joined to such a word, and
 * as such a word in a text without any letter that only its own script has: ordinary text of these scripts stays as it is.
 */
function markAlike(text: string): { text: string; alike: number } {
  let alike = 0;
  if (!mayBeAlike.test(text)) return { text, alike };
  const foreign = scripts.filter(({ own }) => !own.test(text));
  const mark = (part: string): string =>
    [...part].map((letter) => {
      if (!scripts.some(({ letters }) => letters.has(letter))) return letter;
      alike += 1;
      return written(letter);
    }).join('');
  const marked = text.replace(joined, (run) => {
    if (!mayBeAlike.test(run)) return run;
    const among = latin.test(run) ? scripts : foreign;
    return run.replace(word, (part) => (latin.test(part) || among.some(({ only }) => only.test(part)) ? mark(part) : part));
  });
  return { text: marked, alike };
}

/** One line of at most `limit` characters for lists and labels: newlines and tabs become visible, too. */
export function revealLine(text: string, limit: number): string {
  const line = reveal(text).text.replace(/\n/g, '\\n').replace(/\t/g, '\\t');
  const points = [...line];
  return points.length <= limit ? line : `${points.slice(0, limit - 1).join('')}…`;
}
