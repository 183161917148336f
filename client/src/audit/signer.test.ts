import assert from 'node:assert/strict';
import { parseCheckpoint } from '../../../protocol/src/audit/checkpoint';
import type { SignRequest } from '../../../protocol/src/audit/signing';
import { judgeSeries, signatureFlaw } from '../../../protocol/src/audit/series';
import { LogKeyStore, type Secrets } from '../credentials/logKeys';
import { Signer } from './signer';

const logId = 'ab'.repeat(16);
const digit = (text: string): string => text.repeat(64);

function request(size: number, head: string, closed: SignRequest['closed'] = []): SignRequest {
  return { facts: { logId, size, root: digit('1'), head: digit(head), segment: 1, bytes: 9, segmentDigest: digit('2'), time: '2026-11-21T20:53:17.123Z' }, closed };
}

function memorySecrets(): Secrets & { values: Map<string, string> } {
  const values = new Map<string, string>();
  return { values, get: (name) => Promise.resolve(values.get(name)), store: (name, value) => Promise.resolve(void values.set(name, value)) };
}

const never = (): Promise<string | undefined> => Promise.reject(new Error('nobody should ask'));

describe('the signer of this editor', () => {
  it('signs with a key of its own for each log, which it keeps', async () => {
    const secrets = memorySecrets();
    const signer = new Signer(new LogKeyStore(secrets), () => Promise.resolve(digit('a')));
    assert.equal(await signer.known(logId), undefined);
    const first = await signer.answer(request(3, 'a'));
    const again = await new Signer(new LogKeyStore(secrets), () => Promise.resolve(digit('a'))).answer(request(4, 'b'));
    const [one, two] = [first, again].map((answer) => parseCheckpoint(answer.kind === 'signed' ? answer.note : ''));
    assert.ok(one !== undefined && two !== undefined);
    assert.deepEqual([signatureFlaw(one), signatureFlaw(two), one.signer], [undefined, undefined, 'editor']);
    assert.deepEqual(one.logKey, two.logKey);
    assert.deepEqual((await signer.known(logId))?.signed, { entries: 4, head: digit('b'), at: '2026-11-21T20:53:17.123Z' });
    const other = await signer.answer({ ...request(3, 'a'), facts: { ...request(3, 'a').facts, logId: 'cd'.repeat(16) } });
    assert.notDeepEqual(parseCheckpoint(other.kind === 'signed' ? other.note : '')?.logKey, one.logKey);
  });

  it('goes on to the announced key when an epoch is closed, and forgets the old one', async () => {
    const secrets = memorySecrets();
    const signer = new Signer(new LogKeyStore(secrets), () => Promise.resolve(digit('a')));
    const first = parseCheckpoint(await signer.answer(request(3, 'a')).then((answer) => (answer.kind === 'signed' ? answer.note : '')));
    assert.ok(first !== undefined);
    const before = /"key":"([0-9a-f]{64})"/.exec([...secrets.values.values()].join(''))?.[1] ?? 'none';
    const closed = [{ logKey: first.logKey.toString('base64'), epoch: 1 }];
    const second = parseCheckpoint(await signer.answer(request(4, 'b', closed)).then((answer) => (answer.kind === 'signed' ? answer.note : '')));
    assert.ok(second !== undefined);
    assert.deepEqual([second.epoch, second.epochKey], [2, first.nextKey]);
    assert.ok(![...secrets.values.values()].join('').includes(before));
    assert.deepEqual(judgeSeries([first]).problems, []);
  });

  it('T80 T81 refuses a log that went back, and one that was rewritten behind what it signed', async () => {
    const asked: number[] = [];
    const signer = new Signer(new LogKeyStore(memorySecrets()), (seq) => {
      asked.push(seq);
      return Promise.resolve(digit('a'));
    });
    await signer.answer(request(10, 'a'));
    assert.match(JSON.stringify(await signer.answer(request(9, 'a'))), /refused.*signed 10 entries before, and the log has 9/);
    assert.match(JSON.stringify(await signer.answer(request(10, 'b'))), /refused.*#10/);
    assert.equal((await signer.answer(request(12, 'c'))).kind, 'signed');
    assert.match(JSON.stringify(await signer.answer(request(15, 'd'))), /refused.*#12.*rewritten or replaced/);
    assert.deepEqual(asked, [10, 12]);
  });

  it('says so when it has no storage, and does not sign with a key that would be lost', async () => {
    const locked = new Signer(new LogKeyStore({ get: () => Promise.reject(new Error('the keyring is locked')), store: () => Promise.resolve() }), never);
    assert.match(JSON.stringify(await locked.answer(request(1, 'a'))), /unavailable.*keyring is locked/);
    const forgetful = new Signer(new LogKeyStore({ get: () => Promise.resolve(undefined), store: () => Promise.resolve() }), never);
    assert.match(JSON.stringify(await forgetful.answer(request(1, 'a'))), /unavailable.*does not keep/);
    const odd = new Signer(new LogKeyStore({ get: () => Promise.resolve('{"keys":1}'), store: () => Promise.resolve() }), never);
    assert.equal((await odd.answer(request(1, 'a'))).kind, 'unavailable');
  });

  it('audit:self-test signs nothing in an editor whose cryptography is wrong, and says why', async () => {
    const secrets = memorySecrets();
    const signer = new Signer(new LogKeyStore(secrets), never, () => 'Ed25519 of this runtime does not give the published results.');
    assert.deepEqual(await signer.answer(request(1, 'a')), { kind: 'unavailable', reason: 'Ed25519 of this runtime does not give the published results. It signs nothing.' });
    assert.equal(secrets.values.size, 0);
  });

  it('answers one after the other', async () => {
    const signer = new Signer(new LogKeyStore(memorySecrets()), () => Promise.resolve(digit('a')));
    const answers = await Promise.all([signer.answer(request(3, 'a')), signer.answer(request(4, 'b'))]);
    const keys = answers.map((answer) => parseCheckpoint(answer.kind === 'signed' ? answer.note : '')?.logKey.toString('hex'));
    assert.equal(keys[0], keys[1]);
  });
});
