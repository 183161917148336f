import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import { configSchema } from '../../../../protocol/src/config';
import { ConductorError } from '../../../../protocol/src/errors';
import { posixNames } from './environment';
import type { Prepared, PrepareContext } from '../tool';
import type { ShellInput } from './input';
import { countsForBreaker, createShellTool } from './tool';
import { differences, digestOfFacts, shownFacts } from '../fact';

const searchPath = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

type Ran = Readonly<{ prepared: Prepared; outcome: Outcome }>;

describe('shell.exec', () => {
  let folder = '';
  let context: PrepareContext;
  let tool = createShellTool(searchPath);

  const everyday = ['ls', 'cat', 'echo', 'pwd', 'git', 'npm', 'node', 'env', 'head', 'sort', 'seq', 'wc', 'cd', 'false', 'true', 'sleep', 'yes', 'printf', 'grep', 'timeout', 'sed'];

  function settle(allowedCommands: readonly string[], requireApproval: readonly string[] = ['rm', 'tee', 'canary']): PrepareContext {
    const config = configSchema.parse({ plugins: { shell: { allowedCommands, requireApproval } } });
    return { project: join(folder, 'project'), configDir: join(folder, 'config'), config, signal: new AbortController().signal };
  }

  async function run(given: string | ShellInput, signal = new AbortController().signal): Promise<Ran> {
    const prepared = await tool.prepare(typeof given === 'string' ? { command: given } : given, context);
    return { prepared, outcome: await prepared.run(signal, () => undefined) };
  }

  async function verdictOf(given: string | ShellInput): Promise<string> {
    const { verdict } = await tool.prepare(typeof given === 'string' ? { command: given } : given, context);
    return `${verdict.verdict} ${verdict.rule}`;
  }

  function stdoutOf({ outcome }: Ran): unknown {
    assert.notEqual(outcome.kind, 'refused', JSON.stringify(outcome));
    return outcome.kind === 'refused' ? undefined : outcome.structured?.['stdout'];
  }

  function put(path: string, text: string, mode = 0o644): string {
    const file = join(context.project, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  function git(...args: readonly string[]): void {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: context.project, stdio: 'ignore' });
  }

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'shell-tool-')));
    mkdirSync(join(folder, 'project'));
    mkdirSync(join(folder, 'config'));
    context = settle(everyday);
    tool = createShellTool(searchPath);
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('runs a listed command and gives exit code and output', async () => {
    put('a.txt', 'hello\n');
    const { prepared, outcome } = await run('cat a.txt');
    assert.equal(prepared.verdict.verdict, 'allow');
    assert.equal(prepared.readOnly, true);
    assert.deepEqual(outcome, { kind: 'success', text: 'hello\nExit code 0.', structured: { exitCode: 0, signal: null, stdout: 'hello\n', stderr: '', truncated: false }, truncated: false });
  });

  it('does not count an answer of "no" as a failure of the tool', async () => {
    put('a.txt', 'text\n');
    const none = await run('grep absent a.txt');
    assert.equal(none.outcome.kind, 'failure');
    assert.equal(countsForBreaker(none.outcome), false);
    const broken = await run('grep absent missing.txt');
    assert.equal(countsForBreaker(broken.outcome), true);
    assert.equal(countsForBreaker((await run('false')).outcome), true);
  });

  it('gives the full output of a command that fails, and counts it for the breaker', async () => {
    const { outcome } = await run({ command: 'node', args: ['fail.js'], cwd: put('fail.js', "console.log('out'); console.error('err'); process.exit(3)") && '.' });
    assert.ok(outcome.kind === 'failure' && outcome.error.code === 'TOOL_FAILED');
    assert.equal(outcome.text, 'out\n[stderr]\nerr\nExit code 3.');
    assert.equal(countsForBreaker(outcome), true);
    assert.equal(countsForBreaker({ kind: 'refused', code: 'DENIED', rule: 'x', reason: 'x' }), false);
    assert.equal(countsForBreaker({ kind: 'failure', error: new ConductorError('CANCELLED', 'x') }), false);
  });

  it('T1 runs nothing of a refused line', async () => {
    for (const line of ['echo a; evil', 'echo $(id)', '/bin/echo a', 'echo a > /tmp/x', 'evil']) {
      const { outcome, prepared } = await run(line);
      assert.equal(prepared.verdict.verdict, 'deny', line);
      assert.equal(outcome.kind, 'refused', line);
    }
  });

  it('runs && || ; and pipes as a shell would', async () => {
    assert.equal(stdoutOf(await run('false && echo a || echo b; echo c')), 'b\nc\n');
    assert.equal(stdoutOf(await run('true && echo a || echo b')), 'a\n');
    assert.equal(stdoutOf(await run('false || false && echo a; true && echo d')), 'd\n');
    assert.equal(stdoutOf(await run('seq 1 100000 | sort -rn | head -n 2')), '100000\n99999\n');
    assert.equal((await run('false; true')).outcome.kind, 'success');
    assert.equal((await run('true; false')).outcome.kind, 'failure');
  });

  it('says nothing of the pipe that a reader left early', async () => {
    const { outcome } = await run('yes | head -n 1');
    assert.ok(outcome.kind === 'success');
    assert.equal(outcome.structured?.['stderr'], '');
  });

  it('T13 keeps cd inside one line and inside the project', async () => {
    put('sub/x.txt', '');
    assert.equal(stdoutOf(await run('cd sub && pwd')), `${join(context.project, 'sub')}\n`);
    assert.equal(stdoutOf(await run('pwd')), `${context.project}\n`);
    assert.equal((await run('cd missing && pwd')).outcome.kind, 'failure');
    put('file.txt', '');
    assert.equal((await run('cd file.txt && cd sub && pwd')).outcome.kind, 'failure');
    assert.equal(await verdictOf('cd .. && pwd'), 'deny shell.cdOutside');
    symlinkSync('/', join(context.project, 'out'));
    assert.equal(await verdictOf('cd out && pwd'), 'deny shell.cdOutside');
    assert.equal(await verdictOf({ command: 'pwd', cwd: 'out' }), 'deny shell.cwdOutside');
    assert.equal(await verdictOf({ command: 'pwd', cwd: '../config' }), 'deny shell.ownFolder');
  });

  it('T77 gives a command only the safe names', async () => {
    process.env['EDITOR_SECRET_TOKEN'] = 'x';
    const text = String(stdoutOf(await run('env')));
    delete process.env['EDITOR_SECRET_TOKEN'];
    const names = text.trim().split('\n').map((line) => line.split('=', 1)[0] ?? '');
    assert.deepEqual(names.filter((name) => name !== 'CONDUCTOR_RUN' && !posixNames.includes(name)), []);
    assert.deepEqual(posixNames, ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'TERM', 'NO_COLOR', 'PAGER', 'EDITOR', 'npm_config_update_notifier']);
    const own = /^TMPDIR=(.*)$/m.exec(text)?.[1] ?? '/';
    // It is removed behind the answer.
    for (let tries = 0; tries < 200 && existsSync(own); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(existsSync(own), false);
  });

  it('takes argument lists literally', async () => {
    assert.equal(stdoutOf(await run({ command: 'echo', args: ['$(id)', '; rm x', '*', '`id`', '> y'] })), '$(id) ; rm x * `id` > y\n');
    assert.equal(existsSync(join(context.project, 'y')), false);
    assert.equal(await verdictOf({ command: 'echo', args: ['a\0b'] }), 'deny shell.hidden');
    assert.equal(await verdictOf({ command: 'echo a', args: ['b'] }), 'deny shell.name');
  });

  it('T12 writes a redirection after approval, and never through a link that leads out', async () => {
    const asked = await run('echo hello > out.txt 2>&1');
    assert.equal(asked.prepared.verdict.rule, 'shell.redirectWrite');
    assert.equal(readFileSync(join(context.project, 'out.txt'), 'utf8'), 'hello\n');
    await run('echo again >> out.txt');
    assert.equal(stdoutOf(await run('sort < out.txt')), 'again\nhello\n');
    const before = await tool.prepare({ command: 'echo x > late.txt' }, context);
    symlinkSync(join(folder, 'escaped'), join(context.project, 'late.txt'));
    const outcome = await before.run(new AbortController().signal, () => undefined);
    assert.deepEqual([outcome.kind, existsSync(join(folder, 'escaped'))], ['refused', false]);
    assert.equal(await verdictOf('echo x > late.txt'), 'deny shell.redirectOutside');
  });

  it('stops at the time limit and when withdrawn', async () => {
    const late = await run({ command: 'sleep 100; echo never', timeoutMs: 200 });
    assert.ok(late.outcome.kind === 'failure' && late.outcome.error.code === 'TIMEOUT');
    assert.equal(late.outcome.structured?.['stdout'], '');
    const stop = new AbortController();
    const started = run('sleep 100', stop.signal);
    setTimeout(() => stop.abort(), 200);
    const { outcome } = await started;
    assert.ok(outcome.kind === 'failure' && outcome.error.code === 'CANCELLED');
  });

  it('strips terminal sequences and control characters', async () => {
    put('e.txt', '\u001b[31mred\u001b[0m \u001b]0;title\u0007x\r\ny\u0008z\u001b[2J\n');
    assert.equal(stdoutOf(await run('cat e.txt')), 'red x\nyz\n');
  });

  it('keeps head and tail of long output and says so', async () => {
    const { outcome } = await run('seq 1 300000');
    assert.ok(outcome.kind === 'success' && outcome.truncated);
    assert.match(outcome.text, /^1\n2\n[^]*bytes left out[^]*299999\n300000\nExit code 0\.$/);
  });

  describe('programs', () => {
    it('T17 never takes a program from the project, whatever the search path says', async () => {
      const evil = put('bin/ls', '#!/bin/sh\necho evil\n', 0o755);
      put('ls', '#!/bin/sh\necho evil\n', 0o755);
      put('node_modules/.bin/ls', '#!/bin/sh\necho evil\n', 0o755);
      tool = createShellTool(`.::${dirname(evil)}:${join(context.project, 'node_modules/.bin')}:${context.project}:bin:${searchPath}`);
      assert.doesNotMatch(String(stdoutOf(await run('ls'))), /evil/);
      assert.equal(await verdictOf('./ls'), 'deny shell.name');
    });

    it('T17 takes no program from a folder that anybody may write to, and none that others may change', async () => {
      const open = join(folder, 'open');
      mkdirSync(open);
      writeFileSync(join(open, 'canary'), '#!/bin/sh\necho canary\n');
      chmodSync(join(open, 'canary'), 0o755);
      chmodSync(open, 0o777);
      tool = createShellTool(`${open}:${searchPath}`);
      assert.equal(await verdictOf('canary'), 'deny shell.noBinary');
      chmodSync(open, 0o755);
      assert.equal(await verdictOf('canary'), 'approve shell.requireApproval');
      chmodSync(join(open, 'canary'), 0o775);
      assert.equal(await verdictOf('canary'), 'deny shell.noBinary');
    });

    it('T17 T41 does not run a program that was swapped after it was judged', async () => {
      const own = join(folder, 'own');
      mkdirSync(own);
      writeFileSync(join(own, 'canary'), '#!/bin/sh\necho first\n', { mode: 0o755 });
      tool = createShellTool(`${own}:${searchPath}`);
      const first = await tool.prepare({ command: 'canary' }, context);
      const same = await tool.prepare({ command: 'canary' }, context);
      assert.equal(digestOfFacts(first.facts), digestOfFacts(same.facts));
      rmSync(join(own, 'canary'));
      writeFileSync(join(own, 'canary'), '#!/bin/sh\necho second\n', { mode: 0o755 });
      const outcome = await first.run(new AbortController().signal, () => undefined);
      assert.deepEqual([outcome.kind, outcome.kind === 'refused' && outcome.code], ['refused', 'APPROVAL_STALE']);
      const second = await tool.prepare({ command: 'canary' }, context);
      assert.notEqual(digestOfFacts(second.facts), digestOfFacts(first.facts));
      assert.equal((await second.run(new AbortController().signal, () => undefined)).kind, 'success');
    });

    it('T16 binds an approval to the content of the script', async () => {
      context = settle([], ['node']);
      put('s.js', 'console.log(1)');
      const prepared = await tool.prepare({ command: 'node s.js' }, context);
      put('s.js', 'console.log(2)');
      const outcome = await prepared.run(new AbortController().signal, () => undefined);
      assert.deepEqual([outcome.kind, outcome.kind === 'refused' && outcome.code], ['refused', 'APPROVAL_STALE']);
      assert.deepEqual(differences(prepared.facts, (await tool.prepare({ command: 'node s.js' }, context)).facts).map(({ label, key }) => `${label} ${key}`), [`File ${join(context.project, 's.js')}`]);
    });

    it('T8 binds an approval of npm to the manifest', async () => {
      context = settle([], ['npm']);
      put('package.json', '{"scripts":{"test":"node -p 1"}}');
      const prepared = await tool.prepare({ command: 'npm test' }, context);
      put('package.json', '{"scripts":{"test":"node -p 2"}}');
      assert.equal((await prepared.run(new AbortController().signal, () => undefined)).kind, 'refused');
    });

    it('runs npm scripts that exist and asks for others', async function () {
      this.timeout(20_000);
      put('package.json', '{"name":"x","version":"1.0.0","scripts":{"test":"node -p 40+2"}}');
      const ran = await run('npm test');
      assert.equal(ran.prepared.verdict.verdict, 'allow');
      assert.match(String(stdoutOf(ran)), /^42$/m);
      assert.equal(await verdictOf('npm run missing'), 'approve shell.script');
    });

    it('judges and pins the program inside a wrapper', async () => {
      assert.equal(stdoutOf(await run('timeout 5 echo a')), 'a\n');
      assert.equal(await verdictOf('timeout 5 evil'), 'deny shell.notListed');
    });

    it('shows a person what would run', async () => {
      const { show, facts, verdict } = await tool.prepare({ command: 'rm -f a.txt' }, context);
      assert.equal(verdict.verdict, 'approve');
      assert.equal(show.raw, 'rm -f a.txt');
      const details = new Map(shownFacts(facts));
      assert.equal(details.get('Arguments 1'), '["rm","-f","a.txt"]');
      const programs = shownFacts(facts).filter(([label]) => label === 'Program').map(([, value]) => value);
      assert.ok(programs.some((program) => /^rm \/\S+\/rm sha256:[0-9a-f]{64} \([0-9:]+\)$/.test(program)), programs.join());
    });
  });

  describe('paths on the disk', () => {
    it('follows links when it judges operands', async () => {
      symlinkSync('/etc', join(context.project, 'etc'));
      symlinkSync(context.configDir, join(context.project, 'conf'));
      put('.git/config', '');
      symlinkSync('.git/config', join(context.project, 'plain'));
      mkdirSync(join(context.project, 'src'));
      assert.equal(await verdictOf('cat etc/passwd'), 'approve shell.outside');
      assert.equal(await verdictOf('ls conf'), 'deny shell.ownFolder');
      assert.equal(await verdictOf('cat src/../etc/passwd'), 'approve shell.outside');
      assert.equal(await verdictOf('echo x > plain'), 'approve shell.redirectControl');
      assert.equal(await verdictOf('ls src'), 'allow shell.allowed');
    });
  });

  describe('T7 git', () => {
    const canary = (): string => join(folder, 'canary-ran');
    let script = '';

    beforeEach(() => {
      script = join(folder, 'canary.sh');
      writeFileSync(script, `#!/bin/sh\ntouch ${canary()}\ncat\n`, { mode: 0o755 });
      git('init', '-q', '-b', 'main');
      put('a.txt', 'one\n');
      put('.gitattributes', '');
      git('add', '.');
      git('commit', '-q', '-m', 'first');
      put('a.txt', 'two\n');
    });

    async function allowedWithoutCanary(line: string): Promise<void> {
      const { prepared, outcome } = await run(line);
      assert.equal(prepared.verdict.verdict, 'allow', `${line}: ${prepared.verdict.reason}`);
      assert.equal(outcome.kind, 'success', `${line}: ${outcome.kind === 'failure' ? (outcome.text ?? '') : ''}`);
      assert.equal(existsSync(canary()), false, line);
    }

    const reading = ['git status', 'git diff', 'git log -p', 'git show', 'git blame a.txt', 'git ls-files', 'git grep -n two', 'git log --oneline'];

    it('does not run the file-system monitor, the hooks or the pager of the repository', async () => {
      git('config', 'core.fsmonitor', script);
      git('config', 'core.pager', script);
      put('.git/hooks/post-index-change', `#!/bin/sh\ntouch ${canary()}\n`, 0o755);
      for (const line of reading) await allowedWithoutCanary(line);
    });

    it('runs the canary without the neutral environment, so that the test above can fail', () => {
      git('config', 'core.fsmonitor', script);
      git('status');
      assert.equal(existsSync(canary()), true);
    });

    it('asks when filters, text conversions, external diffs or aliases are configured', async () => {
      for (const [key, value] of [['filter.x.clean', script], ['diff.x.textconv', script], ['diff.external', script], ['diff.x.command', script], ['alias.st', '!sh'], ['include.path', 'x'], ['gpg.program', script], ['remote.origin.uploadpack', script]] as const) {
        git('config', key, value);
        for (const line of reading) assert.equal(await verdictOf(line), 'approve shell.gitPrograms', `${key}: ${line}`);
        git('config', '--unset', key);
        assert.equal(await verdictOf('git status'), 'allow shell.allowed', key);
      }
      assert.equal(existsSync(canary()), false);
    });

    it('stops text conversion by option as well', async () => {
      const { prepared } = await run('git log -p -1');
      assert.deepEqual(shownFacts(prepared.facts).find(([label]) => label === 'Arguments 1')?.[1], '["git","log","--no-ext-diff","--no-textconv","-p","-1"]');
    });

    it('asks before a commit would run hooks, and runs them when approved', async () => {
      git('config', 'user.name', 't');
      git('config', 'user.email', 't@example.com');
      assert.equal((await run('git commit -q -a -m second')).outcome.kind, 'success');
      put('.git/hooks/pre-commit', `#!/bin/sh\ntouch ${canary()}\n`, 0o755);
      put('a.txt', 'three\n');
      const asked = await tool.prepare({ command: 'git commit -q -a -m third' }, context);
      assert.equal(asked.verdict.rule, 'shell.gitHooks');
      assert.equal((await asked.run(new AbortController().signal, () => undefined)).kind, 'success');
      assert.equal(existsSync(canary()), true);
    });

    it('refuses to be led by an embedded bare repository', async () => {
      execFileSync('git', ['init', '-q', '--bare', join(context.project, 'bare')]);
      execFileSync('git', ['--git-dir', join(context.project, 'bare'), 'config', 'core.fsmonitor', script]);
      execFileSync('git', ['--git-dir', join(context.project, 'bare'), 'config', 'core.worktree', context.project]);
      await run({ command: 'git status', cwd: 'bare' });
      assert.equal(existsSync(canary()), false);
    });

    it('asks for a remote that is a folder', async () => {
      execFileSync('git', ['init', '-q', '--bare', join(context.project, 'other')]);
      assert.equal(await verdictOf('git push other main'), 'approve shell.arguments');
    });
  });
});
