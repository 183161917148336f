/**
 * Characters that people do not see and models read, in what a server says: directions of writing, zero width, tags, controls (T59). Where a
 * language needs one it is ordinary: joiners within words of other scripts than Latin, marks of direction beside letters that run leftwards,
 * selectors behind symbols and Han.
 */

// Controls but tab and line ends, soft hyphen, grapheme joiner, marks and orders of direction, fillers, zero-width, invisible operators, selectors, annotations, tags, lone surrogates.
const unseen =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{13430}-\u{1345f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}\ud800-\udfff]/gu;

/** A quick look at JSON text: whether any of them may stand in it. */
const maybe = /[\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\ud80d\ud82f\ud834\udb40-\udb43]|\\u(?:00[01]|d[89a-f])|\\[bf]/i;

/** Whether the JSON text of a value may hold characters that cannot be seen; true is a reason to look closer. */
export function mayHideText(json: string): boolean {
  return !isPlain(json) && maybe.test(json);
}

/** A long text of nothing but ASCII without escapes, which is seen at a glance. */
function isPlain(json: string): boolean {
  return json.length > 1024 && !json.includes('\\') && !json.includes('\u007f') && Buffer.byteLength(json) === json.length;
}

/** A text with its hidden characters as `\u{hex}`, and how many there were. */
export function markText(text: string): Readonly<{ text: string; count: number }> {
  let count = 0;
  const marked = text.replace(unseen, (match, at: number) => {
    if (isOrdinary(match, text, at)) return match;
    count += 1;
    return `\\u{${(match.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return { text: marked, count };
}

/** Members of a result whose text goes back to the server as it came; nobody reads it. */
const opaque: ReadonlySet<string> = new Set(['nextCursor', 'requestState']);

/** A JSON value with the hidden characters of all its texts made visible, and how many there were. Without any it is the same value. */
export function markValue<Value>(value: Value): Readonly<{ value: Value; count: number }> {
  const found = { count: 0 };
  const marked = walk(value, found, 0);
  return found.count === 0 ? { value, count: 0 } : { value: marked as Value, count: found.count };
}

/** What nests deeper is left out, and counts as hidden. */
const mostDepth = 512;

function walk(value: unknown, found: { count: number }, depth: number): unknown {
  if (typeof value === 'string') {
    const { text, count } = markText(value);
    found.count += count;
    return text;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth > mostDepth) return (found.count += 1), 'nested too deep';
  if (Array.isArray(value)) return value.map((item) => walk(item, found, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [String(walk(name, found, depth)), typeof member === 'string' && depth === 1 && opaque.has(name) ? member : walk(member, found, depth + 1)]));
}

const leftwards = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const joining = /[\p{L}\p{M}]/u;
const symbol = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\p{S}0-9#*\ufe0f\u20e3]/u;

function isOrdinary(mark: string, text: string, at: number): boolean {
  const [before, after] = [charBefore(text, at), charAt(text, at + mark.length)];
  switch (mark) {
    case '\ufeff':
      return at === 0;
    case '\u200c':
    case '\u200d':
      // Between emoji, and within words of scripts that join.
      return (mark === '\u200d' && symbol.test(before) && /\p{Extended_Pictographic}/u.test(after)) || [before, after].every((one) => joining.test(one) && !/\p{Script=Latin}/u.test(one));
    case '\u200e':
    case '\u200f':
    case '\u061c':
      return leftwards.test(before) || leftwards.test(after);
    case '\ufe0e':
    case '\ufe0f':
      return symbol.test(before) && before !== '\ufe0f';
    default:
      return isFlagTag(mark, text, at) || (/[\ufe00-\ufe0d\u{e0100}-\u{e01ef}]/u.test(mark) && /\p{Script=Han}/u.test(before));
  }
}

/** The flags of England, Scotland and Wales are written with tags behind a black flag; nothing else needs them. */
function isFlagTag(mark: string, text: string, at: number): boolean {
  if (!/[\u{e0020}-\u{e007f}]/u.test(mark)) return false;
  // Only so far back as such a flag is long: whoever writes millions of tags is not waited for.
  const from = Math.max(0, at - 12);
  const begins = from + text.slice(from, at).lastIndexOf('\u{1f3f4}');
  return begins >= from && /^\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}/u.test(text.slice(begins, begins + 14));
}

function charAt(text: string, at: number): string {
  const point = text.codePointAt(at);
  return point === undefined ? '' : String.fromCodePoint(point);
}

function charBefore(text: string, at: number): string {
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low <= 0xdfff ? charAt(text, at - 2) : text.charAt(at - 1);
}
