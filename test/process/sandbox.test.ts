import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../protocol/src/call';
import { controlNames } from '../../server/src/rules/controlNames';
import { limiterFor } from '../../server/src/tools/shell/sandbox/limits';
import { bubblewrapArguments, examineBubblewrap } from '../../server/src/tools/shell/sandbox/bubblewrap';
import { wrap } from '../../server/src/tools/shell/sandbox/start';
import { findBuilds, pretendFlawed, type Builds } from '../fakes/bubblewraps';
import { codeOf, ShellProject } from '../fakes/shellProject';

/** The sandbox around commands, with real builds of bubblewrap. */

const root = resolve(__dirname, '../..');

type Settings = ConstructorParameters<typeof ShellProject>[2];

const everyday = ['node', 'cat', 'ls', 'touch', 'awk', 'head', 'seq', 'yes', 'true', 'false', 'sort', 'wc', 'git', 'env', 'pwd', 'cd', 'echo', 'mkdir'];

describe('sandbox of the operating system', () => {
  let builds: Builds = { sound: '' };
  let project = new ShellProject([]);
  const ownHome = process.env['HOME'];

  before(async function () {
    this.timeout(300_000);
    if (process.platform !== 'linux') this.skip();
    builds = await findBuilds();
  });

  afterEach(() => {
    project.remove();
    process.env['HOME'] = ownHome;
  });

  function open(settings: Settings, folders: readonly string[] = [builds.sound], allowed: readonly string[] = everyday): void {
    project.remove();
    project = new ShellProject(allowed, ['tee', 'rm'], settings, folders);
    process.env['HOME'] = join(project.folder, 'home');
    mkdirSync(join(project.folder, 'home'));
  }

  /** Runs a script of the project with node and gives what it prints. */
  async function script(text: string): Promise<Outcome> {
    project.put('script.js', text);
    return project.run('node script.js');
  }

  function output(outcome: Outcome): string {
    assert.notEqual(outcome.kind, 'refused', JSON.stringify(outcome));
    return outcome.kind === 'refused' ? '' : String(outcome.structured?.['stdout']);
  }

  const attempt = (body: string): string => `const fs = require('fs'); const attempt = (name, act) => { try { console.log(name, act()); } catch (error) { console.log(name, error.code); } };\n${body}`;

  describe('holds', () => {
    beforeEach(() => open({ sandbox: { mode: 'required' } }));

    it('sandbox:config-hidden shows an empty configuration folder, wherever it lies', async () => {
      writeFileSync(join(project.configDir, 'control.key'), 'secret');
      const text = output(await script(attempt(`attempt('list', () => fs.readdirSync(${JSON.stringify(project.configDir)}).length); attempt('key', () => fs.readFileSync(${JSON.stringify(join(project.configDir, 'control.key'))}, 'utf8'));`)));
      assert.equal(text, 'list 0\nkey ENOENT\n');
      assert.equal(readFileSync(join(project.configDir, 'control.key'), 'utf8'), 'secret');
    });

    it('sandbox:writes lets nothing be written outside the project', async () => {
      const outside = [join(project.folder, 'outside'), join(realpathSync('/var/tmp'), 'conductor-outside'), '/etc/conductor-outside', join(dirname(process.execPath), 'conductor-outside'), join(project.folder, 'home', 'kept')];
      await script(attempt(`for (const file of ${JSON.stringify(outside)}) attempt(file, () => fs.writeFileSync(file, 'x')); attempt('inside', () => fs.writeFileSync('inside', 'x'));`));
      const made = outside.filter((file) => existsSync(file));
      // A test that fails must not leave what would fail the next one.
      for (const file of made) rmSync(file, { force: true });
      assert.deepEqual(made, []);
      assert.equal(readFileSync(join(project.project, 'inside'), 'utf8'), 'x');
    });

    it('sandbox:writes T17: nothing of the kernel can be set from inside, by root neither', async () => {
      const body = `const { accessSync, constants, readdirSync } = require('fs');
        const settable = (path) => { try { accessSync(path, constants.W_OK); return true; } catch { return false; } };
        const below = (folder) => readdirSync(folder, { withFileTypes: true }).flatMap((entry) => entry.isDirectory() ? below(folder + '/' + entry.name) : [folder + '/' + entry.name]);
        console.log(JSON.stringify({ files: below('/proc/sys/kernel').length > 10, settable: [...below('/proc/sys'), '/proc/sysrq-trigger', '/proc/mtrr'].filter(settable) }));`;
      assert.deepEqual(JSON.parse(output(await script(body)).split('\n')[0] ?? ''), { files: true, settable: [] });
    });

    it('sandbox:home shows tool chains of the home folder and no keys', async () => {
      // Not below a temporary folder, which is hidden anyway.
      mkdirSync(join(root, 'out'), { recursive: true });
      const home = mkdtempSync(join(root, 'out', 'home-'));
      process.env['HOME'] = home;
      for (const file of ['.ssh/id_ed25519', '.aws/credentials', '.cargo/credentials.toml', '.cargo/registry/crate', '.gitconfig', '.config/git/credentials']) {
        mkdirSync(dirname(join(home, file)), { recursive: true });
        writeFileSync(join(home, file), '[x]\n');
      }
      const text = output(await script(attempt(`for (const file of ['.ssh/id_ed25519', '.aws/credentials', '.cargo/credentials.toml', '.cargo/registry/crate', '.gitconfig']) attempt(file, () => fs.readFileSync(process.env.HOME + '/' + file).length);`)));
      assert.equal(text, '.ssh/id_ed25519 ENOENT\n.aws/credentials ENOENT\n.cargo/credentials.toml ENOENT\n.cargo/registry/crate 4\n.gitconfig ENOENT\n');
      rmSync(home, { recursive: true });
    });

    it('sandbox:no-network reaches no port of this machine and no socket in a temporary folder', async () => {
      const servers = [await listen({ host: '127.0.0.1', port: 0 }), await listen({ path: join(project.folder, 'open.sock') }), await listen({ path: '\0conductor-abstract-test' })];
      try {
        const address = servers[0]?.address();
        const port = typeof address === 'object' && address !== null ? address.port : 0;
        const targets = [{ host: '127.0.0.1', port }, { path: join(project.folder, 'open.sock') }, { path: '\0conductor-abstract-test' }];
        const body = `for (const to of ${JSON.stringify(targets)}) require('net').connect(to).on('connect', () => { console.log('connected'); process.exit(); }).on('error', (error) => console.log(error.code));`;
        assert.deepEqual(output(await script(body)).trim().split('\n').sort(), ['ECONNREFUSED', 'ECONNREFUSED', 'ENOENT']);
        const reached = spawnSync(process.execPath, ['-e', body], { encoding: 'utf8' });
        assert.match(reached.stdout, /connected/, 'the servers can be reached from outside');
      } finally {
        for (const server of servers) server.close();
      }
    });

    it('sandbox:tree-gone leaves no process behind, not even one in a session of its own', async () => {
      const body = `const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => require("fs").writeFileSync("beat", String(Date.now())), 20)'], { detached: true, stdio: 'ignore', env: {} }); child.unref(); setTimeout(() => process.exit(), 400);`;
      assert.equal((await script(body)).kind, 'success');
      const beat = (): string => (existsSync(join(project.project, 'beat')) ? readFileSync(join(project.project, 'beat'), 'utf8') : 'none');
      const last = beat();
      assert.notEqual(last, 'none', 'the child ran');
      await sleep(150);
      assert.equal(beat(), last);
    });

    it('sandbox:order-files keeps what package managers and builders obey as it is, unless a person approved', async () => {
      const files = ['package.json', 'Makefile'];
      for (const file of files) project.put(file, '{}');
      const writing = `for (const file of ${JSON.stringify(files)}) attempt(file, () => fs.writeFileSync(file, 'new')); attempt('away', () => fs.renameSync('package.json', 'was'));`;
      assert.equal(output(await script(attempt(writing))), 'package.json EROFS\nMakefile EROFS\naway EBUSY\n');
      assert.match(output(await project.run('ls | tee package.json')), /Makefile/);
      assert.notEqual(readFileSync(join(project.project, 'package.json'), 'utf8'), '{}', 'a person approved that');
    });

    it('sandbox:control-files keeps the control files of the project as they are, but for git that a person approved', async () => {
      project.git('init', '-q');
      project.put('.git/hooks/pre-commit', 'x');
      project.put('.vscode/tasks.json', '{}');
      project.put('.github/workflows/ci.yml', 'on: push\n');
      const files = ['.git/hooks/pre-commit', '.git/config', '.vscode/tasks.json'];
      const text = output(await script(attempt(`for (const file of ${JSON.stringify(files)}) attempt(file, () => fs.writeFileSync(file, 'evil')); attempt('hook', () => fs.writeFileSync('.git/hooks/post-merge', 'evil')); attempt('away', () => fs.renameSync('.vscode', 'code')); attempt('moved', () => fs.renameSync('.git', '.git.old')); attempt('pipelines', () => fs.renameSync('.github', 'hub')); attempt('other', () => fs.writeFileSync('.git/commondir', '../evil'));`)));
      assert.equal(text, '.git/hooks/pre-commit EROFS\n.git/config EROFS\n.vscode/tasks.json EROFS\nhook EROFS\naway EBUSY\nmoved EBUSY\npipelines EBUSY\nother EROFS\n');
      const approved = await project.prepare('git config user.name Somebody');
      assert.equal(approved.verdict.verdict, 'approve');
      assert.equal((await project.start(approved)).kind, 'success');
      assert.match(readFileSync(join(project.project, '.git/config'), 'utf8'), /Somebody/);
    });

    it('lets a command that is asked to end have its time', async () => {
      const started = await (async () => {
        project.put('script.js', `process.on('SIGTERM', () => { require('fs').writeFileSync('goodbye', 'x'); process.exit(); }); setInterval(() => {}, 1000);`);
        return project.run({ command: 'node script.js', timeoutMs: 1500 });
      })();
      assert.ok(started.kind === 'failure' && started.error.code === 'TIMEOUT');
      assert.ok(existsSync(join(project.project, 'goodbye')));
    });

    it('ends a command that does not listen', async () => {
      const outcome = await (async () => {
        project.put('script.js', `process.on('SIGTERM', () => {}); setInterval(() => require('fs').writeFileSync('beat', String(Date.now())), 20);`);
        return project.run({ command: 'node script.js', timeoutMs: 1000 });
      })();
      assert.ok(outcome.kind === 'failure' && outcome.error.code === 'TIMEOUT');
      const last = readFileSync(join(project.project, 'beat'), 'utf8');
      await sleep(100);
      assert.equal(readFileSync(join(project.project, 'beat'), 'utf8'), last);
    });

    it('sandbox:verdict still needs a verdict', async () => {
      assert.equal(await project.verdict('curl x'), 'deny shell.notListed');
      assert.equal(await project.verdict('rm a'), 'approve shell.requireApproval');
      assert.equal(await project.verdict('cat /etc/passwd'), 'approve shell.outside');
    });

    it('sandbox:shown says what holds, before and after', async () => {
      const prepared = await project.prepare('rm a');
      const level = prepared.facts.find(({ label }) => label === 'Sandbox')?.value ?? '';
      assert.match(level, /^bubblewrap \d\S+, no network, writes only in \S+\/project$/);
      assert.equal(prepared.sandbox, level);
      const outcome = await project.run('true');
      assert.ok(outcome.kind === 'success');
      assert.equal(outcome.structured?.['sandbox'], level);
      assert.ok(prepared.facts.some(({ label, key, value }) => label === 'Program' && key === 'bwrap' && value.includes(' sha256:')));
      assert.ok(prepared.facts.some(({ label, value }) => label === 'Sandbox layout' && value.startsWith('sha256:')));
    });
  });

  describe('changes nothing else', () => {
    const lines = [
      'echo a', 'false', 'ls missing', 'pwd', 'mkdir -p sub && cd sub && pwd', "awk 'BEGIN { print ARGC; exit 7 }'", 'seq 1 200000 | sort -rn | wc -c', 'yes | head -n 1', 'cat < in.txt', 'cat in.txt > out.txt && cat out.txt',
      'ls missing 2>&1 | wc -l', 'node argv.js "a  b" \'$HOME\' "" --x=1', 'node signal.js', 'node stdin.js', 'cat in.txt | node stdin.js', 'node big.js', 'false || echo b; echo c', 'node code.js && echo never',
    ];
    for (const line of lines) {
      it(`sandbox:same \`${line}\` gives the same with and without`, async () => {
        const results: unknown[] = [];
        for (const mode of ['off', 'required'] as const) {
          open({ sandbox: { mode } });
          project.put('in.txt', 'one\ntwo\n');
          project.put('argv.js', `const { PWD, CONDUCTOR_RUN, TMPDIR, ...env } = process.env; console.log(process.argv0, process.argv.slice(2), Object.entries(env).sort(), process.title, require('fs').existsSync(TMPDIR), process.umask());`);
          project.put('signal.js', `process.kill(process.pid, 'SIGABRT'); setTimeout(() => {}, 5000);`);
          project.put('stdin.js', `console.log(JSON.stringify(require('fs').readFileSync(0, 'utf8')));`);
          project.put('big.js', `process.stdout.write('x'.repeat(3_000_000)); process.stderr.write('y'.repeat(700_000));`);
          project.put('code.js', `process.exitCode = 42;`);
          const outcome = await project.run(line);
          assert.notEqual(outcome.kind, 'refused', JSON.stringify(outcome));
          const { sandbox, ...structured } = outcome.kind === 'refused' ? {} : { sandbox: undefined, ...outcome.structured };
          assert.equal(sandbox !== undefined, mode === 'required');
          results.push(JSON.parse(JSON.stringify([outcome.kind, structured, outcome.kind === 'refused' ? '' : outcome.text]).replaceAll(project.folder, '<folder>')));
        }
        assert.deepEqual(results[1], results[0]);
      });
    }
  });

  describe('asked for and not to be had', () => {
    it('sandbox:missing refuses with what to install', async () => {
      open({ sandbox: { mode: 'required' } }, []);
      const outcome = await project.run('echo a');
      assert.ok(outcome.kind === 'refused' && outcome.rule === 'shell.sandbox');
      assert.match(outcome.reason, /^"echo" must run in a sandbox\. bubblewrap is not installed\. Install bubblewrap 0\.12\.0 or later, .*apt install bubblewrap/);
    });

    it('refuses only the commands that need it', async () => {
      open({ sandbox: { commands: ['node'] } }, []);
      assert.equal((await project.run('echo a')).kind, 'success');
      project.put('a.js', '');
      assert.equal(await project.verdict('node a.js'), 'deny shell.sandbox');
      assert.equal(await project.verdict('echo a; node a.js'), 'deny shell.sandbox');
      assert.equal(await project.verdict('env node a.js'), 'deny shell.sandbox', 'behind a wrapper, too');
    });

    it('runs as before where it was only wished for, and says so', async () => {
      open({ sandbox: { mode: 'available' } }, []);
      const outcome = await project.run('echo a');
      assert.ok(outcome.kind === 'success');
      assert.match(String(outcome.structured?.['sandbox']), /^none: bubblewrap is not installed/);
    });

    it('refuses a program that cannot make a sandbox here', async () => {
      open({ sandbox: { mode: 'required' } }, []);
      const folder = join(project.folder, 'programs');
      mkdirSync(folder);
      writeFileSync(join(folder, 'bwrap'), '#!/bin/sh\ntest "$1" = --version && echo bubblewrap 0.12.0 && exit\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n', { mode: 0o755 });
      const settings = { sandbox: { mode: 'required' as const } };
      const other = new ShellProject(everyday, [], settings, [folder]);
      const outcome = await other.run('echo a');
      other.remove();
      assert.ok(outcome.kind === 'refused');
      assert.match(outcome.reason, /bubblewrap 0\.12\.0 does not work here: bwrap: No permissions to create new namespace/);
    });

    it('sandbox:vulnerable refuses a build that follows planted links, whatever version it says', async () => {
      open({});
      for (const folder of [builds.flawed, pretendFlawed(join(project.folder, 'programs'), builds.sound)]) {
        if (folder === undefined) continue;
        const other = new ShellProject(everyday, [], { sandbox: { mode: 'required' } }, [folder]);
        const outcome = await other.run('echo a');
        other.remove();
        assert.ok(outcome.kind === 'refused' && outcome.rule === 'shell.sandbox', JSON.stringify(outcome));
        assert.match(outcome.reason, /CVE-2026-87766.*Install bubblewrap 0\.12\.0 or later/);
      }
    });

    it('refuses a project that contains what must be hidden', async () => {
      open({ sandbox: { mode: 'required' } });
      process.env['HOME'] = join(project.project, 'home');
      mkdirSync(join(project.project, 'home'));
      assert.equal(await project.verdict('echo a'), 'deny shell.sandbox');
      process.env['HOME'] = project.project;
      assert.equal(await project.verdict('echo a'), 'deny shell.sandbox');
    });

    it('refuses a writable folder that contains the configuration', async () => {
      open({});
      const other = new ShellProject(everyday, [], { sandbox: { mode: 'required', writable: [project.folder, '/'] } }, [builds.sound]);
      assert.equal(await other.verdict('echo a'), 'deny shell.sandbox');
      other.remove();
    });

    it('T17 runs nothing when bubblewrap changed after the verdict', async () => {
      open({});
      const folder = join(project.folder, 'programs');
      mkdirSync(folder);
      writeFileSync(join(folder, 'bwrap'), `#!/bin/sh\nexec ${join(builds.sound, 'bwrap')} "$@"\n`, { mode: 0o755 });
      const other = new ShellProject(everyday, [], { sandbox: { mode: 'required' } }, [folder]);
      const prepared = await other.prepare('touch ran');
      writeFileSync(join(folder, 'bwrap'), '#!/bin/sh\nwhile test "$1" != --; do shift; done\nshift\nexec "$@"\n');
      assert.equal(codeOf(await other.start(prepared)), 'APPROVAL_STALE');
      assert.equal(existsSync(join(other.project, 'ran')), false);
      other.remove();
    });
  });

  it('sandbox:planted-links leaves nothing where planted links lead, with any build', async function () {
    const kinds = [builds.sound, builds.flawed].filter((folder) => folder !== undefined);
    for (const folder of kinds) {
      open({ sandbox: { mode: 'required', allowUnpatched: true } }, [folder]);
      const outside = join(project.folder, 'outside');
      mkdirSync(outside);
      const names = [...controlNames, '.github', 'tmp', 'plain'];
      for (const [index, name] of names.entries()) symlinkSync(`${['/oldroot', '', '/newroot'][index % 3] ?? ''}${join(outside, name)}`, join(project.project, name));
      mkdirSync(join(project.project, 'sub'));
      symlinkSync(`/oldroot${outside}`, join(project.project, 'sub', '.git'));
      const outcome = await project.run('echo runs');
      assert.equal(output(outcome), 'runs\n');
      assert.deepEqual(readdirSync(outside), []);
      for (const name of names) assert.ok(lstatSync(join(project.project, name)).isSymbolicLink());
    }
    if (builds.flawed === undefined) this.skip();
  });

  describe('limits', () => {
    for (const mode of ['off', 'required'] as const) {
      it(`limits:file-size stops a command that writes a gigabyte, sandbox ${mode}`, async () => {
        open({ sandbox: { mode }, limits: { fileSizeMb: 5 } });
        const outcome = await script(`const fs = require('fs'); const file = fs.openSync('big', 'w'); for (let i = 0; i < 1024; i += 1) fs.writeSync(file, Buffer.alloc(1 << 20));`);
        assert.equal(outcome.kind, 'failure');
        assert.equal(statSync(join(project.project, 'big')).size, 5 << 20);
        assert.equal((await project.run('yes > flood')).kind, 'failure');
        assert.equal(statSync(join(project.project, 'flood')).size, 5 << 20);
      });

      it(`limits:processes ends a command that starts too many, sandbox ${mode}`, async () => {
        open({ sandbox: { mode }, limits: { processes: 30 } });
        const naps = 90_000 + (process.pid % 9000);
        const outcome = await script(`const { spawn } = require('child_process'); for (let i = 0; i < 60; i += 1) spawn('/bin/sleep', ['${String(naps)}'], { detached: i % 2 === 0, stdio: 'ignore', env: {} }).on('error', () => process.exit(9)); setTimeout(() => {}, 20000);`);
        assert.equal(outcome.kind, 'failure');
        const stopped = outcome.kind === 'failure' && outcome.structured?.['stopped'] === 'crowd';
        const refused = outcome.kind === 'failure' && outcome.structured?.['exitCode'] === 9;
        assert.ok(stopped || (refused && mode === 'required'), JSON.stringify(outcome));
        assert.equal(spawnSync('grep', ['-lzx', String(naps), ...commandLines()], { encoding: 'utf8' }).stdout, '');
      });
    }

    it('limits:processes is kept by the kernel in a sandbox, for each command by itself, unless it is root', async function () {
      const found = await examineBubblewrap([builds.sound]);
      assert.ok(found.kind === 'usable');
      const folder = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-nproc-')));
      chmodSync(folder, 0o755);
      writeFileSync(join(folder, 'bomb.js'), `const { spawn } = require('child_process'); let failed = 0; for (let i = 0; i < 40; i += 1) spawn('/bin/sleep', ['1'], { stdio: 'ignore' }).on('error', () => { failed += 1; }); setTimeout(() => console.log(failed), 300);`);
      const { limiter } = limiterFor({ processes: 32, fileSizeMb: 1 }, ['/usr/bin', '/bin'], true);
      assert.ok(limiter !== undefined);
      const layout = { hidden: [], shown: [], own: '/srv', writable: [], fixed: [], held: [] };
      const node = { name: 'node', path: process.execPath, prefix: [], identity: '' };
      const { file, args } = wrap({ binary: node, args: [join(folder, 'bomb.js')], folder: '/', temporary: folder, environment: {} }, { level: '', word: process.execPath, limiter, sandbox: { kind: 'bubblewrap', binary: found.binary, args: bubblewrapArguments(layout, true) } });
      const root = process.getuid?.() === 0;
      const failedAs = (who: { uid?: number; gid?: number }): number => Number(spawnSync(file, args, { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' }, ...who }).stdout);
      const failed = failedAs(root ? { uid: 65534, gid: 65534 } : {});
      assert.ok(failed > 5 && failed < 40, String(failed));
      if (root) assert.equal(failedAs({}), 0, 'the kernel exempts root');
      rmSync(folder, { recursive: true, force: true });
    });

    it('changes nothing when they are switched off', async () => {
      open({ limits: { processes: 0, fileSizeMb: 0 } });
      const prepared = await project.prepare('rm a');
      assert.equal(prepared.facts.some(({ value }) => value.includes('prlimit')), false);
      assert.equal(output(await project.run('echo a')), 'a\n');
    });
  });
});

function listen(where: { host?: string; port?: number; path?: string }): Promise<Server> {
  const server = createServer((socket) => socket.end());
  return new Promise((resolve) => server.listen(where, () => resolve(server)));
}

function commandLines(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid).map((name) => `/proc/${name}/cmdline`);
}
