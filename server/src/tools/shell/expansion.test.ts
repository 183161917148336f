import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';
import { maxMatches } from './expansion';

/** Patterns stand for names of real files: shown, judged and bound before anything runs. */

describe('file patterns', function () {
  if (process.platform === 'win32') return;
  let place: ShellProject;

  beforeEach(() => {
    place = new ShellProject(['ls', 'cat', 'echo', 'cd', 'grep', 'cp', 'git', 'sh', 'find', 'node'], ['rm']);
    for (const path of ['a.ts', 'b.ts', 'c.js', '.hidden.ts', '-rf', 'src/one.ts', 'src/deep/two.ts', 'src/.git2/x.ts', 'sp ace.ts']) place.put(path, `${path}\n`);
  });
  afterEach(() => place.remove());

  const argvOf = async (line: string): Promise<readonly string[]> => {
    const shown = (await place.prepare(line)).facts.find(({ label }) => label === 'Arguments 1');
    return shown === undefined ? [] : (JSON.parse(shown.value) as string[]);
  };

  const meanings: readonly (readonly [line: string, argv: readonly string[]])[] = [
    ['echo *.ts', ['echo', './a.ts', './b.ts', './sp ace.ts']],
    ['echo ?.ts', ['echo', './a.ts', './b.ts']],
    ['echo *f', ['echo', './-rf']],
    ['echo .h*', ['echo', './.hidden.ts']],
    ['echo "a"*', ['echo', './a.ts']],
    ['echo src/*.ts', ['echo', './src/one.ts']],
    ['echo src/**/*.ts', ['echo', './src/one.ts', './src/deep/two.ts']],
    ['echo */ s*/deep/', ['echo', './src/', './src/deep/']],
    ['echo */*/t*', ['echo', './src/deep/two.ts']],
    ['echo ./src/../?.js', ['echo', './src/../c.js']],
    [`echo '*' "*" \\* x`, ['echo', '*', '*', '*', 'x']],
    ['grep -rn one --include=*.ts src', ['grep', '-rn', 'one', '--include=*.ts', 'src']],
  ];
  for (const [line, argv] of meanings) it(`T11 ${line} means ${argv.slice(1).join(' ')}`, async () => assert.deepEqual(await argvOf(line), argv));

  it('T11 never turns the name of a file into an option', async () => {
    assert.equal(await place.silent('echo *r*'), './-rf ./src\n');
    assert.equal(await place.silent('cd src && cat *.ts'), 'src/one.ts\n');
  });

  it('commands:patterns refuses a pattern that stands for nothing, or for what nobody should look through', async () => {
    assert.equal(await place.verdict('cat *.zig'), 'deny shell.pattern');
    assert.equal(await place.verdict('cat /etc/*'), 'deny shell.pattern');
    assert.equal(await place.verdict('cat ../*'), 'deny shell.pattern');
    assert.equal(await place.verdict('cat ../config/*'), 'deny shell.pattern');
    place.put('--include=x.ts', '');
    assert.equal(await place.verdict('grep -rn one --include=*.ts src'), 'deny shell.pattern');
    for (let n = 0; n <= maxMatches; n += 1) place.put(`many/${n}`, '');
    assert.equal(await place.verdict('ls many/*'), 'deny shell.pattern');
    assert.equal(await place.verdict('ls many'), 'allow shell.allowed');
  });

  it('T3 refuses a pattern that matches a name with hidden characters', async () => {
    place.put('evil\u202ename', '');
    assert.equal(await place.verdict('ls e*'), 'deny shell.pattern');
  });

  it('commands:patterns asks where names that nobody wrote would be changed, run or handed on', async () => {
    assert.equal(await place.verdict('cp *.ts src'), 'approve shell.pattern');
    assert.equal(await place.verdict('node *.js'), 'approve shell.pattern');
    const asked = await place.prepare('rm *.ts');
    assert.equal(asked.verdict.verdict, 'approve');
    assert.deepEqual(asked.facts.filter(({ label }) => label === 'File').map(({ key }) => key), ['a.ts', 'b.ts', 'sp ace.ts'].map((name) => join(place.project, name)));
  });

  it('commands:patterns refuses patterns in place of a program, a redirection or a folder to enter', async () => {
    for (const line of ['l? src', '*', 'ls > *.txt', 'cat < a*', 'CI=* ls']) assert.equal(await place.verdict(line), 'deny shell.syntax', line);
    assert.equal(await place.verdict('cd s*'), 'deny shell.cd');
  });

  it('T24 judges every match by where it leads, and enters no folder through a link that a star found', async () => {
    mkdirSync(join(place.folder, 'outside'));
    writeFileSync(join(place.folder, 'outside/secret.ts'), 'secret');
    symlinkSync(join(place.folder, 'outside'), join(place.project, 'out'));
    symlinkSync(join(place.folder, 'outside/secret.ts'), join(place.project, 'd.ts'));
    assert.equal(await place.verdict('cat ?.ts'), 'approve shell.outside');
    assert.equal(await place.verdict('cat out/*'), 'deny shell.pattern');
    assert.equal(await place.verdict('ls */secret*'), 'deny shell.pattern');
  });

  it('T41 a file that joins the pattern after the question makes another question', async () => {
    const before = await place.prepare('rm *.ts');
    place.put('new.ts', '');
    assert.notDeepEqual((await place.prepare('rm *.ts')).facts, before.facts);
    assert.deepEqual((await place.prepare('rm *.ts')).facts, (await place.prepare('rm *.ts')).facts);
  });

  it('commands:comments leaves out a comment behind a command', async () => {
    assert.deepEqual(await argvOf('ls src # what is there; rm -rf "x'), ['ls', 'src']);
    assert.deepEqual(await argvOf('echo a#b "#" \\#'), ['echo', 'a#b', '#', '#']);
    for (const line of ['# ls', 'ls # a\nrm -rf src', 'ls;#x', 'ls &&  # x']) assert.equal(await place.verdict(line), 'deny shell.syntax', line);
  });
});
