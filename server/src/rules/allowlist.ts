import { strictest, type Verdict } from '../../../protocol/src/call';
import { ask, deny, outOfScope, judgeLinked } from './argumentKinds';
import { judgeArguments, joined, type Scope } from './commandArguments';
import { parseArguments, parseCommandLine } from './commandLine';
import { judgeTogether } from './effects';
import { expandAll, judgeExpanded } from './expansion';
import type { CommandPlan, ParsedCommand, Pipeline, Platform, Redirection } from './commandPlan';
import { isPlainName, ruleName, standing, type ShellLists } from './commandLists';
import type { CommandFacts, Place } from './places';
import { never } from './programs/wrappers';
import { sweepWords } from './sweep';

/** The judge of commands: the user's lists say which names may run, the argument rules say in which forms they need not ask. */

/** What to judge: a line to be read, or an argument list to be taken as it is, or what was read before. */
export type CommandRequest = Readonly<{ line: string }> | Readonly<{ argv: readonly [string, ...string[]] }> | Readonly<{ plan: CommandPlan }>;

/** Everything that the judge knows. */
export type JudgeInput = Readonly<{
  request: CommandRequest;
  lists: ShellLists;
  /** Absolute folder in which the line starts. */
  cwd: string;
  platform: Platform;
  facts: CommandFacts;
}>;

/** The verdict on the whole, the verdicts on its parts in order, and the plan that would run; no plan when the text was refused. */
export type Judgement = Readonly<{
  verdict: Verdict;
  parts: readonly Verdict[];
  plan?: CommandPlan;
  /** True when every command only reads and nothing is written to a file. */
  readOnly: boolean;
  /** The verdicts by what they are about: each command of the plan in order, and the line itself. Absent when the text was refused. */
  shares?: Shares;
}>;

/** The parts of a judgement by what they are about. */
export type Shares = Readonly<{ commands: readonly (readonly Verdict[])[]; line: readonly Verdict[]; /** Of each command in order, whether it only reads. */ reads: readonly boolean[] }>;

/** More characters than this ask, whatever they say: nobody checks so long a line at a glance. */
export const askAboveCharacters = 10_000;

/** More commands than this in one line ask. */
export const askAboveCommands = 50;

/** Judges one request. The strictest verdict of all parts is the verdict; nothing is skipped for being long or deep. */
export function judgeCommand(given: JudgeInput): Judgement {
  const input = { ...given, facts: remembering(given.facts) };
  const parsed = 'plan' in input.request ? { ok: true as const, plan: input.request.plan } : 'line' in input.request ? parseCommandLine(input.request.line, input.platform) : parseArguments(input.request.argv);
  if (!parsed.ok) return refused(deny(parsed.rule, parsed.reason));
  const start = judgeStart(input);
  if (start !== undefined) return { ...refused(start), plan: parsed.plan };
  const { judged, plan } = judgePlan(parsed.plan, input);
  const size = judgeSize(input.request, judged.length);
  const parts = [...judged.flatMap((part) => part.verdicts), ...size];
  const commands = judged.filter((part) => part.command === true);
  const shares: Shares = { commands: commands.map((part) => part.verdicts), reads: commands.map((part) => part.reads), line: [...judged.filter((part) => part.command !== true).flatMap((part) => part.verdicts), ...size] };
  return { verdict: strictest(parts), parts, plan, readOnly: judged.every((part) => part.reads), shares };
}

/** A rule, what it derives and the sweep ask about the same words; within one judgement the answer is the same. */
function remembering(facts: CommandFacts): CommandFacts {
  const known = new Map<string, Map<string, Place>>();
  const place: CommandFacts['place'] = (folder, path) => {
    const here = known.get(folder) ?? new Map<string, Place>();
    const found = here.get(path) ?? facts.place(folder, path);
    known.set(folder, here.set(path, found));
    return found;
  };
  return { ...facts, place };
}

function refused(verdict: Verdict): Judgement {
  return { verdict, parts: [verdict], readOnly: false };
}

function judgeStart(input: JudgeInput): Verdict | undefined {
  const place = input.facts.place(input.cwd, '.');
  if (place === 'own') return deny('shell.ownFolder', "The working folder is Conductor's own folder. No command may run there.");
  return place === 'inside' || place === 'control' ? undefined : deny('shell.cwdOutside', 'The working folder is outside the project. Leave "cwd" out, or name a folder inside.');
}

function judgeSize(request: CommandRequest, commands: number): readonly Verdict[] {
  const length = 'plan' in request ? 0 : 'line' in request ? request.line.length : request.argv.join(' ').length;
  const found: Verdict[] = [];
  if (length > askAboveCharacters) found.push(ask('shell.long', `The command has more than ${askAboveCharacters} characters.`));
  if (commands > askAboveCommands) found.push(ask('shell.manyCommands', `The line holds more than ${askAboveCommands} commands.`));
  return found;
}

type Judged = Readonly<{ verdicts: readonly Verdict[]; reads: boolean; /** True for what is about one command of the plan. */ command?: true }>;

/** Walks the plan in order and keeps track of where `cd` leads; where that is no longer certain, the line asks. */
function judgePlan(plan: CommandPlan, input: JudgeInput): Readonly<{ judged: readonly Judged[]; plan: CommandPlan }> {
  const judged: Judged[] = [];
  const pipelines: Pipeline[] = [];
  let folder = input.cwd;
  let moved = false;
  for (const pipeline of plan.pipelines) {
    const uncertain = moved && pipeline.joint !== '&&';
    if (uncertain) judged.push({ verdicts: [ask('shell.cdUncertain', 'After "cd" only "&&" keeps it certain in which folder the next command runs.')], reads: true });
    const { commands, flaws } = expandAll(pipeline.commands, folder, input.facts);
    pipelines.push({ ...pipeline, commands });
    judged.push(...flaws.map((flaw): Judged => ({ verdicts: [flaw], reads: true })));
    for (const [index, command] of commands.entries()) {
      judged.push({ ...judgeOne(command, { folder, moved, previous: commands[index - 1], input, depth: 0 }), command: true });
    }
    const together = judgeTogether(commands);
    if (together !== undefined) judged.push({ verdicts: [together], reads: false });
    const [only] = commands;
    if (!pipeline.commands.some((command) => command.argv[0] === 'cd')) continue;
    if (pipeline.commands.length > 1) judged.push({ verdicts: [deny('shell.cd', '"cd" in a pipe has no effect, so it is refused.')], reads: true });
    if (pipeline.joint === '||') judged.push({ verdicts: [ask('shell.cdUncertain', '"cd" after "||" leaves it open in which folder the next command runs.')], reads: true });
    folder = joined(folder, only?.argv[1] ?? '');
    moved = true;
  }
  return { judged, plan: { pipelines } };
}

type Where = Readonly<{ folder: string; moved: boolean; previous: ParsedCommand | undefined; input: JudgeInput; depth: number }>;

function judgeOne(command: ParsedCommand, where: Where): Judged {
  const name = judgeName(command.argv[0], where.input);
  if (name.verdict === 'deny') return { verdicts: [name], reads: false };
  const redirections = command.redirections.flatMap((redirection) => judgeRedirection(redirection, where) ?? []);
  const writes = command.redirections.some((redirection) => redirection.kind === 'write' || redirection.kind === 'append');
  // A file in place of the pipe hides what the command before finds.
  const fed = command.redirections.some((redirection) => redirection.kind === 'read') ? undefined : where.previous;
  const assigned = command.assignments.length > 0 ? [ask('shell.assignment', `Setting ${command.assignments.map(([key]) => key).join(', ')} for ${command.argv[0]} asks, because variables change what programs do.`)] : [];
  const argued = command.argv[0] === 'cd' ? { verdicts: [judgeCd(command, where)], reads: true } : judgeArguments(ruleName(command.argv[0], where.input.platform), command.argv.slice(1), scopeOf(where, fed));
  const expanded = argued.reads ? [] : judgeExpanded(command);
  const verdicts = [...(name.verdict === 'approve' ? [name, ...argued.verdicts.filter(saysMore)] : argued.verdicts), ...expanded, ...redirections, ...assigned];
  // The words of an inner command were all words of the outer one, which is swept as a whole.
  if (where.depth > 0) return { verdicts, reads: argued.reads && !writes };
  return { verdicts: [...verdicts, ...sweepWords(command, [...argued.verdicts, ...verdicts], { facts: where.input.facts, folder: where.folder })], reads: argued.reads && !writes };
}

/** What a person should know beside the fact that the settings make this name ask. */
function saysMore(verdict: Verdict): boolean {
  return verdict.verdict !== 'allow' && verdict.rule !== 'shell.noRule';
}

/** The verdict on a name alone; `allow` means that the arguments decide. */
function judgeName(name: string, input: JudgeInput): Verdict {
  const shown = name.slice(0, 60);
  if (!isPlainName(name) && !never.has(name)) return deny('shell.name', `"${shown}" is no bare program name. Only programs found by name may run, never a path: give a script to its interpreter, as in "node scripts/x.js", or ask the user to list the program's name.`);
  const known = ruleName(name, input.platform);
  if (never.has(known) || never.has(known.toLowerCase())) return deny('shell.never', known.toLowerCase() === 'conductor' ? '"conductor" steers Conductor itself, and no agent runs it.' : `"${shown}" works only inside a shell, and there is none: no state is kept between commands. Leave it out, and name each program and its arguments in full.`);
  if (input.platform === 'win32' && /\.(cmd|bat|ps1|psm1|vbs|vbe|js|jse|wsf|wsh|msc|scr|pif|lnk|cpl|hta)$|\.$/i.test(name)) return deny('shell.batchFile', `"${shown}" cannot be started without a shell. Use the program behind it, for instance "node" with the script.`);
  switch (standing(name, input.lists, input.platform)) {
    case 'unlisted':
      // It starts no program; where it leads is judged, and every other command of the line needs its own listing.
      if (known === 'cd') return { verdict: 'allow', rule: 'shell.allowed', reason: 'cd starts no program.' };
      return deny('shell.notListed', `"${shown}" is in neither plugins.shell.allowedCommands nor plugins.shell.requireApproval. Ask the user to add it if it is needed.`);
    case 'approval':
      return ask('shell.requireApproval', `Your settings let ${shown} run only after you approve.`);
    case 'allowed':
      return { verdict: 'allow', rule: 'shell.allowed', reason: `${shown} is listed.` };
  }
}

function scopeOf(where: Where, previous: ParsedCommand | undefined): Scope {
  return {
    facts: where.input.facts,
    folder: where.folder,
    moved: where.moved,
    previous,
    judgeInner: (argv) =>
      where.depth >= 8
        ? [deny('shell.tooDeep', 'Commands are wrapped in each other too often to be judged.')]
        : judgeOne({ assignments: [], argv, redirections: [] }, { ...where, previous: undefined, depth: where.depth + 1 }).verdicts,
  };
}

function judgeCd(command: ParsedCommand, where: Where): Verdict {
  const [, target, ...more] = command.argv;
  if (command.expanded !== undefined) return deny('shell.cd', '"cd" takes exactly one folder here, and no pattern.');
  if (where.depth > 0) return deny('shell.cd', '"cd" inside another command has no effect, so it is refused.');
  if (target === undefined || target === '-' || target.startsWith('-') || more.length > 0) return deny('shell.cd', '"cd" takes exactly one folder here.');
  const place = where.input.facts.place(where.folder, target);
  if (place === 'inside') return { verdict: 'allow', rule: 'shell.allowed', reason: 'cd stays inside the project.' };
  return place === 'control' ? ask('shell.cdControl', 'The folder decides which programs run, so going there asks.') : deny('shell.cdOutside', `"cd ${target.slice(0, 60)}" leads outside the project. Stay inside it.`);
}

function judgeRedirection(redirection: Redirection, where: Where): Verdict | undefined {
  if (redirection.kind === 'merge') return undefined;
  const reads = redirection.kind === 'read';
  const shown = redirection.target.slice(0, 120);
  const place = where.input.facts.place(where.folder, redirection.target);
  if (!reads && (place === 'inside' || place === 'control') && where.input.facts.inScope?.(where.folder, redirection.target) === false) return outOfScope(shown);
  switch (place) {
    case 'sink':
      return undefined;
    case 'inside':
      return reads ? judgeLinked('The line', 'read', redirection.target, { facts: where.input.facts, folder: where.folder }) : ask('shell.redirectWrite', `The line writes to the file "${shown}", which asks. Files can also be written with filesystem.write.`);
    case 'control':
      return reads ? undefined : ask('shell.redirectControl', `The line writes to "${shown}", which decides which programs run or what agents may do.`);
    case 'outside':
      return deny('shell.redirectOutside', `The line redirects to or from "${shown}", which is outside the project. Use a file inside it, or /dev/null.`);
    case 'own':
      return deny('shell.ownFolder', "The line redirects to or from Conductor's own folder.");
    case 'forbidden':
      return deny('shell.forbiddenPath', `"${shown}" is a named pipe, a socket, a device or a network name.`);
  }
}
