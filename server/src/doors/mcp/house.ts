import type { ClientLine, Outcome } from '../../../../protocol/src/call';
import type { Answer } from '../../base/frames';
import type { Caller } from '../../call/asking';
import type { Tool } from '../../tools/tool';

/** What a request carries beyond what is judged, and the way back to its client. */
export type RawLine = Omit<ClientLine, 'key' | 'project'>;

/** Hears what an external server tells this client. */
export type NewsListener = (method: string, params: Readonly<Record<string, unknown>>) => void;

/** What the door needs of the house. */
export type AgentHouse = Readonly<{
  version: string;
  /** The name of the tool that a client means. */
  toolNamed(name: string): string;
  /** Whether a tool says what its structured content looks like. */
  promisesOutput(tool: string): boolean;
  /** The tools that this client gets to see. */
  listed(): readonly Tool[];
  /** What to announce besides tools. */
  capabilities(): Readonly<Record<string, unknown>>;
  /** What external servers tell their users to begin with; follows our own words. */
  instructions(): string;
  /** The client says that its folders are others now. */
  rootsChanged(): void;
  /** Whether a method besides tools is served. */
  serves(method: string): boolean;
  /** Tells of lists that are others now; gives the function that stops it. */
  onNews(listener: NewsListener): () => void;
  /** What may be sent of a value. */
  clean<Value>(value: Value): Value;
  /** Runs one call for this connection; `client` is the agent's own name for itself. */
  call(tool: string, input: Readonly<Record<string, unknown>>, client: string, caller: Caller & { line?: RawLine }): Promise<Outcome>;
  /** Sends on a request that is no call of a tool; judged and recorded as one. */
  use(method: string, params: Readonly<Record<string, unknown>>, client: string, caller: Caller & { line: RawLine }): Promise<Answer>;
  /** Notes a message that was refused before it became a call. */
  refused(client: string, what: { method?: string; reason: string }): void;
}>;

/** What an agent negotiated before its broker ended; it goes on with it on the next one. */
export type ResumedSession = Readonly<{ protocolVersion: string; client: string }>;
