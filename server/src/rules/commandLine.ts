import { disagreement } from './crossCheck';
import type { CommandPlan, ParsedCommand, Pattern, Pipeline, Platform, Redirection } from './commandPlan';
import { maxWords, readTokens, type Token } from './commandTokens';

/** Reads a command line into argument lists. What this reading yields is what runs: no shell ever sees the text. */

/** The plan, or the rule that refused the text. */
export type ParsedLine = Readonly<{ ok: true; plan: CommandPlan }> | Refusal;

/** Why a text is refused. */
export type Refusal = Readonly<{ ok: false; rule: string; reason: string }>;

/** Longest line in bytes of UTF-8. */
export const maxLineBytes = 16 * 1024;

/** Most commands in one line. */
export const maxCommands = 64;

/** Words that steer a shell. None of them is a program, so none may stand where a command begins. */
export const reservedWords: ReadonlySet<string> = new Set([
  'if', 'then', 'elif', 'else', 'fi', 'do', 'done', 'case', 'esac', 'while', 'until', 'for', 'select', 'in', 'function', 'time', 'coproc', '!', '[[', ']]', '{', '}',
]);

/** Most lines of quoted text in one command. */
const maxLines = 1000;

/**
 * Reads one line for a platform. Refuses whatever needs a shell, and whatever a second, independent parser reads differently;
 * `compare` is that second reading, and says how it differs.
 */
export function parseCommandLine(line: string, platform: Platform, compare: typeof disagreement = disagreement): ParsedLine {
  const flaw = sizeFlaw(line) ?? hiddenFlaw(line);
  if (flaw !== undefined) return flaw;
  const text = line.endsWith('\n') ? line.slice(0, -1) : line;
  const read = readTokens(text, platform);
  if ('refused' in read) return refuse(read.tooMany === true ? 'shell.tooMany' : 'shell.syntax', read.refused + placeIn(text, read.at));
  const parsed = buildPlan(read.tokens);
  if (!parsed.ok) return parsed;
  const difference = compare(text, parsed.plan, platform);
  return difference === undefined ? parsed : refuse('shell.disagreement', difference);
}

/** Takes an argument list as it is: one command, no operators, nothing decoded. */
export function parseArguments(argv: readonly [string, ...string[]]): ParsedLine {
  if (argv.reduce((sum, word) => sum + word.length + 1, -1) > maxLineBytes) return tooLong();
  if (argv.length > maxWords) return refuse('shell.tooMany', `There are more than ${maxWords} arguments, more than a person can check. Use several calls, or name a folder in place of its files.`);
  const joined = argv.join(' ');
  const flaw = sizeFlaw(joined) ?? hiddenFlaw(joined);
  if (flaw !== undefined) return flaw;
  return { ok: true, plan: { pipelines: [{ joint: 'first', commands: [{ assignments: [], argv, redirections: [] }] }] } };
}

/** Says where in a longer line, with what stands there. */
function placeIn(text: string, at: number | undefined): string {
  return at === undefined || at >= text.length ? '' : ` It stands at character ${at + 1}: ${JSON.stringify(text.slice(at, at + 24))}.`;
}

function refuse(rule: string, reason: string): Refusal {
  return { ok: false, rule, reason };
}

function sizeFlaw(text: string): Refusal | undefined {
  if (text.length > maxLineBytes || (3 * text.length > maxLineBytes && new TextEncoder().encode(text).length > maxLineBytes)) return tooLong();
  if (text.split('\n', maxLines + 1).length > maxLines) return refuse('shell.tooMany', `The command holds text of more than ${maxLines} lines. Write it to a file with filesystem.write and name the file.`);
  return text.trim() === '' ? refuse('shell.syntax', 'The command is empty.') : undefined;
}

function tooLong(): Refusal {
  return refuse('shell.tooLong', `The command is longer than ${maxLineBytes} bytes, more than a person can check. Write long text to a file with filesystem.write and name the file, or use several calls.`);
}

/** Controls, blanks other than the plain one, and everything that shows as nothing. An emoji's own presentation mark may stay. */
const hidden = /[^\P{Cc}\n\t]|(?! )\p{Z}|\p{Cf}|\p{Cs}|(?!\uFE0F)\p{Default_Ignorable_Code_Point}|(?<!\p{Extended_Pictographic})\uFE0F|[\u2800\uFFFC]/u;

/** What every character of most lines is. */
const visible = /^[\x20-\x7e\n\t]*$/;

/** The first character that a person cannot see or tell apart, as `U+200B`. */
export function hiddenCharacter(text: string): string | undefined {
  const found = visible.test(text) ? null : hidden.exec(text);
  return found === null ? undefined : `U+${(found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function hiddenFlaw(text: string): Refusal | undefined {
  const found = hiddenCharacter(text);
  return found === undefined ? undefined : refuse('shell.hidden', `The command holds the character ${found}, which a person cannot see or tell apart. Send the line again without it.`);
}

type Part = Extract<Token, { kind: 'word' | 'redirect' }>;
type Draft = { joint: Pipeline['joint']; commands: ParsedCommand[] };

function buildPlan(tokens: readonly Token[]): ParsedLine {
  const pipelines: Draft[] = [{ joint: 'first', commands: [] }];
  let rest: Part[] = [];
  let count = 0;
  for (const token of [...tokens, { kind: 'end' } as const]) {
    if (token.kind === 'word' || token.kind === 'redirect') {
      rest.push(token);
      continue;
    }
    const trailing = token.kind === 'end' && rest.length === 0 && pipelines.length > 1 && pipelines.at(-1)?.joint === ';' && pipelines.at(-1)?.commands.length === 0;
    if (trailing) {
      pipelines.pop();
      break;
    }
    const command = buildCommand(rest);
    if ('ok' in command) return command;
    count += 1;
    if (count > maxCommands) return refuse('shell.tooMany', `The line holds more than ${maxCommands} commands. Use several calls.`);
    pipelines.at(-1)?.commands.push(command);
    rest = [];
    if (token.kind === 'joint') pipelines.push({ joint: token.joint, commands: [] });
  }
  return { ok: true, plan: { pipelines } };
}

function buildCommand(tokens: readonly Part[]): ParsedCommand | Refusal {
  const assignments: [string, string][] = [];
  const argv: string[] = [];
  const redirections: Redirection[] = [];
  const patterns: Pattern[] = [];
  for (const token of tokens) {
    if (token.kind === 'redirect') {
      if (argv.length === 0) return refuse('shell.syntax', 'A redirection must stand after the command name.');
      redirections.push(token.redirection);
    } else if (argv.length === 0 && token.assigns > 0) {
      assignments.push([token.text.slice(0, token.assigns), token.text.slice(token.assigns + 1)]);
      if (token.active.length > 0) return refuse('shell.syntax', 'A file pattern in an assignment is refused; write the value in quotes.');
    } else {
      if (token.active.length > 0) patterns.push({ at: argv.length, active: token.active });
      argv.push(token.text);
    }
  }
  const [name, ...rest] = argv;
  if (name === undefined) return refuse('shell.syntax', assignments.length > 0 ? 'An assignment alone has no effect here: no state is kept between commands.' : 'A command is missing beside an operator.');
  const foreign = assignments.find(([key]) => !harmlessAssignments.has(key));
  if (foreign !== undefined) return refuse('shell.assignment', `Setting ${foreign[0]} for a command is refused: it can change what runs. Leave it out; only ${[...harmlessAssignments].join(', ')} may be set.`);
  if (reservedWords.has(name)) return refuse('shell.reserved', `"${name}" is a word of the shell language, and there is no shell here. ${name === 'time' ? 'Leave it out.' : 'Send each command as a call of its own.'}`);
  return { assignments, argv: [name, ...rest], redirections, ...(patterns.length === 0 ? {} : { patterns }) };
}

/** The only variables that a line may set, and then it asks. */
const harmlessAssignments: ReadonlySet<string> = new Set(['NODE_ENV', 'CI', 'FORCE_COLOR', 'NO_COLOR', 'TZ', 'LANG', 'LC_ALL']);
