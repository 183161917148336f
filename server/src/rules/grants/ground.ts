import type { RungName } from '../../../../protocol/src/grants';

/** What grants are made of and held against: data only. */

/** Why a call asks. A grant covers the reasons that its giver saw, to the letter, and no other. */
export type Reason = Readonly<{ rule: string; reason: string }>;

/** One thing that must be the same for a grant to hold, without what only tells one state of a disk from the next (numbers, times). */
export type Tie = Readonly<{ label: string; key: string; value: string; /** What a small file held, to show what changed in it; not compared. */ text?: string }>;

/** One command of a line. */
export type Unit = Readonly<{
  /** The argument list as it was judged, the name first. */
  argv: readonly [string, ...string[]];
  /** Why it asks; empty when it need not. */
  reasons: readonly Reason[];
  /** True when nothing else decides what it does: no file in a redirection, no variable set for it, no pattern, no pipe that feeds it. */
  plain: boolean;
  /** True when another command of the line may change what it reads. */
  shaky: boolean;
  /** All that it rests on, its arguments and the files that they name included. */
  ties: readonly Tie[];
  /** Of these, what stays when other files are named: programs, folder, environment, confinement. */
  standing: readonly Tie[];
}>;

/** One judged call as grants see it. */
export type Ground = Readonly<{
  tool: string;
  /** Absolute project root. */
  project: string;
  /** The agent's name for itself without a version. */
  agent: string;
  /** The agent's connection. */
  session: number;
  /** Hash of the settings that judge this tool. */
  policy: string;
  /** Hash of what the tool says of itself. */
  pin: string;
  /** Whether a person can be shown all of it: short enough, and nothing hidden in it. */
  whole: boolean;
  /** Why it asks. */
  reasons: readonly Reason[];
  /** Those of the reasons that belong to the line and to no command of it. */
  around: readonly Reason[];
  /** All that the call rests on. */
  ties: readonly Tie[];
  /** The commands of a line, in order; empty for other tools. */
  units: readonly Unit[];
  /** Absolute place of the one file that is changed, for tools that change one. */
  file?: string;
}>;

/** What a grant covers or forbids. */
export type Scope =
  /** The very same call. */
  | Readonly<{ kind: 'call'; argvs: readonly (readonly string[])[]; ties: readonly Tie[] }>
  /** The very same command, alone or as part of a line. */
  | Readonly<{ kind: 'unit'; argv: readonly string[]; ties: readonly Tie[] }>
  /** A program in a form of which the rules know all options. */
  | Readonly<{ kind: 'form'; program: string; subcommand?: string; /** Sorted names of the options; absent: any that the rules know. */ options?: readonly string[]; ties: readonly Tie[] }>
  /** Writes and edits of one file. */
  | Readonly<{ kind: 'file'; path: string }>
  /** A program, or one subcommand of it, whatever its arguments; only ever forbidden. */
  | Readonly<{ kind: 'name'; program: string; subcommand?: string }>
  /** Every call of the tool; only ever forbidden: by a person from its prompt, or where only the log tells of a denial, and not what it forbade. */
  | Readonly<{ kind: 'any' }>;

/** An answer that lasts. */
export type Grant = Readonly<{
  /** `grant_` and a ULID. */
  id: string;
  effect: 'allow' | 'deny';
  rung: Exclude<RungName, 'once'>;
  tool: string;
  project: string;
  /** Empty: any agent, which only a denial may say. */
  agent: string;
  /** Connection with which it ends. */
  session?: number;
  policy: string;
  pin: string;
  reasons: readonly Reason[];
  scope: Scope;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Milliseconds since 1970; absent: until it is undone. */
  expiresAt?: number;
  /** What its giver read. */
  title: string;
  covers: string;
  /** Who gave it: role and client. */
  by: string;
  /** Set when the answer that gave it was signed with a registered key. */
  signed?: true;
  /** Id of the call from whose prompt it was given. */
  call: string;
}>;
