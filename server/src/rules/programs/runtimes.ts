import { dashedValue, type ArgumentRule, type Seen } from './rule';

/** Interpreters and package managers: silent for a script inside the project, and for the scripts that the package itself names. */

const interpreter = (flags: string): ArgumentRule => ({ flags, operands: ['entry', 'text'], stopAtOperand: true, unsureDashes: true, check: scriptInside(flags) });

/** The test runner of Node runs the project's own test files, as `npm test` does. Its values are only read when joined. */
const testRun: ArgumentRule = {
  flags: '--test --test-only --test-force-exit --experimental-test-coverage --enable-source-maps --no-warnings',
  optional: { text: '--test-name-pattern --test-skip-pattern', name: '--test-reporter', number: '--test-timeout --test-concurrency' },
  operands: ['program'],
  stopAtOperand: true,
  unsureDashes: true,
  check: plainTests,
};

const node: ArgumentRule = { ...interpreter('-v --version -h --help --check'), otherwise: { when: '--test', rule: testRun } };

/** A reporter may be any module, and a pattern with braces may stand for a path elsewhere. */
function plainTests(seen: Seen): string | undefined {
  const reporters = seen.options.filter((option) => option.name === '--test-reporter').map((option) => option.value ?? '');
  if (!reporters.every((name) => ['spec', 'tap', 'dot', 'junit', 'lcov'].includes(name))) return 'the reporter is not one of its own';
  return seen.operands.every((text) => /^[^-{}()[\]!][^{}()[\]!]*$/.test(text)) ? undefined : 'the tests are not plainly named';
}

/** Interpreters by name, with the options that end at once. */
export const interpreters: readonly (readonly [string, ArgumentRule])[] = [
  ['node', node],
  ['nodejs', node],
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
    return ['inspect', 'debug', 'watch'].includes(script) ? `"${script}" is no script but an order` : undefined;
  };
}

/** How a package manager is called: which words run a script of the package, and which only look. */
export type PackageManager = Readonly<{
  /** Words that run the script of the same name, with their script. */
  scripts: ReadonlyMap<string, string>;
  /** Words after which the script's name follows. */
  run: ReadonlySet<string>;
  /** Subcommands that look at the installed packages, change nothing and ask no registry. */
  look: ReadonlySet<string>;
  /** Options that may stand anywhere. */
  options: ArgumentRule;
  /** Options that may stand before the words that say what is run: read in any other way by some version, the next word would be its subcommand. */
  leading: ArgumentRule;
  /** Whether some version hands on all words behind the name of a script, its own options among them. */
  passesAll: boolean;
}>;

const npmOptions: ArgumentRule = {
  // Letters that stand together are options of npm, one each.
  apart: true,
  flags: '-s -d -l -p -a -v -h --silent --quiet --verbose --json --long --parseable --all --if-present --no-color --color --no-audit --no-fund --no-progress --no-update-notifier --ignore-scripts --foreground-scripts --prod --production --dev --version --help --offline --prefer-offline --no-bail --stream',
  values: { number: '--depth', name: '--omit --include --loglevel' },
  optional: { name: '--color --production' },
  operands: ['text'],
  check: (seen) => dashedValue(seen) ?? plainFilter(seen),
};

/** A filter is a language: what stands in brackets becomes an argument of git, and braces and dots lead elsewhere. A package, a folder below or a pattern of such, with its dependencies, is plain. */
function plainFilter(seen: Seen): string | undefined {
  const odd = seen.options.find(({ name, value }) => (name === '--filter' || name === '-F') && !/^!?(\.\.\.)?[@A-Za-z0-9_*][A-Za-z0-9_*@/-]*(\.[A-Za-z0-9_*@/-]+)*(\.\.\.)?$/.test(value ?? ''));
  return odd === undefined ? undefined : `the filter "${(odd.value ?? '').slice(0, 60)}" is more than the name of a package or a folder`;
}

const npmLook = ['ls', 'list', 'la', 'll', 'why', 'explain', 'root', 'prefix', 'query', 'bin'];

/** npm, pnpm and yarn. The last two take a word that some version of them does not know for a script or a program of a package. */
export const packageManagers: ReadonlyMap<string, PackageManager> = new Map([
  ['npm', manager({ test: 'test', t: 'test', tst: 'test', start: 'start', stop: 'stop', restart: 'restart' }, ['run', 'run-script', 'rum', 'urn'], npmLook, { flags: '--workspaces --include-workspace-root --no-workspaces', read: '-w --workspace' })],
  ['pnpm', manager({ test: 'test', t: 'test', tst: 'test', start: 'start' }, ['run', 'run-script'], ['ls', 'list', 'la', 'll', 'why', 'root', 'bin'], { flags: '-r --recursive --parallel --no-sort --reverse', text: '--filter -F', number: '--workspace-concurrency' }, { flags: '-r --recursive -s --silent --parallel --stream --if-present --no-bail', values: { text: '--filter -F' } })],
  ['yarn', manager({ test: 'test', start: 'start' }, ['run'], ['why', 'bin'], {}, { flags: '-s --silent --json --offline --verbose' })],
]);

function manager(scripts: Readonly<Record<string, string>>, run: readonly string[], look: readonly string[], more: Readonly<{ flags?: string; text?: string; number?: string; read?: string }>, leading?: Pick<ArgumentRule, 'flags' | 'values'>): PackageManager {
  const options: ArgumentRule = {
    ...npmOptions,
    flags: `${npmOptions.flags ?? ''} ${more.flags ?? ''}`,
    values: { ...npmOptions.values, text: `${npmOptions.values?.text ?? ''} ${more.text ?? ''}`, number: `--depth ${more.number ?? ''}`, read: more.read ?? '' },
  };
  return { scripts: new Map(Object.entries(scripts)), run: new Set(run), look: new Set(look), options, leading: leading === undefined ? options : { ...leading, apart: true, operands: ['text'] }, passesAll: leading !== undefined };
}

/** Arguments that scripts may be given without asking: switches that test runners and builders share and that name no code. */
export const scriptArguments: ArgumentRule = {
  singleDash: true,
  flags: '--watch --no-watch --run --coverage --verbose --silent --quiet --bail --ci --fix --check --noEmit --prod --production --dev --help --version --color --no-color -u --update --updateSnapshot -v -q -s --runInBand -i --no-cache --passWithNoTests --list --dry-run --debug --minify --sourcemap --strict --recursive --exit --forbid-only --forbidOnly --no-coverage --invert --silent=false --ui=false',
  // A runner that knows one of these as a switch would take the next word for a file to run.
  values: { program: '--grep -g -t --testNamePattern --test-name-pattern --mode', number: '--timeout --retries --port --maxWorkers --max-warnings --testTimeout --bail --shard' },
  optional: { text: '--watch --watchAll --coverage --ci --bail --color' },
  operands: ['program'],
  check: dashedValue,
};

/**
 * Programs whose version may be asked, each in the spellings that mean nothing else to it; everything else about them runs code of the
 * project or of others. `-version` is `-r sion` to some, and mocha and jest load files of the project before they say who they are.
 */
export const versionOnly: ReadonlyMap<string, readonly string[]> = new Map([
  ...withSpellings('gcc g++ cc c++ clang clang++ cmake eslint prettier black bun gh code esbuild vite vitest', ['--version']),
  ...withSpellings('pip pip3 uv ruff mypy deno', ['--version', '-V']),
  ...withSpellings('java javac terraform', ['--version', '-version']),
  ...withSpellings('jest mocha', []),
]);

function withSpellings(names: string, spellings: readonly string[]): readonly (readonly [string, readonly string[]])[] {
  return names.split(' ').map((name) => [name, spellings]);
}

/**
 * The compiler of TypeScript: silent only when it says who it is. With `--noEmit` it writes nothing, but its configuration and its sources name
 * the files that it reads, wherever they lie, and it quotes them as errors.
 */
export const compilers: readonly (readonly [string, ArgumentRule])[] = [
  ['tsc', { singleDash: true, flags: '--noEmit -v --version -h --help --all --pretty --strict --skipLibCheck', values: { read: '-p --project' }, operands: ['read'], check: (seen) => switchedOn(seen) ?? onlyIntroduces(seen) }],
];

function onlyIntroduces({ options, operands }: Seen): string | undefined {
  const introduces = operands.length === 0 && options.length > 0 && options.every(({ name }) => ['-v', '--version', '-h', '--help', '--all'].includes(name));
  return introduces ? undefined : 'its configuration and its sources name the files that it reads, also outside of the project, and it quotes what stands in them';
}

/**
 * The arguments of a compiler that only checks with those before them by which it writes no file of its own, whatever its configuration says
 * then: the line wins over the file (TypeScript 4.2 and later). Looking into the file instead would leave time to exchange it.
 */
export function withoutOwnFiles(name: string, args: readonly string[]): readonly string[] {
  return name === 'tsc' && args.includes('--noEmit') ? [...'--incremental false --composite false --tsBuildInfoFile null --generateTrace null --generateCpuProfile null'.split(' '), ...args] : args;
}

/** After a switch `false` turns it off, and `@file` stands for further arguments. */
function switchedOn(seen: Seen): string | undefined {
  return seen.operands.some((text) => /^(@|(true|false|null)$)/i.test(text)) ? 'an argument switches an option off or brings further ones' : dashedValue(seen);
}
