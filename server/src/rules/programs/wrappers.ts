import { hasOption, type ArgumentRule, type Seen } from './rule';

/** Programs that run another program given in their arguments: their own options are read, then the inner command is judged. */
export type Wrapper = Readonly<{
  rule: ArgumentRule;
  /** Operands of the wrapper itself before the inner command begins. */
  skip: number;
  /** True when the wrapper may stand alone and then only prints. */
  alone?: boolean;
  /** True when it adds arguments to the inner command that cannot be known beforehand. */
  feeds?: boolean;
  /** True when words with `=` before the inner command set variables for it. */
  assigns?: boolean;
  /** Options that change the environment of the inner command. They ask, whatever it is. */
  unsettles?: string;
}>;

const stops = { operands: ['text'], stopAtOperand: true } as const;

/** The transparent wrappers by name. `time` is none of them: it is a word of the shell. */
export const wrappers: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  ['env', { rule: { ...stops, flags: '-i -0 --ignore-environment --null -v --debug --version --help', values: { name: '-u --unset' } }, skip: 0, alone: true, assigns: true, unsettles: '-i --ignore-environment -u --unset' }],
  ['timeout', { rule: { ...stops, flags: '--preserve-status --foreground -v --verbose --version --help', values: { text: '-s --signal -k --kill-after' } }, skip: 1 }],
  ['gtimeout', { rule: { ...stops, flags: '--preserve-status --foreground -v --verbose', values: { text: '-s --signal -k --kill-after' } }, skip: 1 }],
  ['nice', { rule: { ...stops, digits: true, flags: '--version --help', values: { number: '-n --adjustment' } }, skip: 0, alone: true }],
  ['nohup', { rule: { ...stops, flags: '--version --help' }, skip: 0 }],
  ['stdbuf', { rule: { ...stops, values: { text: '-i -o -e --input --output --error' } }, skip: 0 }],
  ['setsid', { rule: { ...stops, flags: '-w -c --wait --ctty' }, skip: 0 }],
  ['ionice', { rule: { ...stops, flags: '-t --ignore', values: { text: '-c --class', number: '-n --classdata' } }, skip: 0 }],
  ['command', { rule: { ...stops, flags: '-v -V' }, skip: 0 }],
  ['xargs', { rule: { ...stops, flags: '-0 -r -t -x --null --no-run-if-empty --verbose --exit', values: { text: '-d --delimiter', number: '-L -P -s --max-procs --max-chars' }, optional: { number: '--max-lines' } }, skip: 0, feeds: true }],
]);

/** The command inside a wrapper's arguments, or why it cannot be seen. */
export function innerCommand(wrapper: Wrapper, seen: Seen): readonly string[] | string {
  const words = seen.operands.slice(wrapper.skip);
  const inner = words.slice(assignedWords(wrapper, words));
  return inner.length > 0 || wrapper.alone === true ? inner : 'without a command it takes its orders from elsewhere';
}

/**
 * Why a wrapper asks although the inner command is seen. The environment that a command gets keeps git to itself and marks the
 * processes of a run, so that nothing may take it away or add to it unseen.
 */
export function unsettledBy(wrapper: Wrapper, seen: Seen): string | undefined {
  const option = (wrapper.unsettles ?? '').split(' ').find((name) => name !== '' && hasOption(seen, name));
  if (option !== undefined) return `${option} takes variables away from the command`;
  return assignedWords(wrapper, seen.operands.slice(wrapper.skip)) > 0 ? 'it sets variables for the command' : undefined;
}

function assignedWords(wrapper: Wrapper, words: readonly string[]): number {
  const command = words.findIndex((word) => !word.includes('='));
  return wrapper.assigns === true ? (command < 0 ? words.length : command) : 0;
}

/**
 * Programs that exist to run other programs or programs of their own language, or that reach other machines. They ask in every
 * form: no list of options could say what they will do.
 */
export const alwaysAsk: ReadonlySet<string> = new Set([
  // Shells and terminals.
  'sh', 'bash', 'dash', 'zsh', 'ksh', 'mksh', 'csh', 'tcsh', 'fish', 'ash', 'rbash', 'busybox', 'toybox', 'tmux', 'screen', 'script', 'expect', 'rlwrap', 'socat', 'nc', 'ncat', 'netcat', 'telnet',
  'cmd', 'powershell', 'pwsh', 'wsl', 'wscript', 'cscript', 'mshta', 'rundll32', 'regsvr32', 'msiexec', 'forfiles', 'start', 'conhost', 'certutil', 'bitsadmin', 'schtasks', 'wmic', 'reg', 'installutil', 'msbuild', 'explorer',
  // Other users, other times, other roots.
  'sudo', 'su', 'doas', 'pkexec', 'runuser', 'run0', 'chroot', 'unshare', 'nsenter', 'capsh', 'setpriv', 'systemd-run', 'systemctl', 'service', 'at', 'batch', 'crontab', 'launchctl', 'runas',
  // Runners and tracers.
  'parallel', 'watch', 'flock', 'entr', 'inotifywait', 'strace', 'ltrace', 'gdb', 'lldb', 'valgrind', 'perf', 'taskset', 'chrt', 'cpulimit', 'dbus-run-session', 'xvfb-run', 'run-parts', 'unbuffer', 'proot', 'fakeroot', 'bwrap', 'firejail', 'start-stop-daemon', 'choom', 'prlimit', 'softlimit', 'torsocks', 'proxychains', 'ld.so', 'rush',
  // Editors and pagers with a shell inside.
  'vi', 'vim', 'nvim', 'view', 'vimdiff', 'rvim', 'ed', 'ex', 'red', 'emacs', 'nano', 'pico', 'joe', 'micro', 'less', 'more', 'most', 'pg', 'man', 'info', 'bat', 'mc', 'ranger', 'fzf', 'tig', 'lazygit', 'code-server', 'top', 'htop', 'journalctl', 'dmesg',
  // Other machines and containers.
  'ssh', 'scp', 'sftp', 'rsync', 'mosh', 'ftp', 'lftp', 'tftp', 'rclone', 'docker', 'docker-compose', 'podman', 'buildah', 'nerdctl', 'kubectl', 'helm', 'oc', 'vagrant', 'ansible', 'ansible-playbook', 'aws', 'gcloud', 'az', 'dig', 'nmap', 'tcpdump', 'openssl', 'gpg', 'mail', 'sendmail',
  // Builders and package runners: the project's files decide what they run.
  'make', 'gmake', 'bmake', 'ninja', 'just', 'task', 'rake', 'ant', 'mvn', 'gradle', 'gradlew', 'bazel', 'scons', 'meson', 'cargo', 'go', 'npx', 'bunx', 'pnpx', 'yarnpkg', 'pipx', 'poetry', 'pipenv', 'conda', 'gem', 'bundle', 'composer', 'apt', 'apt-get', 'dpkg', 'yum', 'dnf', 'rpm', 'apk', 'pacman', 'brew', 'snap', 'flatpak', 'nix', 'nix-shell', 'nix-build', 'choco', 'scoop', 'winget', 'corepack', 'turbo', 'nx', 'lerna', 'husky', 'pre-commit', 'lefthook', 'direnv', 'mise', 'asdf', 'volta', 'nvm',
  // Languages and tools whose arguments are programs.
  'irb', 'jrunscript', 'jshell', 'jjs', 'ghci', 'runghc', 'ocaml', 'erl', 'elixir', 'julia', 'octave', 'Rscript', 'R', 'scala', 'groovy', 'clojure', 'racket', 'guile', 'sbcl', 'tclsh', 'wish', 'gnuplot', 'sqlite3', 'psql', 'mysql', 'mongo', 'mongosh', 'redis-cli', 'm4', 'dc', 'bc', 'zip', 'ar', 'cpio', 'pax', 'patch', 'logger', 'wall', 'mount', 'umount', 'modprobe', 'sysctl', 'split', 'csplit', 'xdg-open', 'open', 'osascript', 'git-shell', 'git-lfs', 'hg', 'svn', 'bzr', 'cvs', 'zgrep', 'zless', 'zmore', 'dosbox', 'wine', 'latex', 'pdflatex', 'xelatex', 'pandoc', 'convert', 'ffmpeg', 'ip', 'iptables', 'ifconfig', 'wg',
]);

/**
 * Builtins of shells that evaluate text or change the shell's own state, and Conductor itself. There is no shell to change, and an
 * agent never drives the tool that judges it, so that they are refused even where the settings list them.
 */
export const never: ReadonlySet<string> = new Set([
  'eval', 'exec', 'source', '.', ':', 'builtin', 'enable', 'alias', 'unalias', 'hash', 'export', 'declare', 'typeset', 'local', 'readonly', 'set', 'unset', 'setopt', 'unsetopt', 'shopt', 'trap', 'let', 'read',
  'mapfile', 'readarray', 'bind', 'complete', 'compgen', 'compopt', 'caller', 'dirs', 'pushd', 'popd', 'disown', 'fc', 'fg', 'bg', 'jobs', 'history', 'getopts', 'return', 'break', 'continue', 'shift', 'exit', 'logout', 'suspend',
  'times', 'type', 'ulimit', 'umask', 'wait', 'autoload', 'emulate', 'zmodload', 'noglob', 'nocorrect', 'function', 'coproc', 'repeat', 'foreach', 'setenv', 'unsetenv', 'call', 'goto', 'setlocal', 'endlocal', 'doskey',
  'iex', 'invoke-expression', 'invoke-command', 'icm', 'start-process', 'saps', 'invoke-item', 'ii', 'set-alias', 'sal', 'new-alias', 'add-type', 'import-module', 'ipmo', 'foreach-object', 'where-object',
  'conductor',
]);
