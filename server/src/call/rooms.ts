import type { Config } from '../../../protocol/src/config';
import type { Desk } from '../approvals/desk';
import type { Shelf } from '../approvals/shelf';
import type { Admission } from '../breaker/breaker';
import type { Redactor } from '../rules/redaction/redactor';
import type { Tool } from '../tools/tool';
import type { ApprovedCall } from './approvedBefore';
import type { GrantRoom } from './granting';
import type { Recorder } from './recorder';
import type { Refusal } from './refusals';

/** The configuration that holds at this moment, the hash that names it, and what is wrong with its file, where something is. */
export type Policy = Readonly<{ config: Config; policyHash: string; trouble?: string }>;

/** The rooms that a call passes through. */
export type Rooms = Readonly<{
  tools: ReadonlyMap<string, Tool>;
  /** Why a tool of this name is not there, where more can be said than that. */
  absent?(tool: string): Refusal | undefined;
  configDir: string;
  policy(): Policy;
  /** Calls back after each change of the policy; gives the function that stops it. */
  onPolicyChange(listener: () => void): () => void;
  desk: Pick<Desk, 'ask'>;
  /** Takes secrets out of everything that leaves a call. */
  redactor: Pick<Redactor, 'find' | 'text' | 'value' | 'piece' | 'knownOut'>;
  shelf: Pick<Shelf, 'put'>;
  /** Says that the agent's own client passed on a yes to this call. */
  heardFromClient(call: string): void;
  /** What people granted and forbade for more than one call. */
  grants: GrantRoom;
  /** Calls of external tools that people approved before this broker, newest first, as far as the newest part of the log tells. */
  approvedInLog(): Promise<readonly ApprovedCall[]>;
  /** Asks the tool's breaker for admission, counting a probe when it is half open. */
  admit(tool: string): Admission;
  /** Milliseconds until the tool's breaker lets a probe through, when it is open; changes nothing. */
  openFor(tool: string): number | undefined;
  recorder: Recorder;
  /** Makes the id of a question that is asked again. */
  newId(): string;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since 1970. */
  wallNow(): number;
}>;
