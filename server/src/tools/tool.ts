import type { z } from 'zod';
import type { ClientLine, Outcome, Verdict } from '../../../protocol/src/call';
import type { FileContent } from '../../../protocol/src/fileChanges';
import type { Config } from '../../../protocol/src/config';
import type { Reason, Unit } from '../rules/grants/ground';
import type { Fact } from './fact';

/** What a person is shown before deciding, besides the facts. Strings are raw; whoever draws them escapes. */
export type Shown = Readonly<{
  /** One line that names the kind of action, for instance `Run a command`. */
  title: string;
  /** The raw action in full: the command line as given, or the path and content of a write. */
  raw: string;
  /** Absolute working folder, or project root for file tools. */
  cwd: string;
  /** Remarks as label and value pairs: what follows from the facts, or limits them. They stand before the facts and bind nothing. */
  details: readonly (readonly [label: string, value: string])[];
}>;

/** What a call would make of one file. */
export type PreparedFile = Readonly<{
  /** Absolute. */
  path: string;
  before: FileContent;
  after: FileContent;
  /** The arguments of the same tool that would make this text of the file instead; absent where the call cannot be divided. */
  withText?(text: string): Readonly<Record<string, unknown>>;
}>;

/** What a tool may use to prepare a call. */
export type PrepareContext = Readonly<{
  /** Absolute, resolved project root. */
  project: string;
  /** Absolute configuration folder of Conductor, which no tool may touch. */
  configDir: string;
  config: Config;
  /** Id of the call, by which what it starts is marked. Default: a random one. */
  call?: string;
  /** Aborts when the caller withdraws the call. */
  signal: AbortSignal;
  /** The client's own end of the call, for tools that hand on what it sent. */
  line?: ClientLine;
}>;

/** Takes one line for people to read, or a whole report of an external server, which is handed on as it is. */
export type Progress = (message: string, report?: Readonly<Record<string, unknown>>) => void;

/** A call that is ready to be judged, asked about and run. Preparing changes nothing on the machine. */
export type Prepared = Readonly<{
  verdict: Verdict;
  /** Everything that will happen and what it rests on, in a fixed order. A person is shown them, and an approval binds to each. */
  facts: readonly Fact[];
  show: Shown;
  /** What it would make of files, as far as a person can be shown; absent for what changes none. The facts carry the hashes of both sides. */
  files?: readonly PreparedFile[];
  /** True when running changes nothing, so that a relaxed log may queue its entries. */
  readOnly: boolean;
  /** What a grant could name of it beyond its facts: the commands of a line, or the one file that is changed. Made when somebody is to be asked, or something was forbidden. */
  reach?(): Reach;
  /** What goes out beside the arguments, as the log keeps it; absent where nothing does. */
  beside?: Readonly<Record<string, unknown>>;
  /** The sandbox of the operating system around it, in words; absent where none was asked for. */
  sandbox?: string;
  /**
   * Runs it after checking that what was judged still holds; `progress` takes one line for people to read. An outcome that is
   * `refused` says that nothing was done; one that stopped halfway is a failure.
   */
  run(signal: AbortSignal, progress: Progress): Promise<Outcome>;
  /** Lets go of what `prepare` holds open. Called exactly once, after the run or the refusal. */
  release?(): void;
}>;

/** The commands of a line with the reasons that belong to none of them, or the absolute place of the one file that is changed and every reason to ask about it. */
export type Reach = Readonly<{ kind: 'commands'; units: readonly Unit[]; around: readonly Reason[] }> | Readonly<{ kind: 'file'; path: string; reasons: readonly Reason[] }>;

/** One tool that agents can call. */
export type Tool<Input extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>> = Readonly<{
  /** Dotted name, for instance `filesystem.read`; on the wire also with `_`. */
  name: string;
  title: string;
  description: string;
  input: z.ZodType<Input>;
  /** Hints passed to MCP clients; they never widen rights. */
  annotations: Readonly<{ readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean; openWorldHint: boolean }>;
  prepare(input: Input, context: PrepareContext): Promise<Prepared>;
  /** How an external server describes it, under the name that agents see: listed as it is. */
  descriptor?: Readonly<Record<string, unknown>>;
  /** The external server that it belongs to, and its name there. */
  origin?: Readonly<{ backend: string; name: string }>;
  /** Whether agents in this project get to see it in a list; it is judged all the same. Default: always. */
  listed?(project: string): boolean;
  /** What stands for the result where work may go on without the tool; undefined where this refusal stays one. */
  skips?(refusal: Extract<Outcome, { kind: 'refused' }>, project: string): Outcome | undefined;
  /** Whether this outcome counts as a failure for the tool's breaker. Default: failures with code TOOL_FAILED or TIMEOUT. */
  countsAsFailure?(outcome: Outcome): boolean;
}>;
