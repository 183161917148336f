import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { prepareEntry, writeLine } from '../../protocol/src/audit/bytes';
import type { NewEntry } from '../../protocol/src/audit/entry';
import { keysAfter, logKeyOf, newLogKeys, signCheckpoint, type LogKeys } from '../../protocol/src/audit/keys';
import { verifierKeyText } from '../../protocol/src/audit/note';
import { signRequestSchema } from '../../protocol/src/audit/signing';
import { eventIds } from '../../server/src/audit/write/eventId';
import { endProcess, TestHouse, type Json } from './house';

/** Signatures of the log with the built programs: a broker that is asked to leave signs to the end, with the key of a window or of its file. */

/** The keys of a window that answers the broker's questions. */
type Window = { keys: LogKeys; logId: string; signed: number };

async function openWindow(house: TestHouse): Promise<Window> {
  const window: Window = { keys: newLogKeys(), logId: '', signed: 0 };
  const connection = await house.control('editor');
  connection.onRequest('audit/sign', (raw: unknown) => {
    const { facts, closed } = signRequestSchema.parse(raw);
    window.keys = keysAfter(window.keys, closed);
    window.logId = facts.logId;
    window.signed = facts.size;
    return { kind: 'signed', note: signCheckpoint(window.keys, facts, 'editor') };
  });
  return window;
}

/** Some calls, and then the end of the broker. */
async function live(house: TestHouse): Promise<void> {
  const agent = await house.introducedAgent();
  for (let i = 0; i < 3; i += 1) await agent.call('shell_exec', { command: 'echo', args: [String(i)] });
  const { pid } = await house.status();
  agent.child.kill('SIGKILL');
  await endProcess(pid);
}

/** Chains entries to the end of a log, as a program can that never saw a key. */
function appendForged(log: string, entries: readonly NewEntry[]): void {
  const last = readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  const nextId = eventIds();
  let { seq, head } = { seq: (JSON.parse(last) as { seq: number }).seq, head: last.slice(-66, -2) };
  for (const entry of entries) {
    const bytes = Buffer.alloc(4_096);
    const written = writeLine(bytes, 0, prepareEntry(entry, nextId(), new Date().toISOString()), (seq += 1), head);
    head = written.hash;
    appendFileSync(log, bytes.subarray(0, written.end));
  }
}

function verify(house: TestHouse, ...args: string[]): { status: number | null; report: Json } {
  const { status, stdout } = house.run('audit', 'verify', '--json', ...args);
  return { status, report: JSON.parse(stdout) as Json };
}

const config = { plugins: { shell: { allowedCommands: ['echo'] } }, server: { idleMinutes: 1 } };

describe('a signed log', function () {
  this.timeout(120_000);
  let house: TestHouse;
  const checkpoints = (): string => join(house.configDir, 'audit.checkpoints');
  beforeEach(() => { house = new TestHouse(config); });
  afterEach(() => house.close());

  it('audit:signed-by-window: is signed to its last entry by the window that is there, and verifies with that key from outside', async () => {
    const window = await openWindow(house);
    await live(house);
    const key = verifierKeyText(logKeyOf(window.keys, window.logId));
    const { status, report } = verify(house, '--public-key', key, '--roots');
    assert.deepEqual([status, report['verdict'], report['level']], [0, 'intact', 'signed'], JSON.stringify(report));
    assert.equal(house.entries().length, window.signed);
    // The key is told of when it first signs, which here is at the very end.
    assert.deepEqual(house.entries().slice(-3).map(({ tool }) => tool), ['audit.checkpoint', 'broker.stopped', 'audit.key']);
    assert.match(house.run('audit', 'verify', '--public-key', key).stdout, new RegExp(`^Intact \\(signed to #${window.signed}; not anchored outside\\)`));
    assert.match(house.run('audit', 'verify').stdout, /by a key that only the log itself names/);
    assert.ok(!existsSync(join(house.configDir, 'audit.key')), 'no key file while a window signs');
    for (const entry of [4, house.entries()[1]?.['id']].map(String)) {
      const proof = join(house.base, 'proof.json');
      assert.equal(house.run('audit', 'prove', entry, '--out', proof).status, 0);
      assert.equal(house.run('audit', 'check-proof', proof, '--public-key', key).status, 0);
      assert.equal(house.run('audit', 'check-proof', proof, '--public-key', verifierKeyText(logKeyOf(newLogKeys(), window.logId))).status, 1);
    }
  });

  it('audit:signed-by-file: is signed with a private key file when no window is there, which is named as the weaker level', async () => {
    await live(house);
    const file = join(house.configDir, 'audit.key');
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
    const { status, report } = verify(house);
    assert.deepEqual([status, report['level']], [0, 'signed']);
    assert.match(String((report['trust'] as Json)['words']), /with a key file, which who can write the log can use as well/);
    assert.match(house.run('doctor').stdout, /signatures: signed to #\d+ .*the weaker level/);
    const agent = await house.introducedAgent();
    for (const path of [file, checkpoints()]) {
      const refused = await agent.call('filesystem_read', { path });
      assert.equal(refused.isError, true, refused.text);
    }
  });

  it('T80 T81 names what was done to the log or to its checkpoints', async () => {
    const window = await openWindow(house);
    await live(house);
    const window2 = await openWindow(house);
    Object.assign(window2, window);
    await live(house);
    const key = verifierKeyText(logKeyOf(window.keys, window.logId));
    const [log, notes] = [readFileSync(house.log), readFileSync(checkpoints())];
    const whole = verify(house, '--public-key', key).report;
    assert.equal(whole['verdict'], 'intact', JSON.stringify(whole));
    const cases: readonly (readonly [string, () => void, readonly string[], string, RegExp])[] = [
      ['a cut end', () => writeFileSync(house.log, `${log.toString().trimEnd().split('\n').slice(0, -2).join('\n')}\n`), [], 'truncation', /ahead of the log/],
      ['a cut in the middle of a line', () => writeFileSync(house.log, log.subarray(0, log.length - 30)), [], 'truncation', /ahead of the log/],
      ['no checkpoints', () => rmSync(checkpoints()), ['--public-key', key], 'unsigned', /removed|no checkpoint/],
      ['no checkpoints, and nobody who knows the key', () => rmSync(checkpoints()), [], 'unsigned', /tells of a signed checkpoint/],
      ['another log', () => undefined, ['--log-id', 'ab'.repeat(16)], 'fork', /another log/],
      ['another key', () => undefined, ['--public-key', verifierKeyText(logKeyOf(newLogKeys(), window.logId))], 'unsigned', /no checkpoint of that key/],
      ['a changed checkpoint', () => writeFileSync(checkpoints(), notes.toString().replaceAll('signer editor', 'signer file')), [], 'signature', /forged or changed|removed or changed/],
      ['a shorter log than noted', () => undefined, ['--anchor-size', '9999', '--anchor-head', 'a'.repeat(64)], 'truncation', /9999 entries when they were noted/],
      ['another head than noted', () => undefined, ['--anchor-size', '3', '--anchor-head', 'a'.repeat(64)], 'fork', /Entry #3 is not the one that was noted/],
    ];
    for (const [what, damage, args, kind, message] of cases) {
      damage();
      const { status, report } = verify(house, '--file', house.log, ...args);
      assert.deepEqual([status, report['verdict'], report['class']], [1, 'tampered', kind], `${what}: ${JSON.stringify(report)}`);
      assert.match(String(report['message']), message, what);
      writeFileSync(house.log, log);
      writeFileSync(checkpoints(), notes);
    }
    const third = house.entries()[2];
    const anchored = verify(house, '--anchor-size', '3', '--anchor-head', String(third?.['hash']));
    assert.deepEqual([anchored.status, anchored.report['level']], [0, 'anchored']);
    assert.match(String((anchored.report['trust'] as Json)['words']), /anchored outside to #3 \(as you noted it\); \d+ entries after #3 intact, not yet anchored/);
  });

  it('T81 T86 audit:signed-late: what another program of the user chained to the log while no broker ran is named, also once it is signed over, and so is what a killed broker left', async () => {
    let window = await openWindow(house);
    const openAgain = async (): Promise<void> => { window = Object.assign(await openWindow(house), window); };
    await live(house);
    await openAgain();
    await live(house);
    const key = verifierKeyText(logKeyOf(window.keys, window.logId));
    const trust = (): Json => verify(house, '--public-key', key).report['trust'] as Json;
    assert.deepEqual(trust()['late'], [], 'runs that ended by themselves are signed to their ends');
    const honest = house.entries().length;
    appendForged(house.log, [
      { phase: 'event', tool: 'broker.started', input: { version: '9', previous: null }, result: 'ok', actor: { role: 'broker', user: 'ann' } },
      { phase: 'event', tool: 'grant.created', input: {}, result: 'ok', actor: { role: 'broker', user: 'ann' } },
      { phase: 'event', tool: 'broker.stopped', input: { why: 'idle' }, result: 'ok', actor: { role: 'broker', user: 'ann' } },
    ]);
    const before = verify(house, '--public-key', key).report;
    assert.match(String((before['trust'] as Json)['words']), new RegExp(`signed to #${honest}; 3 entries after #${honest} intact, not yet signed`));
    await openAgain();
    await live(house);
    const { late, words } = trust();
    const forged = { from: honest + 1, to: honest + 3, run: honest + 4 };
    assert.deepEqual([late, words], [[forged], `signed to #${house.entries().length} (#${forged.from}-#${forged.to} only afterwards); not anchored outside`]);
    assert.match(house.run('audit', 'verify', '--public-key', key).stdout, new RegExp(`Entries #${forged.from} to #${forged.to} were not signed when the next run began with #${forged.run}: of a broker that was cut off, or appended by another program`));

    await openAgain();
    const agent = await house.introducedAgent();
    await agent.call('shell_exec', { command: 'echo', args: ['cut off'] });
    const { pid } = await house.status();
    agent.child.kill('SIGKILL');
    await endProcess(pid, 'SIGKILL');
    const cut = house.entries().length;
    await openAgain();
    await live(house);
    const lateNow = trust()['late'] as Json[];
    assert.equal(lateNow.length, 2);
    assert.ok(Number(lateNow[1]?.['to']) >= cut, JSON.stringify(lateNow));
  });

  it('audit:python-proof: a proof is checked by a script in another language, and falls when it is changed', async function () {
    if (spawnSync('python3', ['--version']).status !== 0 || spawnSync('openssl', ['version']).status !== 0) this.skip();
    this.timeout(180_000);
    const window = await openWindow(house);
    await live(house);
    const key = verifierKeyText(logKeyOf(window.keys, window.logId));
    const file = join(house.base, 'proof.json');
    const script = resolve(__dirname, '../../scripts/check_proof.py');
    const python = (): { status: number | null; stdout: string } => spawnSync('python3', [script, file, key], { encoding: 'utf8' });
    for (const seq of [1, 6, window.signed]) {
      assert.equal(house.run('audit', 'prove', String(seq), '--out', file).status, 0);
      assert.deepEqual([python().status, python().stdout.startsWith(`valid: entry #${seq} stands in conductor.local/audit/`)], [0, true], python().stdout);
    }
    assert.equal(house.run('audit', 'prove', '2', '--out', file).status, 0);
    const good = readFileSync(file, 'utf8');
    for (const [from, to] of [['broker.started', 'broker.starter'], ['signer editor', 'signer  ditor'], ['"seq": ', '"seq": 1']] as const) {
      assert.ok(good.includes(from));
      writeFileSync(file, good.replaceAll(from, to));
      assert.equal(python().status, 1, `${from}: ${python().stdout}`);
    }
  });
});
