import { fstatSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { ConductorError } from '../../../../protocol/src/errors';
import { runChildren, type Child, type Run, type Sink, type Source } from '../../base/childProcess';
import type { Pin } from '../../base/pin';
import type { Mark } from '../../base/processTree';
import type { Outcome, Verdict } from '../../../../protocol/src/call';
import { Binding } from './binding';
import { buildEnvironment } from './environment';
import { physical, follow } from './facts';
import { copyApproved } from './copied';
import { closeAll, openRedirection, type FileRedirection } from './files';
import { watchCompany } from '../company';
import { watchRoom, type Free } from './diskRoom';
import { holdFolder } from './held';
import { clip, plainEdges, textOf, type Edges } from './output';
import { binariesOf, identityText, type Plan, type PlannedCommand, type Step } from './plan';
import { isUnchanged, isWithin } from './resolve';
import type { SecretLease, SecretRoom } from './secrets';
import { exitInside } from './sandbox/exit';
import { levelOf } from './sandbox/shown';
import { handScript, newcomer, touched, watchScripts, type Watched } from './script';
import { wrap } from './sandbox/start';
import { dropTemporary, makeTemporary } from './temporary';
import { beginningMs, longestUseMs, takeTurn, turnOf, type Taken } from './turns';

/** Runs a plan as it was judged: looks once more at everything that it rests on, then starts the very argument lists of the plan. */

/** What a run needs of whoever called for it. */
export type Runner = Readonly<{
  project: string;
  /** By which everything that the run starts is found again. */
  mark: Mark;
  signal: AbortSignal;
  progress(message: string): void;
  /** Judges a step anew; a verdict is a reason not to run it any more. */
  again(step: number): Promise<Verdict | undefined>;
  /** Where the secrets come from that commands were given. */
  secrets?: SecretRoom;
  /** What is left on a disk. Default: what the system says. */
  free?: Free;
  /** Milliseconds that a step may use names while somebody waits to change them. Default 10,000. */
  longestUseMs?: number;
  /** Told what a step wrote, byte for byte, for callers that parse it. */
  ended?(run: Ended): void;
}>;

/** Milliseconds between two looks at the room on the disk. */
const roomMs = 250;

/** Characters of one stream in a result, at most. */
const maxCharacters = 544 * 1024;

/** Runs a plan to its end. Never throws: what went wrong is the outcome. */
export async function runPlan(plan: Plan, runner: Runner): Promise<Outcome> {
  const temporary = makeTemporary();
  const run = new PlanRun(plan, runner, temporary);
  try {
    return await run.run();
  } catch (error) {
    const failure = error instanceof ConductorError ? error : new ConductorError('TOOL_FAILED', error instanceof Error ? error.message : String(error), { cause: error });
    return run.endedBy(failure);
  } finally {
    // The answer need not wait for the disk.
    void dropTemporary(temporary);
  }
}

let name: string | undefined;

/** Looking it up reads the system's list of users, and it is the same for as long as this process lives. */
function userName(): string {
  name ??= userInfo().username;
  return name;
}

/** The environment that every command gets, apart from what its plan adds. */
export function ordinaryEnvironment(folders: readonly string[], temporary: string): Readonly<Record<string, string>> {
  return buildEnvironment({ platform: process.platform, folders, home: homedir(), user: userName(), temporary, own: process.env });
}

/** How one step ended that was started. */
export type Ended = Extract<Run, { kind: 'ended' }>;

/** What is held open while a step starts and runs: files of redirections, and the working folders. */
type Opened = Readonly<{ descriptors: number[]; folders: Pin[]; /** What stands for the names of scripts that were handed over. */ handed: Map<string, string> }>;

/** What is looked at again while a step runs, and whether others could have changed it. */
type Watching = Readonly<{ files: readonly Watched[]; company(): boolean; newcomer(): string | undefined }>;

class PlanRun {
  private readonly written: { stdout: string; stderr: string } = { stdout: '', stderr: '' };
  private truncated = false;
  private status: Readonly<{ code: number | null; signal: string | null }> = { code: 0, signal: null };
  private stopped: Ended['stopped'];
  private readonly deadline: number;
  private readonly binding: Binding;
  private lastProgram = '';
  /** Whether any command may have begun, or any file been opened for writing. */
  private started = false;
  private lease: SecretLease | undefined;
  private readonly edges: Edges;

  constructor(
    private readonly plan: Plan,
    private readonly runner: Runner,
    private readonly temporary: string,
  ) {
    this.deadline = performance.now() + plan.timeoutMs;
    this.binding = new Binding(plan.bound);
    this.edges = runner.secrets?.edges ?? plainEdges;
  }

  async run(): Promise<Outcome> {
    for (const [index, step] of this.plan.steps.entries()) {
      if (step.joint === '&&' && this.status.code !== 0) continue;
      if (step.joint === '||' && this.status.code === 0) continue;
      await this.inTurn(step, index);
      if (this.stopped !== undefined) break;
      // What is another after a step that only looked, somebody else has changed.
      if (!step.reads) await this.binding.after(index, this.runner.project);
    }
    return this.outcome();
  }

  /** Nothing that changes the ground of the judgement runs beside it. */
  private async inTurn(step: Step, index: number): Promise<void> {
    const turn = await takeTurn(this.runner.project, turnOf(step), this.runner.signal);
    try {
      this.lease = await this.leaseFor(step);
      const company = watchCompany();
      const watched = watchScripts(step.commands, index, this.binding);
      await this.requireSilence(index);
      await this.binding.before(index);
      this.requireUnchanged(step);
      await this.runStep(step, turn, { files: watched, company, newcomer: () => newcomer(step.commands, index, this.binding, this.runner.project) });
    } finally {
      this.lease?.release();
      this.lease = undefined;
      turn.leave();
    }
  }

  private async leaseFor({ commands }: Step): Promise<SecretLease | undefined> {
    const names = [...new Set(commands.flatMap(({ secrets = [] }) => secrets.map(({ name }) => name)))];
    if (names.length === 0) return undefined;
    if (this.runner.secrets === undefined) throw new ConductorError('NOT_FOUND', 'The command needs a secret, and there is no store of credentials here.');
    return await this.runner.secrets.lease(names);
  }

  /** Strings, since an environment has no others: the process keeps them until its memory is used again. */
  private secretsOf({ secrets = [] }: PlannedCommand): Readonly<Record<string, string>> {
    return Object.fromEntries(secrets.map(({ variable, name }) => [variable, this.lease?.value(name).toString('utf8') ?? '']));
  }

  /** A run that something unforeseen ended. Only one that started nothing may call itself refused. */
  endedBy(error: ConductorError): Outcome {
    if (error.code === 'APPROVAL_STALE' && !this.started) return { kind: 'refused', code: 'APPROVAL_STALE', rule: 'shell.changed', reason: error.message };
    if (!this.started) return { kind: 'failure', error };
    const stdout = clip(this.written.stdout, maxCharacters, this.edges);
    const stderr = clip(this.written.stderr, maxCharacters, this.edges);
    const text = [stdout.text.trimEnd(), stderr.text === '' ? '' : `[stderr]\n${stderr.text.trimEnd()}`, `Stopped (${error.code}) after earlier steps had run: ${error.message}`].filter((part) => part !== '').join('\n');
    return { kind: 'failure', error, text, structured: { stdout: stdout.text, stderr: stderr.text } };
  }

  /** While an earlier step ran, somebody may have changed what a later one would do. */
  private async requireSilence(step: number): Promise<void> {
    const news = await this.runner.again(step);
    if (news !== undefined) throw new ConductorError('APPROVAL_STALE', `Step ${step + 1} is no longer what was judged, so it was not run: ${news.reason} Ask again with that step alone.`);
  }

  /** Between the verdict and now a person may have thought for minutes (T17, T41). */
  private requireUnchanged(step: Step): void {
    for (const command of step.commands) {
      const folder = physical(command.folder);
      if (folder !== command.folder || !isWithin(folder, this.runner.project)) throw new ConductorError('APPROVAL_STALE', `The folder ${command.folder} is no longer what it was, so the command was not run.`);
      if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw new ConductorError('INVALID_INPUT', `The folder ${command.folder} does not exist.`);
      const changed = binariesOf(command).find((binary) => !isUnchanged(binary, this.plan.folders));
      if (changed !== undefined) throw new ConductorError('APPROVAL_STALE', `The program ${changed.path} behind "${changed.name}" changed, so it was not run.`);
    }
  }

  private async runStep(step: Step, turn: Taken, watch: Watching): Promise<void> {
    const [only] = step.commands;
    if (only?.binary === undefined) {
      this.status = { code: this.canEnter(only) ? 0 : 1, signal: null };
      return;
    }
    this.lastProgram = step.commands.at(-1)?.argv[0] ?? '';
    const opened: Opened = { descriptors: [], folders: [], handed: new Map() };
    let begun: NodeJS.Timeout | undefined;
    let looks: NodeJS.Timeout | undefined;
    let fills: NodeJS.Timeout | undefined;
    try {
      const children = this.children(step, opened);
      this.started = true;
      const limits = { timeoutMs: Math.max(1, this.deadline - performance.now()), ...(this.plan.processes === 0 ? {} : { processes: this.plan.processes }) };
      const exchanged = new AbortController();
      let other: string | undefined;
      const open = watch.files.filter(({ shown }) => !opened.handed.has(shown));
      const later = open.filter((each) => each.later);
      const look = (files: readonly Watched[]): void => {
        other ??= touched(files, watch.company());
        if (other !== undefined) exchanged.abort();
      };
      begun = setTimeout(() => {
        turn.begun();
        look(open);
      }, beginningMs);
      const before = performance.now();
      const isFull = watchRoom(this.runner.project, this.runner.free);
      let full = false;
      fills = setInterval(() => {
        full ||= isFull();
        if (full) exchanged.abort();
      }, roomMs);
      let keeps = false;
      looks = setInterval(() => {
        look(later);
        keeps ||= !this.plan.asked && performance.now() - before >= (this.runner.longestUseMs ?? longestUseMs) && turn.isWaitedFor();
        if (keeps) exchanged.abort();
      }, Math.min(beginningMs, this.runner.longestUseMs ?? beginningMs));
      const run = await runChildren(children, limits, { signal: AbortSignal.any([this.runner.signal, exchanged.signal]), mark: this.runner.mark, onOutput: (stream, chunk) => this.tell(stream, chunk), ...(this.lease === undefined ? {} : { through: () => this.runner.secrets?.stream(), between: () => this.runner.secrets?.between() }) });
      other ??= touched(performance.now() - before < beginningMs ? open : later, watch.company()) ?? (watch.company() ? watch.newcomer() : undefined);
      if (run.kind === 'notStarted') throw this.notStarted(run.error, step);
      this.take(run, step, opened.handed);
      if (full) throw new ConductorError('TOOL_FAILED', 'It was ended because the disk has less than 1 GiB left, and had more before. What it wrote is still there: remove what is not needed.');
      if (keeps) throw new ConductorError('CONFLICT', 'Another command waited to move files of this project, which this one went through, so it was ended. Try it again, on fewer files if it takes long.');
      if (other !== undefined) throw new ConductorError('APPROVAL_STALE', `"${other}" was touched while an interpreter began or read, so that other bytes than the approved ones may have been run. What it had started was ended.`);
    } finally {
      clearTimeout(begun);
      clearInterval(looks);
      clearInterval(fills);
      closeAll(opened.descriptors);
      for (const folder of opened.folders) folder.close();
    }
  }

  private canEnter(command: PlannedCommand | undefined): boolean {
    const target = command?.argv[1];
    if (command?.enters === undefined || target === undefined) return false;
    const folder = follow(command.folder, target);
    if (folder !== command.enters || !isWithin(folder, this.runner.project)) throw new ConductorError('APPROVAL_STALE', `"cd ${target}" no longer leads where it did when it was judged, so nothing more was run.`);
    const fits = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
    if (!fits) this.written.stderr += `cd: ${target}: no such folder inside the project\n`;
    return fits;
  }

  private children(step: Step, opened: Opened): readonly Child[] {
    const wired = step.commands.map((command, index) => this.wire(command, index, step.commands.length, opened));
    // A command that reads from a file leaves nobody to read what the one before it writes.
    return wired.map((child, index) => (child.output === 'next' && wired[index + 1]?.input !== 'previous' ? { ...child, output: 'nowhere' } : child));
  }

  private wire(command: PlannedCommand, index: number, count: number, opened: Opened): Child {
    const folder = this.hold(command.folder, opened);
    let input: Source = index === 0 ? 'nothing' : 'previous';
    const sinks: Record<1 | 2, Sink> = { 1: index === count - 1 ? 'stdout' : 'next', 2: 'stderr' };
    for (const redirection of command.redirections) {
      if (redirection.kind === 'merge') {
        sinks[redirection.descriptor] = sinks[redirection.into];
        continue;
      }
      const descriptor = this.open(redirection, command.folder);
      opened.descriptors.push(descriptor);
      // Opening it for writing may have emptied it.
      this.started ||= redirection.kind !== 'read';
      if (redirection.kind === 'read') input = { descriptor };
      else if (redirection.descriptor === 'both') sinks[1] = sinks[2] = { descriptor };
      else sinks[redirection.descriptor] = { descriptor };
    }
    const environment = { ...ordinaryEnvironment(this.plan.folders, this.temporary), ...command.additions, ...this.secretsOf(command) };
    const { binary } = command;
    if (binary === undefined) throw new ConductorError('TOOL_FAILED', '"cd" cannot be part of a pipe.');
    const handed = handScript(command, { binding: this.binding, project: this.runner.project, temporary: this.temporary });
    if (handed !== undefined) {
      opened.descriptors.push(handed.descriptor);
      opened.handed.set(handed.shown, handed.word);
    }
    const words = command.argv.map((word, at) => (at === handed?.at ? handed.word : word));
    const unwrapped = { binary, args: [...binary.prefix, ...words.slice(1)], folder: command.folder, temporary: this.temporary, environment };
    return { ...wrap(unwrapped, command.confinement), cwd: folder.path, environment, input, output: sinks[1], errors: sinks[2], ...(handed === undefined ? {} : { further: [handed.descriptor] }) };
  }

  /** What is read after an approval are the approved bytes, whatever happens to the file meanwhile (T16). */
  private open(redirection: FileRedirection, folder: string): number {
    const descriptor = openRedirection(redirection, this.runner.project);
    const sha256 = redirection.kind === 'read' ? this.binding.hashOf(folder, redirection.target) : undefined;
    try {
      if (sha256 === undefined) return redirection.kind === 'read' ? this.requireNoFile(descriptor, redirection.target) : descriptor;
      return copyApproved(descriptor, sha256, redirection.target, this.temporary);
    } catch (error) {
      closeAll([descriptor]);
      throw error;
    }
  }

  /** What is too large to be bound by its bytes could be exchanged while it is read, so it is not read after an approval. */
  private requireNoFile(descriptor: number, shown: string): number {
    if (this.plan.bound.length === 0 || !fstatSync(descriptor).isFile()) return descriptor;
    throw new ConductorError('INVALID_INPUT', `"${shown}" has no bytes that an approval could be bound to: it is larger than 64 MiB or cannot be read. Give it as an argument instead of through "<".`);
  }

  /** The very folder that was judged, as long as nothing has run that may have made it anew. */
  private hold(path: string, opened: Opened): Pin {
    const folder = holdFolder(path, this.runner.project);
    opened.folders.push(folder);
    const due = this.plan.ground.find(([known]) => known === path)?.[1];
    if (!this.started && due !== undefined && due !== identityText(folder.stat)) throw new ConductorError('APPROVAL_STALE', `Another folder lies at ${path} than when it was judged, so nothing was run.`);
    return folder;
  }

  private notStarted(error: Error, step: Step): ConductorError {
    if (this.runner.signal.aborted) return new ConductorError('CANCELLED', 'The call was withdrawn before the command started.');
    const names = step.commands.map((command) => command.argv[0]).join(' | ');
    return new ConductorError('TOOL_FAILED', `${names} could not be started: ${error.message}`, { cause: error });
  }

  private tell(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    const line = chunk.toString('utf8').split('\n').findLast((text) => text.trim() !== '');
    if (line !== undefined) this.runner.progress(`${stream === 'stderr' ? 'stderr: ' : ''}${line.slice(0, 200)}`);
  }

  private take(run: Ended, { commands }: Step, handed: Opened['handed']): void {
    this.runner.ended?.(run);
    this.truncated ||= run.stdout.omitted > 0 || run.stderr.omitted > 0;
    this.written.stdout += textOf(run.stdout, this.edges);
    const errors = [...handed].reduce((text, [shown, word]) => text.replaceAll(`${word}:`, `${shown}:`), textOf(run.stderr, this.edges));
    this.written.stderr += commands.length > 1 ? withoutBrokenPipes(errors) : errors;
    const exit = run.exits.at(-1) ?? { code: null, signal: null };
    this.status = commands.at(-1)?.confinement?.sandbox === undefined ? exit : exitInside(exit);
    this.stopped = run.stopped;
  }

  private outcome(): Outcome {
    const stdout = clip(this.written.stdout, maxCharacters, this.edges);
    const stderr = clip(this.written.stderr, maxCharacters, this.edges);
    const truncated = this.truncated || stdout.clipped || stderr.clipped;
    const { code, signal } = this.status;
    const end = this.endSentence();
    const structured = { exitCode: code, signal, stdout: stdout.text, stderr: stderr.text, truncated, ...levelOf(this.plan), ...(this.stopped === undefined ? {} : { stopped: this.stopped }) };
    const text = [stdout.text.trimEnd(), stderr.text === '' ? '' : `[stderr]\n${stderr.text.trimEnd()}`, end].filter((part) => part !== '').join('\n');
    if (this.stopped === undefined && code === 0) return { kind: 'success', text, structured, truncated };
    const answeredNo = this.stopped === undefined && code === 1 && saysNoWithOne.has(this.lastProgram);
    return { kind: 'failure', error: new ConductorError(this.failureCode(), end, { data: { exitCode: code, signal, ...(answeredNo ? { answeredNo } : {}) } }), text, structured };
  }

  private failureCode(): 'TIMEOUT' | 'CANCELLED' | 'TOOL_FAILED' {
    if (this.stopped === 'timeout') return 'TIMEOUT';
    return this.stopped === 'cancelled' ? 'CANCELLED' : 'TOOL_FAILED';
  }

  private endSentence(): string {
    switch (this.stopped) {
      case 'timeout':
        return `Stopped after ${this.plan.timeoutMs} ms, with everything that it had started.`;
      case 'flood':
        return 'Stopped because it wrote more than 16 MiB.';
      case 'crowd':
        return `Stopped because it had more than ${this.plan.processes} processes at a time.`;
      case 'cancelled':
        return 'Stopped because the call was withdrawn.';
      case undefined:
        return this.status.signal === null ? `Exit code ${this.status.code ?? 'unknown'}.` : `Ended by signal ${this.status.signal}.`;
    }
  }
}

/** Programs whose exit code 1 is an answer ("no match", "they differ") and no failure. */
const saysNoWithOne: ReadonlySet<string> = new Set(['grep', 'egrep', 'fgrep', 'rg', 'diff', 'cmp', 'test', 'which']);

/** Pipes between children are sockets here: a writer whose reader has gone sees a reset where a shell's pipe would end it without a word. */
function withoutBrokenPipes(text: string): string {
  return text.replace(/^.*(Connection reset by peer|Broken pipe|EPIPE|ECONNRESET).*\n?/gm, '');
}
