import { createHash } from 'node:crypto';

/** Names of external tools on the wire: they cannot collide, fit the limits of all clients, and look like no other. */

/** Longest name on the wire: some clients take 64 characters and put `mcp__conductor__` before it. */
export const wireNameLimit = 48;

const separator = '__';

/** The name under which agents see a tool: `backend__tool`. What no client takes is replaced, and a digest of the true name is added then. */
export function wireName(backend: string, tool: string): string {
  const plain = `${backend}${separator}${tool}`;
  if (plain.length <= wireNameLimit && /^[A-Za-z0-9_-]+$/.test(plain)) return plain;
  const digest = createHash('sha256').update(JSON.stringify([backend, tool])).digest('hex').slice(0, 8);
  return `${plain.replace(/[^A-Za-z0-9_-]/gu, '_').slice(0, wireNameLimit - digest.length - 1)}-${digest}`;
}

/** What a name looks like: compatibility forms, case, separators and the letters that pass for Latin ones do not matter. Two names with one skeleton look alike (T57). */
export function skeleton(name: string): string {
  const folded = name.normalize('NFKC').toLowerCase().normalize('NFD').replace(/\p{M}|\p{Cf}/gu, '');
  return [...folded].map((letter) => lookAlikes.get(letter) ?? letter).join('').replace(/rn/g, 'm').replace(/vv/g, 'w').replace(/[\s_.\-/:\u2010-\u2015]+/gu, '_');
}

// Per Latin letter (or digit) what passes for it, lower case only: Cyrillic, Greek, Armenian and a few others; digits that pass for letters.
const table: Readonly<Record<string, string>> = {
  a: 'аαɑ', b: 'ЬьƄ', c: 'сϲᴄ', d: 'ԁɗ', e: 'еєҽ', f: 'ғẝ', g: 'ɡց', h: 'һհ', i: 'іιıɩ', j: 'јϳ', k: 'кκᴋ', l: 'ӏ1|ⅼ', m: 'мᴍ', n: 'пηո', o: 'оο0օᴏσ', p: 'рρ',
  q: 'ԛզ', r: 'гᴦ', s: 'ѕ5', t: 'тτᴛ', u: 'υսᴜ', v: 'ѵνᴠ', w: 'ѡԝωᴡ', x: 'хχ', y: 'уγү', z: 'ᴢ2',
};
const lookAlikes = new Map(Object.entries(table).flatMap(([latin, others]) => [...others].map((other) => [other.toLowerCase(), latin] as const)));
// These two pass for each other whichever is meant.
lookAlikes.set('i', 'l');
for (const letter of table['i'] ?? '') lookAlikes.set(letter.toLowerCase(), 'l');

/** A tool as one backend names it; `own` are Conductor's tools, which no other may look like. */
export type NamedTool = Readonly<{ backend: string; tool: string }>;

/** Two names that people or models would take for each other, in a sentence. */
export type NameDoubt = NamedTool & Readonly<{ says: string }>;

/**
 * Names among external tools that look like another one: within a backend, on the wire, or like one of Conductor's own. Names with hidden or
 * mixed letters are named as well. Of two names the later one is told.
 */
export function nameDoubts(tools: readonly NamedTool[], own: readonly string[]): NameDoubt[] {
  const seen = new Map<string, string>(own.map((name) => [skeleton(name), `the tool ${name} of Conductor`]));
  const doubts: NameDoubt[] = [];
  for (const { backend, tool } of tools) {
    const odd = oddLetters(tool);
    if (odd !== undefined) doubts.push({ backend, tool, says: odd });
    const bare = seen.get(skeleton(tool));
    if (bare?.endsWith('of Conductor') === true) doubts.push({ backend, tool, says: `Its name looks like that of ${bare}.` });
    const whole = skeleton(`${backend}${separator}${tool}`);
    const like = seen.get(whole);
    if (like === undefined) seen.set(whole, `the tool ${tool} of ${backend}`);
    else doubts.push({ backend, tool, says: `Its name looks like that of ${like}.` });
  }
  return doubts;
}

function oddLetters(name: string): string | undefined {
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(name)) return 'Its name holds characters that cannot be seen.';
  if (/\p{Script=Latin}/u.test(name) && /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}]/u.test(name)) return 'Its name mixes Latin letters with others that look like them.';
  return name === name.normalize('NFKC') ? undefined : 'Its name holds letters in unusual forms.';
}

/** Backends whose names look like an earlier one's, with that one. */
export function alikeBackends(names: readonly string[]): readonly (readonly [name: string, like: string])[] {
  const seen = new Map<string, string>();
  return names.flatMap((name) => {
    const like = seen.get(skeleton(name));
    if (like === undefined) seen.set(skeleton(name), name);
    return like === undefined ? [] : [[name, like] as const];
  });
}
