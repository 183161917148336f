import { alwaysAsk } from './programs/wrappers';
import { interpreters, withoutVersion } from './programs/runtimes';
import { innermost } from './wrapped';

/** Which word of a command names the program that an interpreter runs. */

/** Shells that read a script from any name they are given, and mean the same by it. */
const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'mksh', 'zsh', 'fish']);

/** Those whose scripts can tell their own name only through `$0` and the variables of bash. */
const plainShells: ReadonlySet<string> = new Set(['sh', 'bash', 'dash']);

const known: ReadonlySet<string> = new Set(interpreters.map(([name]) => name));

/** Options of shells whose value is the next word. */
const valued: ReadonlySet<string> = new Set(['-o', '+o', '-O', '+O', '--rcfile', '--init-file']);

/** The index of the word in the argument list; `plain` when a shell would not notice another name for it. Undefined when no file is named. */
export function scriptWord(argv: readonly [string, ...string[]]): Readonly<{ at: number; plain: boolean }> | undefined {
  const inner = innermost(argv);
  const name = withoutVersion(inner[0]);
  const shell = isShell(name);
  if (!shell && !known.has(name)) return undefined;
  const begin = argv.length - inner.length;
  for (let at = 1; at < inner.length; at += 1) {
    const word = inner[at] ?? '';
    if (!/^[-+]./.test(word)) return word === '' || word === '-' ? undefined : { at: begin + at, plain: plainShells.has(name) };
    if (word === '--') return inner[at + 1] === undefined ? undefined : { at: begin + at + 1, plain: plainShells.has(name) };
    if (shell && /^-[A-Za-z]*[cs]/.test(word)) return undefined;
    if (!shell && givesProgram(name, word)) return undefined;
    if (!shell && modules.has(word)) at += 1;
    // Letters stand together: `-eo pipefail` is `-e -o pipefail`.
    if (shell && (valued.has(word) || /^[-+][A-Za-z]+[oO]$/.test(word))) at += 1;
  }
  return undefined;
}

/** Whether a program, by its name without a version, is a shell. */
export function isShell(name: string): boolean {
  return shells.has(name) && alwaysAsk.has(name);
}

/** Options of interpreters whose value is a module that is loaded before the script. */
const modules: ReadonlySet<string> = new Set(['--require', '--import', '--loader', '--experimental-loader', '-r']);

/** Options behind which a program or the name of a module stands, and no file. */
function givesProgram(name: string, option: string): boolean {
  if (/^(?:python|pypy)/.test(name)) return /^-[A-Za-z]*[cm]/.test(option);
  return name === 'php' ? /^-[A-Za-z]*[rBRE]$/.test(option) : /^(?:-[A-Za-z]*[eE]|-p|--eval(?:=.*)?|--print(?:=.*)?)$/s.test(option);
}

/** Whether a program runs what it reads or what a word says, as shells and interpreters do. */
export function runsText(name: string): boolean {
  const base = withoutVersion(name);
  return shells.has(base) || known.has(base) || base === 'env';
}

/** Whether a script of a plain shell may ask for its own name; then it is given no other one. */
export function asksForItsName(script: string): boolean {
  return /\$\{?[!#]?0|\$\{?[@*]:|\$\{?_|\$\{!|BASH_|FUNCNAME|caller|\beval\b/.test(script);
}
