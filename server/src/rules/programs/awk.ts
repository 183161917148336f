import { bracketsClose } from './smallLanguages';

/** Looks into awk programs: strings and patterns are set aside first, where it is certain where they begin and end. */

/** Longer programs ask: nobody reads them at a glance. */
const maxProgram = 2000;

/** A number may stand right before a name (`1system("id")`), so these are looked for inside words as well. */
const dangerous = /system|getline|ARGV|ARGC|ARGIND|PROCINFO|SYMTAB|FUNCTAB|extension/;

/** Words after which a slash may begin a pattern or divide; awks do not agree. */
const keywords: ReadonlySet<string> = new Set(['print', 'printf', 'return', 'in', 'case', 'else', 'do', 'delete', 'exit', 'length', 'if', 'while', 'for', 'getline', 'next', 'nextfile', 'func', 'function', 'switch', 'default', 'BEGIN', 'END', 'BEGINFILE', 'ENDFILE']);

/** Why an awk program is not known to be harmless: it may run, read or write something else. */
export function awkFlaw(program: string): string | undefined {
  if (program.length > maxProgram) return `the awk program has more than ${maxProgram} characters`;
  if (program.includes('\\\n')) return 'the awk program continues a line';
  // Where it is not certain what is a string, everything counts as code.
  const read = codeOf(program);
  const code = read ?? program;
  const word = dangerous.exec(code);
  if (word !== null) return `the awk program uses ${word[0]}`;
  if (code.includes('@')) return 'the awk program includes or calls by name with "@"';
  if (code.replaceAll('||', '').includes('|')) return 'the awk program uses a pipe';
  const writes = read === undefined ? printsBeforeGreater(program) : redirectsPrint(read);
  return writes ? 'the awk program may write to a file with ">"' : undefined;
}

/** Without knowing the strings: any `>` after anything that prints. */
function printsBeforeGreater(program: string): boolean {
  const prints = program.indexOf('print');
  return prints >= 0 && program.lastIndexOf('>') > prints;
}

/** Inside parentheses `>` compares; after `print`, outside of them and in the same statement, it writes. */
function redirectsPrint(code: string): boolean {
  let depth = 0;
  let printing = false;
  for (const [token] of code.matchAll(/print|[();{}>]/g)) {
    if (token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    else if (token === 'print') printing = true;
    else if (token !== '>') printing = false;
    else if (printing && depth <= 0) return true;
  }
  return false;
}

/** The program with every string, pattern and comment replaced by an empty one; undefined when it is not certain where they end. */
function codeOf(program: string): string | undefined {
  let code = '';
  for (let at = 0; at < program.length; ) {
    const character = program.charAt(at);
    const piece = character === '"' ? stringAt(program, at) : character === '#' ? /^[^\n]*/.exec(program.slice(at))?.[0] : character === '/' ? slashAt(program, at, code) : character;
    if (piece === undefined) return undefined;
    if (piece === '/' || piece === character) code += character;
    else if (character !== '#') code += '""';
    at += piece.length;
  }
  return code;
}

function stringAt(program: string, at: number): string | undefined {
  return /^"(?:[^"\\\n]|\\[^\n])*"/.exec(program.slice(at))?.[0];
}

/** A lone slash where it divides, a whole pattern where one must stand, and nothing where it could be either. */
function slashAt(program: string, at: number, before: string): string | undefined {
  // A new line ends whatever stood before; without one, the sign or the word before decides.
  const text = before.slice(-64).replace(/[ \t]+$/, '');
  if (text === '' && before !== '') return undefined;
  const word = /[A-Za-z_][A-Za-z0-9_]*$/.exec(text)?.[0];
  if (/(\+\+|--)$/.test(text) || (word !== undefined && keywords.has(word))) return undefined;
  if (/[A-Za-z0-9_\]"]$/.test(text)) return '/';
  if (text !== '' && !/[\n{}(,;!~&|=<>?:+*%^$-]$/.test(text)) return undefined;
  const pattern = /^\/(?:[^/\\\n]|\\[^\n])+\//.exec(program.slice(at))?.[0];
  return pattern === undefined || !bracketsClose(pattern) ? undefined : pattern;
}
