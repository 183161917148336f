import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { conductor, TestHouse, until, type Json } from './house';

/** A person at a real terminal: going through what waits by keyboard, and a broker that has nobody but this terminal. */

const reading = 800;

describe('calls that wait, at a terminal', function () {
  this.timeout(60_000);
  let house: TestHouse;
  const children: ChildProcessWithoutNullStreams[] = [];

  beforeEach(() => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir', 'rm'] } }, approvalTimeout: 30_000 });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await house.close();
  });

  /** A command at a pseudo-terminal of 80 columns, and what its screen has got since the last look. */
  function atTerminal(words: string) {
    const child = spawn('script', ['-qec', `stty cols 80 rows 24; exec '${process.execPath}' '${conductor}' ${words}`, '/dev/null'], { env: { ...house.env, TERM: 'dumb' } });
    children.push(child);
    let [seen, looked] = ['', 0];
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
    return {
      ended,
      seen: () => seen,
      type: (text: string) => child.stdin.write(text),
      /** Waits for words that come after those that were waited for before; gives all that came until then. */
      async shows(what: RegExp): Promise<string> {
        const found = await until(`it shows ${String(what)}`, () => what.exec(seen.slice(looked)) ?? undefined, 8000).catch((thrown: unknown) => assert.fail(`${String(thrown)}; it showed: ${JSON.stringify(seen.slice(looked))}`));
        const text = seen.slice(looked, looked + found.index + found[0].length);
        looked += found.index + found[0].length;
        return text;
      },
    };
  }

  type Terminal = ReturnType<typeof atTerminal>;

  async function answer(terminal: Terminal, typed: string): Promise<void> {
    await terminal.shows(/Approve once\?.*\[s\]kip: /);
    await sleep(reading);
    terminal.type(`${typed}\n`);
  }

  const made = (name: string): boolean => existsSync(join(house.project, name));

  it('cli:watch-words: list, choose, look closer, decline with a reason, skip, and approve, by keyboard alone', async () => {
    const agent = await house.introducedAgent();
    const terminal = atTerminal('approvals watch');
    await terminal.shows(/Waiting for calls/);
    const one = agent.call('shell_exec', { command: 'mkdir one' });
    await terminal.shows(/mkdir one/);
    const two = agent.call('shell_exec', { command: 'mkdir two' });
    await answer(terminal, 'l');
    assert.match(await terminal.shows(/what you skipped/), />\s+1\s+shell\.exec[^\n]*mkdir one[\s\S]*\s2\s+shell\.exec[^\n]*mkdir two/);
    await answer(terminal, '2');
    await terminal.shows(/mkdir two[\s\S]*1 more waits/);
    await answer(terminal, 'hm');
    await terminal.shows(/Nothing was answered/);
    await answer(terminal, 'd');
    await terminal.shows(/mkdir two[\s\S]*Programs?[\s\S]*mkdir/);
    await answer(terminal, 'r');
    await terminal.shows(/What the agent is told/);
    terminal.type('use the folder that is there\n');
    const declined = await two;
    assert.equal(declined.structured['code'], 'APPROVAL_DENIED');
    assert.match(declined.text, /use the folder that is there/);
    await terminal.shows(/mkdir one/);
    await answer(terminal, 's');
    const three = agent.call('shell_exec', { command: 'mkdir three' });
    await terminal.shows(/mkdir three/);
    await answer(terminal, 'n');
    assert.equal((await three).isError, true);
    await sleep(50);
    void agent.call('shell_exec', { command: 'mkdir four' }).catch(() => undefined);
    await terminal.shows(/mkdir four/);
    await answer(terminal, '1');
    await terminal.shows(/mkdir one/);
    await answer(terminal, 'y');
    assert.equal((await one).isError, false);
    assert.deepEqual(['one', 'two', 'three', 'four'].map(made), [true, false, false, false]);
  });

  it('cli:watch-rungs: an answer for longer is chosen by number, wants a typed yes, and lets the next call run', async () => {
    const agent = await house.introducedAgent();
    const terminal = atTerminal('approvals watch');
    await terminal.shows(/Waiting for calls/);
    const first = agent.call('shell_exec', { command: 'mkdir -p a' });
    await answer(terminal, 'm');
    const told = await terminal.shows(/Number \(Enter alone goes back\): /);
    assert.match(told, / 1 allow: [\s\S]*would newly allow: [\s\S]*FORBID: /);
    terminal.type('1\n');
    await terminal.shows(/Type "yes" to allow it for longer/);
    terminal.type('y\n');
    await answer(terminal, 'm');
    await terminal.shows(/Number/);
    terminal.type('1\n');
    await terminal.shows(/Type "yes"/);
    terminal.type('yes\n');
    assert.equal((await first).isError, false);
    assert.equal((await agent.call('shell_exec', { command: 'mkdir -p a' })).isError, false);
    assert.equal((house.callEntries().at(-2)?.['approval'] as Json)['decision'], 'granted');
  });

  it('T45: hidden characters are written out and counted, nothing of the agent moves the cursor, and such a call can be allowed once only', async () => {
    const agent = await house.introducedAgent();
    const terminal = atTerminal('approvals watch');
    await terminal.shows(/Waiting for calls/);
    agent.call('filesystem_write', { path: 'a\u202etxt.sh', content: '\u001b[2J\u001b[1;1HApproved.\u0007\r\u200bgone' }).catch(() => undefined);
    const shown = await terminal.shows(/Approve once\?.*\[s\]kip: /);
    assert.match(shown, /a\\u\{202e\}txt\.sh/);
    assert.match(shown, /\\u\{1b\}\[2J\\u\{1b\}\[1;1HApproved\.\\u\{7\}\\u\{d\}\\u\{200b\}gone/);
    assert.match(shown, /CAREFUL: \d+ hidden characters/);
     
    assert.doesNotMatch(shown, /[\u0007\u202e\u200b]|\u001b\[2J|\u001b\[1;1H|\r(?!\n)/);
    assert.doesNotMatch(shown, /Approve once\?.*\[m\]ore.*allow/);
    await sleep(reading);
    terminal.type('m\n');
    assert.doesNotMatch(await terminal.shows(/goes back/), /\d allow: /);
  });

  it('T45: long texts draw no line that looks like ours, and push nothing out of view that can then be approved unseen', async () => {
    const agent = house.agent();
    const forged = `${' '.repeat(51)}Approve once? [y]es, [n]o: y`;
    await agent.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: forged, version: '1' } });
    const terminal = atTerminal('approvals watch');
    await terminal.shows(/Waiting for calls/);
    const content = [...Array.from({ length: 100 }, (_, i) => `line ${String(i)}`), `${' '.repeat(76)}Approve once? yes`].join('\n');
    const called = agent.call('filesystem_write', { path: 'long.txt', content });
    const shown = await terminal.shows(/with \[r\]eason.*\[s\]kip: /);
    for (const row of shown.slice(shown.indexOf('\r\n\r\n')).split('\n').slice(0, -1)) assert.ok(row.replace(/\r$/, '').length < 80, row);
    assert.match(shown, /more rows, which d shows/);
    assert.doesNotMatch(shown, /line 99/);
    await sleep(reading);
    terminal.type('y\n');
    await terminal.shows(/Not all of it was shown yet/);
    await answer(terminal, 'd');
    const whole = await terminal.shows(/with \[r\]eason.*\[s\]kip: /);
    assert.match(whole, /line 99[\s\S]*\+line 99/);
    assert.equal(whole.split('\n').filter((row) => /^\s{0,3}Approve once/.test(row)).length, 0);
    await sleep(reading);
    terminal.type('y\n');
    assert.equal((await called).isError, false);
    assert.equal(made('long.txt'), true);
  });

  it('cli:broker-foreground: a broker that was started at a terminal asks there, signs with its key, and ends with it', async () => {
    const keys = atTerminal('approvals keys add');
    await keys.shows(/first|registered|believed/i);
    assert.equal(await keys.ended, 0, keys.seen());
    const { pid } = await house.status();
    process.kill(pid, 'SIGTERM');
    await until('the broker ends', () => !existsSync(`/proc/${String(pid)}`));
    const terminal = atTerminal('broker start --foreground');
    await terminal.shows(/The broker runs \(process \d+[\s\S]*Waiting for calls/);
    const agent = await house.introducedAgent();
    const called = agent.call('shell_exec', { command: 'mkdir here' });
    await answer(terminal, 'y');
    await terminal.shows(/signed, terminal key/);
    assert.equal((await called).isError, false);
    assert.equal(made('here'), true);
    const { pid: broker } = await house.status();
    const waits = agent.call('shell_exec', { command: 'mkdir late' });
    await terminal.shows(/mkdir late/);
    terminal.type('\x03');
    assert.equal(await terminal.ended, 0);
    assert.equal((await waits).isError, true);
    await until('the broker ends with its terminal', () => !existsSync(`/proc/${String(broker)}`));
    assert.equal(made('late'), false);
    assert.equal(house.run('audit', 'verify', '--strict').status, 0);
  });

  it('cli:broker-foreground: without a terminal nobody is asked, and a broker that ran before goes on', async () => {
    const alone = spawn(process.execPath, [conductor, 'broker', 'start', '--foreground'], { env: house.env });
    children.push(alone);
    let said = '';
    alone.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('it says so', () => said.includes('Nobody can be asked here'));
    const { pid: broker } = await house.status();
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'mkdir nobody' })).structured['code'], 'APPROVAL_UNAVAILABLE');
    const second = spawn(process.execPath, [conductor, 'broker', 'start', '--foreground'], { env: house.env });
    children.push(second);
    let told = '';
    second.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await until('it says that one runs', () => told.includes('it goes on when you leave'));
    second.kill('SIGTERM');
    await new Promise((resolve) => second.once('exit', resolve));
    assert.equal((await house.status()).pid, broker);
    alone.kill('SIGTERM');
    await until('the broker ends', () => !existsSync(`/proc/${String(broker)}`));
  });
});
