import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { CommandRequest, Judgement } from '../../rules/allowlist';
import type { ParsedCommand, Pipeline, Redirection } from '../../rules/commandPlan';
import { readLists } from '../../rules/commandLists';
import { neutralArguments, readGit } from '../../rules/gitCommand';
import { gitReaders, isPublicKey, personalCommands } from '../../rules/programs/git';
import { withoutNotes } from '../../rules/programs/network';
import { withoutOwnFiles } from '../../rules/programs/runtimes';
import { gitArguments, innermost, innerNames } from '../../rules/wrapped';
import { deny } from '../../rules/argumentKinds';
import type { Verdict } from '../../../../protocol/src/call';
import { bind, gitFolderOf, maxBound, type Bound } from './binding';
import { gitEnvironment, type GitMode } from './environment';
import type { Identity } from '../../base/pin';
import { follow, physical } from './facts';
import { isSink, type FileRedirection } from './files';
import type { Asking } from './gitQuestion';
import { judgeHere } from './judging';
import { factsOf } from './planFacts';
import { changedMeaning, maxMeanings, readMeanings, type Meaning } from './meanings';
import { reachOf } from './grantUnits';
import { configFiles } from './repository';
import { hashBinary, resolveBinary, trustedFolders, type Binary } from './resolve';
import { confine, programsOf, type Circumstances, type Confinement } from './sandbox/confinement';
import { withSecrets, type GivenSecret } from './secrets';
import type { Fact } from '../fact';
import type { PrepareContext, Reach } from '../tool';
import type { ShellInput } from './input';

/** Turns a request into everything that will happen: its facts are what a person approves, and it is what then runs. */

/** One command with all that it needs; `cd` has no binary. */
export type PlannedCommand = Readonly<{
  /** Argument list as it will be given, the name first. */
  argv: readonly [string, ...string[]];
  /** Absolute, resolved folder. */
  folder: string;
  /** Where `cd` leads, absolute and resolved; only for `cd`. */
  enters?: string;
  binary?: Binary;
  /** Programs that this one will start by name. */
  inner: readonly Binary[];
  /** What the environment gets besides the usual names. */
  additions: Readonly<Record<string, string>>;
  /** What it gets of the credential store; absent for nothing. */
  secrets?: readonly GivenSecret[];
  redirections: readonly PlannedRedirection[];
  /** Absolute paths of the files that configure it; only for git that a person is asked about. */
  gitConfig?: readonly string[];
  /** What the operating system keeps it from; `cd` has none. */
  confinement?: Confinement;
}>;

/** A redirection with the place to which its target leads, since that is what was judged. */
export type PlannedRedirection = FileRedirection | Extract<Redirection, { kind: 'merge' }>;

/** Commands joined by pipes, and how they follow the pipeline before. */
export type Step = Readonly<{ joint: Pipeline['joint']; commands: readonly PlannedCommand[]; /** Whether every command only reads, so that nothing is another afterwards. */ reads: boolean }>;

/** A whole plan. */
export type Plan = Readonly<{
  steps: readonly Step[];
  cwd: string;
  timeoutMs: number;
  /** Processes that each of its steps may have at a time; 0: any number. */
  processes: number;
  folders: readonly string[];
  /** The folders that commands run in or enter, and which object lay there. */
  ground: readonly (readonly [path: string, identity: string])[];
  /** What a person's answer rests on; empty unless one is asked. */
  bound: readonly Bound[];
  /** Whether a person is asked. */
  asked: boolean;
  /** What words of git commands mean; empty unless a person is asked. */
  meanings: readonly Meaning[];
}>;

/** A judged request. Without a plan nothing can run. */
export type Planned = Readonly<{
  verdict: Verdict;
  judgement: Judgement;
  cwd: string;
  raw: string;
  facts: readonly Fact[];
  /** The commands as grants see them. */
  reach?(): Reach;
  plan?: Plan;
  /** Judges one step anew by what the machine is like now; returns the first verdict that nobody has seen before. */
  again(step: number): Promise<Verdict | undefined>;
}>;

/** What planning needs of this machine. */
export type Machine = Readonly<{
  /** Absolute folders of the search path as it was when the broker started. */
  searchPath: readonly string[];
  /** The environment that git is asked about repositories in. */
  environment(folders: readonly string[]): Readonly<Record<string, string>>;
  /** When a secret was changed last. Default: nobody knows. */
  changedAt?(name: string): string | undefined;
}>;

/** Parses, looks up, judges, resolves and binds one request; `index` is false for callers that bind what is staged themselves. Changes nothing; runs nothing but git commands that look. */
export async function planCommand(input: ShellInput, context: PrepareContext, machine: Machine, index = true): Promise<Planned> {
  const request: CommandRequest = input.args === undefined ? { line: input.command } : { argv: [input.command, ...input.args] };
  const raw = input.args === undefined ? input.command : JSON.stringify([input.command, ...input.args]);
  const cwd = physical(resolve(context.project, input.cwd ?? '.')) ?? context.project;
  const { shell } = context.config.plugins;
  const ground = { project: context.project, configDir: context.configDir, lists: readLists(shell.enabled ? shell : {}), writeScope: context.config.plugins.filesystem.writeScope };
  const folders = trustedFolders(machine.searchPath, context.project);
  const judgement = await judgeHere(request, cwd, ground, machine);
  const parsed = judgement.plan;
  const shown = { judgement, cwd, raw };
  const refuse = (verdict: Verdict): Planned => ({ ...shown, verdict, facts: [{ label: 'Refused', key: '', value: raw }], again: () => Promise.resolve(verdict) });
  if (judgement.verdict.verdict === 'deny' || parsed === undefined) return refuse(judgement.verdict);
  const asks = judgement.verdict.verdict === 'approve';
  const resolved = resolveSteps(parsed.pipelines, cwd, { folders, project: context.project }, asks, judgement.shares?.reads ?? []);
  if ('refused' in resolved) return refuse(deny('shell.noBinary', `No trustworthy program was found: ${resolved.refused}.`));
  const steps = withSecrets(asks ? await withGitConfig(resolved, { folders, project: context.project }, machine) : resolved, shell.secrets, (name) => machine.changedAt?.(name));
  const confined = await confineSteps(steps, asks, { project: context.project, configDir: context.configDir, folders, sandbox: shell.sandbox, limits: shell.limits });
  if ('refused' in confined) return refuse(deny('shell.sandbox', confined.refused));
  const bound = asks ? await bind(steps, context.project) : [];
  if ('tooLarge' in bound) return refuse(deny('shell.manyFiles', 'The line names files of more than 512 MiB together, more than one approval can be bound to. Use several calls, or name their folder.'));
  if ('tooMany' in bound) return refuse(deny('shell.manyFiles', `The line names ${bound.tooMany} files and folders, more than the ${maxBound} that one approval can be bound to. Use several calls, or name their folder.`));
  const asking = askingOf({ folders, project: context.project }, machine);
  const meanings = asks && asking !== undefined ? await readMeanings(steps, asking, { index, compare: !judgement.parts.some(({ rule }) => rule === 'shell.gitPrograms' || rule === 'shell.gitUnknown') }) : [];
  if ('tooMany' in meanings) return refuse(deny('shell.manyFiles', `The line names ${meanings.tooMany} revisions, more than the ${maxMeanings} that one approval can be bound to. Use several calls.`));
  const plan: Plan = { steps: confined, asked: asks, meanings, cwd, timeoutMs: input.timeoutMs ?? shell.timeoutMs, processes: shell.limits.processes, folders, ground: groundOf(cwd, steps), bound };
  const hashes = asks ? await binaryHashes(confined) : new Map<string, string>();
  const around = { judgement, hashes, environment: machine.environment(folders) };
  const facts = factsOf(plan, around);
  const again = async (step: number): Promise<Verdict | undefined> => {
    const [pipeline, folder] = [parsed.pipelines[step], steps[step]?.commands[0]?.folder];
    if (pipeline === undefined || folder === undefined) return deny('shell.changed', 'The step is not part of the plan.');
    const now = await judgeHere({ plan: { pipelines: [{ ...pipeline, joint: 'first' }] } }, folder, ground, machine);
    const news = firstNews(now, judgement);
    // Nothing is compared in a repository that names other programs by now.
    if (news !== undefined || asking === undefined) return news;
    const changed = await changedMeaning(meanings, step, steps, asking);
    return changed === undefined ? undefined : deny('shell.changed', `${changed}.`);
  };
  return { ...shown, verdict: judgement.verdict, plan, facts, reach: () => reachOf(plan, parsed, context.project, around), again };
}

function askingOf({ folders, project }: Search, machine: Machine): Asking | undefined {
  const git = resolveBinary('git', folders, project);
  return 'refused' in git ? undefined : { git, environment: machine.environment(folders) };
}

/** Tells of each git that a person is asked about which files configure it, included ones among them, since an approved git obeys all of it. */
async function withGitConfig(steps: readonly Step[], { folders, project }: Search, machine: Machine): Promise<readonly Step[]> {
  const git = resolveBinary('git', folders, project);
  if ('refused' in git) return steps;
  const known = new Map<string, readonly string[]>();
  for (const folder of new Set(steps.flatMap((step) => step.commands.flatMap((command) => gitFolderOf(command) ?? [])))) {
    known.set(folder, await configFiles(folder, { git, environment: machine.environment(folders), mode: 'personal' }));
  }
  const told = (command: PlannedCommand): PlannedCommand => {
    const gitConfig = known.get(gitFolderOf(command) ?? '');
    return gitConfig === undefined ? command : { ...command, gitConfig };
  };
  return steps.map((step) => ({ ...step, commands: step.commands.map(told) }));
}

function groundOf(cwd: string, steps: readonly Step[]): Plan['ground'] {
  const used = steps.flatMap((step) => step.commands.flatMap(({ folder, enters }) => (enters === undefined ? [folder] : [folder, enters])));
  return [...new Set([cwd, ...used])].map((path) => {
    const stat = statOf(path);
    return [path, stat === undefined ? 'not made yet' : identityText(stat)];
  });
}

function statOf(path: string): Identity | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // A file stands where a folder above should be.
    return undefined;
  }
}

/** Which object a folder is; what lies in it may change. */
export function identityText({ dev, ino }: Identity): string {
  return `device ${dev}, number ${ino}`;
}

/** A step that was silent must still be silent at its turn, and one that was approved must have no other reason to ask than those that were shown. */
function firstNews(now: Judgement, before: Judgement): Verdict | undefined {
  const seen = new Set(before.parts.map(({ rule, reason }) => `${rule} ${reason}`));
  return now.parts.find((part) => part.verdict !== 'allow' && !seen.has(`${part.rule} ${part.reason}`));
}

type Search = Readonly<{ folders: readonly string[]; project: string }>;

function resolveSteps(pipelines: readonly Pipeline[], cwd: string, search: Search, approved: boolean, reads: readonly boolean[]): readonly Step[] | Readonly<{ refused: string }> {
  const steps: Step[] = [];
  let folder = cwd;
  let known = 0;
  for (const pipeline of pipelines) {
    const commands = pipeline.commands.map((command) => resolveCommand(command, folder, search, approved));
    const missing = commands.find((command) => 'refused' in command);
    if (missing !== undefined && 'refused' in missing) return missing;
    const onlyReads = reads.slice(known, (known += commands.length));
    steps.push({ joint: pipeline.joint, commands: commands.filter(isPlanned), reads: onlyReads.length === commands.length && onlyReads.every((each) => each) });
    folder = steps.at(-1)?.commands[0]?.enters ?? folder;
  }
  return steps;
}

function resolveCommand(command: ParsedCommand, folder: string, { folders, project }: Search, approved: boolean): PlannedCommand | Readonly<{ refused: string }> {
  const [name, ...args] = command.argv;
  const assigned = Object.fromEntries(command.assignments);
  const common = { folder, redirections: command.redirections.map((redirection) => planRedirection(redirection, folder)) };
  // Walked as it was judged: `link/..` is the folder above where the link leads.
  if (name === 'cd') return { ...common, argv: command.argv, inner: [], additions: {}, enters: follow(folder, args[0] ?? '.') ?? folder };
  const binary = resolveBinary(name, folders, project);
  if ('refused' in binary) return binary;
  const inner = innerNames(name, args).map((each) => resolveBinary(each, folders, project));
  const missing = inner.find((each) => 'refused' in each);
  if (missing !== undefined && 'refused' in missing) return missing;
  const git = gitCall(command.argv, approved);
  const found = inner.filter(isBinary);
  return { ...common, argv: git?.argv ?? noteless(command.argv, found.at(-1) ?? binary), binary, inner: found, additions: { ...assigned, ...git?.additions } };
}

/** The line with the options by which a program keeps no files of its own. Small versions of wget, which several names lead to, keep no notes and know no such option. */
function noteless(argv: ParsedCommand['argv'], program: Binary): ParsedCommand['argv'] {
  const [, ...words] = innermost(argv);
  const [name, ...before] = argv.slice(0, argv.length - words.length);
  const quiet = basename(program.path) === program.name ? withoutNotes(program.name, words) : words;
  return [name ?? program.name, ...before, ...withoutOwnFiles(program.name, quiet)];
}

function planRedirection(redirection: Redirection, folder: string): PlannedRedirection {
  if (redirection.kind === 'merge' || isSink(redirection.target)) return redirection;
  return { ...redirection, arrives: follow(folder, redirection.target) };
}

/** Gives every command what confines it, or refuses the line when one that needs a sandbox has none. */
async function confineSteps(steps: readonly Step[], asks: boolean, circumstances: Circumstances): Promise<readonly Step[] | Readonly<{ refused: string }>> {
  const confined: Step[] = [];
  for (const step of steps) {
    const commands: PlannedCommand[] = [];
    for (const command of step.commands) {
      const confinement = command.binary === undefined ? undefined : await confine({ binary: command.binary, inner: command.inner, asks }, circumstances);
      if (confinement !== undefined && 'refused' in confinement) return confinement;
      commands.push(confinement === undefined ? command : { ...command, confinement });
    }
    confined.push({ ...step, commands });
  }
  return confined;
}

function isPlanned(command: PlannedCommand | Readonly<{ refused: string }>): command is PlannedCommand {
  return !('refused' in command);
}

function isBinary(found: Binary | Readonly<{ refused: string }>): found is Binary {
  return !('refused' in found);
}

/** A git command gets the options and the environment that keep it to itself, as far as the verdict asks for it. */
function gitCall(argv: ParsedCommand['argv'], approved: boolean): Readonly<{ argv: ParsedCommand['argv']; additions: Readonly<Record<string, string>> }> | undefined {
  const git = gitArguments(argv);
  if (git === undefined) return undefined;
  const call = readGit(git.args);
  const subcommand = 'unknown' in call ? '' : call.subcommand;
  const shownKey = subcommand === 'config' && !('unknown' in call) && call.args.some(isPublicKey);
  const ordinary: GitMode = personalCommands.has(subcommand) || shownKey ? 'personal' : 'neutral';
  // What a person approves may write the user's own configuration, which must then not be the null device.
  const mode: GitMode = approved && !gitReaders.some(([reader]) => reader === subcommand) ? 'approved' : ordinary;
  const [name, ...before] = argv.slice(0, git.at);
  return { argv: [name ?? 'git', ...before, ...neutralArguments(git.args)], additions: gitEnvironment(mode) };
}

async function binaryHashes(steps: readonly Step[]): Promise<ReadonlyMap<string, string>> {
  const binaries = new Map(steps.flatMap((step) => step.commands).flatMap(binariesOf).map((binary) => [binary.path, binary]));
  const hashes = new Map<string, string>();
  for (const binary of binaries.values()) hashes.set(binary.path, await hashBinary(binary).catch(() => 'unreadable'));
  return hashes;
}

/** Every program that a command starts, itself first, and those that confine it. */
export function binariesOf(command: PlannedCommand): readonly Binary[] {
  return command.binary === undefined ? [] : [command.binary, ...command.inner, ...programsOf(command.confinement)];
}
