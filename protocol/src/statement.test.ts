import assert from 'node:assert/strict';
import type { Pending } from './approvals';
import { publicKeyOf } from './audit/ed25519';
import { approverId, holdsKey, registrationOf } from './approvers';
import { parseStatement, signAnswer, statementFits, statementOf, statementText, type Statement } from './statement';

// Written out, since its bytes are part of the format.
const pending: Pending = {
  id: 'evt_01K0000000000000000000000A', tool: 'shell.exec', digest: 'a'.repeat(64), title: 'Run a command', raw: 'rm -rf build', cwd: '/home/ada/project', project: '/home/ada/project',
  details: [['Program', '/usr/bin/rm']], rule: 'shell.requireApproval', reason: 'rm asks each time.', client: 'some-agent 1.0',
  binding: { nonce: '1'.repeat(64), policy: '2'.repeat(64), tool: '3'.repeat(64) }, askedAt: '2026-11-21T20:00:00.000Z', expiresAt: '2026-11-21T20:02:00.000Z',
};
const examplePending = (different: Partial<Pending> = {}): Pending => ({ ...pending, ...different });
const seed = Buffer.alloc(32, 7);
const given = '2026-11-21T20:01:00.000Z';
const key = approverId(publicKeyOf(seed));
const answer = { id: 'evt_01K0000000000000000000000A', digest: 'a'.repeat(64), decision: 'approve', reason: 'go on' } as const;

describe('the statement under an approval', () => {
  it('N11 approvals:signed-bytes: is these bytes and no others', () => {
    assert.equal(
      statementText(statementOf(examplePending(), answer, { given, key })),
      `conductor.local/approval/v1
decision approve
question evt_01K0000000000000000000000A
tool shell.exec
plan sha256:${'a'.repeat(64)}
shown sha256:71056be8e86131b945bc5a7789942ed65036e70284321a01569f12b568613b40
answer sha256:3ea5246b9cfca3e16b3e536edf5043b06576714c781e069c1207424f89e95bb6
policy sha256:${'2'.repeat(64)}
pin sha256:${'3'.repeat(64)}
nonce ${'1'.repeat(64)}
asked 2026-11-21T20:00:00.000Z
expires 2026-11-21T20:02:00.000Z
given 2026-11-21T20:01:00.000Z
key ec4ea31b786ca497a1ba10c01854f1ef
`,
    );
    assert.equal(signAnswer(examplePending(), answer, seed, given).signature?.bytes, 'i3mH4c9SdrkFXwMZTpNqMjGNCzd3hq+5+7KmQ4366hvU5/+IhJ3d6xUezuLfvuWdY2v4Xk49rf0cMXDkBW2zBw==');
  });

  it('N11 is another one for every other thing that a person could have been shown, and for every other answer', () => {
    const sound = statementText(statementOf(examplePending(), answer, { given, key }));
    const { signature } = signAnswer(examplePending(), answer, seed, given);
    const publicKey = publicKeyOf(seed).toString('base64');
    assert.equal(statementFits(sound, signature?.bytes ?? '', publicKey), true);
    const others = [
      { raw: 'rm -rf .' }, { title: 'Read a file' }, { cwd: '/' }, { project: '/' }, { details: [] }, { rule: 'r' }, { reason: 'because' }, { client: 'another' }, { digest: 'b'.repeat(64) }, { tool: 'git.commit' },
      { expiresAt: '2026-11-21T20:02:00.001Z' }, { signedOnly: true as const }, { binding: { nonce: '4'.repeat(64), policy: '2'.repeat(64), tool: '3'.repeat(64) } },
      { again: { round: 2, after: 'evt_1', changes: [{ label: 'File', key: '/p', before: null, after: 'x' }] } },
    ].map((different) => statementText(statementOf(examplePending(different), answer, { given, key })));
    others.push(...[{ ...answer, decision: 'deny' as const }, { ...answer, reason: 'no' }].map((other) => statementText(statementOf(examplePending(), other, { given, key }))));
    for (const text of others) assert.equal(statementFits(text, signature?.bytes ?? '', publicKey), false, text);
    assert.equal(new Set(others).size, others.length);
  });

  it('reads back what it wrote, and nothing that only looks alike', () => {
    const text = statementText(statementOf(examplePending(), answer, { given, key }));
    assert.equal(statementText(parseStatement(text) as Statement), text);
    for (const other of [text.slice(0, -1), `${text}\n`, text.replace('approve', 'APPROVE'), text.replaceAll('\n', '\r\n'), ` ${text}`, text.replace('v1', 'v2'), text.replace('tool shell.exec', 'tool shell exec'), text.replace(/pin .*\n/, '')]) assert.equal(parseStatement(other), undefined, other);
  });

  it('T45 refuses to write a value that would begin a line of its own', () => {
    assert.throws(() => statementText(statementOf(examplePending({ tool: 'x\ndecision deny' }), answer, { given, key })), RangeError);
  });

  it('a key is registered only by who holds it, for its own kind of place', () => {
    const registration = registrationOf(seed, 'editor', 'an editor');
    assert.equal(holdsKey(registration, 'editor'), true);
    assert.equal(holdsKey(registration, 'terminal'), false);
    assert.equal(holdsKey({ ...registration, name: 'another' }, 'editor'), false);
    assert.equal(holdsKey({ ...registration, publicKey: publicKeyOf(Buffer.alloc(32, 8)).toString('base64') }, 'editor'), false);
  });
});
