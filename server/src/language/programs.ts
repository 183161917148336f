/** A program that people often list, with what editors say about it. */
export type KnownProgram = Readonly<{ name: string; note: string }>;

// The notes follow the argument rules of the shell tool, which decide; a note is never a promise that a form runs.
const notes: Readonly<Record<string, string>> = {
  git: 'Reading and plain writing forms run; global options such as `-c`, aliases, and repositories whose configuration names programs ask.',
  ls: 'Lists files.',
  cat: 'Prints files of the project.',
  head: 'Prints the beginning of files.',
  tail: 'Prints the end of files.',
  wc: 'Counts lines, words and bytes.',
  pwd: 'Prints the working folder.',
  echo: 'Prints its arguments.',
  printf: 'Prints its arguments.',
  date: 'Prints the time.',
  which: 'Says where a program stands.',
  diff: 'Compares files.',
  cmp: 'Compares files byte by byte.',
  stat: 'Prints facts about files.',
  file: 'Guesses the kind of files; `-m` asks.',
  du: 'Sums up sizes.',
  tree: 'Lists folders as a tree.',
  sort: 'Sorts lines; `-o` and `--compress-program` ask.',
  uniq: 'Drops repeated lines.',
  cut: 'Prints columns.',
  tr: 'Replaces characters.',
  jq: 'Reads JSON.',
  grep: 'Searches text.',
  rg: 'Searches text; `--pre` and `--search-zip` ask, since they start programs.',
  find: 'Tests and `-print` run; `-exec`, `-ok`, `-delete` and `-fprint` ask.',
  fd: 'Finds files; `-x` and `-X` ask, since they start programs.',
  sed: 'Printing and plain substitutions run; everything else asks.',
  awk: 'Programs without `system`, pipes and redirections run; everything else asks.',
  mkdir: 'Makes folders inside the project.',
  touch: 'Makes files inside the project.',
  cp: 'Copies files. Better in `requireApproval`.',
  mv: 'Moves files. Better in `requireApproval`.',
  rm: 'Deletes files. Better in `requireApproval`.',
  chmod: 'Changes rights. Better in `requireApproval`.',
  curl: 'Reaches the network; forms that write or read files ask.',
  wget: 'Reaches the network and writes files. Better in `requireApproval`.',
  tsc: 'Compiles TypeScript, as the project configures it.',
  eslint: 'Runs the rules and plugins of the project, which are code.',
  npm: '`test`, `run` and `ls` run scripts of the project, which are code; `exec`, `config`, `publish` and global forms ask.',
  pnpm: 'Runs scripts of the project, which are code; `dlx`, `exec` and global forms ask.',
  yarn: 'Runs scripts of the project, which are code; `dlx`, `exec` and global forms ask.',
  cargo: 'Builds and runs code of the project; `run` asks.',
  go: 'Builds and runs code of the project; `run` and `generate` ask.',
  make: 'Runs what the Makefile of the project says; `-f` and `--eval` ask.',
  node: 'Runs scripts of the project; `-e`, `--import` and other options ask.',
  python3: 'Runs scripts of the project; `-c`, `-m` and other options ask.',
  docker: 'Always asks.',
  kubectl: 'Always asks.',
  ssh: 'Always asks.',
};

/** Well-known programs in the order in which they are offered. */
export const knownPrograms: readonly KnownProgram[] = Object.entries(notes).map(([name, note]) => ({ name, note }));

/** Programs that run code from a file or an argument: listing one of them trusts every script that an agent can write. */
export const interpreters: ReadonlySet<string> = new Set([
  'node', 'nodejs', 'deno', 'bun', 'tsx', 'python', 'python2', 'python3', 'perl', 'ruby', 'php', 'lua', 'java', 'dotnet', 'npm', 'pnpm', 'yarn', 'npx', 'make', 'cargo', 'go', 'pip', 'pip3',
]);

/** Programs that start any other program, so that most or all of their forms ask although they are listed. */
export const launchers: ReadonlySet<string> = new Set([
  'sh', 'bash', 'dash', 'zsh', 'fish', 'ksh', 'cmd', 'powershell', 'pwsh', 'sudo', 'doas', 'su', 'env', 'xargs', 'parallel', 'nohup', 'timeout', 'nice', 'setsid', 'stdbuf', 'watch', 'time', 'busybox',
  'ssh', 'docker', 'podman', 'kubectl', 'vim', 'vi', 'emacs', 'less', 'man', 'tmux', 'screen', 'at', 'crontab', 'gdb', 'strace', 'script', 'flock',
]);
