import type { z } from 'zod';
import type { Outcome, Verdict } from '../../../../protocol/src/call';
import type { Config } from '../../../../protocol/src/config';

/** What the shell tool takes and gives. The room that calls it declares the same shapes for all tools. */

/** What the tool may use to prepare a call. */
export type ShellContext = Readonly<{
  /** Absolute, resolved project root. */
  project: string;
  /** Absolute configuration folder of Conductor, which no command may touch. */
  configDir: string;
  config: Config;
  signal: AbortSignal;
}>;

/** What a person is shown: raw strings; whoever draws them escapes. */
export type ShellShown = Readonly<{ title: string; raw: string; cwd: string; details: readonly (readonly [label: string, value: string])[] }>;

/** A command that is judged and ready to run. Preparing it has changed nothing. */
export type PreparedCommand = Readonly<{
  verdict: Verdict;
  /** SHA-256 hex over everything that will happen: argument lists, joints, redirections, folders, binaries, environment, operand files. */
  digest: string;
  show: ShellShown;
  readOnly: boolean;
  run(signal: AbortSignal, progress: (message: string) => void): Promise<Outcome>;
}>;

/** The tool as the pipeline sees it. */
export type ShellTool = Readonly<{
  name: string;
  title: string;
  description: string;
  input: z.ZodType<ShellInput>;
  annotations: Readonly<{ readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean; openWorldHint: boolean }>;
  prepare(input: ShellInput, context: ShellContext): Promise<PreparedCommand>;
  countsAsFailure(outcome: Outcome): boolean;
}>;

/** What an agent sends. */
export type ShellInput = Readonly<{
  /** A whole line; or, with `args`, the bare name of one program. */
  command: string;
  args?: readonly string[] | undefined;
  /** Working folder, relative to the project or absolute inside it. Default: the project. */
  cwd?: string | undefined;
  /** 1 to 600,000. Default: `plugins.shell.timeoutMs`. */
  timeoutMs?: number | undefined;
}>;
