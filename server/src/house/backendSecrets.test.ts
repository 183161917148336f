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
    profiles.set('one', profile({ A: '${secret:not.there}', B: '${secret:-no.name}' }));
    declaring(store, () => profiles)();
    await assert.rejects(fillerOf(store)('one', { A: '${secret:not.there}' }), isConductorError('BACKEND_UNAVAILABLE', /no credential not\.there.*secrets set not\.there/));
  });
});
