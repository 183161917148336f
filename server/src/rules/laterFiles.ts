import { readers } from './programs/readers';
import { interpreters, withoutVersion } from './programs/runtimes';
import { searchers } from './programs/search';
import { runsText, scriptWord } from './scriptWord';
import { innermost } from './wrapped';

/** Files that a program may open long after it began, and which therefore are no longer those that were compared before the start. */

const onlyReading: ReadonlySet<string> = new Set([...readers, ...searchers].map(([name]) => name));

/** Pieces of a program in a word that are looked at. */
const maxFound = 200;

const runners = String.raw`\.|source|(?:ba|da|z|k)?sh|node(?:js)?|deno|bun|tsx|ts-node|python[0-9.]*|ruby|perl|php|lua`;

/** What a program that stands in a word says it will run or read in: sourced, run by another interpreter, run by its path, required, opened. */
const patterns: readonly RegExp[] = [
  new RegExp(String.raw`(?:^|[\s;&|(){}])(?:${runners})\s+(?:-\S+\s+)*["']?([^\s"';&|()<>]+)`, 'g'),
  /(?:^|[;&|(){}\n]|\b(?:then|do|else|exec|time|nohup|env)\s)\s*["']?(\.{0,2}\/?[\w.-]+\/[^\s"';&|()<>]*)/g,
  /\b(?:require|import|from|open|source|load|include|readFileSync|readFile)\b\s*\(?\s*["'`]([^"'`]+)["'`]/g,
];

/** Whether a command runs what it is told in a word or over its input, so that no word names its script. */
function runsUnnamed(argv: readonly [string, ...string[]]): boolean {
  return runsText(innermost(argv)[0]) && scriptWord(argv) === undefined;
}

/** The words and pieces of words of the commands of a pipe that name such files, by the index of their command: what is fed to an interpreter, and what its program names. */
export function laterFiles(commands: readonly (readonly [string, ...string[]])[]): readonly Readonly<{ command: number; text: string }>[] {
  return commands.flatMap((argv, at) => {
    if (!runsUnnamed(argv)) return [];
    const fed = commands.slice(0, at).flatMap((other, command) => (onlyReading.has(innermost(other)[0]) ? other.slice(1).map((text) => ({ command, text })) : []));
    const told = argv.slice(1).filter((word) => /[\s;|&('"]/.test(word)).flatMap((word) => patterns.flatMap((pattern) => [...word.matchAll(pattern)].slice(0, maxFound).flatMap((match) => match[1] ?? []))).map((text) => ({ command: at, text }));
    return [...fed, ...told];
  });
}

const interpreterNames: ReadonlySet<string> = new Set(interpreters.map(([name]) => name));

/** Options whose value is the name of a module. */
const moduleOptions = /^(?:-r|-m|--require|--import|--loader|--experimental-loader)$/;

/** The files that an interpreter may take for a name which is not a file's whole name, whether they are there or not. */
export function completionsOf(argv: readonly [string, ...string[]]): readonly string[] {
  const [name, ...args] = innermost(argv);
  const base = withoutVersion(name);
  if (!interpreterNames.has(base)) return [];
  const python = /^(python[23]?|pypy3)$/.test(base);
  const script = args.find((word, at) => !word.startsWith('-') && !moduleOptions.test(args[at - 1] ?? ''));
  const modules = args.flatMap((word, at) => (moduleOptions.test(args[at - 1] ?? '') ? [word] : /^--(?:require|import|loader|experimental-loader)=(.+)$/s.exec(word)?.slice(1) ?? []));
  const named = [...modules, ...(script === undefined ? [] : [script])].filter((word): word is string => word !== undefined && word !== '' && word.length < 1024 && !word.includes('\0'));
  return python ? named.flatMap((word) => ofPython(word, modules.includes(word))) : named.flatMap((word) => [...endings.map((ending) => `${word}.${ending}`), ...endings.slice(0, 4).map((ending) => `${word}/index.${ending}`), `${word}/package.json`]);
}

const endings: readonly string[] = ['js', 'json', 'cjs', 'mjs', 'ts', 'mts', 'cts', 'rb', 'pl', 'pm', 'php', 'lua'];

function ofPython(word: string, isModule: boolean): readonly string[] {
  const path = isModule ? word.replaceAll('.', '/') : word;
  const above = path.split('/').map((_, index, names) => `${names.slice(0, index + 1).join('/')}/__init__.py`);
  return isModule ? [`${path}.py`, `${path}/__main__.py`, ...above] : [`${path}/__main__.py`];
}
