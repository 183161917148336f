import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentialNameSchema, credentialValueSchema, passphraseSchema, type CredentialState, type CredentialView, type SlotView } from '../../../protocol/src/credentials';
import { dayText } from '../labels';
import { checkName, checkPassphrase, checkValue } from './checks';
import { EditorKey } from './editorKey';
import type { Secrets } from './logKeys';
import { KeyProvider, type KeyStanding } from './provider';
import { commands } from '../ids';
import { moveSecretCommand, setCredentialCommand } from '../../../protocol/src/secretMove';
import { afterwards, freeName, valueOf } from './typed';
import { credentialLines, credentialRow, shutText, slotRow } from './rows';

const now = Date.parse('2026-11-22T12:00:00Z');
const credential: CredentialView = { name: 'github.token', createdAt: '2026-09-01T10:00:00.000Z', changedAt: '2026-11-19T10:00:00.000Z', lastUsedAt: null, usableBy: [], trouble: null };
const editorSlot: SlotView = { id: '0123456789abcdef', kind: 'editor', createdAt: '2026-11-22T10:00:00.000Z', atHand: false, trouble: null };
const locked: CredentialState = { state: 'locked', message: 'locked', store: '00112233445566778899aabbccddeeff', generation: null, slots: [editorSlot], credentials: [], remarks: [] };

function memory(): Secrets & { values: Map<string, string> } {
  const values = new Map<string, string>();
  return { values, get: (name) => Promise.resolve(values.get(name)), store: (name, value) => Promise.resolve(void values.set(name, value)) };
}

/** A broker that takes one key, as far as the provider asks it. */
function brokerTaking(fitting: string): { request: never; offered: string[] } {
  const offered: string[] = [];
  const request = (_: string, { key }: { key: string }): Promise<unknown> => {
    offered.push(key);
    return key === fitting ? Promise.resolve({ slot: editorSlot }) : Promise.reject(Object.assign(new Error('fits no slot'), { data: { code: 'CREDENTIALS_LOCKED' } }));
  };
  return { request: request as never, offered };
}

async function settled(provider: KeyProvider): Promise<KeyStanding['kind']> {
  while (provider.stand.kind === 'offering') await sleep(1);
  return provider.stand.kind;
}

describe('the key of this editor to the credentials', () => {
  const key = Buffer.alloc(32, 7).toString('hex');

  it('credentials:editor-key is 32 bytes, made only when it is chosen, and kept under one name', async () => {
    const secrets = memory();
    const editorKey = new EditorKey(secrets, () => Buffer.alloc(32, 7), () => Promise.resolve());
    assert.equal(await editorKey.kept(), undefined);
    assert.equal(secrets.values.size, 0);
    assert.equal(await editorKey.made(), key);
    assert.equal(await editorKey.kept(), key);
    assert.deepEqual([...secrets.values.keys()], ['conductor.credentials']);
  });

  it('credentials:offer is offered on each connection, once for the same slots, and again when the store lost it', async () => {
    const secrets = memory();
    const editorKey = new EditorKey(secrets, () => Buffer.alloc(32, 7), () => Promise.resolve());
    await editorKey.made();
    const broker = brokerTaking(key);
    const provider = new KeyProvider(broker, editorKey, () => undefined);
    const open: CredentialState = { ...locked, state: 'open', slots: [{ ...editorSlot, atHand: true }] };
    provider.heard({ ...locked, slots: [] });
    assert.equal(provider.stand.kind, 'unused');
    provider.heard(locked);
    assert.equal(await settled(provider), 'fits');
    provider.heard(open);
    provider.heard(open);
    assert.equal(broker.offered.length, 1);
    provider.begin();
    provider.heard(open);
    assert.equal(await settled(provider), 'fits');
    assert.equal(broker.offered.length, 2);
    provider.heard(locked);
    assert.equal(await settled(provider), 'fits');
    assert.equal(broker.offered.length, 3);
  });

  it('credentials:lost says whether there is no key or another one, offers it once, and makes none in its place', async () => {
    const secrets = memory();
    const editorKey = new EditorKey(secrets, () => Buffer.alloc(32, 7), () => Promise.resolve());
    const broker = brokerTaking('ff'.repeat(32));
    const provider = new KeyProvider(broker, editorKey, () => undefined);
    provider.heard(locked);
    assert.equal(await settled(provider), 'absent');
    assert.match(shutText(locked, provider.stand)?.reason ?? '', /another editor has it, or this storage was emptied/);
    assert.equal(secrets.values.size, 0);
    await editorKey.made();
    provider.begin();
    provider.heard(locked);
    assert.equal(await settled(provider), 'foreign');
    provider.heard(locked);
    provider.heard(locked);
    assert.equal(broker.offered.length, 1);
    assert.match(shutText(locked, provider.stand)?.next ?? '', /If it is lost, nothing can read these credentials any more: begin a new store/);
  });
});

describe('the words about credentials', () => {
  it('say name, age, last use and users, and where to write it', () => {
    assert.deepEqual(credentialRow(credential, now), { label: 'github.token', description: 'used by nothing, set 3 days ago, never used', spoken: 'Credential github.token: used by nothing, set 3 days ago, never used' });
    const used = { ...credential, lastUsedAt: '2026-11-22T11:00:00.000Z', usableBy: ['backend:github'] };
    assert.match(credentialRow(used, now).description, /^for backend:github, set 3 days ago, used today \d\d:00$/);
    assert.ok(credentialLines(credential).includes('In configuration: ${secret:github.token}'));
    assert.match(slotRow(editorSlot, now).spoken, /^Key slot Editor: since today, key not at hand$/);
  });

  it('T15 show what comes from a file harmless', () => {
    const hostile = credentialRow({ ...credential, usableBy: ['a\u202eb\nc'] }, now);
    assert.doesNotMatch(`${hostile.description}${hostile.spoken}`, /[\u202e\n]/);
  });

  it('keep quiet while the key is being offered, and name the one thing that opens the store', () => {
    assert.equal(shutText(locked, { kind: 'offering' }), undefined);
    assert.equal(shutText({ ...locked, state: 'open' }, { kind: 'absent' }), undefined);
    const passphrase: SlotView = { ...editorSlot, kind: 'passphrase' };
    assert.equal(shutText({ ...locked, slots: [editorSlot, passphrase] }, { kind: 'absent' })?.next, 'Type the passphrase to open them.');
    const away: SlotView = { ...editorSlot, kind: 'machine', trouble: 'It was made on another machine.' };
    assert.match(shutText({ ...locked, slots: [away] }, { kind: 'unused' })?.reason ?? '', /This machine: It was made on another machine/);
  });

  it('say the day of a moment', () => {
    assert.deepEqual(['2026-11-21T12:00:00Z', '2026-11-12T12:00:00Z', '2026-01-02T12:00:00Z', 'x'].map((iso) => dayText(iso, now)), ['yesterday', '10 days ago', 'on 2026-01-02', 'at an unknown time']);
  });
});

describe('what is checked while a credential is typed', () => {
  it('is what the broker takes', () => {
    for (const name of ['github.token', 'a.b', 'A-1.b_2', '-a.b', 'a', 'a.b.c', 'a b.c', '.b', `${'a'.repeat(65)}.b`, '']) assert.equal(checkName(name, new Set())?.kind !== 'error', credentialNameSchema.safeParse(name).success, name);
    for (const value of ['x', '', 'a\0b', '\ud800', 'ä'.repeat(32_768), 'ä'.repeat(32_769), ' padded ', 'l1\nl2']) assert.equal(checkValue(value)?.kind !== 'error', credentialValueSchema.safeParse(value).success, value.slice(0, 9));
    for (const passphrase of ['x'.repeat(11), 'x'.repeat(12), 'x'.repeat(1_000), 'x'.repeat(1_001)]) assert.equal(checkPassphrase(passphrase) === undefined, passphraseSchema.safeParse(passphrase).success);
  });

  it('A8 never repeats a value', () => {
    for (const value of ['short-1', ' padded-value ', 'with\0nul-value']) assert.ok(!(checkValue(value)?.text ?? '').includes('-'), value);
  });
});

describe('moving a typed secret', () => {
  it('credentials:typed: the value is what the text means, and nothing where the text is another', () => {
    assert.equal(valueOf('a\\"b\\u0041', { escaped: true }), 'a"bA');
    assert.equal(valueOf('a\\"b', { escaped: false }), 'a\\"b');
    for (const raw of ['', 'a", "b', '\\', '\\u00']) assert.equal(valueOf(raw, { escaped: true }), undefined, raw);
  });

  it('credentials:typed: a free and valid name is proposed', () => {
    assert.equal(freeName('github.token', new Set()), 'github.token');
    assert.equal(freeName('github.token', new Set(['github.token', 'github.token_2'])), 'github.token_3');
    const long = `${'s'.repeat(64)}.${'k'.repeat(64)}`;
    assert.ok(credentialNameSchema.safeParse(freeName(long, new Set([long]))).success);
  });

  it('credentials:typed: what may still hold the value is told, and where it belongs', () => {
    assert.match(afterwards('a.b', '${secret:a.b}', {}), /in its place.*until you save.*undo history.*earlier commits.*change it where it was issued/);
    assert.match(afterwards('a.b', '${secret:a.b}', { remove: [], belongs: 'It belongs in "env".' }), /taken out of the file.*It belongs in "env"/);
  });

  it('credentials:typed: the quick fixes name commands that there are', () => {
    assert.deepEqual([moveSecretCommand, setCredentialCommand], [commands.moveCredential, commands.setCredential]);
  });
});
