import assert from 'node:assert/strict';
import { approverId, keyChangeDigest, type ApproverKey } from '../../../../protocol/src/approvers';
import { maxLineBytes, prepareEntry, sha256 } from '../../../../protocol/src/audit/bytes';
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import { publicKeyOf, signBytes } from '../../../../protocol/src/audit/ed25519';
import type { StoredEntry } from '../../../../protocol/src/audit/entry';
import { factsOfResult, statementText } from '../../../../protocol/src/statement';
import { ApprovalCheck } from './approvalCheck';
import { removedMarker } from '../../../../protocol/src/audit/removed';
import { ShownQuestions } from './shownQuestions';

/** What somebody who writes the log by hand gets past the check of answers and keys. */

const now = '2026-11-22T10:00:00.000Z';
const question = 'evt_01K0000000000000000000000B';
const [mine, stranger] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as [Buffer, Buffer];

function keyOf(seed: Buffer, trust: string): ApproverKey {
  const key = publicKeyOf(seed);
  return { id: approverId(key), place: 'editor', name: 'a window', publicKey: key.toString('base64'), addedAt: now, trust };
}

function entry(tool: string, input: StoredEntry['input'], approval?: StoredEntry['approval']): StoredEntry {
  return { v: 1, seq: 1, id: question, timestamp: now, phase: 'event', tool, input, result: 'ok', ...(approval === undefined ? {} : { approval }) } as StoredEntry;
}

const first = keyOf(mine, 'first use');
const further = keyOf(stranger, first.id);

/** An answer that lets the further key in, signed with this seed, under this word. */
function letIn(seed: Buffer, decision: string): StoredEntry['approval'] {
  const hash = 'ab'.repeat(32);
  const statement = statementText({ decision: 'approve', question, tool: 'approvals.addKey', plan: keyChangeDigest('approvals.addKey', further), shown: hash, answer: hash, policy: hash, pin: hash, nonce: hash, asked: now, expires: now, given: now, key: first.id });
  return { id: question, decision, by: 'editor', waitedMs: 0, level: 'editor key', signed: { statement, signature: signBytes(seed, Buffer.from(statement)).toString('base64') } };
}

describe('audit/approvalCheck', () => {
  const checked = (approval?: StoredEntry['approval']): string | undefined => {
    const check = new ApprovalCheck();
    assert.equal(check.flaw(entry('approver.added', { ...first })), undefined);
    return check.flaw(entry('approver.added', { ...further }, approval));
  };

  it('T40 approvals:strict: a further key counts after a registered key has approved it', () => {
    assert.equal(checked(letIn(mine, 'approved')), undefined);
    assert.match(checked() ?? '', /without a signed approval/);
  });

  for (const decision of ['approved', 'granted', 'timeout', 'Approved', 'denied']) {
    it(`T40 approvals:strict: a forged signature lets no key in under the word "${decision}"`, () => {
      assert.match(checked(letIn(stranger, decision)) ?? '', /does not fit its statement/);
      if (decision !== 'approved') assert.notEqual(checked(letIn(mine, decision)), undefined);
    });
  }

  it('T41 approvals:strict: an approval of something else does not fit an entry whose detail is a hash only', () => {
    const check = new ApprovalCheck();
    check.flaw(entry('approver.added', { ...first }));
    const [hash, plan] = ['ab'.repeat(32), 'cd'.repeat(32)];
    const statement = statementText({ decision: 'approve', question, tool: 'shell.exec', plan, shown: hash, answer: hash, policy: hash, pin: hash, nonce: hash, asked: now, expires: now, given: now, key: first.id });
    const approval: StoredEntry['approval'] = { id: question, decision: 'approved', by: 'editor', waitedMs: 0, level: 'editor key', signed: { statement, signature: signBytes(mine, Buffer.from(statement)).toString('base64') } };
    const of = (detail: StoredEntry['detail']): StoredEntry => ({ ...entry('shell.exec', {}, approval), phase: 'intent', verdict: { verdict: 'approve', rule: 'r', reason: 'r', policyHash: hash }, detail });
    assert.match(check.flaw(of({ $sha256: `sha256:${hash}`, bytes: 9 })) ?? '', /something else than what ran/);
  });

  it('T41 approvals:strict: a detail that is too long keeps the digest of what ran', () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const { members } = prepareEntry({ phase: 'intent', id: question, tool: 'shell.exec', input: {}, result: 'admitted', detail: { digest, long: 'x'.repeat(2 * maxLineBytes) } }, question, now);
    const { detail } = JSON.parse(`{${members}}`) as StoredEntry;
    assert.deepEqual([detail?.['digest'], Object.keys(detail ?? {})], [digest, ['$sha256', 'bytes', 'digest']]);
  });

  it('approvals:weaker-level: an approval of no level counts as one that is not signed', () => {
    const check = new ApprovalCheck();
    check.flaw(entry('shell.exec', {}, { id: question, decision: 'approved', by: 'editor', waitedMs: 0 }));
    assert.match(check.notes().join(), /0 of 1 answers to approvals are signed/);
  });

  it('approvals:strict: a log that takes the place of another does not know the keys of that one', () => {
    const check = new ApprovalCheck();
    const hash = 'ab'.repeat(32);
    assert.equal(check.flaw({ ...entry('audit.genesis', { previous: { file: 'audit/damaged.log' } }), phase: 'genesis' }), undefined);
    assert.equal(check.flaw(signedRelease('approve', hash, 'shell.exec')), undefined);
    assert.match(check.notes().join(' '), /could not be checked/);
  });

  /** The entry of a result that was handed over or withheld, with an answer signed over the result `bytes` of the call `question`. */
  function signedRelease(decision: 'approve' | 'deny', bytes: string, tool: string, change: Partial<StoredEntry> = {}): StoredEntry {
    const hash = 'ab'.repeat(32);
    const plan = sha256(canonicalJson(factsOfResult(bytes, question)).text);
    const statement = statementText({ decision, question, tool, plan, shown: hash, answer: hash, policy: hash, pin: hash, nonce: hash, asked: now, expires: now, given: now, key: first.id });
    const approval = { id: question, decision: decision === 'approve' ? 'approved' : 'denied', by: 'editor', waitedMs: 0, level: 'editor key', signed: { statement, signature: signBytes(mine, Buffer.from(statement)).toString('base64') } };
    return { ...entry('result.released', { tool: 'shell.exec' }, approval), call: question, detail: { result: bytes }, ...change };
  }

  it('approvals:strict: an answer about a result is held against the result, its call, its tool and what was done with it', () => {
    const [result, other] = [`sha256:${'cd'.repeat(32)} 5 bytes`, `sha256:${'ce'.repeat(32)} 5 bytes`];
    const flawOf = (one: StoredEntry): string => {
      const check = new ApprovalCheck();
      check.flaw(entry('approver.added', { ...first }));
      return check.flaw(one) ?? '';
    };
    assert.equal(flawOf(signedRelease('approve', result, 'shell.exec')), '');
    assert.equal(flawOf(signedRelease('deny', result, 'shell.exec', { tool: 'result.withheld' })), '');
    assert.match(flawOf(signedRelease('deny', result, 'shell.exec')), /something else than what was answered/);
    assert.match(flawOf(signedRelease('approve', result, 'shell.exec', { tool: 'result.withheld' })), /something else than what was answered/);
    assert.match(flawOf(signedRelease('approve', result, 'git.diff')), /another tool/);
    assert.match(flawOf(signedRelease('approve', result, 'shell.exec', { detail: { result: other } })), /another result/);
    assert.match(flawOf(signedRelease('approve', result, 'shell.exec', { call: 'evt_01K0000000000000000000000C' })), /that of another call/);
  });

  it('N11 approvals:strict: where a secret was removed its digest is, too: that is told, and no other entry passes for such a one', () => {
    const hash = 'ab'.repeat(32);
    const statement = statementText({ decision: 'deny', question, tool: 'shell.exec', plan: hash, shown: hash, answer: hash, policy: hash, pin: hash, nonce: hash, asked: now, expires: now, given: now, key: first.id });
    const approval: StoredEntry['approval'] = { id: question, decision: 'denied', by: 'editor', waitedMs: 0, level: 'editor key', signed: { statement, signature: signBytes(mine, Buffer.from(statement)).toString('base64') } };
    const part = (at: string) => ({ at, from: 0, kind: 'token', hmac: hash });
    const look = (places: readonly string[]): readonly [string | undefined, string] => {
      const check = new ApprovalCheck();
      check.flaw(entry('approver.added', { ...first }));
      const removed = { secret: '00000000', parts: places.map(part) };
      const flaw = check.flaw({ ...entry('shell.exec', {}, approval), phase: 'denied', verdict: { verdict: 'approve', rule: 'r', reason: 'r', policyHash: hash }, detail: { digest: removedMarker }, removed });
      return [flaw, check.notes().join(' ')];
    };
    const [flaw, notes] = look(['/input/command', '/detail/digest']);
    assert.equal(flaw, undefined);
    assert.match(notes, /1 signed answer could not be held against what ran/);
    for (const places of [[], ['/detail/digest'], ['/input/command']]) assert.match(look(places)[0] ?? '', /the digests differ/);
  });

  it('N11 approvals:shown-kept: a question that is kept must give the hash that was signed, and say what the statement says', () => {
    const hash = 'ab'.repeat(32);
    const asked = { id: question, tool: 'shell.exec', digest: hash, askedAt: now, expiresAt: now, binding: { nonce: hash, policy: hash, tool: hash } };
    const check = (kept: (text: string) => string | undefined, shown: object = asked): Readonly<{ flaw: string | undefined; notes: string }> => {
      const { text } = canonicalJson(shown);
      const one = new ApprovalCheck(true, new ShownQuestions(() => kept(text)));
      one.flaw(entry('approver.added', { ...first }));
      const statement = statementText({ decision: 'approve', question, tool: 'shell.exec', plan: hash, shown: sha256(text), answer: hash, policy: hash, pin: hash, nonce: hash, asked: now, expires: now, given: now, key: first.id });
      const approval: StoredEntry['approval'] = { id: question, decision: 'approved', by: 'editor', waitedMs: 0, level: 'editor key', signed: { statement, signature: signBytes(mine, Buffer.from(statement)).toString('base64') } };
      const flaw = one.flaw({ ...entry('shell.exec', {}, approval), phase: 'intent', verdict: { verdict: 'approve', rule: 'r', reason: 'r', policyHash: hash }, detail: { digest: `sha256:${hash}` } });
      return { flaw, notes: one.notes().join(' ') };
    };
    const sound = check((text) => text);
    assert.equal(sound.flaw, undefined);
    assert.match(sound.notes, /1 signed answer is kept and gives the hash/);
    assert.match(check((text) => `${text} `).flaw ?? '', /does not give the hash that was signed/);
    const absent = check(() => undefined);
    assert.equal(absent.flaw, undefined);
    assert.match(absent.notes, /with 0 signed answers.*Of 1 more only the hash is kept/);
    const others: readonly object[] = [{ ...asked, id: 'evt_01K0000000000000000000000D' }, { ...asked, digest: 'cd'.repeat(32) }, { ...asked, tool: 'git.diff' }, { ...asked, expiresAt: '2030-01-01T00:00:00.000Z' }, { ...asked, binding: { ...asked.binding, nonce: 'cd'.repeat(32) } }, { ...asked, binding: null }, ['id']];
    for (const other of others) assert.match(check((text) => text, other).flaw ?? '', /says something else than its statement/);
  });

  it('approvals:granted: a call that rests on grants needs them in the log before it', () => {
    const at = (timestamp: string, id: string, change: Partial<StoredEntry> = {}): StoredEntry => ({ ...entry('shell.exec', {}, { id, decision: 'granted', by: 'broker', waitedMs: 0 }), phase: 'intent', project: '/p', timestamp, ...change });
    const later = '2026-11-22T12:00:00.000Z';
    const check = new ApprovalCheck();
    assert.match(check.flaw(at(now, 'grant_A')) ?? '', /grant_A, which nobody had given then/);
    for (const [id, more] of [['grant_A', {}], ['grant_B', { expiresAt: '2026-11-22T10:30:00.000Z' }]] as const) check.flaw({ ...entry('grant.created', { id, ...more }), project: '/p' });
    assert.equal(check.flaw(at(now, 'grant_A grant_B')), undefined);
    assert.match(check.flaw(at(later, 'grant_A grant_B')) ?? '', /grant_B, which had run out/);
    assert.match(check.flaw(at(now, 'grant_A', { project: '/q' })) ?? '', /another project/);
    assert.match(check.flaw(at(now, 'grant_A grant_C')) ?? '', /grant_C, which nobody/);
    check.flaw(entry('grant.undone', { id: 'grant_A' }));
    assert.equal(check.flaw(at(now, 'grant_A')), undefined, 'what was covered before may be recorded after');
    assert.match(check.flaw(at(later, 'grant_A')) ?? '', /taken back/);
    const rest = new ApprovalCheck(false);
    assert.equal(rest.flaw(at(now, 'grant_A')), undefined);
    assert.match(rest.notes().join(' '), /1 call rests on grants that could not be checked/);
  });
});
