import type { ArgumentRule, Seen } from './rule';
import { awkFlaw } from './awk';
import { jqFlaw, sedFlaw } from './smallLanguages';

/** Programs that take a small program as an argument: silent only where that program cannot run, write or read anything else. */

const sed: ArgumentRule = {
  flags: '-n -E -r -s -u -z --quiet --silent --regexp-extended --separate --unbuffered --null-data --posix --debug --sandbox --version --help',
  values: { text: '-e --expression' },
  joined: { number: '--line-length' },
  mayStop: true,
  fed: 1,
  operands: ['text', 'read'],
  replaceFirst: '-e --expression',
  least: 1,
  check: (seen) => (seen.options.some(isLateProgram) ? 'the program stands after a file' : sedFlaw(programsOf(seen, '-e --expression'))),
};

const awk: ArgumentRule = {
  flags: '--posix --traditional --re-interval --sandbox --version -V',
  values: { text: '-F -v' },
  // The original awk knows no long options, and takes the word behind them for the program.
  joined: { text: '--field-separator --assign' },
  operands: ['text', 'read'],
  // What follows the program are files and assignments, whatever they look like.
  stopAtOperand: true,
  least: 1,
  fed: 1,
  check: (seen) => awkFlaw(seen.operands[0] ?? ''),
};

const jq: ArgumentRule = {
  flags: '-r -c -n -e -s -S -C -M -a -j -R -V -h --raw-output --compact-output --null-input --exit-status --slurp --sort-keys --color-output --monochrome-output --ascii-output --join-output --raw-input --tab --stream --seq --version --help',
  values: { number: '--indent' },
  pairs: { text: '--arg --argjson', read: '--slurpfile --rawfile' },
  operands: ['text', 'read'],
  least: 1,
  fed: 1,
  check: (seen) => jqFlaw(seen.operands[0] ?? ''),
};

/** The programs with a language of their own, by name. */
export const scripted: readonly (readonly [string, ArgumentRule])[] = [
  ['sed', sed],
  ['gsed', sed],
  ...['awk', 'gawk', 'mawk', 'nawk'].map((name): readonly [string, ArgumentRule] => [name, awk]),
  ['jq', jq],
];

/** Where options end at the first operand, the first operand is the program and this one is a file. */
function isLateProgram(option: Seen['options'][number]): boolean {
  return option.late === true && (option.name === '-e' || option.name === '--expression');
}

function programsOf(seen: Seen, options: string): readonly string[] {
  const given = seen.options.filter((option) => options.split(' ').includes(option.name)).map((option) => option.value ?? '');
  return given.length > 0 ? given : [seen.operands[0] ?? ''];
}
