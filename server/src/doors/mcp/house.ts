import type { ClientLine, Outcome } from '../../../../protocol/src/call';
import type { Caller } from '../../call/asking';
import type { Tool } from '../../tools/tool';

/** What the door needs of the house. */
export type AgentHouse = Readonly<{
  version: string;
  tools: ReadonlyMap<string, Tool>;
  /** The tools that this client gets to see. */
  listed(): readonly Tool[];
  /** Calls back when that list is another; gives the function that stops it. */
  onListChanged(listener: () => void): () => void;
  /** Runs one call for this connection; `client` is the agent's own name for itself. */
  call(tool: string, input: Readonly<Record<string, unknown>>, client: string, caller: Caller & { line?: Omit<ClientLine, 'key'> }): Promise<Outcome>;
  /** Notes a message that was refused before it became a call. */
  refused(client: string, what: { method?: string; reason: string }): void;
}>;

/** What an agent negotiated before its broker ended; it goes on with it on the next one. */
export type ResumedSession = Readonly<{ protocolVersion: string; client: string }>;
