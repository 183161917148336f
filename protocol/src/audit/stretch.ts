/** A stretch of lines in the middle of a file that was read on its own, and what whoever read all lines before it needs to go on behind it. */
import type { OrphanCall } from './report';

/** Lines without any oddity, each of which continues from the one before. */
export type Stretch = Readonly<{
  lines: number;
  /** Byte after its last newline. */
  end: number;
  first: Readonly<{ seq: number; prevHash: string; timestamp: string }>;
  last: Readonly<{ seq: number; prevHash: string; hash: string; timestamp: string; phase: string }>;
  /** Calls that were decided before it and have their outcome in it, in order. */
  closed: readonly Readonly<{ call: string; tool: string }>[];
  /** Calls that were decided in it and have no outcome there; lines are counted from its first one. */
  open: readonly OrphanCall[];
  /** Calls whose first mention in it is their decision, one id after the other. */
  begun: string;
  /** Where lines stand whose words were not understood at a glance, or tell of approvals, from their first byte to their newline, with their number in the stretch from 1; whoever goes on must read them. */
  doubtful: readonly Readonly<{ offset: number; end: number; line: number }>[];
  /** Hashes of the entries that were asked for. */
  heads: readonly Readonly<{ seq: number; hash: string }>[];
}>;

/** Whether the calls of a stretch fit to those that were open before it: each that it closes was open, and none is decided twice. */
export function callsFit({ closed, begun }: Stretch, open: ReadonlyMap<string, unknown>): boolean {
  if (!closed.every(({ call }) => open.has(call))) return false;
  for (const call of open.keys()) if (begun.includes(call)) return false;
  return true;
}
