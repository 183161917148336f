import type { ArgumentRule, Seen } from './rule';

/** Interpreters and package managers: silent for a script inside the project, and for the scripts that the package itself names. */

const interpreter = (flags: string): ArgumentRule => ({ flags, operands: ['read', 'text'], stopAtOperand: true, check: scriptInside(flags) });

/** Interpreters by name, with the options that end at once. */
export const interpreters: readonly (readonly [string, ArgumentRule])[] = [
  ['node', interpreter('-v --version -h --help --check')],
  ['nodejs', interpreter('-v --version -h --help --check')],
  ['tsx', interpreter('-v --version -h --help')],
  ['ts-node', interpreter('-v --version -h --help')],
  ...['python', 'python2', 'python3', 'pypy3'].map((name): readonly [string, ArgumentRule] => [name, interpreter('-V -VV --version -h --help')]),
  ['perl', interpreter('-v --version')],
  ['ruby', interpreter('-v --version --help --copyright')],
  ['php', interpreter('-v --version -h --help -m')],
  ['lua', interpreter('-v')],
  ['luajit', interpreter('-v')],
];

/** Whether an interpreter's name carries a version, as `python3.12` does. */
export function withoutVersion(name: string): string {
  return name.replace(/^(python|pypy|ruby|php|lua|perl)[0-9]+(\.[0-9]+)*$/, (_, base: string) => (base === 'pypy' ? 'pypy3' : base));
}

function scriptInside(flags: string): (seen: Seen) => string | undefined {
  const ending = flags.split(' ').filter((flag) => flag !== '--check');
  return (seen) => {
    const [script] = seen.operands;
    if (script === undefined) return seen.options.some((option) => ending.includes(option.name)) ? undefined : 'without a script it reads a program from standard input';
    if (script === '-') return 'it reads a program from standard input';
    if (script === 'inspect' || script === 'debug') return 'it starts a debugger';
    return /^[A-Za-z][A-Za-z0-9+.-]+:/.test(script) ? 'the script is an address, not a file' : undefined;
  };
}

/** How a package manager is called: which words run a script of the package, and which only look. */
export type PackageManager = Readonly<{
  /** Words that run the script of the same name, with their script. */
  scripts: ReadonlyMap<string, string>;
  /** Words after which the script's name follows. */
  run: ReadonlySet<string>;
  /** Subcommands that look and change nothing. */
  look: ReadonlyMap<string, ArgumentRule>;
  /** Options that may stand anywhere. */
  options: ArgumentRule;
}>;

const looking: ArgumentRule = { operands: ['text'] };

const npmOptions: ArgumentRule = {
  flags: '-s -d -l -p -a -v -h --silent --quiet --verbose --json --long --parseable --all --if-present --workspaces --include-workspace-root --no-color --color --no-audit --no-fund --no-progress --no-update-notifier --ignore-scripts --foreground-scripts --prod --production --dev --version --help --offline --prefer-offline --no-workspaces --no-bail --stream',
  values: { number: '--depth', name: '--omit --include --loglevel', text: '-w --workspace' },
  optional: { name: '--color --production' },
  operands: ['text'],
};

const npmLook = ['ls', 'list', 'la', 'll', 'outdated', 'view', 'info', 'show', 'v', 'why', 'explain', 'root', 'prefix', 'query', 'search', 'audit', 'ping', 'licenses', 'versions', 'bin'];

/** npm, pnpm and yarn. */
export const packageManagers: ReadonlyMap<string, PackageManager> = new Map([
  ['npm', manager({ test: 'test', t: 'test', tst: 'test', start: 'start', stop: 'stop', restart: 'restart' }, ['run', 'run-script', 'rum', 'urn'], npmLook, {})],
  ['pnpm', manager({ test: 'test', t: 'test', tst: 'test', start: 'start' }, ['run', 'run-script'], npmLook, { flags: '-r --recursive --parallel --no-sort --reverse', text: '--filter -F', number: '--workspace-concurrency' })],
  ['yarn', manager({ test: 'test', start: 'start' }, ['run'], ['list', 'info', 'why', 'outdated', 'licenses', 'versions', 'audit', 'bin'], {})],
]);

function manager(scripts: Readonly<Record<string, string>>, run: readonly string[], look: readonly string[], more: Readonly<{ flags?: string; text?: string; number?: string }>): PackageManager {
  const options: ArgumentRule = {
    ...npmOptions,
    flags: `${npmOptions.flags ?? ''} ${more.flags ?? ''}`,
    values: { ...npmOptions.values, text: `${npmOptions.values?.text ?? ''} ${more.text ?? ''}`, number: `--depth ${more.number ?? ''}` },
  };
  return { scripts: new Map(Object.entries(scripts)), run: new Set(run), look: new Map(look.map((name) => [name, looking])), options };
}

/** Arguments that scripts may be given without asking: switches that test runners and builders share and that name no code. */
export const scriptArguments: ArgumentRule = {
  singleDash: true,
  flags: '--watch --no-watch --run --coverage --verbose --silent --quiet --bail --ci --fix --check --noEmit --prod --production --dev --help --version --color --no-color -u --update --updateSnapshot -v -q -s --runInBand -i --no-cache --passWithNoTests --list --dry-run --debug --minify --sourcemap --strict --recursive --exit --forbid-only --forbidOnly --no-coverage --silent=false --ui=false',
  values: { text: '--grep -g -t --testNamePattern --test-name-pattern --mode --invert', number: '--timeout --retries --port --maxWorkers --max-warnings --testTimeout --bail --shard' },
  optional: { text: '--watch --watchAll --coverage --ci --bail --color' },
  operands: ['read'],
};

/** Programs whose version may be asked; everything else about them runs code of the project or of others. */
export const versionOnly: ReadonlyMap<string, readonly string[]> = new Map(
  ['java', 'javac', 'gcc', 'g++', 'cc', 'c++', 'clang', 'clang++', 'cmake', 'eslint', 'prettier', 'jest', 'mocha', 'vitest', 'pip', 'pip3', 'uv', 'ruff', 'black', 'mypy', 'deno', 'bun', 'gh', 'terraform', 'code', 'esbuild', 'vite'].map((name) => [name, ['--version', '-version', '-V']]),
);

/** The compiler of TypeScript: with `--noEmit` it checks and writes nothing. */
export const compilers: readonly (readonly [string, ArgumentRule])[] = [
  ['tsc', { singleDash: true, flags: '--noEmit -v --version -h --help --all --showConfig --listFilesOnly --strict --skipLibCheck --pretty --listFiles --extendedDiagnostics --diagnostics --allowJs --checkJs', values: { read: '-p --project', text: '--pretty --target --module --lib --jsx --moduleResolution' }, operands: ['read'], needs: '--noEmit -v --version -h --help --showConfig --listFilesOnly' }],
];
