/** What a command line means, once it was read. */

/** Whose quoting rules hold: backslash escapes on POSIX and is a plain character on Windows. */
export type Platform = 'posix' | 'win32';

/** One redirection. `merge` sends one output to where another goes; `both` writes standard output and errors to one file. */
export type Redirection =
  | Readonly<{ kind: 'read'; target: string }>
  | Readonly<{ kind: 'write' | 'append'; descriptor: 1 | 2 | 'both'; target: string }>
  | Readonly<{ kind: 'merge'; descriptor: 1 | 2; into: 1 | 2 }>;

/**
 * A word that stands for names of files: its index in the argument list, and the indexes in it of the characters (`*`, `?`) that stood
 * outside quotes. Every other character of it means itself.
 */
export type Pattern = Readonly<{ at: number; active: readonly number[] }>;

/** One command: environment additions, the argument list with the name first, and redirections in order. */
export type ParsedCommand = Readonly<{
  assignments: readonly (readonly [name: string, value: string])[];
  argv: readonly [string, ...string[]];
  redirections: readonly Redirection[];
  /** Words that are not what they say yet. Only what was expanded can run. */
  patterns?: readonly Pattern[];
  /** The texts of the patterns that names of files have replaced. */
  expanded?: readonly string[];
}>;

/** Commands joined by pipes; `joint` says how the pipeline follows the one before it, and is `first` for the first. */
export type Pipeline = Readonly<{ joint: 'first' | '&&' | '||' | ';'; commands: readonly ParsedCommand[] }>;

/** A whole line, as it will run. */
export type CommandPlan = Readonly<{ pipelines: readonly Pipeline[] }>;
