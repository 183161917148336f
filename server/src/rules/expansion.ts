import type { Verdict } from '../../../protocol/src/call';
import { ask, deny } from './argumentKinds';
import type { ParsedCommand } from './commandPlan';
import { maxWords } from './commandTokens';
import type { CommandFacts } from './places';

/**
 * Puts names of files in the place of patterns, as a shell would, but before anything is judged: what is judged, shown, approved and
 * run are the names. Each begins with `./`, so that no file name is an option. A pattern that stands for nothing is refused.
 */

/** The commands as they would run, and why some of them cannot. */
export function expandAll(commands: readonly ParsedCommand[], folder: string, facts: CommandFacts): Readonly<{ commands: readonly ParsedCommand[]; flaws: readonly Verdict[] }> {
  if (commands.every((command) => command.patterns === undefined)) return { commands, flaws: [] };
  const flaws: Verdict[] = [];
  const expanded = commands.map((command) => {
    const result = expand(command, folder, facts);
    if (!('verdict' in result)) return result;
    flaws.push(result);
    return command;
  });
  return { commands: expanded, flaws };
}

function expand(command: ParsedCommand, folder: string, facts: CommandFacts): ParsedCommand | Verdict {
  const { patterns, ...rest } = command;
  if (patterns === undefined) return command;
  const [name, ...words] = command.argv;
  const argv: [string, ...string[]] = [name];
  const expanded: string[] = [];
  for (const [index, word] of words.entries()) {
    const pattern = patterns.find(({ at }) => at === index + 1);
    const names = pattern === undefined ? [word] : namesFor(name, word, facts.expand(folder, word, pattern.active));
    if ('verdict' in names) return names;
    argv.push(...names);
    if (pattern !== undefined && names[0] !== word) expanded.push(word);
    if (argv.length > maxWords) return deny('shell.tooMany', `${name}: the pattern "${word.slice(0, 60)}" brings the line to more than ${maxWords} words, more than a person can check. Name a folder, or use filesystem.search.`);
  }
  return expanded.length === 0 ? { ...rest, argv } : { ...rest, argv, expanded };
}

function namesFor(name: string, word: string, found: Readonly<{ names: readonly string[] }> | Readonly<{ refused: string }>): readonly string[] | Verdict {
  const shown = `${name}: the pattern "${word.slice(0, 80)}"`;
  const instead = `Write the names out, put a pattern that ${name} reads itself into single quotes, or use filesystem.search.`;
  if ('refused' in found) return deny('shell.pattern', `${shown} is not looked up: ${found.refused}. ${instead}`);
  // As in every shell, a word such as --include=*.ts stays as it is where no file has such a name.
  if (word.startsWith('-')) return found.names.length === 0 ? [word] : deny('shell.pattern', `${shown} begins like an option and matches a file. Put it into single quotes.`);
  return found.names.length > 0 ? found.names : deny('shell.pattern', `${shown} matches no file in the working folder. ${instead}`);
}

/** Names that nobody wrote may be read without a question, but not changed, run or handed on. */
export function judgeExpanded(command: ParsedCommand): readonly Verdict[] {
  const { expanded } = command;
  if (expanded === undefined) return [];
  const patterns = expanded.slice(0, 3).map((text) => `"${text.slice(0, 60)}"`).join(', ');
  return [ask('shell.pattern', `${command.argv[0]} would get the names of all files that match ${patterns}, and it does more than read. With the names written out it need not ask for this.`)];
}
