import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Decision, Pending } from '../../../protocol/src/approvals';
import { approverId, type ApproverKey } from '../../../protocol/src/approvers';
import { publicKeyOf } from '../../../protocol/src/audit/ed25519';
import { signAnswer } from '../../../protocol/src/statement';
import { examplePending } from '../../../test/fakes/pending';
import { approversFileName, openApprovers, type Approvers } from './approvers';
import type { Person } from './question';
import { vouch } from './vouching';

const seed = Buffer.alloc(32, 1);
const given = '2026-11-21T20:01:00.000Z';
const editor: Person = { role: 'editor', connection: 1 };
const terminal: Person = { role: 'cli', connection: 2 };
const pending = examplePending();
const yes = { id: pending.id, digest: pending.digest, decision: 'approve' } as const;

function keyOf(from: Buffer, place: ApproverKey['place'] = 'editor'): ApproverKey {
  const publicKey = publicKeyOf(from);
  return { id: approverId(publicKey), place, name: 'mine', publicKey: publicKey.toString('base64'), addedAt: given, trust: 'first use' };
}

function known(...keys: ApproverKey[]): Approvers {
  return { list: () => keys, find: (id) => keys.find((key) => key.id === id), problem: () => undefined, keep: () => undefined, announce: () => undefined, announced: () => undefined };
}

type Given = Readonly<{ approvers?: Approvers; requireSigned?: boolean; at?: string; question?: Pending; by?: Person }>;

function look(answer: Decision, { approvers = known(keyOf(seed)), requireSigned = false, at = given, question = pending, by = editor }: Given = {}) {
  return vouch({ approvers, requireSigned: () => requireSigned, wallNow: () => Date.parse(at) }, question, answer, by);
}

describe('vouching for answers', () => {
  const signed = signAnswer(pending, yes, seed, given);

  it('N11 names the level: signed by an editor, by a key file, or not signed', () => {
    const vouched = look(signed);
    assert.equal(vouched.kind === 'vouched' && vouched.level, 'editor key');
    assert.match(vouched.kind === 'vouched' ? (vouched.signed?.statement ?? '') : '', /^conductor\.local\/approval\/v1\ndecision approve\n/);
    const byFile = look(signed, { approvers: known(keyOf(seed, 'terminal')), by: terminal });
    assert.equal(byFile.kind === 'vouched' && byFile.level, 'terminal key');
    assert.deepEqual(look(yes), { kind: 'vouched', level: 'unsigned' });
  });

  const refusals: readonly (readonly [what: string, answer: Decision, given?: Given])[] = [
    ['T41 a signature over another answer', { ...signed, reason: 'and more' }],
    ['T41 a yes made of a no', { ...signAnswer(pending, { ...yes, decision: 'deny' }, seed, given), decision: 'approve' }],
    ['T41 a signature over what was shown before', signed, { question: examplePending({ raw: 'rm -rf /' }) }],
    ['T43 a signature for the nonce of another question', signed, { question: examplePending({ binding: { ...pending.binding, nonce: '0'.repeat(64) } }) }],
    ['T43 a signature under other rules', signed, { question: examplePending({ binding: { ...pending.binding, policy: '0'.repeat(64) } }) }],
    ['T43 a signature for another tool', signed, { question: examplePending({ binding: { ...pending.binding, tool: '0'.repeat(64) } }) }],
    ['a key that is not registered', signAnswer(pending, yes, Buffer.alloc(32, 2), given)],
    ['a signature under the name of another key', { ...signAnswer(pending, yes, Buffer.alloc(32, 2), given), signature: { ...signAnswer(pending, yes, Buffer.alloc(32, 2), given).signature, key: keyOf(seed).id } as Decision['signature'] }],
    ['a key of an editor at a terminal', signed, { by: terminal }],
    ['T43 a signature given after the end', signAnswer(pending, yes, seed, '2026-11-21T20:02:00.001Z')],
    ['T43 a signature from another time', signed, { at: '2026-11-21T20:07:00.000Z' }],
    ['an unsigned yes where the rules want it signed', yes, { requireSigned: true }],
    ['an unsigned yes to a question about keys', yes, { question: examplePending({ signedOnly: true }) }],
    ['any signature while the list of keys cannot be read', signed, { approvers: { ...known(keyOf(seed)), problem: () => 'broken' } }],
  ];
  for (const [what, answer, rest] of refusals) {
    it(`N11 refuses ${what}`, () => {
      assert.equal(look(answer, rest).kind, 'refused');
    });
  }

  it('takes an unsigned no in any case', () => {
    assert.equal(look({ ...yes, decision: 'deny' }, { requireSigned: true, question: examplePending({ signedOnly: true }) }).kind, 'vouched');
  });
});

describe('the registered keys', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'approvers-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are kept for their owner alone, and read again', () => {
    const first = openApprovers(folder);
    assert.deepEqual(first.list(), []);
    first.keep([keyOf(seed)]);
    assert.deepEqual(openApprovers(folder).list(), [keyOf(seed)]);
    if (process.platform !== 'win32') assert.equal(statSync(join(folder, approversFileName)).mode & 0o777, 0o600);
    assert.equal(existsSync(join(folder, `${approversFileName}.tmp`)), false);
  });

  it('T92 a file that cannot be understood is not an empty one', () => {
    const file = join(folder, approversFileName);
    for (const content of ['', '{}', '[]', '{"v":2,"keys":[]}', '{"v":1,"keys":[{}]}']) {
      writeFileSync(file, content);
      assert.match(openApprovers(folder).problem() ?? '', /no list of approver keys/, content);
    }
    assert.equal(readFileSync(file, 'utf8'), '{"v":1,"keys":[{}]}');
    chmodSync(file, 0o600);
  });
});
