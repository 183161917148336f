import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigInput } from '../../protocol/src/config';
import { parseVerifierKey, verifierKeyText } from '../../protocol/src/audit/note';
import type { SigningState } from '../../protocol/src/audit/signing';
import { Witness } from '../fakes/witness';
import { endProcess, TestHouse, until, type Json } from './house';

/** Places outside the log with the built programs: a real git repository, a real `logger`, a witness on loopback; and what they show afterwards. */

/** Takes the place of the system's log where a machine has none: what `logger` writes comes out line by line. */
const systemLog = `import socket,sys,os
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind('/dev/log'); print('ready',flush=True)
while True: print(s.recv(65536).decode(),flush=True)`;

const shell = { plugins: { shell: { allowedCommands: ['echo'] } } };

describe('places outside the log', function () {
  this.timeout(180_000);
  let house: TestHouse;
  let witness: Witness;
  let vault: string;
  let url: string;
  let heard: { child: ChildProcessWithoutNullStreams; text: string } | undefined;

  before(async () => {
    // Where a system log runs, or nobody may stand in for it, its lines cannot be read back here.
    if (process.platform !== 'linux' || existsSync('/dev/log') || process.getuid?.() !== 0) return;
    const child = spawn('python3', ['-c', systemLog]);
    const log = (heard = { child, text: '' });
    child.stdout.on('data', (chunk: Buffer) => (log.text += chunk.toString()));
    await until('the system log is there', () => log.text.startsWith('ready'));
  });
  after(() => {
    if (heard === undefined) return;
    heard.child.kill('SIGKILL');
    rmSync('/dev/log', { force: true });
  });
  beforeEach(async () => {
    house = new TestHouse(shell);
    vault = join(house.base, 'vault');
    execFileSync('git', ['init', '--quiet', '--bare', vault]);
    witness = new Witness();
    url = await witness.open();
  });
  afterEach(async () => {
    await witness.close();
    await house.close();
  });

  const anchored = (): ConfigInput => ({ ...shell, audit: { anchors: { systemLog: heard !== undefined, git: { repository: vault }, witnesses: [{ url, key: verifierKeyText(witness.key) }] } } });
  const call = async (): Promise<void> => {
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'echo called' })).isError, false);
    agent.child.stdin.end();
  };
  const leave = async (): Promise<void> => endProcess((await house.status()).pid);
  const places = async (): Promise<SigningState['anchors']> => (await house.status()).signing.anchors;
  const verify = (...args: string[]): { status: number | null; report: Json; words: string; anchors: Json[] } => {
    const { status, stdout } = house.run('audit', 'verify', '--json', ...args);
    const report = JSON.parse(stdout) as Json;
    const trust = (report['trust'] ?? {}) as Json;
    return { status, report, words: String(trust['words']), anchors: (trust['anchors'] ?? []) as Json[] };
  };
  /** The newest head that the system's log was told. */
  const noted = (): [size: string, head: string] => {
    const [, size = '', head = ''] = [...(heard?.text.matchAll(/conductor-audit.* size (\d+) head sha256:([0-9a-f]{64})/g) ?? [])].at(-1) ?? [];
    return [size, head];
  };
  /** A first run signs, so that the witness can be told of the key; from then on the places get every checkpoint. */
  const begin = async (): Promise<void> => {
    await call();
    await leave();
    const key = parseVerifierKey(String((verify().report['trust'] as Json)['key']));
    assert.ok(key !== undefined);
    witness.logs.set(key.name, key);
    house.configure(anchored());
    await call();
    await until('every place has a checkpoint', async () => (await places()).every(({ entries }) => entries !== null), 40_000);
  };

  it('audit:anchored: entries, checkpoint, places, in this order; a verification says up to where, in which place, and when; a log that went back is found by each', async () => {
    await begin();
    const { status, report, words, anchors } = verify();
    assert.deepEqual([status, report['level']], [0, 'anchored'], words);
    assert.deepEqual(anchors.map(({ place }) => String(place)).sort(), [`git refs/conductor/audit in ${vault}`, 'witness witness.example/w1']);
    assert.match(house.run('audit', 'verify').stdout, /^Intact \(signed to #\d+ .*anchored outside to #\d+ \((?:git|witness) .*, 20\d\d-/);
    // The places get the last checkpoint also when the broker ends a moment after the one before.
    await call();
    await leave();
    const last = verify();
    assert.deepEqual(last.anchors.map(({ entries }) => entries), [last.report['entries'], last.report['entries']], last.words);
    assert.doesNotMatch(last.words, /not yet anchored/);
    if (heard !== undefined) {
      const [size, head] = noted();
      assert.equal(Number(size), last.report['entries']);
      assert.match(verify('--anchor-size', size, '--anchor-head', head).words, /anchored outside to #\d+ \(as you noted it\)|anchored outside to #\d+ \(git/);
    }
    await goesBack();
  });

  /** The whole folder, with its checkpoints, is put back to what it was; inside of it all is well. */
  async function goesBack(): Promise<void> {
    const older = join(house.base, 'older');
    cpSync(house.configDir, older, { recursive: true });
    await call();
    await leave();
    rmSync(house.configDir, { recursive: true });
    renameSync(older, house.configDir);
    const back = verify();
    assert.deepEqual([back.status, back.report['class']], [1, 'truncation']);
    assert.match(String(back.report['message']), /The log had \d+ entries when they were noted \(git refs\/conductor\/audit in .*\) and now ends after #\d+/);
    const [size, head] = noted();
    house.configure(shell);
    assert.equal(verify().status, 0, 'without a place outside nothing is found');
    if (heard !== undefined) assert.equal(verify('--anchor-size', size, '--anchor-head', head).report['class'], 'truncation');
    // A broker that goes on from there blocks nobody, and no place lets itself be talked over.
    house.configure(anchored());
    for (let i = 0; i < 6; i += 1) await call();
    const problems = await until('the places complain', async () => {
      const states = (await places()).filter(({ name }) => name !== 'system log');
      return states.every(({ problem }) => problem !== null) && states.map(({ problem }) => String(problem)).join('\n');
    }, 40_000);
    assert.match(problems, /left as it is/);
    assert.match(problems, /witness (?:has seen|does not accept)/i);
    assert.match(house.run('doctor').stdout, /left as it is/);
    await leave();
    const forked = verify();
    assert.deepEqual([forked.status, ['fork', 'truncation'].includes(String(forked.report['class']))], [1, true], JSON.stringify(forked.report));
  }

  it('audit:anchor-down: a place that cannot be reached is told, holds no call up, and is tried again', async () => {
    await begin();
    const [before] = (await places()).filter(({ name }) => name.startsWith('git'));
    renameSync(vault, `${vault}-away`);
    await witness.close();
    await leave();
    await call();
    const states = await until('they are told', async () => {
      const found = (await places()).filter(({ name }) => name !== 'system log');
      return found.length === 2 && found.every(({ problem }) => problem !== null) && found;
    }, 40_000);
    assert.match(states.map(({ problem }) => problem).join('\n'), /git .*failed[\s\S]*witness cannot be reached/i);
    assert.match(house.run('doctor').stdout, /witness cannot be reached/i);
    await call();
    assert.match(JSON.stringify(verify().report['notes']), /git anchor could not be read/);
    // Both are there again, and get what they missed at the latest when the broker ends.
    renameSync(`${vault}-away`, vault);
    await leave();
    const found = verify().anchors.find(({ place }) => String(place).startsWith('git'));
    assert.ok(Number(found?.['entries']) > Number(before?.entries), JSON.stringify(found));
  });
});
