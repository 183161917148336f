import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { isConductorError } from '../../../test/fakes/conductorError';
import { credentialGround, type TestGround } from '../../../test/fakes/credentialGround';
import { backendSchema, type Backend } from '../../../protocol/src/backends';
import { openCredentials, type CredentialStore } from '../credentials/store';
import { declaring, fillerOf } from './backendSecrets';

describe('credentials of external servers', () => {
  let ground: TestGround;
  let store: CredentialStore;
  const profiles = new Map<string, Backend>();
  const profile = (env: Record<string, string>): Backend => backendSchema.parse({ transport: 'stdio', command: 'x', env });
  const usable = (): unknown => store.list().map(({ name, usableBy }) => [name, usableBy]);
  beforeEach(async () => {
    ground = credentialGround();
    store = await openCredentials(ground);
    await store.set('one.token', Buffer.from('first ${secret:two.token}'));
    await store.set('two.token', Buffer.from('second'));
    profiles.clear();
  });
  afterEach(() => rmSync(ground.base, { recursive: true, force: true }));

  it('credentials:backends T76 a server gets what its profile in force names, put in once, and nothing of another', async () => {
    profiles.set('one', profile({ A: 'Bearer ${secret:one.token}!', B: 'plain' }));
    profiles.set('two', profile({ A: '${secret:two.token}' }));
    const declare = declaring(store, () => profiles);
    declare();
    const fillIn = fillerOf(store);
    assert.deepEqual(usable(), [['one.token', ['backend one']], ['two.token', ['backend two']]]);
    assert.deepEqual(await fillIn('one', { A: 'Bearer ${secret:one.token}!', B: 'plain' }), { A: 'Bearer first ${secret:two.token}!', B: 'plain' });
    assert.deepEqual(ground.uses, [{ holder: 'backend one', names: ['one.token'] }]);
    await assert.rejects(fillIn('one', { A: '${secret:two.token}' }), isConductorError('BACKEND_UNAVAILABLE', /did not declare the credential two\.token/));
    await assert.rejects(fillIn('three', { A: '${secret:two.token}' }), isConductorError('BACKEND_UNAVAILABLE', /did not declare/));
    profiles.delete('two');
    profiles.set('one', profile({ A: '${secret:two.token}' }));
    declare();
    assert.deepEqual(usable(), [['one.token', []], ['two.token', ['backend one']]]);
  });

  it('credentials:backend-missing a server without its credential is not started, and the failure says what to do', async () => {
    profiles.set('one', profile({ A: '${secret:not.there}' }));
    declaring(store, () => profiles)();
    await assert.rejects(fillerOf(store)('one', { A: '${secret:not.there}' }), isConductorError('BACKEND_UNAVAILABLE', /no credential not\.there.*secrets set not\.there/));
  });

  it('credentials:backend-again a server that lacked a credential is tried again when all that it names is there, and not before', async () => {
    profiles.set('one', profile({ A: '${secret:late.one}', B: '${secret:late.two}' }));
    declaring(store, () => profiles)();
    const again: string[] = [];
    const fillIn = fillerOf(store, (backend) => again.push(backend));
    const texts = { A: '${secret:late.one}', B: '${secret:late.two}' };
    await assert.rejects(fillIn('one', texts), isConductorError('BACKEND_UNAVAILABLE'));
    await store.set('late.one', Buffer.from('first of them'));
    assert.deepEqual(again, []);
    await store.set('late.two', Buffer.from('second of them'));
    assert.deepEqual(again, ['one']);
    assert.deepEqual(await fillIn('one', texts), { A: 'first of them', B: 'second of them' });
    await store.delete('late.two');
    await store.set('late.two', Buffer.from('another'));
    assert.deepEqual(again, ['one'], 'what was not refused is not tried again');
  });

  it('a reference whose name is none of a credential is refused in the file, and none of its parts is a name', () => {
    for (const text of ['${secret:-no.name}', '${secret:no.-name}', '${secret:a}', '${secret:a.b.c}', '${secret:}', '${other:a.b}']) assert.throws(() => profile({ A: text }), text);
    for (const text of ['${secret:a.b}', 'x ${secret:a-1.b_2} y', '$HOME and $5']) assert.doesNotThrow(() => profile({ A: text }), text);
  });
});
