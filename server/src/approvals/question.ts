import type { ApprovalLevel, Binding, Pending } from '../../../protocol/src/approvals';
import type { Actor } from '../../../protocol/src/call';
import type { RungName } from '../../../protocol/src/grants';
import type { Role } from '../../../protocol/src/roles';
import type { Signed } from './vouching';

/** A question to a person, and how it can end. */

/** A question as its asker writes it; the desk adds the times and the nonce. */
export type Question = Omit<Pending, 'askedAt' | 'expiresAt' | 'binding'> & Readonly<{ binding: Omit<Binding, 'nonce'> }>;

/** For how long to ask, who asks, and how the asker withdraws. */
export type AskOptions = Readonly<{ timeoutMs: number; signal: AbortSignal; /** Connection of the agent, for the limit of each. */ connection: number; /** Characters that are kept for it while it waits. Default 0. */ weight?: number }>;

/** Who answers: the connection behind an answer, as stamped by its door. */
export type Person = Readonly<{ role: Role; connection: number; client?: string; window?: string; user?: string }>;

/** Who decided: a person, or the `broker` itself, which can only deny. */
export type Decider = Pick<Actor, 'role' | 'client' | 'connection' | 'window'> & Partial<Pick<Actor, 'user'>>;

/** How a question ended. Only `approved` lets the call go on, and it is given at most once for each question. */
export type Answer =
  | Readonly<{ kind: 'approved' | 'denied'; by: Decider; reason?: string; /** How far it reaches; absent: this call. */ rung?: RungName; waitedMs: number; /** Absent when the broker itself denied. */ level?: ApprovalLevel; signed?: Signed; /** Milliseconds since 1970 after which an approval may not be used any more. */ useBy?: number }>
  /** Nobody answered in time. */
  | Readonly<{ kind: 'timeout'; waitedMs: number }>
  /** Nobody is there to ask. */
  | Readonly<{ kind: 'unavailable' }>
  /** Too many questions wait already. */
  | Readonly<{ kind: 'full'; message: string }>
  /** The asker no longer wants it. */
  | Readonly<{ kind: 'withdrawn'; waitedMs: number }>;
