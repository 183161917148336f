/** What an agent sends. */
export type ShellInput = Readonly<{
  /** A whole line; or, with `args`, the bare name of one program. */
  command: string;
  args?: readonly string[] | undefined;
  /** Working folder, relative to the project or absolute inside it. Default: the project. */
  cwd?: string | undefined;
  /** 1 to 600,000. Default: `plugins.shell.timeoutMs`. */
  timeoutMs?: number | undefined;
}>;
