import type { AgentHouse } from '../mcp/house';
import type { AgentLine } from './line';
import type { Place } from './lines';

/** A request that was refused before it became a message of an agent. */
export type HttpRefusal = Readonly<{ rule: string; reason: string; method?: string }> & Partial<Place>;

/** What the door needs of the house. */
export type HttpHouse = Readonly<{
  /** Whether a backend of this name exists. */
  knows(backend: string): boolean;
  /** Makes the line of an agent that comes in at a place; `close` ends it. */
  line(place: Place, close: () => void): Readonly<{ line: AgentLine; left(): void }>;
  /** The input schema of a tool by the name that this agent knows. */
  schemaOf(house: AgentHouse, tool: string): unknown;
  /** Notes what was refused. */
  refused(refusal: HttpRefusal): void;
}>;
