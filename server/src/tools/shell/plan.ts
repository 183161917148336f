import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { judgeCommand, type CommandRequest, type Judgement } from '../../rules/allowlist';
import type { ParsedCommand, Pipeline, Platform, Redirection } from '../../rules/commandPlan';
import { readLists } from '../../rules/commandLists';
import { neutralArguments, readGit } from '../../rules/gitCommand';
import type { GitFacts } from '../../rules/places';
import { gitReaders, personalCommands } from '../../rules/programs/git';
import { packageManagers } from '../../rules/programs/runtimes';
import { innerNames } from '../../rules/wrapped';
import { deny } from '../../rules/argumentKinds';
import type { Verdict } from '../../../../protocol/src/call';
import { gitEnvironment, type GitMode } from './environment';
import { diskFacts, nearest } from './facts';
import { readGitFacts } from './repository';
import { hashBinary, hashFile, identityOf, resolveBinary, trustedFolders, type Binary } from './resolve';
import type { PrepareContext } from '../tool';
import type { ShellInput } from './input';

/** Turns a request into everything that will happen, bound by one digest: that is what a person approves and what then runs. */

/** One command with all that it needs; `cd` has no binary. */
export type PlannedCommand = Readonly<{
  /** Argument list as it will be given, the name first. */
  argv: readonly [string, ...string[]];
  /** Absolute, resolved folder. */
  folder: string;
  binary?: Binary;
  /** Programs that this one will start by name. */
  inner: readonly Binary[];
  /** What the environment gets besides the usual names. */
  additions: Readonly<Record<string, string>>;
  redirections: readonly Redirection[];
}>;

/** Commands joined by pipes, and how they follow the pipeline before. */
export type Step = Readonly<{ joint: Pipeline['joint']; commands: readonly PlannedCommand[] }>;

/** A file that a person sees as an argument and whose bytes decide what happens. */
export type OperandFile = Readonly<{ path: string; state: string }>;

/** A whole plan. */
export type Plan = Readonly<{
  steps: readonly Step[];
  cwd: string;
  timeoutMs: number;
  folders: readonly string[];
  /** Empty unless a person is asked. */
  files: readonly OperandFile[];
}>;

/** A judged request. Without a plan nothing can run. */
export type Planned = Readonly<{ verdict: Verdict; judgement: Judgement; cwd: string; raw: string; digest: string; plan?: Plan; hashes: readonly (readonly [path: string, sha256: string])[] }>;

/** What planning needs of this machine. */
export type Machine = Readonly<{
  /** Absolute folders of the search path as it was when the broker started. */
  searchPath: readonly string[];
  /** The environment that git is asked about repositories in. */
  environment(folders: readonly string[]): Readonly<Record<string, string>>;
}>;

const platform: Platform = process.platform === 'win32' ? 'win32' : 'posix';

/** Parses, looks up, judges, resolves and binds one request. Changes nothing; runs nothing but `git config --list`. */
export async function planCommand(input: ShellInput, context: PrepareContext, machine: Machine): Promise<Planned> {
  const request: CommandRequest = input.args === undefined ? { line: input.command } : { argv: [input.command, ...input.args] };
  const raw = input.args === undefined ? input.command : JSON.stringify([input.command, ...input.args]);
  const cwd = realOr(resolve(context.project, input.cwd ?? '.'));
  const folders = trustedFolders(machine.searchPath, context.project);
  const judgement = await judgeWithFacts(request, cwd, context, folders, machine);
  const shown = { judgement, cwd, raw, hashes: [] };
  if (judgement.verdict.verdict === 'deny' || judgement.plan === undefined) return { ...shown, verdict: judgement.verdict, digest: digestOf(['refused', raw, judgement.verdict.rule]) };
  const steps = resolveSteps(judgement.plan.pipelines, cwd, folders, judgement.verdict.verdict === 'approve');
  if ('refused' in steps) return { ...shown, verdict: deny('shell.noBinary', `No trustworthy program was found: ${steps.refused}.`), digest: digestOf(['refused', raw, 'shell.noBinary']) };
  const asks = judgement.verdict.verdict === 'approve';
  const timeoutMs = input.timeoutMs ?? context.config.plugins.shell.timeoutMs;
  const plan: Plan = { steps, cwd, timeoutMs, folders, files: asks ? await operandFiles(steps, context.project) : [] };
  const hashes = asks ? await binaryHashes(steps) : [];
  return { ...shown, verdict: judgement.verdict, plan, hashes, digest: digestOf([canonical(plan), hashes]) };
}

/** Judges twice: once to learn about which repositories git facts are needed, and once with them. */
async function judgeWithFacts(request: CommandRequest, cwd: string, context: PrepareContext, folders: readonly string[], machine: Machine): Promise<Judgement> {
  const { shell } = context.config.plugins;
  const lists = readLists(shell.enabled ? shell : {});
  const wanted = new Set<string>();
  const disk = diskFacts(context);
  const noting = { ...disk, git: (folder: string): GitFacts => (wanted.add(folder), { programs: [], hooks: false }) };
  const first = judgeCommand({ request, lists, cwd, platform, facts: noting });
  if (first.verdict.verdict === 'deny' || wanted.size === 0) return first;
  const git = resolveBinary('git', folders);
  const facts = new Map<string, GitFacts | 'unknown'>();
  for (const folder of wanted) facts.set(folder, 'refused' in git ? 'unknown' : await readGitFacts(realOr(folder), { git, environment: machine.environment(folders) }));
  return judgeCommand({ request, lists, cwd, platform, facts: diskFacts({ ...context, git: facts }) });
}

function resolveSteps(pipelines: readonly Pipeline[], cwd: string, folders: readonly string[], approved: boolean): readonly Step[] | Readonly<{ refused: string }> {
  const steps: Step[] = [];
  let folder = cwd;
  for (const pipeline of pipelines) {
    const commands = pipeline.commands.map((command) => resolveCommand(command, folder, folders, approved));
    const missing = commands.find((command) => 'refused' in command);
    if (missing !== undefined && 'refused' in missing) return missing;
    steps.push({ joint: pipeline.joint, commands: commands.filter(isPlanned) });
    const [only] = pipeline.commands;
    if (only?.argv[0] === 'cd') folder = realOr(resolve(folder, only.argv[1] ?? '.'));
  }
  return steps;
}

function resolveCommand(command: ParsedCommand, folder: string, folders: readonly string[], approved: boolean): PlannedCommand | Readonly<{ refused: string }> {
  const [name, ...args] = command.argv;
  const assigned = Object.fromEntries(command.assignments);
  const common = { folder, redirections: command.redirections };
  if (name === 'cd') return { ...common, argv: command.argv, inner: [], additions: {} };
  const binary = resolveBinary(name, folders);
  if ('refused' in binary) return binary;
  const inner = innerNames(name, args).map((each) => resolveBinary(each, folders));
  const missing = inner.find((each) => 'refused' in each);
  if (missing !== undefined && 'refused' in missing) return missing;
  const git = gitCall(command.argv, approved);
  const found = inner.filter(isBinary);
  return { ...common, argv: git?.argv ?? command.argv, binary, inner: found, additions: { ...assigned, ...git?.additions } };
}

function isPlanned(command: PlannedCommand | Readonly<{ refused: string }>): command is PlannedCommand {
  return !('refused' in command);
}

function isBinary(found: Binary | Readonly<{ refused: string }>): found is Binary {
  return !('refused' in found);
}

/** A git command gets the options and the environment that keep it to itself, as far as the verdict asks for it. */
function gitCall(argv: ParsedCommand['argv'], approved: boolean): Readonly<{ argv: ParsedCommand['argv']; additions: Readonly<Record<string, string>> }> | undefined {
  const [name, ...args] = argv;
  const at = name === 'git' ? 0 : innerNames(name, args).includes('git') ? argv.indexOf('git', 1) : -1;
  if (at < 0) return undefined;
  const call = readGit(argv.slice(at + 1));
  const subcommand = 'unknown' in call ? '' : call.subcommand;
  const ordinary: GitMode = personalCommands.has(subcommand) ? 'personal' : 'neutral';
  // What a person approves may write the user's own configuration, which must then not be the null device.
  const mode: GitMode = approved && !gitReaders.some(([reader]) => reader === subcommand) ? 'approved' : ordinary;
  return { argv: [name, ...argv.slice(1, at + 1), ...neutralArguments(argv.slice(at + 1))], additions: gitEnvironment(mode) };
}

/** Arguments that are files inside the project, and the manifests of package managers: a person approves their content as well. */
async function operandFiles(steps: readonly Step[], project: string): Promise<readonly OperandFile[]> {
  const paths = new Set(steps.flatMap((step) => step.commands).flatMap((command) => filesOf(command, project)));
  const files: OperandFile[] = [];
  for (const path of [...paths].slice(0, 64)) files.push({ path, state: await fileState(path) });
  return files;
}

const manifests = ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', '.npmrc'];

function filesOf(command: PlannedCommand, project: string): readonly string[] {
  if (command.binary === undefined) return [];
  const words = command.argv.slice(1).flatMap((word) => [word, word.slice(word.indexOf('=') + 1)]);
  const named = words.filter((word) => word !== '' && word.length < 4096 && !word.includes('\0')).map((word) => (isAbsolute(word) ? word : join(command.folder, word)));
  const found = named.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
  const runsPackages = packageManagers.has(command.argv[0]) || ['npx', 'bunx', 'pnpx'].includes(command.argv[0]);
  const packages = runsPackages ? manifests.flatMap((name) => nearest(command.folder, name, project) ?? []) : [];
  return [...found, ...packages];
}

/** Files above this many bytes are known by place, size and times instead of by content. */
const maxHashedBytes = 8n * 1024n * 1024n;

/** What tells whether a file is still the one that was seen: a hash, or for large ones its identity. */
export async function fileState(path: string): Promise<string> {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return 'missing';
  if (!stat.isFile() || stat.size > maxHashedBytes) return identityOf(stat);
  return `sha256:${await hashFile(path).catch(() => 'unreadable')}`;
}

async function binaryHashes(steps: readonly Step[]): Promise<readonly (readonly [string, string])[]> {
  const binaries = new Map(steps.flatMap((step) => step.commands).flatMap(binariesOf).map((binary) => [binary.path, binary]));
  const hashes: [string, string][] = [];
  for (const binary of binaries.values()) hashes.push([binary.path, await hashBinary(binary).catch(() => 'unreadable')]);
  return hashes;
}

/** Every program that a command starts, itself first. */
export function binariesOf(command: PlannedCommand): readonly Binary[] {
  return command.binary === undefined ? [] : [command.binary, ...command.inner];
}

/** The plan as plain data with a fixed order of keys. */
function canonical(plan: Plan): unknown {
  const commands = (step: Step) =>
    step.commands.map((command) => [command.argv, command.folder, binariesOf(command).map((binary) => [binary.path, binary.prefix, binary.identity]), Object.entries(command.additions), command.redirections.map((redirection) => Object.entries(redirection))]);
  return ['shell.exec/1', plan.steps.map((step) => [step.joint, commands(step)]), plan.cwd, plan.timeoutMs, plan.folders, plan.files.map((file) => [file.path, file.state])];
}

function digestOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function realOr(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}
