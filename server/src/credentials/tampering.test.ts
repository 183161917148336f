import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isConductorError } from '../../../test/fakes/conductorError';
import { credentialGround, type TestGround } from '../../../test/fakes/credentialGround';
import { ConductorError } from '../../../protocol/src/errors';
import { seal, unseal } from './sealing';
import { defaultCosts } from './slots';
import { openCredentials, type CredentialStore } from './store';

/** What somebody does to the files of a store who cannot open it, and what the store makes of that. */

const key = 'ab'.repeat(32);
const values: Readonly<Record<string, string>> = { 'a.one': 'the first value', 'b.two': 'the second value' };

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile());
}

/** The value, or the code of the failure that names why there is none. */
async function tryValue(store: CredentialStore, name: string): Promise<string> {
  try {
    store.declare('test', [name]);
    const lease = await store.lease([name], 'test');
    return lease.value(name).toString('utf8');
  } catch (thrown) {
    if (!(thrown instanceof ConductorError)) throw thrown;
    return thrown.code;
  }
}

describe('credential store in other hands', () => {
  let ground: TestGround;
  const reopened = (more: Parameters<typeof credentialGround>[0] = {}): Promise<CredentialStore> => openCredentials(credentialGround({ folder: ground.folder, ...more }));
  const valueFiles = (): string[] => filesOf(ground.folder).filter((name) => /[/\\][0-9a-f]{40}$/.test(name)).map((name) => join(ground.folder, name));
  beforeEach(async () => {
    ground = credentialGround();
    const store = await openCredentials(ground);
    for (const [name, value] of Object.entries(values)) await store.set(name, Buffer.from(value));
    await store.addSlot({ kind: 'editor', key }, 'stays');
  });
  afterEach(() => rmSync(ground.base, { recursive: true, force: true }));

  it('credentials:flips T73 a flipped bit in any byte of any file is a failure with a name or changes nothing, never another value', async function () {
    this.timeout(120_000);
    let refused = 0;
    for (const name of filesOf(ground.folder)) {
      const path = join(ground.folder, name);
      const bytes = readFileSync(path);
      // Every byte of what is short, and of longer files both ends and every third byte between.
      for (let at = 0; at < bytes.length; at += at < 80 || at > bytes.length - 80 ? 1 : 3) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(path, flipped);
        const store = await reopened();
        if (store.state().state === 'locked') await store.offer({ key }, 'stays').catch((thrown: unknown) => assert.ok(thrown instanceof ConductorError));
        for (const [credential, value] of Object.entries(values)) {
          const found = await tryValue(store, credential);
          if (found === value) continue;
          refused += 1;
          assert.match(found, /^CREDENTIALS_REFUSED$|^CREDENTIALS_LOCKED$|^CREDENTIAL_DAMAGED$/, `${name} byte ${String(at)}`);
        }
      }
      writeFileSync(path, bytes);
    }
    assert.ok(refused > 500, 'hardly anything was refused');
    assert.equal(await tryValue(await reopened(), 'a.one'), values['a.one']);
  });

  it('credentials:every-byte every flipped byte of the file of a value, of the list and of the slots is noticed', async function () {
    this.timeout(120_000);
    const watched = [...valueFiles(), ...filesOf(ground.folder).filter((name) => name.endsWith('index') || name === 'slots.json').map((name) => join(ground.folder, name))];
    assert.equal(watched.length, 4);
    for (const path of watched) {
      const bytes = readFileSync(path);
      for (let at = 0; at < bytes.length; at += 1 + Math.floor(bytes.length / 200)) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 1;
        writeFileSync(path, flipped);
        const { state, credentials } = (await reopened()).state();
        assert.ok(state !== 'open' || credentials.some(({ trouble }) => trouble !== null), `${path} byte ${String(at)} went unnoticed`);
      }
      writeFileSync(path, bytes);
    }
  });

  it('credentials:swapped T73 the file of one credential under the name of another is refused, and the others are read', async () => {
    const [one = '', two = ''] = valueFiles();
    const bytes = readFileSync(one);
    writeFileSync(two, bytes);
    const store = await reopened();
    const found = [await tryValue(store, 'a.one'), await tryValue(store, 'b.two')].sort();
    assert.equal(found.filter((each) => each === 'CREDENTIAL_DAMAGED').length, 1);
    assert.equal(found.filter((each) => Object.values(values).includes(each)).length, 1);
    assert.match(store.list().map(({ trouble }) => trouble ?? '').join(''), /cannot be used/);
  });

  it('credentials:older T74 an older file of one credential, put back, is refused and says so', async () => {
    const store = await openCredentials(ground);
    const old = new Map(valueFiles().map((path) => [path, readFileSync(path)]));
    await store.set('a.one', Buffer.from('a newer value'));
    const gone = [...old.keys()].find((path) => !valueFiles().includes(path)) ?? '';
    const fresh = valueFiles().find((path) => !old.has(path)) ?? '';
    writeFileSync(fresh, old.get(gone) ?? '');
    const after = await reopened();
    after.declare('test', ['a.one']);
    await assert.rejects(after.lease(['a.one'], 'test'), isConductorError('CREDENTIAL_DAMAGED', /an older copy of its file was put back.*secrets set a\.one/));
    assert.equal(await tryValue(after, 'b.two'), values['b.two']);
  });

  it('credentials:deleted T74 what was deleted stays deleted when its file is put back, also after it was set anew', async () => {
    const store = await openCredentials(ground);
    const copy = join(ground.base, 'copy');
    cpSync(ground.folder, copy, { recursive: true });
    await store.delete('a.one');
    await store.set('a.one', Buffer.from('a newer value'));
    for (const name of filesOf(copy)) if (!name.endsWith('index') && name !== 'slots.json') cpSync(join(copy, name), join(ground.folder, name));
    assert.equal(await tryValue(await reopened(), 'a.one'), 'a newer value');
  });

  it('credentials:rollback T74 an older copy of the whole folder is refused by what is known from elsewhere, and accepted on purpose', async () => {
    const copy = join(ground.base, 'copy');
    cpSync(ground.folder, copy, { recursive: true });
    const store = await openCredentials(ground);
    await store.set('a.one', Buffer.from('a newer value'));
    await store.offer({ key }, 'stays');
    await store.renew();
    const { store: id, generation } = store.state();
    const remembered = { store: id ?? '', generation: generation ?? 0 };
    rmSync(ground.folder, { recursive: true });
    renameSync(copy, ground.folder);
    const after = await reopened({ remembered: () => Promise.resolve(remembered) });
    assert.equal(after.state().state, 'refused');
    assert.equal(await tryValue(after, 'a.one'), 'CREDENTIALS_REFUSED');
    await assert.rejects(after.set('c.d', Buffer.from('x')), isConductorError('CREDENTIALS_REFUSED', /secrets accept/));
    await after.accept();
    assert.ok((after.state().generation ?? 0) > remembered.generation);
    assert.equal(await tryValue(after, 'a.one'), values['a.one']);
  });

  it('credentials:slot-removed what a removed slot opened is closed, also with the old list of slots put back', async () => {
    const slots = readFileSync(join(ground.folder, 'slots.json'));
    const salt = readdirSync(ground.folder).find((name) => name.endsWith('.salt')) ?? '';
    const saltBytes = readFileSync(join(ground.folder, salt));
    const store = await openCredentials(ground);
    await store.offer({ key }, 'stays');
    await store.removeSlot(store.state().slots.find(({ kind }) => kind === 'machine')?.id ?? '');
    assert.equal((await reopened()).state().state, 'locked');
    writeFileSync(join(ground.folder, 'slots.json'), slots);
    writeFileSync(join(ground.folder, salt), saltBytes);
    const after = await reopened();
    assert.equal(after.state().state, 'refused');
    assert.equal(await tryValue(after, 'a.one'), 'CREDENTIALS_REFUSED');
  });

  it('credentials:moved on another machine the store is locked, says why, and opens by another slot', async () => {
    const elsewhere = { machineId: () => Promise.resolve('f'.repeat(32)) };
    const store = await reopened(elsewhere);
    assert.equal(store.state().state, 'locked');
    assert.match(store.state().message, /made on another machine.*Open VS Code/s);
    await store.offer({ key }, 'stays');
    assert.equal(await tryValue(store, 'a.one'), values['a.one']);
    await assert.rejects(store.renew(), isConductorError('CONFLICT', /not at hand.*machine/));
    await store.removeSlot(store.state().slots.find(({ kind }) => kind === 'machine')?.id ?? '');
    await store.addSlot({ kind: 'machine' }, 'stays');
    assert.equal(await tryValue(await reopened(elsewhere), 'b.two'), values['b.two']);
  });

  it('credentials:moved-alone on another machine with no other slot there is a way out in words', async () => {
    const store = await openCredentials(ground);
    await store.offer({ key }, 'stays');
    await store.removeSlot(store.state().slots.find(({ kind }) => kind === 'editor')?.id ?? '');
    const { state, message } = (await reopened({ machineId: () => Promise.resolve(undefined) })).state();
    assert.equal(state, 'locked');
    assert.match(message, /On the machine that it comes from, add a passphrase.*or move the folder/s);
  });

  it('credentials:rights closes what was open to others and says so; links, other kinds of files and missing slots are refused', async () => {
    chmodSync(ground.folder, 0o755);
    chmodSync(valueFiles()[0] ?? '', 0o644);
    const store = await reopened();
    assert.equal(store.state().remarks.length, 2);
    assert.equal(statSync(ground.folder).mode & 0o777, 0o700);
    assert.equal(statSync(valueFiles()[0] ?? '').mode & 0o777, 0o600);
    const slots = join(ground.folder, 'slots.json');
    renameSync(slots, join(ground.base, 'slots.json'));
    assert.match((await reopened()).state().message, /slots\.json is missing/);
    symlinkSync(join(ground.base, 'slots.json'), slots);
    assert.match((await reopened()).state().message, /slots\.json is no regular file/);
    assert.equal(valueFiles().length, 2, 'a store that cannot be used lost files');
    rmSync(ground.folder, { recursive: true });
    symlinkSync(ground.base, ground.folder);
    assert.match((await reopened()).state().message, /is no folder/);
  });

  it('credentials:names names that are paths, long, empty or of other letters are refused, and those of objects are plain names', async () => {
    const store = await openCredentials(ground);
    for (const name of ['', '.', 'a', 'a.', '.a', 'a.b.c', '../x.y', 'a/b.c', 'a\\b.c', 'a.b\n', 'a.b\0', 'ａ.b', 'a b.c', '-a.b', `${'x'.repeat(65)}.y`, 'a.é']) {
      await assert.rejects(store.set(name, Buffer.from('x')), isConductorError('INVALID_INPUT'), name);
      assert.throws(() => store.declare('h', [name]), isConductorError('INVALID_INPUT'));
    }
    for (const name of ['__proto__.constructor', 'con.nul', 'A.one', `${'x'.repeat(64)}.${'y'.repeat(64)}`]) {
      await store.set(name, Buffer.from(name));
      assert.equal(await tryValue(store, name), name);
    }
    assert.equal(await tryValue(store, 'a.one'), values['a.one']);
  });

  it('credentials:values values that are empty, too long, no text or hold NUL are refused without being quoted', async () => {
    const store = await openCredentials(ground);
    for (const value of [Buffer.alloc(0), Buffer.alloc(65_537, 'x'), Buffer.from([0xff, 0xfe]), Buffer.from('secret\0secret')]) {
      await assert.rejects(store.set('a.one', value), (thrown: unknown) => isConductorError('INVALID_INPUT')(thrown) && !String(thrown).includes('secret'));
    }
    await store.set('a.one', Buffer.alloc(65_536, 'x'));
    assert.equal((await tryValue(store, 'a.one')).length, 65_536);
  });

  it('credentials:sealed T75 nonces have 12 fresh bytes, and a tag that is cut off or too short opens nothing', () => {
    const [secret, bound] = [Buffer.alloc(32, 7), Buffer.from('bound')];
    const nonces = new Set(Array.from({ length: 1_000 }, () => seal(secret, Buffer.from('x'), bound).subarray(0, 12).toString('hex')));
    assert.equal(nonces.size, 1_000);
    const sealed = seal(secret, Buffer.from('a value'), bound);
    assert.equal(sealed.length, 12 + 'a value'.length + 16);
    assert.equal(unseal(secret, sealed, bound)?.toString(), 'a value');
    for (let length = 0; length < sealed.length; length += 1) assert.equal(unseal(secret, sealed.subarray(0, length), bound), undefined);
    assert.equal(unseal(secret, sealed, Buffer.from('other')), undefined);
    assert.equal(unseal(Buffer.alloc(32, 8), sealed, bound), undefined);
  });

  it('credentials:costs T75 what a key costs is written as it was chosen, and a slot whose cost was lowered opens nothing', async () => {
    assert.deepEqual(defaultCosts, { machine: { N: 32_768, r: 8, p: 1 }, passphrase: { N: 131_072, r: 8, p: 1 } });
    const folder = join(ground.base, 'real');
    const [passphrase, path] = ['correct horse battery staple', join(folder, 'slots.json')];
    const store = await openCredentials(credentialGround({ folder, costs: defaultCosts }));
    await store.set('a.one', Buffer.from('x'));
    await store.addSlot({ kind: 'passphrase', passphrase }, 'stays');
    const text = readFileSync(path, 'utf8');
    const { body } = JSON.parse(text) as { body: { slots: { kind: string; cost: unknown; salt: string; wrapped: string }[] } };
    assert.deepEqual(body.slots.map(({ kind, cost, salt, wrapped }) => [kind, cost, salt.length, wrapped.length]), [['machine', defaultCosts.machine, 64, 120], ['passphrase', defaultCosts.passphrase, 64, 120]]);
    // Salts are never shared, neither between slots nor with the file that is beside them.
    assert.equal(new Set(body.slots.map(({ salt }) => salt)).size, 2);
    writeFileSync(path, text.replace('131072', '1024').replace('32768', '1024'));
    const cheap = await openCredentials(credentialGround({ folder }));
    assert.equal(cheap.state().state, 'locked');
    await assert.rejects(cheap.offer({ passphrase }, 'stays'), isConductorError('CREDENTIALS_LOCKED', /opens no slot/));
    writeFileSync(path, text.replace('131072', '512'));
    assert.match((await openCredentials(credentialGround({ folder }))).state().message, /slots\.json\) was changed/);
  });

  it('credentials:missing a folder that is gone, emptied or of another store is refused where the log knows of one, until a person accepts that', async () => {
    const { store: id, generation } = (await openCredentials(ground)).state();
    const remembering = { remembered: () => Promise.resolve({ store: id ?? '', generation: generation ?? 0 }) };
    rmSync(ground.folder, { recursive: true });
    const gone = await reopened(remembering);
    assert.deepEqual([gone.state().state, gone.names()], ['refused', undefined]);
    assert.match(gone.state().message, new RegExp(`is missing: the audit log knows of one, at change ${String(generation)}.*secrets accept`));
    await assert.rejects(gone.set('a.one', Buffer.from('again')), isConductorError('CREDENTIALS_REFUSED', /is missing/));
    await assert.rejects(gone.addSlot({ kind: 'editor', key }, 'stays'), isConductorError('CREDENTIALS_REFUSED'));
    mkdirSync(ground.folder);
    assert.equal((await reopened(remembering)).state().state, 'refused');
    await gone.accept();
    assert.equal(gone.state().state, 'empty');
    await gone.set('a.one', Buffer.from('again'));
    const other = await reopened(remembering);
    assert.match(other.state().message, /another one than the audit log knows of/);
    assert.equal(await tryValue(other, 'a.one'), 'CREDENTIALS_REFUSED');
    await other.accept();
    assert.equal(await tryValue(other, 'a.one'), 'again');
    await assert.doesNotReject(other.accept(), 'what is open needs no acceptance');
  });

  it('credentials:missing what was damaged and is moved away can be begun anew without a restart', async () => {
    const { store: id, generation } = (await openCredentials(ground)).state();
    writeFileSync(join(ground.folder, 'slots.json'), 'x');
    const store = await reopened({ remembered: () => Promise.resolve({ store: id ?? '', generation: generation ?? 0 }) });
    await assert.rejects(store.accept(), isConductorError('CREDENTIALS_REFUSED', /was changed or is damaged/));
    renameSync(ground.folder, `${ground.folder}.aside`);
    await store.accept();
    await store.set('a.one', Buffer.from('anew'));
    assert.equal(await tryValue(store, 'a.one'), 'anew');
  });

  it('credentials:relocked T74 an older copy that is put back while the store is locked is refused when its window comes again', async () => {
    const store = await openCredentials(ground);
    await store.offer({ key }, 1);
    await store.removeSlot(store.state().slots.find(({ kind }) => kind === 'machine')?.id ?? '');
    const copy = join(ground.base, 'copy');
    cpSync(ground.folder, copy, { recursive: true });
    await store.set('a.one', Buffer.from('a newer value'));
    await store.left(1);
    assert.equal(store.state().state, 'locked');
    rmSync(ground.folder, { recursive: true });
    renameSync(copy, ground.folder);
    await assert.rejects(store.offer({ key }, 2), isConductorError('CREDENTIALS_REFUSED', /older copy/));
    assert.equal(await tryValue(store, 'a.one'), 'CREDENTIALS_REFUSED');
    // The window goes without having said yes, and takes the key along.
    await store.left(2);
    assert.equal(store.state().state, 'locked');
  });

  it('credentials:folders a store whose folder is gone or was emptied begins anew where nothing is known of it', async () => {
    rmSync(ground.folder, { recursive: true });
    mkdirSync(ground.folder);
    const store = await reopened();
    assert.equal(store.state().state, 'empty');
    await store.set('a.one', Buffer.from('again'));
    assert.equal(await tryValue(await reopened(), 'a.one'), 'again');
  });
});
