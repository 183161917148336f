/** Makes text of an agent safe to show: what cannot be seen becomes visible, and is counted. */

// C0 and C1 controls but tab and newline, soft hyphen, combining grapheme joiner, Arabic letter mark, Hangul fillers, Khmer inherent
// vowels, Mongolian separators, zero-width, line and paragraph separators, bidi, word joiners, variation selectors, BOM, tags, NBSP
// and other unusual blanks, lone surrogates.
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\ud800-\udfff](?<![\ud800-\udbff][\udc00-\udfff])(?![\udc00-\udfff])|\udb40[\udc00-\udfff]/g;

/** Replaces every hidden, control and bidirectional character by `\u{hex}`; `count` says how many there were. */
export function reveal(text: string): { text: string; count: number } {
  let count = 0;
  const shown = text.replace(hidden, (match) => {
    count += 1;
    return `\\u{${(match.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return { text: shown, count };
}

/** One line of at most `limit` characters for lists and labels: newlines and tabs become visible, too. */
export function revealLine(text: string, limit: number): string {
  const line = reveal(text).text.replace(/\n/g, '\\n').replace(/\t/g, '\\t');
  const points = [...line];
  return points.length <= limit ? line : `${points.slice(0, limit - 1).join('')}…`;
}
