import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isConductorError } from '../../../test/fakes/conductorError';
import { credentialGround, type TestGround } from '../../../test/fakes/credentialGround';
import { openCredentials, type CredentialStore } from './store';

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}

describe('credential store', () => {
  const grounds: TestGround[] = [];
  const fresh = (...given: Parameters<typeof credentialGround>): TestGround => {
    const ground = credentialGround(...given);
    grounds.push(ground);
    return ground;
  };
  const holding = async (secrets: Readonly<Record<string, string>>, ground = fresh()): Promise<{ ground: TestGround; store: CredentialStore }> => {
    const store = await openCredentials(ground);
    for (const [name, value] of Object.entries(secrets)) await store.set(name, Buffer.from(value));
    return { ground, store };
  };
  const valueOf = async (store: CredentialStore, name: string): Promise<string> => {
    store.declare('test', [name]);
    const lease = await store.lease([name], 'test');
    const text = lease.value(name).toString('utf8');
    lease.release();
    return text;
  };
  afterEach(() => grounds.splice(0).forEach(({ base }) => rmSync(base, { recursive: true, force: true })));

  it('credentials:at-rest sets, lists, leases after a restart, and leaves neither value nor name on the disk', async () => {
    const { ground, store } = await holding({ 'github.token': 'hunter2-canary', 'npm.key': 'x' });
    await store.close();
    for (const path of filesBelow(ground.base)) {
      const bytes = readFileSync(path, 'latin1') + path;
      for (const word of ['hunter2', 'github', 'token', 'npm']) assert.ok(!bytes.includes(word), `${path} holds ${word}`);
      assert.equal(statSync(path).mode & 0o777, 0o600);
    }
    const again = await openCredentials(ground);
    assert.deepEqual(again.names(), ['github.token', 'npm.key']);
    assert.equal(await valueOf(again, 'github.token'), 'hunter2-canary');
    assert.ok(!JSON.stringify(again.state()).includes('hunter2'));
  });

  it('credentials:changes replaces and deletes, and leaves no file of what was', async () => {
    const { ground, store } = await holding({ 'a.b': 'one' });
    const before = filesBelow(ground.folder).length;
    assert.equal(await store.set('a.b', Buffer.from('two')), 'changed');
    assert.equal(filesBelow(ground.folder).length, before);
    assert.equal(await valueOf(store, 'a.b'), 'two');
    assert.equal(await store.delete('a.b'), true);
    assert.equal(await store.delete('a.b'), false);
    assert.equal(filesBelow(ground.folder).length, before - 1);
    assert.equal(store.has('a.b'), false);
  });

  it('credentials:lease T76 gives a holder what it declared and nothing else, and records each use by name before it', async () => {
    const { ground, store } = await holding({ 'a.one': 'first', 'b.two': 'second' });
    store.declare('backend:a', ['a.one']);
    store.declare('backend:b', ['b.two']);
    await assert.rejects(store.lease(['b.two'], 'backend:a'), isConductorError('DENIED'));
    await assert.rejects(store.lease(['a.one', 'b.two'], 'backend:a'), isConductorError('DENIED'));
    await assert.rejects(store.lease(['a.one'], 'backend:c'), isConductorError('DENIED'));
    assert.deepEqual(ground.uses, []);
    assert.deepEqual(ground.refusals.map(({ code }) => code), ['DENIED', 'DENIED', 'DENIED']);
    const lease = await store.lease(['a.one'], 'backend:a');
    assert.deepEqual(ground.uses, [{ holder: 'backend:a', names: ['a.one'] }]);
    const value = lease.value('a.one');
    assert.equal(value.toString(), 'first');
    assert.throws(() => lease.value('b.two'), RangeError);
    lease.release();
    assert.ok(value.every((byte) => byte === 0), 'the value was not overwritten');
    assert.throws(() => lease.value('a.one'), RangeError);
    assert.deepEqual(store.list().map(({ name, usableBy }) => [name, usableBy]), [['a.one', ['backend:a']], ['b.two', ['backend:b']]]);
  });

  it('credentials:unrecorded gives no value when the use cannot be recorded', async () => {
    const { store } = await holding({ 'a.b': 'x' }, fresh({ used: () => Promise.reject(new Error('the log is full')) }));
    store.declare('h', ['a.b']);
    await assert.rejects(store.lease(['a.b'], 'h'), /the log is full/);
    assert.equal(store.list()[0]?.lastUsedAt, null);
  });

  it('credentials:windows a store that windows opened is open until the last of them has left', async () => {
    const key = 'ab'.repeat(32);
    const store = await openCredentials(fresh());
    await store.addSlot({ kind: 'editor', key }, 1);
    await store.set('a.b', Buffer.from('never leased'));
    await store.set('c.d', Buffer.from('leased'));
    assert.equal(await valueOf(store, 'c.d'), 'leased');
    await store.offer({ key }, 2);
    await store.renew();
    await store.left(1);
    assert.equal(store.state().state, 'open');
    await store.left(3);
    assert.equal(store.state().state, 'open');
    await store.left(2);
    assert.equal(store.state().state, 'locked');
    assert.equal(store.names(), undefined);
    assert.throws(() => store.has('a.b'), isConductorError('CREDENTIALS_LOCKED', /Open VS Code/));
    await assert.rejects(store.lease(['a.b'], 'test'), isConductorError('DENIED'));
    store.declare('test', ['a.b']);
    await assert.rejects(store.lease(['a.b'], 'test'), isConductorError('CREDENTIALS_LOCKED'));
    // What was leased may still be said by whoever got it.
    assert.deepEqual(store.known().map(({ value }) => value.toString()), ['leased']);
    await store.offer({ key }, 4);
    assert.equal(await valueOf(store, 'a.b'), 'never leased');
  });

  it('credentials:used keeps the time of the last use, gathered and at the end', async () => {
    const { ground, store } = await holding({ 'a.b': 'x' });
    await valueOf(store, 'a.b');
    const used = store.list()[0]?.lastUsedAt;
    assert.ok(typeof used === 'string');
    assert.equal((await openCredentials({ ...ground })).list()[0]?.lastUsedAt, null);
    assert.equal(ground.scheduled.length, 1);
    await store.close();
    assert.equal((await openCredentials({ ...ground })).list()[0]?.lastUsedAt, used);
  });

  it('credentials:known tells redaction every stored value, and what was leased to the end of the run', async () => {
    const { store } = await holding({ 'a.b': 'old-value', 'c.d': 'never-leased' });
    let told = 0;
    store.onKnown(() => { told += 1; });
    const values = (): string[] => store.known().map(({ value }) => value.toString()).sort();
    assert.deepEqual(values(), ['never-leased', 'old-value']);
    await valueOf(store, 'a.b');
    await store.set('a.b', Buffer.from('new-value'));
    await store.delete('c.d');
    assert.deepEqual(values(), ['new-value', 'old-value']);
    assert.ok(told >= 3);
  });
});
