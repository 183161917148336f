import assert from 'node:assert/strict';
import { createCipheriv, createHash, scryptSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isConductorError } from '../../../test/fakes/conductorError';
import { credentialGround, type TestGround } from '../../../test/fakes/credentialGround';
import { importOld } from './legacy';
import { openCredentials, type CredentialStore } from './store';

/** Files as the published versions write them. */
const machine = '3d1219c7c4c5404aaa1f6d2a48adfda4';
const key = (secret: string): Buffer => scryptSync(secret, createHash('sha256').update('conductor:keychain:v1').digest(), 32, { N: 16_384, r: 8, p: 1 });

function v2(value: string, secret = machine): string {
  const cipher = createCipheriv('aes-256-gcm', key(secret), Buffer.alloc(12, 5));
  const sealed = Buffer.concat([cipher.update(value), cipher.final()]).toString('hex');
  return ['v2', Buffer.alloc(12, 5).toString('hex'), cipher.getAuthTag().toString('hex'), sealed].join(':');
}

function v1(value: string): string {
  const cipher = createCipheriv('aes-256-cbc', key(machine), Buffer.alloc(16, 6));
  return [Buffer.alloc(16, 6).toString('hex'), Buffer.concat([cipher.update(value), cipher.final()]).toString('hex')].join(':');
}

describe('older credentials', () => {
  let ground: TestGround;
  let store: CredentialStore;
  let folder: string;
  const now = new Date('2026-01-02T03:04:05.678Z');
  const place = (): Parameters<typeof importOld>[0] => ({ folder, files: ground.files, secrets: () => Promise.resolve(['another id', machine]) });
  const valueOf = (name: string): string | undefined => store.known().find((known) => known.name === name)?.value.toString();
  beforeEach(async () => {
    ground = credentialGround();
    store = await openCredentials(ground);
    folder = join(ground.base, 'keychain');
    mkdirSync(folder);
  });
  afterEach(() => rmSync(ground.base, { recursive: true, force: true }));

  it('credentials:import takes over files of versions 2 and 1, and sets them aside', async () => {
    writeFileSync(join(folder, 'github.token.enc'), `${v2('ghp-canary-ä')}\n`);
    writeFileSync(join(folder, 'npm.token.enc'), v1('npm-canary'));
    writeFileSync(join(folder, 'machine_secret'), 'whatever');
    const result = await importOld(place(), store, now);
    assert.deepEqual(result, { imported: ['github.token', 'npm.token'], kept: [], problems: [], movedTo: `${folder}.imported-2026-01-02T03-04-05-678Z` });
    assert.deepEqual([valueOf('github.token'), valueOf('npm.token')], ['ghp-canary-ä', 'npm-canary']);
    assert.ok(!existsSync(folder));
    assert.ok(existsSync(join(result.movedTo ?? '', 'github.token.enc')));
    await assert.rejects(importOld(place(), store, now), isConductorError('NOT_FOUND'));
  });

  it('credentials:import-partly moves nothing while a file cannot be taken over, and overwrites nothing', async () => {
    await store.set('here.already', Buffer.from('newer'));
    writeFileSync(join(folder, 'here.already.enc'), v2('older'));
    writeFileSync(join(folder, 'good.one.enc'), v2('good'));
    writeFileSync(join(folder, 'other.machine.enc'), v2('x', 'f'.repeat(32)));
    writeFileSync(join(folder, 'flipped.tag.enc'), v2('x').replace(/.$/, (digit) => (digit === '0' ? '1' : '0')));
    writeFileSync(join(folder, 'cut.tag.enc'), v2('x').replace(/:([0-9a-f]{32}):/, (_, tag: string) => `:${tag.slice(0, 8)}:`));
    writeFileSync(join(folder, 'no.format.enc'), 'plain text');
    writeFileSync(join(folder, 'nodot.enc'), v2('x'));
    const { imported, kept, problems, movedTo } = await importOld(place(), store, now);
    assert.deepEqual([imported, kept, movedTo], [['good.one'], ['here.already'], null]);
    assert.equal(problems.length, 5);
    assert.match(problems.join('\n'), /other\.machine\.enc is not imported: it was changed, or written on another machine/);
    assert.equal(valueOf('here.already'), 'newer');
    assert.equal(readFileSync(join(folder, 'no.format.enc'), 'utf8'), 'plain text');
  });
});
