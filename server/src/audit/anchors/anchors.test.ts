import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noteHash, parseCheckpoint, type Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import { namedLogKey, newLogKeys, signCheckpoint } from '../../../../protocol/src/audit/keys';
import { Frontier, leafOf } from '../../../../protocol/src/audit/merkle';
import { cosignedAt, type NoteSignature } from '../../../../protocol/src/audit/note';
import { Witness } from '../../../../test/fakes/witness';
import { realDisk } from '../files/disk';
import { openAuditWriter, type AuditWriter } from '../write/writer';
import { gitAnchor, readGitAnchor, type Git } from './gitRef';
import type { Holding } from '../checkpoints/holding';
import { AnchorKeeper, type Anchor, type Offer } from './keeper';
import { readSystemLog, systemLogAnchor, systemLogLine } from './systemLog';
import { witnessAnchor } from './witness';

const keys = newLogKeys();
const logId = 'ab'.repeat(16);

/** A checkpoint over the hashes of entries. */
function offerOver(hashes: readonly string[], previous?: Checkpoint): Offer {
  const edge = new Frontier();
  for (const hash of hashes) edge.append(leafOf(Buffer.from(hash, 'hex')));
  const facts = { logId, size: hashes.length, root: edge.root().toString('hex'), head: hashes.at(-1) ?? '', segment: 1, bytes: 1, segmentDigest: 'c'.repeat(64), previous: previous && noteHash(previous), time: '2026-11-21T20:53:17.123Z' };
  const checkpoint = parseCheckpoint(signCheckpoint(keys, facts, 'editor'));
  assert.ok(checkpoint !== undefined);
  return { checkpoint, edge };
}

const honest: Holding = { holds: () => Promise.resolve(true), isReplacement: () => Promise.resolve(false) };
const digit = (text: string): string => text.repeat(64);

describe('the keeper of places outside the log', () => {
  it('visits each place with the newest only, not too often, tells what fails, and holds nobody up', async () => {
    let clock = 0;
    const timers: { run: () => void; at: number }[] = [];
    const visits: string[] = [];
    let release: (() => void) | undefined;
    const slow: Anchor = { name: 'slow', put: ({ checkpoint }) => new Promise((resolve) => { visits.push(`slow ${checkpoint.size}`); release = () => resolve([]); }) };
    const broken: Anchor = { name: 'broken', put: ({ checkpoint }) => { visits.push(`broken ${checkpoint.size}`); return Promise.reject(new Error('nobody is there')); } };
    const keeper = new AnchorKeeper({ now: () => clock, wallNow: () => 0, schedule: (run, ms) => { timers.push({ run, at: clock + ms }); return () => undefined; }, signed: () => Promise.resolve(), changed: () => undefined });
    keeper.use([slow, broken]);
    for (const size of [1, 2, 3]) keeper.offer(offerOver(Array.from({ length: size }, () => digit('a'))));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(visits, ['slow 1', 'broken 1']);
    assert.deepEqual(keeper.states().map(({ entries, problem }) => [entries, problem]), [[null, null], [null, 'nobody is there']]);
    release?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(visits.length, 2, 'a minute must pass');
    clock = 60_000;
    for (const timer of timers.splice(0)) timer.run();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(visits.slice(2).sort(), ['broken 3', 'slow 3']);
    assert.equal(keeper.states()[0]?.entries, 1);
    clock = 120_000;
    for (const timer of timers.splice(0)) timer.run();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(visits.slice(4), ['broken 3'], 'what failed is tried again');
    keeper.close();
  });
});

describe('places outside the log, each with its real counterpart', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'conductor-anchors-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('the system log takes a line from the real logger program', async function () {
    const logger = ['/usr/bin/logger', '/bin/logger'].find((path) => existsSync(path));
    // Every Linux has it; elsewhere there is another program, which we have not tried.
    if (logger === undefined && process.platform !== 'linux') this.skip();
    assert.ok(logger !== undefined, 'the program logger is missing');
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const heard = new Promise<string>((resolve) => socket.once('message', (message) => resolve(message.toString())));
    const offer = offerOver([digit('a'), digit('b')]);
    const programs = { find: () => logger ?? '', environment: () => ({ PATH: '/usr/bin:/bin' }) };
    await systemLogAnchor(programs, ['-n', '127.0.0.1', '-P', String(socket.address().port), '-d']).put(offer);
    const line = await heard;
    socket.close();
    assert.match(line, new RegExp(`conductor-audit.* conductor\\.local/audit/${logId} size 2 head sha256:${digit('b')} root ${offer.checkpoint.root} note sha256:${noteHash(offer.checkpoint)}`));
    await assert.rejects(systemLogAnchor({ ...programs, find: () => ({ refused: 'there is none' }) }).put(offer), /there is none/);
    await assert.rejects(systemLogAnchor(programs, ['--no-such-option']).put(offer), /did not take the checkpoint/);
  });

  it('audit:anchored the journal of the system gives back the heads of this log, and no other lines', async () => {
    const said = join(folder, 'said');
    const journalctl = join(folder, 'journalctl');
    // What the real one prints for these arguments; it was tried with systemd 252.
    writeFileSync(journalctl, `#!/bin/sh\nprintf '%s\\n' "$*" >${said}.args\ncat ${said}\n`, { mode: 0o755 });
    const programs = { find: () => journalctl, environment: () => ({ PATH: '/usr/bin:/bin' }) };
    const micros = (n: number): string => String(Date.parse('2026-11-21T20:00:00.000Z') * 1_000 + n);
    const lineOf = (hashes: readonly string[], n: number): string => JSON.stringify({ MESSAGE: systemLogLine(offerOver(hashes).checkpoint), __REALTIME_TIMESTAMP: micros(n) });
    const digits = Array.from({ length: 3 }, (_, i) => digit('abc'.charAt(i)));
    const foreign = lineOf(digits, 9).replace(logId, 'cd'.repeat(16));
    writeFileSync(said, [lineOf(digits.slice(0, 1), 0), 'no JSON', JSON.stringify({ MESSAGE: [104, 105] }), foreign, lineOf(digits.slice(0, 2), 5_000), lineOf(digits.slice(0, 2), 6_000), lineOf(digits, 7_000), ''].join('\n'));
    const { heads, missed } = await readSystemLog(programs, logId, 1000);
    assert.deepEqual(heads.map(({ entries, head, place }) => [entries, head, place]), [[3, digit('c'), 'system log'], [2, digit('b'), 'system log'], [1, digit('a'), 'system log']]);
    assert.deepEqual([heads[0]?.at, heads[0]?.logId, missed], ['2026-11-21T20:00:00.007Z', logId, 0]);
    assert.match(readFileSync(`${said}.args`, 'utf8'), /SYSLOG_IDENTIFIER=conductor-audit _UID=1000/);
    // Whoever adds many lines does not push the others out of sight.
    const forged = Array.from({ length: 5_000 }, (_, i) => JSON.stringify({ MESSAGE: `conductor.local/audit/${logId} size ${String(10 + i)} head sha256:${digit('d')} root x note y`, __REALTIME_TIMESTAMP: micros(i) }));
    writeFileSync(said, [lineOf(digits, 0), ...forged].join('\n'));
    const many = await readSystemLog(programs, logId, 1000);
    assert.ok(many.heads.length <= 400 && many.missed === 5_001 - many.heads.length);
    assert.equal(many.heads.find(({ entries }) => entries === 3)?.head, digit('c'), 'the oldest is among them');
    writeFileSync(journalctl, '#!/bin/sh\necho "no journal here" >&2\nexit 1\n');
    await assert.rejects(readSystemLog(programs, logId, 1000), /no journal here/);
    await assert.rejects(readSystemLog({ ...programs, find: () => ({ refused: 'there is none' }) }, logId, 1000), /by hand only: there is none/);
  });

  it('a git reference gets a commit for each checkpoint, without hooks, and a bare remote gets them pushed', async () => {
    const repository = join(folder, 'repo');
    const remote = join(folder, 'remote.git');
    const environment = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
    const gitProgram = (...args: string[]): string => execFileSync('git', args, { env: environment, encoding: 'utf8' }).trim();
    gitProgram('init', '--quiet', repository);
    gitProgram('init', '--quiet', '--bare', remote);
    mkdirSync(join(repository, '.git', 'hooks'), { recursive: true });
    for (const hook of ['reference-transaction', 'post-commit', 'pre-push']) {
      writeFileSync(join(repository, '.git', 'hooks', hook), `#!/bin/sh\ntouch ${join(folder, `ran-${hook}`)}\n`);
      chmodSync(join(repository, '.git', 'hooks', hook), 0o755);
    }
    // What an agent could write there must send nothing elsewhere.
    gitProgram('-C', repository, 'config', `url.${join(folder, 'elsewhere')}.insteadOf`, remote);
    const neutral = { ...environment, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.hooksPath', GIT_CONFIG_VALUE_0: '/dev/null', GIT_ALLOW_PROTOCOL: 'file' };
    const path = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
    const git: Git = { find: () => path, neutral, pushing: neutral, privateRepository: join(folder, 'anchor.git') };
    const place = { repository, ref: 'refs/conductor/audit', push: remote };
    assert.equal(await readGitAnchor(place, git), undefined);
    const anchor = gitAnchor(place, git, honest);
    const first = offerOver([digit('a')]);
    const second = offerOver([digit('a'), digit('b')], first.checkpoint);
    await anchor.put(first);
    await anchor.put(second);
    for (const where of [join(repository, '.git'), remote]) {
      assert.deepEqual(gitProgram(`--git-dir=${where}`, 'log', '--format=%s', 'refs/conductor/audit').split('\n'), ['Audit log to #2', 'Audit log to #1']);
      assert.ok(gitProgram(`--git-dir=${where}`, 'show', 'refs/conductor/audit:checkpoint').includes(second.checkpoint.head));
    }
    assert.equal(gitProgram('-C', repository, 'status', '--porcelain'), '', 'the work tree is as it was');
    for (const hook of ['reference-transaction', 'post-commit', 'pre-push']) assert.ok(!existsSync(join(folder, `ran-${hook}`)), hook);
    assert.ok(!existsSync(join(folder, 'elsewhere')));
    const found = await readGitAnchor(place, git);
    assert.deepEqual([found?.entries, found?.head], [2, digit('b')]);
    // A log that was cut, rewritten, or put in the place of another must not hide what is there.
    const rewritten = gitAnchor(place, git, { ...honest, holds: () => Promise.resolve(false) });
    await assert.rejects(anchor.put(first), /was left as it is. It has 2 entries of this log, which has 1 now/);
    await assert.rejects(rewritten.put(offerOver([digit('a'), digit('c'), digit('d')])), /another entry #2 than this log/);
    assert.deepEqual((await readGitAnchor(place, git))?.head, digit('b'));
    // Somebody gives the commit a signature and the repository a program that would check it.
    const signed = gitProgram(`--git-dir=${join(repository, '.git')}`, 'cat-file', 'commit', place.ref).replace('\n\n', '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n');
    writeFileSync(join(folder, 'commit'), `${signed}\n`);
    gitProgram('-C', repository, 'update-ref', place.ref, gitProgram('-C', repository, 'hash-object', '-t', 'commit', '-w', join(folder, 'commit')));
    writeFileSync(join(folder, 'checker'), `#!/bin/sh\ntouch ${join(folder, 'ran-checker')}\n`, { mode: 0o755 });
    gitProgram('-C', repository, 'config', 'log.showSignature', 'true');
    gitProgram('-C', repository, 'config', 'gpg.program', join(folder, 'checker'));
    assert.equal((await readGitAnchor(place, git))?.entries, 2);
    assert.ok(!existsSync(join(folder, 'ran-checker')), 'nothing of the repository runs');
    gitProgram('-C', repository, 'show', '--no-patch', place.ref);
    assert.ok(existsSync(join(folder, 'ran-checker')), 'git alone starts it, so this test can fail');
    gitProgram('-C', repository, 'config', '--unset', 'log.showSignature');
    await assert.rejects(gitAnchor({ ...place, push: join(folder, 'nowhere.git') }, git, honest).put(offerOver([digit('a'), digit('b'), digit('c')])), /git push failed/);
    await assert.rejects(gitAnchor({ ...place, repository: join(folder, 'no-repo') }, git, honest).put(first), /git hash-object failed|git rev-parse failed/);
  });

  describe('a witness', () => {
    let witness: Witness;
    let url: string;
    let writer: AuditWriter;
    let log: string;
    const hashes = (): string[] => readFileSync(log, 'utf8').trimEnd().split('\n').map((line) => line.slice(-66, -2));
    const write = async (count: number): Promise<void> => { for (let i = 0; i < count; i += 1) await writer.append({ phase: 'event', tool: 'test.event', input: { i }, result: 'ok' }); };
    const cosigned = ({ checkpoint }: Offer, signatures: readonly NoteSignature[]): number | undefined => cosignedAt({ text: checkpoint.note.text, signatures }, witness.key);

    beforeEach(async () => {
      witness = new Witness();
      url = await witness.open();
      log = join(folder, 'audit.log');
      writer = await openAuditWriter({ path: log, createdBy: 'test' });
      witness.logs.set(`conductor.local/audit/${logId}`, namedLogKey(offerOver([digit('a')]).checkpoint));
    });
    afterEach(async () => {
      await writer.close();
      await witness.close();
    });

    it('cosigns what just grew, also after we forgot what it saw', async () => {
      const anchor = (): Anchor => witnessAnchor({ url, key: witness.key }, log, realDisk);
      const one = anchor();
      for (const more of [3, 1, 6]) {
        await write(more);
        const offer = offerOver(hashes());
        assert.equal(cosigned(offer, await one.put(offer)), witness.seconds);
      }
      assert.deepEqual(witness.answered, [200, 200, 200]);
      await write(5);
      const offer = offerOver(hashes());
      assert.equal(cosigned(offer, await anchor().put(offer)), witness.seconds);
      assert.deepEqual(witness.answered.slice(3), [409, 200]);
    });

    it('T81 does not cosign a log that was rewritten or went back, and we say what that means', async () => {
      const anchor = witnessAnchor({ url, key: witness.key }, log, realDisk);
      await write(6);
      await anchor.put(offerOver(hashes()));
      const shorter = offerOver(hashes().slice(0, 4));
      await assert.rejects(anchor.put(shorter), /has seen 7 entries of this log, and it has 4 now|cannot continue/);
      await writer.close();
      rmSync(log);
      writer = await openAuditWriter({ path: log, createdBy: 'test' });
      await write(9);
      await assert.rejects(witnessAnchor({ url, key: witness.key }, log, realDisk).put(offerOver(hashes())), /does not accept that the log just grew/);
    });

    it('is told of when it does not know us, answers nonsense, or is not there', async () => {
      await write(2);
      const offer = offerOver(hashes());
      const put = (place = { url, key: witness.key }): Promise<unknown> => witnessAnchor(place, log, realDisk).put(offer);
      witness.logs.set(`conductor.local/audit/${logId}`, { ...witness.key, kind: 'ed25519' });
      await assert.rejects(put(), /does not know the key of this log/);
      witness.logs.clear();
      await assert.rejects(put(), /does not know this log/);
      witness.logs.set(`conductor.local/audit/${logId}`, namedLogKey(offer.checkpoint));
      await assert.rejects(put({ url, key: { ...witness.key, keyId: '00000000' } }), /without a cosignature of its key/);
      await witness.close();
      await assert.rejects(put(), /cannot be reached/);
    });
  });
});
