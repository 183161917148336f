import { readArguments, type ArgumentRule } from './programs/rule';
import { interpreters, withoutVersion } from './programs/runtimes';
import { scriptWord, isShell } from './scriptWord';
import { innermost } from './wrapped';

/** Which commands run a program text of which no table can say what else it loads. */

const rules: ReadonlyMap<string, ArgumentRule> = new Map(interpreters);

/** Languages and tools without a table whose arguments or input are programs. */
const evaluators: ReadonlySet<string> = new Set([
  'env', 'irb', 'jrunscript', 'jshell', 'jjs', 'ghci', 'runghc', 'ocaml', 'erl', 'elixir', 'julia', 'octave', 'Rscript', 'R', 'scala', 'groovy', 'clojure', 'racket', 'guile', 'sbcl', 'tclsh', 'wish', 'gnuplot', 'sqlite3', 'psql', 'mysql', 'mongo', 'mongosh', 'redis-cli', 'm4', 'dc', 'bc', 'gdb', 'lldb', 'expect', 'csh', 'tcsh', 'rbash', 'powershell', 'pwsh', 'cmd', 'osascript',
]);

/** Options of shells before a script that load nothing and are no program. */
const plainOptions = /^(?:-[efhnuvx]+|-[efhnuvx]*o|pipefail|errexit|nounset|xtrace|--posix|--norc|--noprofile|--)$/;

/** Whether a program evaluates what words or its input say. */
export function evaluates(name: string): boolean {
  const base = withoutVersion(name);
  return isShell(base) || rules.has(base) || evaluators.has(base);
}

/**
 * Whether a command evaluates a text that stands in a word, comes over its input, or is named in a way that its table does not understand to the
 * last word. What such a text loads can be written in any number of ways, so that no list of files could be said to be all of it.
 */
export function runsProgramText(argv: readonly [string, ...string[]]): boolean {
  const inner = innermost(argv);
  const [name, ...args] = inner;
  const base = withoutVersion(name);
  if (!evaluates(name)) return false;
  const script = scriptWord(argv);
  if (isShell(base)) return script === undefined || !args.slice(0, script.at - (argv.length - args.length)).every((word) => plainOptions.test(word));
  const rule = rules.get(base);
  return rule === undefined || ('unknown' in readByRule(rule, args) && !namesModule(base, args));
}

/** Whether words of a command name what it loads in the spelling of its language, so that they have to be held against the files that are there. */
export function loadsByName(argv: readonly [string, ...string[]]): boolean {
  const [name, ...args] = innermost(argv);
  return runsProgramText(argv) || namesModule(withoutVersion(name), args);
}

function readByRule(rule: ArgumentRule, args: readonly string[]): ReturnType<typeof readArguments> {
  return readArguments(rule.otherwise !== undefined && args.includes(rule.otherwise.when) ? rule.otherwise.rule : rule, args);
}

/** `python3 -m pytest` is as well known as a script: the files that the name can mean are bound. */
function namesModule(name: string, [option, module = '']: readonly string[]): boolean {
  return /^(?:python[23]?|pypy3)$/.test(name) && option === '-m' && /^[A-Za-z_][\w.]*$/.test(module);
}
