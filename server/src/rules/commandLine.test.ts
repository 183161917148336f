import assert from 'node:assert/strict';
import { maxCommands, parseArguments, parseCommandLine } from './commandLine';
import type { CommandPlan } from './commandPlan';
import { disagreement } from './crossCheck';

function argvOf(line: string, platform: 'posix' | 'win32' = 'posix'): unknown {
  const parsed = parseCommandLine(line, platform);
  return parsed.ok ? parsed.plan.pipelines.map((pipeline) => pipeline.commands.map((command) => command.argv)) : parsed.rule;
}

function plan(...argv: readonly [string, ...string[]]): CommandPlan {
  const parsed = parseArguments(argv);
  assert.ok(parsed.ok);
  return parsed.plan;
}

describe('command lines', () => {
  const words: readonly (readonly [line: string, argv: readonly string[]])[] = [
    [`a 'b c' "d e" f\\ g`, ['a', 'b c', 'd e', 'f g']],
    [`a "x\\"y\\\\z\\$\\\`" 'p\\q'`, ['a', 'x"y\\z$`', 'p\\q']],
    [`a r''m "r"m \\-x`, ['a', 'rm', 'rm', '-x']],
    [`a '' ""`, ['a', '', '']],
    [`a {} HEAD~1 stash@{0} @{-1} ! b#c x=y`, ['a', '{}', 'HEAD~1', 'stash@{0}', '@{-1}', '!', 'b#c', 'x=y']],
    [`a "one\ntwo" 'tab\there'`, ['a', 'one\ntwo', 'tab\there']],
    [`a 2 >f`, ['a', '2']],
  ];
  for (const [line, argv] of words) it(`T11 decodes ${JSON.stringify(line)}`, () => assert.deepEqual(argvOf(line), [[argv]]));

  it('T2 takes text of a thousand lines, and not of more', () => {
    assert.equal(parseCommandLine(`echo '${'\n'.repeat(999)}'`, 'posix').ok, true);
    for (const parsed of [parseCommandLine(`echo '${'\n'.repeat(1000)}'`, 'posix'), parseArguments(['echo', '\n'.repeat(1000)])]) assert.equal(parsed.ok ? '' : parsed.rule, 'shell.tooMany');
  });

  it('keeps operators, redirections and assignments apart from words', () => {
    const parsed = parseCommandLine("CI=1 a b 2>&1 >f | c <g && d &>>h || e 2>'x y' ; f;", 'posix');
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.plan, {
      pipelines: [
        {
          joint: 'first',
          commands: [
            { assignments: [['CI', '1']], argv: ['a', 'b'], redirections: [{ kind: 'merge', descriptor: 2, into: 1 }, { kind: 'write', descriptor: 1, target: 'f' }] },
            { assignments: [], argv: ['c'], redirections: [{ kind: 'read', target: 'g' }] },
          ],
        },
        { joint: '&&', commands: [{ assignments: [], argv: ['d'], redirections: [{ kind: 'append', descriptor: 'both', target: 'h' }] }] },
        { joint: '||', commands: [{ assignments: [], argv: ['e'], redirections: [{ kind: 'write', descriptor: 2, target: 'x y' }] }] },
        { joint: ';', commands: [{ assignments: [], argv: ['f'], redirections: [] }] },
      ],
    });
  });

  it('takes a backslash for a plain character on Windows', () => {
    assert.deepEqual(argvOf('a src\\b "c d\\e" \'f\\g\'', 'win32'), [[['a', 'src\\b', 'c d\\e', 'f\\g']]]);
    assert.equal(argvOf('a "b\\"', 'win32'), 'shell.syntax');
    assert.equal(argvOf('a %b%', 'win32'), 'shell.syntax');
  });

  it('T2 counts commands, not pipelines', () => {
    assert.equal(argvOf(Array.from({ length: maxCommands + 1 }, () => 'a').join('|')), 'shell.tooMany');
    assert.equal((argvOf(Array.from({ length: maxCommands }, () => 'a').join('|')) as unknown[][])[0]?.length, maxCommands);
  });

  it('lets the second parser refuse what the first accepts', () => {
    const parsed = parseCommandLine('a b', 'posix', () => 'they differ');
    assert.deepEqual(parsed, { ok: false, rule: 'shell.disagreement', reason: 'they differ' });
  });

  it('refuses a line that the second parser reads differently', () => {
    assert.equal(disagreement('a b', plan('a', 'b'), 'posix'), undefined);
    for (const [line, argv] of [['a b', ['a', 'c']], ['a b; c', ['a', 'b']], ['a $b', ['a', '$b']], ['a {b,c}', ['a', '{b,c}']], ['a *', ['a', '*']], ['time a', ['time', 'a']], ["a 'b", ['a', 'b']], ['a &', ['a']]] as const) {
      assert.notEqual(disagreement(line, plan(...(argv as unknown as [string, ...string[]])), 'posix'), undefined, line);
    }
  });
});
