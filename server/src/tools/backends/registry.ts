import type { Backend as Profile } from '../../../../protocol/src/backends';
import type { Config } from '../../../../protocol/src/config';
import type { ConductorError } from '../../../../protocol/src/errors';
import type { ToolDescriptor } from '../../rules/backends/identity';
import type { Skipped, unavailabilities } from '../../rules/backends/mode';
import type { ExternalVerdict } from '../../rules/backends/verdict';

/** What connections need to be told about backends: which there are, whether they may be used, and what the policy says of a call. */

/** What a client wants of a backend. */
export type Wish = Readonly<{ backend: string; /** Name of a tool, or a method such as `resources/read`. */ tool: string; arguments: Readonly<Record<string, unknown>>; project: string }>;

/** The present profiles, pins and policy. Every answer is of the moment. */
export type Registry = Readonly<{
  /** The backends that may be used, by name. */
  profiles(): ReadonlyMap<string, Profile>;
  /** Why a backend must not be started; undefined when it may. */
  quarantined(backend: string): ConductorError | undefined;
  /** What a person approved of it: how it is started or reached, as a hash. */
  identity(backend: string): string;
  /** Judges a call of a tool or a use of a method. */
  judge(wish: Wish): ExternalVerdict;
  /** Whether agents get to see a tool: what is not listed, or waits for approval in its present words, is hidden. */
  shown(wish: Wish): boolean;
  /** Counts one use against the rates of the policy; milliseconds until the next is allowed, when there were too many. */
  spend(wish: Wish): number | undefined;
  /** Hears what a backend offers each time it was listed. */
  listed(backend: string, tools: readonly ToolDescriptor[]): void;
  /** Whether a prompt is described as a person approved it. */
  approvedPrompt(backend: string, prompt: Readonly<Record<string, unknown>>, name: string): boolean;
  /** The instructions of a backend that agents in a project may use, as a person approved them; undefined where they are others now, or there are none. */
  instructions(backend: string, project: string): string | undefined;
  /** What is done with characters that cannot be seen in what a backend says. */
  hidden(): Config['externalMcp']['hiddenCharacters'];
  /** The tools of a backend as a person approved them; empty while it may not be started. */
  approvedTools(backend: string): readonly ToolDescriptor[];
  /** What stands for the result of an optional backend that cannot be used; undefined where that is a failure. */
  skipped(of: Pick<Wish, 'backend' | 'project'>, why: (typeof unavailabilities)[number], reason: string): Skipped | undefined;
  /** Calls back after profiles or policy changed; gives the function that stops it. */
  onChange(listener: () => void): () => void;
}>;
