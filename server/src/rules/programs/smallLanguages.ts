/** Looks into the programs of sed and jq. Each function returns why the program is not known to be harmless. */

/** Longer programs ask: nobody reads them at a glance, and looking into them takes time. */
const maxProgram = 2000;

const address = String.raw`(?:[0-9]+(?:~[0-9]+)?|\$|\/(?:[^\/\\\n]|\\[^\n])+\/I?)`;
const range = String.raw`(?:${address}(?:\s*,\s*(?:${address}|[+~][0-9]+))?\s*!?\s*)?`;
const plainCommand = new RegExp(String.raw`^${range}(?:[pPdDhHgGxnN=l]|[qQ][0-9]*)\s*`);
const substitution = new RegExp(String.raw`^${range}[sy]`);

/** Plain commands, `s` and `y`; everything that writes (`w`), runs (`e`), reads (`r`) or jumps asks. */
export function sedFlaw(programs: readonly string[]): string | undefined {
  if (programs.reduce((sum, program) => sum + program.length, 0) > maxProgram) return `the sed program has more than ${maxProgram} characters`;
  for (const program of programs) {
    const flaw = pieceFlaw(program);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function pieceFlaw(program: string): string | undefined {
  let rest = program.trimStart();
  while (rest !== '') {
    const next = afterPlain(rest) ?? afterSubstitution(rest);
    if (next === undefined) return 'the sed program is more than printing, deleting and plain substitution';
    const end = /^\s*(?:[;\n]\s*|$)/.exec(next);
    if (end === null) return 'the sed program is more than printing, deleting and plain substitution';
    rest = next.slice(end[0].length);
  }
  return undefined;
}

function afterPlain(text: string): string | undefined {
  const match = plainCommand.exec(text);
  return match === null || !bracketsClose(match[0]) ? undefined : text.slice(match[0].length);
}

function afterSubstitution(text: string): string | undefined {
  const start = substitution.exec(text);
  if (start === null || !bracketsClose(start[0])) return undefined;
  const delimiter = text.charAt(start[0].length);
  if (delimiter === '' || /[\s\\A-Za-z0-9;]/.test(delimiter)) return undefined;
  const first = untilDelimiter(text, start[0].length + 1, delimiter);
  const second = first === undefined ? undefined : untilDelimiter(text, first + 1, delimiter);
  if (first === undefined || second === undefined || !bracketsClose(text.slice(start[0].length + 1, first))) return undefined;
  const flags = /^[gpiI0-9]*/.exec(text.slice(second + 1))?.[0] ?? '';
  return text.slice(second + 1 + flags.length);
}

/** Index of the next delimiter that no backslash precedes. */
function untilDelimiter(text: string, from: number, delimiter: string): number | undefined {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\n') return undefined;
    if (text[at] === '\\') at += 1;
    else if (text[at] === delimiter) return at;
  }
  return undefined;
}

/** A bracket right after the opening one may be a member or the end. */
const emptyBracket = /\[\^?\]/;

/** Whether every bracket is closed. Some programs let a delimiter stand inside brackets and some do not; a part with an open bracket would be read in two ways. */
export function bracketsClose(text: string): boolean {
  const plain = text.replace(/\\./g, '').replace(/\[\^?\]?(?:\[:[a-z]+:\]|[^\]])*\]/g, '');
  return !plain.includes('[') && !emptyBracket.test(text.replace(/\\./g, ''));
}

/** Modules are files that jq reads from wherever the program says; the environment may hold what is not for agents. */
export function jqFlaw(program: string): string | undefined {
  const word = /\b(import|include|input_filename|modulemeta|get_search_list)\b/.exec(program);
  return word === null ? undefined : `the jq program uses ${word[0]}`;
}
