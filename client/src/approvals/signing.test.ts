import assert from 'node:assert/strict';
import type { Decision, Pending } from '../../../protocol/src/approvals';
import { approverId, fingerprintText, registrationOf, type RegistrationState } from '../../../protocol/src/approvers';
import { publicKeyOf } from '../../../protocol/src/audit/ed25519';
import { signAnswer, statementFits, statementOf, statementText } from '../../../protocol/src/statement';
import { examplePending } from '../../../test/fakes/pending';
import type { Broker, Link } from '../broker';
import { Lifetime } from '../lifetime';
import type { Approver } from './approver';
import { AnswerSigner } from './signing';

const seed = Buffer.alloc(32, 7);
const key = approverId(publicKeyOf(seed));
const approver: Approver = { shown: fingerprintText(key), registration: registrationOf(seed, 'editor', 'Editor'), sign: (call, answer) => signAnswer(call, answer, seed, '2026-11-22T12:00:00.000Z') };
const call = examplePending();
const yes = { id: call.id, digest: call.digest, decision: 'approve' } as const;

/** A window whose broker answers registrations with what `states` gives next. */
function windowWith(states: (() => Promise<Partial<RegistrationState>>)[], open: () => Promise<Approver> = () => Promise.resolve(approver)): { signer: AnswerSigner; connect(): void; keysChanged(): void; said: string[]; asked: unknown[] } {
  const said: string[] = [];
  const asked: unknown[] = [];
  const links: ((link: Link) => void)[] = [];
  const changes: (() => void)[] = [];
  const broker = {
    onLink: (listener: (link: Link) => void) => kept(() => links.push(listener)),
    on: (_name: string, listener: () => void) => kept(() => changes.push(listener)),
    request: async (name: string, params: unknown) => {
      asked.push([name, params]);
      return { key, message: '', ...(await states.shift()?.()) };
    },
  } as unknown as Broker;
  const signer = new AnswerSigner(broker, open, { note: (text) => said.push(text), warn: (text) => said.push(`! ${text}`) }, new Lifetime());
  return { signer, said, asked, connect: () => links.forEach((listener) => listener({ kind: 'connected', version: '0' })), keysChanged: () => changes.forEach((listener) => listener()) };
}

function kept(keep: () => void): { dispose(): void } {
  keep();
  return { dispose: () => undefined };
}

/** Whether an answer carries this key's signature under just this question. */
function signedFor(question: Pending, answer: Decision): boolean {
  const { signature } = answer;
  return signature !== undefined && statementFits(statementText(statementOf(question, answer, signature)), signature.bytes, publicKeyOf(seed).toString('base64'));
}

const becomes = (state: RegistrationState['state'], message = '') => () => Promise.resolve({ state, message });

describe('the signer of answers', () => {
  it('N11 signs nothing before its key counts', async () => {
    const { signer } = windowWith([]);
    assert.deepEqual(await signer.sign(call, yes), yes);
    assert.equal(signer.stand.kind, 'none');
  });

  it('N11 registers its key after connecting, says that it was believed, and signs what was shown', async () => {
    const { signer, connect, said, asked } = windowWith([becomes('first use')]);
    connect();
    const signed = await signer.sign(call, yes);
    assert.deepEqual(asked, [['approvals/register', approver.registration]]);
    assert.equal(signer.stand.kind, 'signed');
    assert.match(said.join(), /signed with key [0-9a-f]{4} /);
    assert.equal(signed.signature?.key, key);
    assert.ok(signedFor(call, signed));
    assert.ok(!signedFor(examplePending({ raw: 'rm -rf /' }), signed));
  });

  it('N11 an answer given while the key is being registered waits for that, and is signed', async () => {
    let answer: (state: Partial<RegistrationState>) => void = () => undefined;
    const { signer, connect } = windowWith([() => new Promise((resolve) => (answer = resolve))]);
    connect();
    const signing = signer.sign(call, yes);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    answer({ state: 'registered' });
    assert.equal((await signing).signature?.key, key);
  });

  for (const state of ['asked', 'refused'] as const) {
    it(`N11 a key that is ${state} signs nothing; the person is warned once, in words that cannot become icons`, async () => {
      const { signer, connect, keysChanged, said } = windowWith([becomes(state, 'Another key must approve it: $(check) fine.'), becomes(state, 'the same')]);
      connect();
      assert.deepEqual(await signer.sign(call, yes), yes);
      keysChanged();
      assert.deepEqual(await signer.sign(call, yes), yes);
      assert.equal(signer.stand.kind, state);
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', /^! Conductor: what you approve at this window is not signed\..*\\\$\(check\)/);
    });
  }

  it('N11 a key that was approved since signs from then on, and one that was removed no longer', async () => {
    const { signer, connect, keysChanged } = windowWith([becomes('asked', 'wait'), becomes('registered'), becomes('refused', 'It was removed.')]);
    connect();
    assert.equal((await signer.sign(call, yes)).signature, undefined);
    keysChanged();
    assert.equal((await signer.sign(call, yes)).signature?.key, key);
    keysChanged();
    assert.equal((await signer.sign(call, yes)).signature, undefined);
    assert.match(signer.stand.words, /It was removed/);
  });

  it('N11 without secret storage answers are unsigned, that is said once, and the storage is tried again', async () => {
    let tries = 0;
    const open = (): Promise<Approver> => ((tries += 1) < 3 ? Promise.reject(new Error('The storage is locked.')) : Promise.resolve(approver));
    const { signer, connect, keysChanged, said } = windowWith([becomes('registered')], open);
    connect();
    assert.deepEqual(await signer.sign(call, yes), yes);
    keysChanged();
    assert.deepEqual(await signer.sign(call, yes), yes);
    assert.match(signer.stand.words, /weaker level: The storage is locked/);
    assert.equal(said.length, 1);
    keysChanged();
    assert.equal((await signer.sign(call, yes)).signature?.key, key);
  });

  it('N11 a broker that does not answer leaves answers unsigned', async () => {
    const { signer, connect } = windowWith([() => Promise.reject(new Error('No answer in 30 s.'))]);
    connect();
    assert.deepEqual(await signer.sign(call, yes), yes);
    assert.equal(signer.stand.kind, 'none');
  });
});
