import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema, type ConfigInput } from '../../../../protocol/src/config';
import { filesystemTools } from '../filesystem/tools';
import type { PrepareContext } from '../tool';
import { createShellTool } from './tool';

/** Where a path leads decides, for commands as for the file tools: special files, and the scope of what may be changed. */
describe('paths that both commands and file tools refuse', () => {
  let base = '';
  let project = '';

  beforeEach(function () {
    if (process.platform === 'win32') this.skip();
    base = realpathSync(mkdtempSync(join(tmpdir(), 'special-')));
    project = join(base, 'project');
    for (const folder of ['src/generated', 'docs', '../config']) mkdirSync(join(project, folder), { recursive: true });
    for (const file of ['src/a.ts', 'src/generated/b.ts', 'docs/c.md']) writeFileSync(join(project, file), 'old');
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  function contextOf(config: ConfigInput): PrepareContext {
    return { project, configDir: join(base, 'config'), config: configSchema.parse(config), signal: new AbortController().signal };
  }

  async function command(line: string, config: ConfigInput): Promise<string> {
    const prepared = await createShellTool(`/usr/bin:/bin:${join(base, 'bin')}`).prepare({ command: line }, contextOf(config));
    prepared.release?.();
    return `${prepared.verdict.verdict} ${prepared.verdict.rule}`;
  }

  async function file(name: string, input: Readonly<Record<string, unknown>>, config: ConfigInput): Promise<string> {
    const tool = filesystemTools.find((one) => one.name === `filesystem.${name}`);
    assert.ok(tool);
    const context = contextOf(config);
    const prepared = await tool.prepare(input, context);
    const outcome = prepared.verdict.verdict === 'deny' ? undefined : await prepared.run(context.signal, () => undefined);
    prepared.release?.();
    return outcome === undefined ? `deny ${prepared.verdict.rule}` : outcome.kind;
  }

  it('T24 refuses named pipes at once, however they are named, instead of waiting for a writer', async () => {
    execFileSync('mkfifo', [join(project, 'pipe')]);
    symlinkSync('pipe', join(project, 'to-pipe'));
    const config = { plugins: { shell: { allowedCommands: ['cat', 'grep', 'head'] } } };
    for (const line of ['cat pipe', 'cat < pipe', 'grep x to-pipe', 'head -n 1 ./pipe', 'cat src/../pipe']) assert.equal(await command(line, config), 'deny shell.forbiddenPath', line);
    assert.equal(await command('cat src/a.ts', config), 'allow shell.allowed');
    assert.equal(await file('read', { path: 'pipe' }, config), 'failure');
  });

  it('T24 reads no more of a project than it needs: a pipe in place of a file of git, and a package of a gigabyte, keep nobody waiting', async () => {
    execFileSync('git', ['init', '-q', project]);
    const config = { plugins: { shell: { allowedCommands: ['git', 'npm'] } } };
    assert.equal(await command('git status', config), 'allow shell.allowed');
    execFileSync('mkfifo', [join(project, '.git/commondir')]);
    writeFileSync(join(project, 'package.json'), '{"scripts":{"test":"true"}}');
    assert.equal(await command('npm test', config), 'allow shell.allowed');
    truncateSync(join(project, 'package.json'), 2 ** 30);
    assert.equal(await command('npm test', config), 'approve shell.script');
    assert.equal(await command('git status', config), 'approve shell.gitUnknown');
  });

  it('refuses to bind an approval to more bytes than can be read before each step', async () => {
    const config = { plugins: { shell: { requireApproval: ['cat'] } } };
    const names = Array.from({ length: 9 }, (_, n) => `big${n}`);
    for (const name of names) {
      writeFileSync(join(project, name), '');
      truncateSync(join(project, name), 60 * 2 ** 20);
    }
    assert.equal(await command(`cat ${names.join(' ')}`, config), 'deny shell.manyFiles');
    assert.equal(await command('cat big0', config), 'approve shell.requireApproval');
  });

  it('T7 T24 takes the folder of a repository for one, whatever it is called', async () => {
    execFileSync('git', ['init', '-q', '--separate-git-dir', join(project, '.bare'), project], { stdio: 'ignore' });
    const config: ConfigInput = { plugins: { shell: { allowedCommands: ['tee', 'cp', 'mv', 'cat'] }, filesystem: { requireApproval: [] } } };
    for (const line of ['tee .bare/config', 'cp src/a.ts .bare/hooks/pre-commit', 'cp src/a.ts .bare/hooks', 'mv .bare/config x', 'mv .bare gone']) assert.equal(await command(line, config), 'approve shell.controlFile', line);
    assert.equal(await command('cat .bare/config', config), 'allow shell.allowed');
    for (const path of ['.bare/config', '.bare/hooks/pre-commit', 'src/../.bare/new']) {
      const prepared = await filesystemTools.find(({ name }) => name === 'filesystem.write')?.prepare({ path, content: 'x' }, contextOf(config));
      assert.equal(`${prepared?.verdict.verdict} ${prepared?.verdict.rule}`, 'approve path.control', path);
      prepared?.release?.();
    }
    assert.equal(await file('write', { path: 'src/a.ts', content: 'new' }, config), 'success');
  });

  it('T30 refuses every change outside the write scope, by whichever door, and none inside it', async () => {
    symlinkSync('../docs', join(project, 'src/link'));
    const config: ConfigInput = { plugins: { shell: { allowedCommands: ['echo', 'tee', 'cat'] }, filesystem: { requireApproval: [], writeScope: ['src/**', '!src/generated/**'] } } };
    for (const path of ['docs/c.md', 'new', 'src/generated/b.ts', 'src/Generated/new', 'src/link/c.md', 'src/../docs/c.md']) {
      assert.equal(await file('write', { path, content: 'new' }, config), 'deny path.writeScope', path);
      assert.equal(await command(`echo new > ${path}`, config), 'deny shell.writeScope', path);
      assert.equal(await command(`echo new | tee ${path}`, config), 'deny shell.writeScope', path);
      assert.equal(await command(`cat < ${path}`, config), 'allow shell.allowed', path);
    }
    for (const path of ['docs/c.md', 'docs', 'src/generated', 'src']) assert.equal(await file('delete', { path, recursive: true }, config), 'deny path.writeScope', path);
    assert.equal(readFileSync(join(project, 'docs/c.md'), 'utf8'), 'old');
    assert.equal(await command('echo new > src/a.ts', config), 'approve shell.redirectWrite');
    assert.equal(await file('write', { path: 'src/a.ts', content: 'new' }, config), 'success');
    assert.equal(await file('write', { path: 'src/deep/new.ts', content: 'new' }, config), 'success');
    assert.equal(await file('delete', { path: 'src/deep', recursive: true }, config), 'success');
    assert.equal(await file('read', { path: 'docs/c.md' }, config), 'success');
  });

  it('T30 a scope that cannot be read is refused in the configuration', () => {
    for (const bad of ['', 'src/[a]', '../x', 'a/../b', 'a{b{c}}', 'a\\b', '!!a']) assert.equal(configSchema.safeParse({ plugins: { filesystem: { writeScope: [bad] } } }).success, false, bad);
    for (const good of ['src/**', '!src/generated/**', '*.md', 'src/{a,b}/*', 'docs/', 'a..b/c']) assert.equal(configSchema.safeParse({ plugins: { filesystem: { writeScope: [good] } } }).success, true, good);
  });
});
