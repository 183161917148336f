import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seeded } from '../../../../test/fakes/simulatedDisk';
import { parseCommandLine } from '../../rules/commandLine';
import type { CommandPlan, ParsedCommand } from '../../rules/commandPlan';
import { expandAll } from '../../rules/expansion';
import { diskFacts } from './facts';

/**
 * Generated lines that the reader accepts are given to a real bash, in which every program is a stub that notes its arguments. Bash
 * must see the very lists that would run. `LINES_TRIED=20000 LINES_SEED=7` for a longer look.
 */

const tried = Number(process.env['LINES_TRIED'] ?? 500);
const firstSeed = Number(process.env['LINES_SEED'] ?? 1);

const pieces = [
  'a', 'b', 'x1', '-n', '--o=v', 'a.ts', 'src/d.ts', '=', 'k=v', '%', '+', '@', '^', ',', ':', '/', './', '..', '.', '_', '-', '0', '2', '12', 'é', '日', '😀', 'e\u0301',
  "'", '"', '\\', "''", '""', "'a b'", '"a b"', "'$x'", '"\\$x"', '"\\\\"', "'\\'", '\\ ', '\\;', "\\'", '\\"', '\\*', '\\a', '\\\\', "a'b'c", '"a"\'b\'', "'\n'", '"\n"', '"\t"', "'#'", '"!"', "'~'", '"{a,b}"', "'*'", '"?"',
  '*', '?', '*.ts', 'src/*', '**/*.ts', '*.j?', '"a"*', "*'.ts'", '\\**', '[a]', '[!a]*', '.*', '-*', 'nomatch*',
  '{a,b}', '{}', '{1..3}', '@{1}', '@{-1}', '@{u}', '{', '}', '~', '~/x', 'a=~', 'a:~', '!', '!!', '!a', '#', '#x', 'a#b', ' # c', ' # c "d', '$x', '${x}', '$(a)', '`a`', '$((1))', "$'a'", '$"a"', '<(a)', '(a)', '@(a)', '?(a)', '*(a)',
  'if', 'then', 'fi', 'for', 'in', 'do', 'done', 'while', 'case', 'esac', 'select', 'until', 'function', 'time', 'coproc', '[[', ']]', 'a()',
  '&&', '||', ';', '|', '&', ';;', '|&', '&&&', '\n', '\t', '\r', '\\\n', '\u00a0', '\u200b',
  '>o1', '> o2', '>>o1', '2>o3', '2>&1', '>&2', '1>&2', '&>o1', '&>>o1', '>|o1', '< a.ts', '0<a.ts', '<<<a', '<<E', '<>o1', '>&o1', '3>o1', '12>o1', '>o1>o2', '2>&1>o1', '>', '<', '>"o 1"', "2>'o2'",
  'CI=1', 'LANG=C', 'A=1', 'CI=', 'CI="a b"',
];

function generate(chance: () => number): string {
  const count = 1 + Math.floor(chance() * 9);
  let line = chance() < 0.8 ? 'a' : '';
  for (let index = 0; index < count; index += 1) line += (chance() < 0.7 ? ' ' : '') + (pieces[Math.floor(chance() * pieces.length)] ?? '');
  return line;
}

/** Notes the arguments of everything that is started, then says that all went well. */
const bashScript = `
shopt -s globstar; set +H
command_not_found_handle() { { printf '%s\\x1f' "$number" "$@"; printf '\\x1e'; } >&9; return 0; }
exec 9>>"$1"
number=0
while IFS= read -r -d '' line <&8; do
  number=$((number + 1))
  ( set -f +f; eval "$line" ) >/dev/null 2>&1 </dev/null 8<&-
done 8<"$2"
`;

type Tried = Readonly<{ line: string; argvs: readonly string[] }>;

/** What would run when every program succeeds, each list as one text; undefined when it depends on more than the line. */
function expected(plan: CommandPlan, folder: string): readonly string[] | undefined {
  const facts = diskFacts({ project: folder, configDir: join(folder, '..', 'none') });
  const argvs: string[] = [];
  for (const pipeline of plan.pipelines) {
    const { commands, flaws } = expandAll(pipeline.commands, folder, facts);
    if (flaws.length > 0 || commands.some(dependsOnMore)) return undefined;
    if (pipeline.joint !== '||') argvs.push(...commands.map(({ argv }) => argv.map(plainName).join('\x1f')));
    // A group that failed to begin would change what follows; nothing here fails.
  }
  return argvs.sort();
}

/** Redirections that could fail, folders that bash marks differently, and builtins, of which one letter names are none. */
function dependsOnMore(command: ParsedCommand): boolean {
  if (command.redirections.some((redirection) => redirection.kind !== 'merge' && !/^(o[123]|o 1|a\.ts)$/.test(redirection.target))) return true;
  if (!/^(a|b|x1)$/.test(command.argv[0])) return true;
  return (command.patterns ?? []).length > 0 || (command.expanded ?? []).some((text) => /\*\*$|\/\/|^\.\/|\/\.\/|^\.\*/.test(text));
}

function plainName(word: string): string {
  return word.startsWith('./') ? word.slice(2) : word;
}

describe('command lines against bash', function () {
  this.timeout(600_000);
  let folder: string;
  let bash: string;

  before(function () {
    const found = process.platform === 'win32' ? undefined : spawnSync('bash', ['-c', '((BASH_VERSINFO[0] >= 5)) && printf %s "$BASH"'], { encoding: 'utf8' });
    if (found?.status !== 0) this.skip();
    bash = found.stdout;
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-bash-')));
    mkdirSync(join(folder, 'work/src'), { recursive: true });
    for (const name of ['a.ts', 'b.ts', 'c.js', 'src/d.ts', '.hid', '-x', 'o1', 'o2', 'o3', 'o 1']) writeFileSync(join(folder, 'work', name), '');
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it(`T11 bash sees the very argument lists of what is accepted (${tried} lines)`, () => {
    const chance = seeded(firstSeed);
    const work = join(folder, 'work');
    const accepted: Tried[] = [];
    for (let index = 0; index < tried; index += 1) {
      const line = generate(chance);
      const parsed = parseCommandLine(line, 'posix');
      const argvs = parsed.ok ? expected(parsed.plan, work) : undefined;
      if (argvs !== undefined) accepted.push({ line, argvs });
    }
    const [log, lines, script] = [join(folder, 'log'), join(folder, 'lines'), join(folder, 'script')];
    writeFileSync(log, '');
    writeFileSync(lines, accepted.map(({ line }) => `${line}\0`).join(''));
    writeFileSync(script, bashScript);
    const ran = spawnSync(bash, ['--norc', '--noprofile', script, log, lines], { cwd: work, env: { PATH: '/nowhere', LC_ALL: 'C.UTF-8', HOME: '/nowhere' }, encoding: 'utf8' });
    assert.equal(ran.status === null, false, String(ran.error));
    const seen = new Map<number, string[]>();
    for (const record of readFileSync(log, 'utf8').split('\x1e').slice(0, -1)) {
      const [number = '', ...argv] = record.split('\x1f').slice(0, -1);
      seen.set(Number(number), [...(seen.get(Number(number)) ?? []), argv.map(plainName).join('\x1f')]);
    }
    const different = accepted.flatMap(({ line, argvs }, index) => {
      const theirs = (seen.get(index + 1) ?? []).sort();
      return JSON.stringify(theirs) === JSON.stringify(argvs) ? [] : [{ line, ours: argvs, bash: theirs }];
    });
    assert.deepEqual(different.slice(0, 10), []);
    assert.ok(accepted.length > tried / 25, `only ${accepted.length} of ${tried} lines were accepted`);
    if (process.env['LINES_TRIED'] !== undefined) process.stdout.write(`${accepted.length} of ${tried} lines accepted, ${different.length} differ\n`);
  });
});
