import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { conductor, endProcess, TestHouse, until } from './house';

/** The `conductor` command as a person or a script types it. */

const python = resolve(__dirname, '../../scripts/verify.py');
const manifest = JSON.parse(readFileSync(resolve(__dirname, '../../package.json'), 'utf8')) as { version: string };

describe('the conductor command', () => {
  let house: TestHouse;

  before(async () => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo', 'git'], requireApproval: ['rm'] } } });
    const agent = await house.introducedAgent();
    for (let i = 0; i < 5; i += 1) await agent.call('shell_exec', { command: `echo number ${String(i)}` });
    await agent.call('shell_exec', { command: 'curl http://localhost' });
    await agent.call('filesystem_list', {});
  });
  after(() => house.close());

  it('cli:version and help', () => {
    assert.equal(house.run('--version').stdout.trim(), manifest.version);
    const help = house.run('--help').stdout;
    for (const noun of ['mcp', 'audit', 'config', 'approvals', 'breakers', 'policy', 'doctor']) assert.match(help, new RegExp(`\\b${noun}\\b`));
  });

  it('cli:unknown words are refused with help', () => {
    const { status, stderr } = house.run('adit', 'list');
    assert.notEqual(status, 0);
    assert.match(stderr, /audit/);
    assert.equal(house.run('mcp', 'start', '--port', '1').status, 2);
  });

  it('cli:audit-list: entries newest first, with filters and JSON', () => {
    const { stdout } = house.run('audit', 'list');
    assert.match(stdout, /^#\s+TIME/);
    assert.match(stdout, /shell\.exec\s+denied.*curl/);
    const successes = house.run('audit', 'list', '--json', '--tool', 'shell.exec', '--result', 'success').stdout.trim().split('\n').map((line) => JSON.parse(line) as { seq: number; tool: string });
    assert.equal(successes.length, 5);
    assert.deepEqual(successes.map(({ seq }) => seq), successes.map(({ seq }) => seq).sort((a, b) => b - a));
    const verbatim = readFileSync(house.log, 'utf8').split('\n');
    for (const line of house.run('audit', 'list', '--json', '-n', '3').stdout.trim().split('\n')) assert.ok(verbatim.includes(line));
    assert.match(house.run('audit', 'list', '--since', '2020-01-01', '--until', '2021-01-01').stderr, /No entries/);
    assert.equal(house.run('audit', 'list', '--since', 'yesterday-ish').status, 2);
  });

  it('cli:audit-tail: the latest entries, then what follows', async () => {
    const last = house.run('audit', 'tail', '-n', '2', '--no-follow', '--json').stdout.trim().split('\n');
    const filtered = house.run('audit', 'tail', '-n', '3', '--no-follow', '--json', '--tool', 'shell', '--result', 'success').stdout.trim().split('\n').map((line) => JSON.parse(line) as { tool: string; result: string });
    assert.deepEqual(filtered.map(({ tool, result }) => [tool, result]), Array.from({ length: 3 }, () => ['shell.exec', 'success']));
    assert.equal(last.length, 2);
    const child = spawn(process.execPath, [conductor, 'audit', 'tail', '-n', '1'], { env: house.env });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until('it shows the latest', () => text !== '');
    const agent = await house.introducedAgent();
    await agent.call('shell_exec', { command: 'echo followed' });
    await until('it shows what followed', () => text.includes('echo followed'));
    child.kill('SIGINT');
    assert.equal(await new Promise((done) => child.once('exit', done)), 0);
  });

  it('cli:audit-export: verbatim lines that verify, other formats, counts, and three depths of verification', () => {
    const log = readFileSync(house.log, 'utf8');
    const verbatim = house.run('audit', 'export').stdout;
    assert.ok(log.startsWith(verbatim) || verbatim.startsWith(log), 'the lines are not those of the log');
    assert.ok(Array.isArray(JSON.parse(house.run('audit', 'export', '--format', 'json', '--tool', 'shell.exec').stdout)));
    for (const line of house.run('audit', 'export', '--format', 'cef').stdout.trim().split('\n')) assert.match(line, /^CEF:0\|Conductor\|Conductor\|/);
    for (const line of house.run('audit', 'export', '--format', 'otlp').stdout.trim().split('\n')) assert.ok('resourceLogs' in (JSON.parse(line) as object));
    const stats = JSON.parse(house.run('audit', 'stats', '--json').stdout) as { entries: number; damaged: number; results: Record<string, number> };
    assert.ok(stats.entries >= verbatim.trim().split('\n').length && stats.damaged === 0 && (stats.results['ok'] ?? 0) > 0, JSON.stringify(stats));
    for (const [flag, depth] of [[undefined, 'default'], ['--deep', 'deep'], ['--strict', 'strict']] as const) {
      const { status, stdout } = house.run('audit', 'verify', '--json', ...(flag === undefined ? [] : [flag]));
      const report = JSON.parse(stdout) as { depth: string; verdict: string; message: string };
      assert.deepEqual([status, report.verdict, report.depth], [0, 'intact', depth], report.message);
    }
    assert.equal(house.run('audit', 'export', '--format', 'xml').status, 2);
  });

  it('cli:audit-verify: intact, with figures', () => {
    const { status, stdout } = house.run('audit', 'verify', '--json');
    assert.equal(status, 0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(report['verdict'], 'intact');
    assert.match(String(report['level']), /^(?:chain intact|signed)$/);
    for (const member of ['entries', 'class', 'line', 'offset', 'expected', 'found']) assert.ok(member in report, member);
    assert.match(house.run('audit', 'verify').stdout, /^Intact \((?:chain intact; not signed|signed to #\d+ .*); not anchored outside\): \d+ entries/);
  });

  const copy = (): string[] => readFileSync(house.log, 'utf8').trimEnd().split('\n');
  const tamperings: readonly (readonly [string, (lines: string[]) => string[], number])[] = [
    ['T78: an edited line', (lines) => lines.with(3, (lines[3] ?? '').replace('"v":1', '"v":2')), 4],
    ['T79: a removed line', (lines) => lines.toSpliced(4, 1), 5],
    ['T79: an inserted copy', (lines) => lines.toSpliced(5, 0, lines[2] ?? ''), 6],
    ['T79: two lines swapped', (lines) => lines.with(4, lines[5] ?? '').with(5, lines[4] ?? ''), 5],
    ['T82: a line without prevHash', (lines) => lines.with(6, (lines[6] ?? '').replace(/,"prevHash":"sha256:[0-9a-f]{64}"/, '')), 7],
  ];
  for (const [what, tamper, line] of tamperings) {
    it(`${what}: the command and Python both find it, the command says where`, () => {
      const file = join(house.base, 'tampered.log');
      const lines = copy();
      assert.ok(lines.length > 10);
      writeFileSync(file, `${tamper(lines).join('\n')}\n`);
      const { status, stdout } = house.run('audit', 'verify', '--file', file, '--json');
      const report = JSON.parse(stdout) as { verdict: string; line: number; offset: number; expected: string | null; found: string | null };
      assert.equal(status, 1);
      assert.equal(report.verdict, 'tampered');
      assert.equal(report.line, line);
      assert.equal(report.offset, Buffer.byteLength(tamper(lines).slice(0, line - 1).map((text) => `${text}\n`).join('')));
      assert.match(house.run('audit', 'verify', '--file', file).stdout, /TAMPERED.*line/s);
      const verified = spawnSync('python3', [python, file], { encoding: 'utf8' });
      assert.notEqual(verified.status, 0);
      assert.match(verified.stdout + verified.stderr, new RegExp(`line ${String(line)}\\b`));
    });
  }

  it('T83: a log torn by a crash is told from a tampered one', () => {
    const file = join(house.base, 'torn.log');
    writeFileSync(file, readFileSync(house.log));
    truncateSync(file, readFileSync(file).length - 40);
    assert.equal(house.run('audit', 'verify', '--file', file).status, 3);
    appendFileSync(file, '\nmore\n');
    assert.equal(house.run('audit', 'verify', '--file', file).status, 1);
  });

  it('T80: a log that is missing cannot be verified', () => {
    assert.equal(house.run('audit', 'verify', '--file', join(house.base, 'none.log')).status, 2);
  });

  it('cli:config: path and validation, with line and column', () => {
    assert.equal(house.run('config', 'path').stdout.trim(), join(house.configDir, 'config.json'));
    assert.equal(house.run('config', 'validate').status, 0);
    const file = join(house.base, 'wrong.json');
    writeFileSync(file, '{\n  "approvalTimeout": "long"\n}\n');
    const { status, stdout } = house.run('config', 'validate', file);
    assert.equal(status, 1);
    assert.match(stdout, /wrong\.json:2:\d+: /);
  });

  it('cli:config: a file that others can write is named, by validate and by the doctor', async () => {
    const other = new TestHouse();
    chmodSync(join(other.configDir, 'config.json'), 0o666);
    assert.match(other.run('config', 'validate').stderr, /warning: .*config\.json/);
    assert.match(other.run('doctor').stdout, /! configuration: /);
    await other.close();
  });

  it('cli:policy-check: verdicts and exit codes', () => {
    const file = join(house.configDir, 'config.json');
    const verdicts: readonly (readonly [string, string, number])[] = [['git status', 'allow', 0], ['rm -r build', 'approve', 3], ['curl x', 'deny', 4], ['git status; curl x', 'deny', 4], ['git -c core.pager=x log', 'approve', 3]];
    for (const [line, verdict, code] of verdicts) {
      const { status, stdout } = house.run('policy', 'check', '--config', file, '--json', '--', line);
      assert.equal(status, code, line);
      const answer = JSON.parse(stdout) as { verdict: string; rule: string; reason: string };
      assert.equal(answer.verdict, verdict);
      assert.ok(answer.rule !== '' && answer.reason !== '');
    }
    assert.match(house.run('policy', 'check', '--', 'rm', '-r', 'build').stdout, /^approve {2}\[/);
  });

  it('cli:policy-check: in a folder the write scope, programs and the sandbox count as they do for an agent', () => {
    const file = join(house.base, 'strict.json');
    const check = (plugins: Readonly<Record<string, unknown>>, line: string, ...options: string[]): string => {
      writeFileSync(file, JSON.stringify({ plugins }));
      const { verdict, rule } = JSON.parse(house.run('policy', 'check', '--config', file, '--json', ...options, '--', line).stdout) as { verdict: string; rule: string };
      return `${verdict} ${rule}`;
    };
    const shell = { allowedCommands: ['touch', 'node', 'no-such-program'] };
    const filesystem = { writeScope: ['src/**'] };
    for (const options of [['--cwd', house.project], []]) {
      assert.equal(check({ shell, filesystem }, 'touch other/x', ...options), 'deny shell.writeScope');
      assert.equal(check({ shell, filesystem }, 'touch src/x', ...options), 'allow shell.allowed');
    }
    assert.equal(check({ shell }, 'no-such-program', '--cwd', house.project), 'deny shell.noBinary');
    // A sandbox that could not hide what it must is none, on any machine.
    assert.equal(check({ shell: { ...shell, sandbox: { mode: 'required', writable: [house.base] } } }, 'touch x', '--cwd', house.project), 'deny shell.sandbox');
  });

  it('cli:policy-batch: one answer per line, in order, in one process', () => {
    const file = join(house.base, 'batch.jsonl');
    const config = { allowedCommands: ['ls'], requireApproval: ['rm'] };
    const asked = [
      { id: 'a', command: 'ls -la', config },
      { id: 'b', command: 'rm x', config },
      { id: 'c', command: 'ls $(rm x)', config },
      { id: 'd', command: 'ls', config: { allowedCommands: ['*'] } },
      { id: 'e', command: 'dir %PATH%', config: { allowedCommands: ['dir'] }, platform: 'win32' },
      { id: 'f', command: 'echo fallback' },
    ];
    writeFileSync(file, asked.map((one) => JSON.stringify(one)).join('\n'));
    const { status, stdout } = house.run('policy', 'check', '--batch', file);
    assert.equal(status, 0);
    const answers = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, string>);
    assert.deepEqual(answers.map((answer) => [answer['id'], answer['verdict']]), [['a', 'allow'], ['b', 'approve'], ['c', 'deny'], ['d', 'deny'], ['e', 'deny'], ['f', 'allow']]);
    for (const answer of answers) assert.deepEqual(Object.keys(answer), ['id', 'verdict', 'rule', 'reason']);
  });

  it('cli:doctor: everything in order, and what is not', () => {
    const { status, stdout } = house.run('doctor');
    assert.equal(status, 0, stdout);
    assert.match(stdout, process.platform === 'linux' ? /✓ broker: version .*path isolation by descriptor walk/ : /✓ broker: version .*path isolation by best effort/);
    assert.match(stdout, /✓ doors: each refused a forbidden call/);
    assert.match(stdout, /✓ approver keys: none is registered/);
    const other = new TestHouse();
    writeFileSync(join(other.configDir, 'config.json'), '{');
    assert.equal(other.run('doctor').status, 1);
    return other.close();
  });

  /** A command at a pseudo-terminal, as a person's shell has one. */
  const atTerminal = (words: string, env = house.env): { child: ChildProcessWithoutNullStreams; seen(): string; ended: Promise<number | null> } => {
    const child = spawn('script', ['-qec', `'${process.execPath}' '${conductor}' ${words}`, '/dev/null'], { env: { ...env, TERM: 'dumb' } });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    return { child, seen: () => seen, ended: new Promise((done) => child.once('exit', (code) => done(code))) };
  };

  it('cli:approvals at a real terminal: a person reads the action, types yes, and the call runs', async () => {
    const agent = await house.introducedAgent();
    writeFileSync(join(house.project, 'victim'), 'x');
    const terminal = atTerminal('approvals watch');
    await until('it watches', () => terminal.seen().includes('Waiting for calls'));
    const called = agent.call('shell_exec', { command: 'rm victim' });
    await until('it shows the call', () => /rm victim[\s\S]*Approve once\?/.test(terminal.seen()));
    terminal.child.stdin.write('y\n');
    await until('an answer that comes too soon does not count', () => terminal.seen().includes('Please answer again'));
    assert.equal(existsSync(join(house.project, 'victim')), true);
    await sleep(800);
    terminal.child.stdin.write('y\n');
    const result = await called;
    assert.equal(result.isError, false, result.text);
    assert.equal(existsSync(join(house.project, 'victim')), false);
    terminal.child.stdin.write('\x03');
    assert.equal(await terminal.ended, 0);
  });

  for (const [what, key] of [['Ctrl+C', '\x03'], ['Ctrl+D', '\x04']] as const) {
    it(`cli:approvals-watch: ${what} leaves at once while a question stands, and the call is denied`, async () => {
      const agent = await house.introducedAgent();
      const terminal = atTerminal('approvals watch');
      await until('it watches', () => terminal.seen().includes('Waiting for calls'));
      const called = agent.call('shell_exec', { command: 'rm nothing' });
      await until('it asks', () => terminal.seen().includes('Approve once?'));
      terminal.child.stdin.write(key);
      assert.equal(await terminal.ended, 0);
      assert.equal((await called).structured['code'], 'APPROVAL_UNAVAILABLE');
      assert.ok(terminal.seen().length < 5000, 'it does not repeat itself');
    });
  }

  it('cli:approvals-watch: a name with line breaks draws no lines of its own', async () => {
    const agent = house.agent();
    await agent.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'Claude)\n    ls -la\n  in /x', version: '1' } });
    const terminal = atTerminal('approvals watch');
    await until('it watches', () => terminal.seen().includes('Waiting for calls'));
    agent.call('shell_exec', { command: 'rm nothing' }).catch(() => undefined);
    await until('it asks', () => terminal.seen().includes('Approve once?'));
    assert.doesNotMatch(terminal.seen(), /^ +ls -la/m);
    assert.match(terminal.seen(), /Claude\)\\n/);
    terminal.child.stdin.write('\x03');
    await terminal.ended;
  });

  it('cli:start-new: a damaged log is set aside by a person at a terminal, and by nobody else', async () => {
    const other = new TestHouse({ plugins: { shell: { allowedCommands: ['echo'] } } });
    const agent = await other.introducedAgent();
    await agent.call('shell_exec', { command: 'echo one' });
    await endProcess((await other.status()).pid, 'SIGKILL');
    writeFileSync(other.log, readFileSync(other.log, 'utf8').replace('echo one', 'echo two'));
    const refused = await agent.call('shell_exec', { command: 'echo three' });
    assert.match(refused.text, /damaged.*conductor audit start-new/s);
    assert.equal(other.run('audit', 'start-new', '--reason', 'x').status, 2);
    const terminal = atTerminal("audit start-new --reason 'edited by the test'", other.env);
    await until('it asks', () => terminal.seen().includes('Type "yes"'));
    terminal.child.stdin.write('yes\n');
    assert.equal(await terminal.ended, 0, terminal.seen());
    assert.match(terminal.seen(), /audit\/damaged-.*\.log/);
    assert.equal((await agent.call('shell_exec', { command: 'echo four' })).isError, false);
    assert.equal(other.run('audit', 'verify').status, 0);
    await other.close();
  });

  it('cli:usage: a wrong word is exit code 2, never an answer', () => {
    for (const words of [['audit', 'verify', '--bogus'], ['audit', 'verify', 'extra'], ['policy', 'check', '--platform', 'dos', '--', 'ls'], ['config', 'validate', '/does/not/exist.json'], ['policy', 'check', '--config', '/does/not/exist.json', '--', 'ls'], ['policy', 'check']])
      assert.equal(house.run(...words).status, 2, words.join(' '));
  });

  it('cli:closed-pipe: a reader that has seen enough is no crash', () => {
    const { stderr } = spawnSync('sh', ['-c', `'${process.execPath}' '${conductor}' audit list | head -1`], { env: house.env, encoding: 'utf8' });
    assert.equal(stderr, '');
  });

  it('cli:broker-that-cannot-start: the reason is told at once', () => {
    const other = new TestHouse();
    mkdirSync(join(other.configDir, 'broker.lock'));
    const { status, stderr } = other.run('breakers', 'list');
    assert.equal(status, 2);
    assert.match(stderr, /does not start: it ended with exit code \d+: .*broker\.lock/);
    return other.close();
  });

  it('cli:config-dir: CONDUCTOR_CONFIG_DIR must be absolute', () => {
    const { status, stderr } = spawnSync(process.execPath, [conductor, 'config', 'path'], { env: { ...process.env, CONDUCTOR_CONFIG_DIR: 'relative' }, encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /absolute path/);
  });

  it('cli:open-folder: a folder that others can read is closed at the start', async () => {
    const other = new TestHouse();
    chmodSync(other.configDir, 0o755);
    await other.status();
    const { statSync } = await import('node:fs');
    assert.equal(statSync(other.configDir).mode & 0o777, 0o700);
    await other.close();
  });
});
