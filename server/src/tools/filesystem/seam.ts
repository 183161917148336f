import type { z } from 'zod';
import type { Outcome, Verdict } from '../../../../protocol/src/call';
import type { Config } from '../../../../protocol/src/config';

/** What the file tools take and give. The room that calls them declares the same shapes for all tools; a test holds the two together. */

/** What a file tool may use to prepare a call. */
export type FileContext = Readonly<{
  /** Absolute, resolved project root. */
  project: string;
  /** Absolute configuration folder of Conductor, which no tool may touch. */
  configDir: string;
  config: Config;
  signal: AbortSignal;
}>;

/** What a person is shown: raw strings; whoever draws them escapes. */
export type FileShown = Readonly<{ title: string; raw: string; cwd: string; details: readonly (readonly [label: string, value: string])[] }>;

/** A file call that is judged and ready to run. Preparing it has changed nothing. */
export type PreparedFile = Readonly<{
  verdict: Verdict;
  /** SHA-256 hex over action, place, identity of what lies there, and content; the same call prepared again gives the same digest. */
  digest: string;
  show: FileShown;
  readOnly: boolean;
  run(signal: AbortSignal, progress: (message: string) => void): Promise<Outcome>;
  release?(): void;
}>;

/** One file tool. */
export type FileTool<Input extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>> = Readonly<{
  name: string;
  title: string;
  description: string;
  input: z.ZodType<Input>;
  annotations: Readonly<{ readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean; openWorldHint: boolean }>;
  prepare(input: Input, context: FileContext): Promise<PreparedFile>;
  countsAsFailure?(outcome: Outcome): boolean;
}>;
