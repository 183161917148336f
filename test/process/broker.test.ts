import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { brokerAddress } from '../../link/src/address';
import { introduce } from '../../link/src/handshake';
import { ConductorError } from '../../protocol/src/errors';
import { conductor, endProcess, RawAgent, TestHouse, until, type Json } from './house';

/** The broker as a process: one per folder, whatever happens. */

const brokerScript = resolve(__dirname, '../../dist/broker.js');

function startBroker(house: TestHouse): Promise<number | null> {
  const child = spawn(process.execPath, [brokerScript], { env: house.env, stdio: 'ignore', detached: true });
  child.unref();
  return new Promise((done) => child.once('exit', (code) => done(code)));
}

/** Processes whose last argument is this. */
function processesWith(argument: string): readonly string[] {
  return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith(`\0${argument}\0`);
    } catch {
      return false;
    }
  });
}

describe('the broker', () => {
  let house: TestHouse;

  beforeEach(() => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo', 'sleep'], requireApproval: ['mkdir'] } } });
  });
  afterEach(() => house.close());

  it('T83: eight start at once, five times, the winner is killed each time: never a second writer', async () => {
    for (let round = 0; round < 5; round += 1) {
      let exits = 0;
      const codes: (number | null)[] = [];
      for (let i = 0; i < 8; i += 1) void startBroker(house).then((code) => { exits += 1; codes.push(code); });
      await until('seven of eight have left', () => exits >= 7, 30_000);
      assert.equal(exits, 7, `round ${String(round)}: ${codes.join(' ')}`);
      assert.deepEqual(codes, Array.from({ length: 7 }, () => 3));
      const { pid } = await house.status();
      const agent = await house.introducedAgent();
      await Promise.all(Array.from({ length: 10 }, (_, i) => agent.call('shell_exec', { command: `echo ${String(i)}` })));
      // The agent first: its pipe would start the next broker itself.
      const gone = new Promise((done) => agent.child.once('exit', done));
      agent.child.kill('SIGKILL');
      await gone;
      await endProcess(pid, 'SIGKILL');
    }
    const verified = house.run('audit', 'verify', '--json');
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    assert.equal(house.callEntries().filter((entry) => entry['phase'] === 'done').length, 50);
  });

  it('broker:started-by-anyone: eight agents at once share one broker', async () => {
    const agents = await Promise.all(Array.from({ length: 8 }, () => house.introducedAgent()));
    await Promise.all(agents.map((agent, i) => agent.call('shell_exec', { command: `echo ${String(i)}` })));
    assert.equal((await house.status()).connections.agent, 8);
    assert.equal(house.entries().filter((entry) => entry['tool'] === 'broker.started').length, 1);
  });

  it('broker:killed-mid-call: the running call fails clearly, nothing acknowledged is lost, and everybody goes on', async () => {
    const agent = await house.introducedAgent();
    const other = await house.introducedAgent('2025-11-25');
    await agent.call('shell_exec', { command: 'echo before' });
    const acknowledged = house.callEntries().length;
    const running = agent.request('tools/call', { name: 'shell_exec', arguments: { command: 'sleep 30' } });
    await until('the call runs', () => house.callEntries().length === acknowledged + 1);
    const { pid } = await house.status();
    await endProcess(pid, 'SIGKILL');
    const answer = await running;
    assert.equal(((answer['error'] as Json)['data'] as Json)['code'], 'BROKER_GONE');
    assert.equal((await agent.call('shell_exec', { command: 'echo after' })).isError, false);
    assert.equal((await other.call('shell_exec', { command: 'echo other' })).isError, false);
    assert.notEqual((await house.status()).pid, pid);
    const cut = house.entries().find((entry) => entry['phase'] === 'recover' && entry['result'] === 'unknown');
    assert.ok(cut !== undefined, 'the interrupted call is on record');
    assert.equal(house.run('audit', 'verify').status, 0);
  });

  it('broker:orphans: what a killed broker left running is ended by the next one, and that of another folder is left alone', async function () {
    if (process.platform !== 'linux') this.skip();
    const neighbour = new TestHouse({ plugins: { shell: { allowedCommands: ['sleep'] } } });
    try {
      const sleeping = await neighbour.introducedAgent();
      void sleeping.call('shell_exec', { command: 'sleep 61.5' }).catch(() => undefined);
      house.configure({ plugins: { shell: { allowedCommands: ['sleep', 'setsid'] } } });
      const agent = await house.introducedAgent();
      const control = await house.control('editor');
      control.onNotification('approvals/changed', ({ pending }: { pending: { id: string; digest: string }[] }) => {
        for (const { id, digest } of pending) void control.sendRequest('approvals/decide', { id, digest, decision: 'approve' }).catch(() => undefined);
      });
      await control.sendRequest('approvals/attend', { attending: true });
      const running = agent.request('tools/call', { name: 'shell_exec', arguments: { command: 'setsid -w sleep 62.5' } });
      await until('everything runs', () => processesWith('61.5').length === 1 && processesWith('62.5').length >= 1);
      const { pid } = await house.status();
      await endProcess(pid, 'SIGKILL');
      assert.notEqual((await running)['error'], undefined);
      await until('the next broker is there', async () => (await house.status()).pid !== pid);
      assert.deepEqual(processesWith('62.5'), []);
      assert.equal(processesWith('61.5').length, 1, 'the neighbour sleeps on');
      const cut = house.entries().find((entry) => entry['phase'] === 'recover' && entry['result'] === 'unknown');
      assert.match(JSON.stringify(cut), /What it had left running .* was stopped/);
      assert.match(readFileSync(join(house.configDir, 'broker.log'), 'utf8'), /had left running/);
    } finally {
      await neighbour.close();
    }
    assert.deepEqual(processesWith('61.5'), [], 'a broker that leaves takes its runs along');
  });

  it('broker:clean-end: a broker that is asked to leave lets running calls end and records its end', async () => {
    const agent = await house.introducedAgent();
    const running = agent.call('shell_exec', { command: 'sleep 1' });
    await until('the call runs', () => house.callEntries().length === 1);
    const { pid } = await house.status();
    process.kill(pid, 'SIGTERM');
    assert.equal((await running).isError, false);
    await until('it is gone', () => house.entries().some((entry) => entry['tool'] === 'broker.stopped'));
  });

  it('broker:idle: it ends by itself after the last visitor left', async () => {
    house.configure({ server: { idleMinutes: 0.01 } });
    const { pid } = await house.status();
    await until('it ended', () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  });

  it('broker:private: folder, key, socket, lock and log are closed to others', async () => {
    await house.status();
    assert.equal(statSync(house.configDir).mode & 0o777, 0o700);
    for (const name of ['control.key', 'broker.sock', 'broker.lock', 'broker.log', 'audit.log']) assert.equal(statSync(join(house.configDir, name)).mode & 0o777, 0o600, name);
  });

  it('T40: an agent on the socket can send nothing but MCP, and a role without the key is turned away and recorded', async () => {
    await house.status();
    const turnedAway = async (role: 'cli' | 'editor' | 'viewer', key?: Buffer): Promise<void> => {
      const socket = connect(brokerAddress(house.configDir));
      const attempt = introduce(socket, { role, version: '0', ...(key === undefined ? {} : { key }) });
      await assert.rejects(attempt, (error: unknown) => error instanceof ConductorError && error.code === 'UNAUTHORIZED');
      socket.destroy();
    };
    await turnedAway('cli');
    await turnedAway('editor', Buffer.alloc(32, 7));
    await turnedAway('viewer', Buffer.alloc(32));
    await until('they are recorded', () => house.entries().filter((entry) => entry['tool'] === 'broker.turnedAway').length === 3);
    const agent = await house.introducedAgent();
    assert.equal(((await agent.request('approvals/decide', { id: 'x', digest: 'x', decision: 'approve' }))['error'] as Json)['code'], -32601);
  });

  it('broker:room-for-people: hundreds of idle agents and strangers do not lock people out', async () => {
    await house.status();
    const address = brokerAddress(house.configDir);
    const dial = (): Socket => connect(address).on('error', () => undefined);
    const agents: Socket[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      const some = Array.from({ length: 20 }, dial);
      await Promise.all(some.map((socket) => introduce(socket, { role: 'agent', version: '0', project: house.project }).catch(() => undefined)));
      agents.push(...some);
    }
    const sockets = [...agents, ...Array.from({ length: 100 }, dial)];
    const { connections } = await house.status();
    assert.equal(connections.agent, 192);
    assert.equal(house.run('approvals', 'list').status, 0);
    for (const socket of sockets) socket.destroy();
  });

  it('T32: a project that holds the configuration folder is no project', async () => {
    const agent = new RawAgent(spawn(process.execPath, [conductor, 'mcp', 'start', '--project', house.base], { env: house.env }));
    await agent.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } });
    const result = await agent.call('filesystem_search', { pattern: 'a' });
    agent.child.kill();
    assert.equal(result.structured['code'], 'PROJECT_MISSING');
  });

  it('T40: a viewer looks and decides nothing', async () => {
    const viewer = await house.control('viewer');
    await viewer.sendRequest('approvals/list', {});
    for (const [name, params] of [['approvals/attend', { attending: true }], ['approvals/decide', { id: 'x', digest: 'x', decision: 'approve' }], ['breakers/reset', { tool: 'shell.exec', reason: 'x' }], ['conductor/drain', {}], ['audit/startNew', { reason: 'x' }]] as const)
      await assert.rejects(viewer.sendRequest(name, params), /may not send/, name);
  });

  it('T40: an agent that runs our own command gains nothing', async () => {
    const person = await house.control();
    await person.sendRequest('approvals/attend', { attending: true });
    const agent = await house.introducedAgent();
    agent.call('shell_exec', { command: 'mkdir hidden' }).catch(() => undefined);
    const id = await until('the call waits', () => {
      const [call] = JSON.parse(house.run('approvals', 'list', '--json').stdout) as { id: string }[];
      return call?.id;
    });
    const approved = house.run('approvals', 'approve', id);
    assert.equal(approved.status, 2);
    assert.match(approved.stderr, /needs a person/);
    assert.equal(house.run('approvals', 'watch').status, 2);
    assert.equal(existsSync(join(house.project, 'hidden')), false);
    assert.equal((await agent.call('shell_exec', { command: `conductor approvals approve ${id}` })).isError, true);
    assert.equal(house.run('approvals', 'deny', id).status, 0);
  });

  it('T32: the configuration folder is closed to every tool, key and configuration alike', async () => {
    house.configure({ plugins: { shell: { allowedCommands: ['cat', 'ls'] }, filesystem: { allowedPaths: [house.base], requireApproval: [] } } });
    const agent = await house.introducedAgent();
    for (const path of ['control.key', 'config.json', 'audit.log', 'broker.sock'].map((name) => join(house.configDir, name))) {
      assert.equal((await agent.call('filesystem_read', { path })).isError, true, path);
      assert.equal((await agent.call('filesystem_write', { path, content: 'x' })).isError, true, path);
      assert.equal((await agent.call('filesystem_delete', { path })).isError, true, path);
      assert.equal((await agent.call('shell_exec', { command: `cat ${path}` })).isError, true, path);
    }
  });

  it('T84: a log that cannot be opened: everything is refused, says why, and works again when the cause is gone', async () => {
    mkdirSync(house.log);
    const agent = await house.introducedAgent();
    const refused = await agent.call('shell_exec', { command: 'echo unlogged' });
    assert.equal(refused.structured['code'], 'AUDIT_UNAVAILABLE', refused.text);
    assert.equal((await house.status()).audit.health, 'unavailable');
    rmSync(house.log, { recursive: true });
    assert.equal((await agent.call('shell_exec', { command: 'echo logged' })).isError, false);
    assert.equal(house.run('audit', 'verify').status, 0);
  });

  it('T84: a full disk: nothing runs unrecorded, and the log stays intact', async () => {
    // A limit on file size makes writes fail in mid-line, as a full disk does.
    const child = spawn('sh', ['-c', 'ulimit -f 24; exec "$0" "$1"', process.execPath, brokerScript], { env: house.env, stdio: 'ignore', detached: true });
    child.unref();
    await until('it is up', () => existsSync(join(house.configDir, 'broker.sock')));
    const agent = await house.introducedAgent();
    let refused = 0;
    for (let i = 0; i < 60; i += 1) {
      const result = await agent.call('shell_exec', { command: `echo ${'y'.repeat(200)}` });
      if (!result.isError) assert.equal(refused, 0);
      else {
        assert.equal(result.structured['code'], 'AUDIT_UNAVAILABLE', result.text);
        refused += 1;
      }
    }
    assert.ok(refused > 0);
    assert.ok([0, 3].includes(house.run('audit', 'verify').status ?? -1));
    await endProcess((await house.status()).pid, 'SIGKILL');
    assert.equal((await agent.call('shell_exec', { command: 'echo again' })).isError, false);
    assert.equal(house.run('audit', 'verify').status, 0);
  });

  it('T80: a log that is replaced under a running broker is noticed before the next entry', async () => {
    const agent = await house.introducedAgent();
    await agent.call('shell_exec', { command: 'echo one' });
    await agent.call('shell_exec', { command: 'echo two' });
    const lines = readFileSync(house.log, 'utf8').split('\n');
    writeFileSync(`${house.log}.new`, `${lines.slice(0, 2).join('\n')}\n`);
    renameSync(`${house.log}.new`, house.log);
    // The first refusal sees another file, the second has verified it.
    for (const word of ['three', 'more']) assert.equal((await agent.call('shell_exec', { command: `echo ${word}` })).structured['code'], 'AUDIT_UNAVAILABLE');
    assert.equal((await house.status()).audit.health, 'tampered');
    const person = await house.control();
    await person.sendRequest('audit/startNew', { reason: 'the test replaced it' });
    assert.equal((await agent.call('shell_exec', { command: 'echo four' })).isError, false);
  });

  it('T80: a log that was put back is written again as soon as somebody verifies it', async () => {
    const agent = await house.introducedAgent();
    await agent.call('shell_exec', { command: 'echo one' });
    const whole = readFileSync(house.log);
    writeFileSync(house.log, `${whole.toString().split('\n').slice(0, 2).join('\n')}\n`);
    assert.equal((await agent.call('shell_exec', { command: 'echo two' })).structured['code'], 'AUDIT_UNAVAILABLE');
    assert.notEqual((await house.status()).audit.health, 'ok');
    const viewer = await house.control('viewer');
    assert.notEqual((await viewer.sendRequest<Json>('audit/verify', {}))['verdict'], 'intact');
    assert.notEqual((await house.status()).audit.health, 'ok');
    writeFileSync(house.log, whole);
    assert.equal((await viewer.sendRequest<Json>('audit/verify', {}))['verdict'], 'intact');
    assert.equal((await house.status()).audit.health, 'ok');
    assert.match(readFileSync(house.log, 'utf8'), /"tool":"audit.resumed"/);
  });

  it('T80: a head that a window kept makes truncation and replacement visible, and the broker knows its own', async () => {
    const agent = await house.introducedAgent();
    for (const word of ['one', 'two', 'three']) await agent.call('shell_exec', { command: `echo ${word}` });
    const person = await house.control('viewer');
    const verify = (expected?: { entries: number; head: string }): Promise<Json> => person.sendRequest('audit/verify', expected === undefined ? {} : { expected });
    const { audit } = await house.status();
    assert.equal((await verify())['verdict'], 'intact');
    assert.equal((await verify({ entries: audit.entries, head: audit.head }))['verdict'], 'intact');
    assert.equal((await verify({ entries: audit.entries, head: `sha256:${'0'.repeat(64)}` }))['class'], 'fork');
    const lines = readFileSync(house.log, 'utf8').split('\n');
    writeFileSync(house.log, `${lines.slice(0, 3).join('\n')}\n`);
    assert.equal((await verify())['class'], 'truncation');
    assert.equal((await verify({ entries: audit.entries, head: audit.head }))['class'], 'truncation');
    assert.equal(house.run('audit', 'verify').status, 1, 'the command asks the running broker');
    assert.equal(house.run('audit', 'verify', '--file', house.log).status, 0, 'the file alone cannot tell');
  });

  it('T39: a configuration with a misspelt key keeps the last good one and says where it is broken', async () => {
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'echo good' })).isError, false);
    writeFileSync(join(house.configDir, 'config.json'), '{\n  "plugins": { "shell": { "alowedCommands": [] } }\n}\n');
    const { config } = await until('the broker noticed', async () => {
      const status = await house.status();
      return status.config.source === 'lastGood' ? status : undefined;
    });
    assert.equal(config.problems[0]?.line, 2);
    assert.match(config.problems[0]?.message ?? '', /alowedCommands.*allowedCommands/s);
    assert.equal((await agent.call('shell_exec', { command: 'echo still' })).isError, false);
    house.configure({ plugins: { shell: { allowedCommands: [] } } });
    await until('the change holds', async () => (await house.status()).config.source === 'current');
    assert.equal((await agent.call('shell_exec', { command: 'echo gone' })).structured['rule'], 'shell.notListed');
  });

  it('T39: a broken configuration at start means that nothing is allowed', async () => {
    writeFileSync(join(house.configDir, 'config.json'), '{ "plugins": ');
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'echo x' })).isError, true);
    assert.equal((await house.status()).config.source, 'defaults');
  });

  it('breaker:five-failures: five failures in a row open the breaker of that tool only, and it is reset with a reason', async () => {
    house.configure({ plugins: { shell: { allowedCommands: ['ls', 'echo'] } } });
    const agent = await house.introducedAgent();
    for (let i = 0; i < 5; i += 1) assert.equal((await agent.call('shell_exec', { command: 'ls nothing-here' })).structured['code'], 'TOOL_FAILED');
    const open = await agent.call('shell_exec', { command: 'echo closed' });
    assert.equal(open.structured['code'], 'CIRCUIT_OPEN');
    assert.equal(typeof open.structured['retryAfterMs'], 'number');
    assert.equal((await agent.call('filesystem_list', {})).isError, false);
    assert.match(house.run('breakers', 'list').stdout, /shell\.exec\s+open\s+5\/5/);
    assert.equal(house.run('breakers', 'reset', 'shell.exec', '--reason', 'looked at it').status, 0);
    assert.equal((await agent.call('shell_exec', { command: 'echo open' })).isError, false);
    assert.ok(house.entries().some((entry) => entry['tool'] === 'breaker.reset' && (entry['input'] as Json)['reason'] === 'looked at it'));
  });

  it('T92: every door proved at start that it refuses a forbidden call', async () => {
    const { doors } = await house.status();
    assert.deepEqual(doors.map(({ door, open }) => [door, open]), [['agent', true], ['editor', true], ['terminal', true], ['introduction', true]]);
  });

  it('audit:python-agrees: the Python verifier accepts what a busy broker wrote', async () => {
    const agent = await house.introducedAgent();
    await Promise.all(Array.from({ length: 40 }, (_, i) => agent.call('filesystem_list', { path: i % 2 === 0 ? '.' : '../outside' })));
    const { status, stderr } = spawnSync('python3', [resolve(__dirname, '../../scripts/verify.py'), house.log], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
});
