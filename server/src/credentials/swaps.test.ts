import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentialGround } from '../../../test/fakes/credentialGround';
import { ConductorError } from '../../../protocol/src/errors';
import type { RememberedStore } from './box';
import { openCredentials, type CredentialStore } from './store';

/** Whole files of a store in each other's place: of the same moment, of an older one, and of another store. */

const key = 'ab'.repeat(32);
/** `b.two` and `e.five` have the same length, so that only what they are bound to tells their files apart. */
const values: Readonly<Record<string, string>> = { 'a.one': 'the first value', 'b.two': 'the second value', 'c.three': 'x'.repeat(3_000), 'e.five': 'the other valu_e' };
const refusals = /^(?:CREDENTIALS_REFUSED|CREDENTIALS_LOCKED|CREDENTIAL_DAMAGED)$/;

type Stored = ReadonlyMap<string, Buffer>;

function filesOf(folder: string): Stored {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return new Map(names.filter((name) => statSync(join(folder, name)).isFile()).map((name) => [name, readFileSync(join(folder, name))]));
}

/** What is left of the name of a file without the numbers that each store has for itself. */
function kindOf(name: string): string {
  return name.replace(/[0-9a-f]{40}$/, 'value').replace(/[0-9a-f]{16}/, '');
}

describe('files of a credential store in the place of others', function () {
  this.timeout(120_000);
  const bases: string[] = [];
  let folder: string;
  let remembered: RememberedStore;
  let stored: Stored;
  /** The same folder before two of the values were changed, and a store of the same passphrase, names and machine. */
  let older: Stored;
  let foreign: Stored;

  const made = async (base: string, given: Readonly<Record<string, string>>): Promise<CredentialStore> => {
    const store = await openCredentials(credentialGround({ folder: join(base, 'credentials') }));
    for (const [name, value] of Object.entries(given)) await store.set(name, Buffer.from(value));
    await store.addSlot({ kind: 'editor', key }, 'stays');
    return store;
  };
  const fresh = (): string => {
    const base = mkdtempSync(join(tmpdir(), 'conductor-swaps-'));
    bases.push(base);
    return base;
  };

  before(async () => {
    const base = fresh();
    folder = join(base, 'credentials');
    const store = await made(base, { ...values, 'a.one': 'an older value', 'd.four': 'a deleted value' });
    older = filesOf(folder);
    await store.set('a.one', Buffer.from(values['a.one'] ?? ''));
    await store.delete('d.four');
    stored = filesOf(folder);
    const { store: id, generation } = store.state();
    remembered = { store: id ?? '', generation: generation ?? 0 };
    const other = fresh();
    await made(other, Object.fromEntries(Object.keys(values).map((name) => [name, `a value of another store for ${name}`])));
    foreign = filesOf(join(other, 'credentials'));
  });
  after(() => bases.splice(0).forEach((base) => rmSync(base, { recursive: true, force: true })));

  /** What each credential gives in a folder of these files: its value, or the code of a failure. Only the file of slots may be missed by nobody when it is as it was. */
  async function givenBy(content: Stored): Promise<Record<string, string>> {
    const base = fresh();
    cpSync(folder, join(base, 'credentials'), { recursive: true });
    for (const [name, bytes] of content) writeFileSync(join(base, 'credentials', name), bytes, { mode: 0o600 });
    const store = await openCredentials(credentialGround({ folder: join(base, 'credentials'), remembered: () => Promise.resolve(remembered) }));
    if (store.state().state === 'locked') await store.offer({ key }, 'stays').catch((thrown: unknown) => assert.ok(thrown instanceof ConductorError && refusals.test(thrown.code), String(thrown)));
    store.declare('test', [...Object.keys(values), 'd.four']);
    const found: Record<string, string> = {};
    for (const name of [...Object.keys(values), 'd.four']) {
      found[name] = await store.lease([name], 'test').then((lease) => lease.value(name).toString('utf8'), (thrown: unknown) => (thrown instanceof ConductorError ? thrown.code : String(thrown)));
    }
    rmSync(base, { recursive: true });
    return found;
  }

  /** How many of the present values are not given. */
  async function refusedIn(content: Stored, what: string): Promise<number> {
    const found = await givenBy(content);
    for (const [name, given] of Object.entries(found)) {
      if (given === values[name] || (name === 'd.four' && given === 'NOT_FOUND')) continue;
      assert.match(given, refusals, `${what} gave ${name} ${given.slice(0, 60)}`);
    }
    return Object.keys(values).filter((name) => found[name] !== values[name]).length;
  }

  it('credentials:swaps T73: each file in the place of each other one, both ways, is a failure with a name and never another value', async () => {
    const names = [...stored.keys()];
    assert.deepEqual(names.map(kindOf).sort(), ['/index', '/value', '/value', '/value', '/value', 'machine-.salt', 'slots.json']);
    assert.equal(await refusedIn(new Map(), 'nothing'), 0);
    for (const [at, one] of names.entries()) {
      for (const other of names.slice(at + 1)) {
        const [first, second] = [stored.get(one) ?? Buffer.alloc(0), stored.get(other) ?? Buffer.alloc(0)];
        assert.ok((await refusedIn(new Map([[one, second], [other, first]]), `${one} and ${other} exchanged`)) > 0, `${one} and ${other} went unnoticed`);
        await refusedIn(new Map([[one, second]]), `${other} copied over ${one}`);
        await refusedIn(new Map([[other, first]]), `${one} copied over ${other}`);
      }
    }
  });

  it('credentials:swaps T73 T74: files of an older moment and of another store, each in the place of each, give no value that is not the present one', async () => {
    for (const [word, source] of [['older', older], ['foreign', foreign]] as const) {
      for (const target of stored.keys()) {
        for (const [from, bytes] of source) await refusedIn(new Map([[target, bytes]]), `${word} ${from} over ${target}`);
      }
    }
  });

  it('credentials:swaps T74: any mixture of older and present files gives no value that is not the present one', async () => {
    const names = [...new Set([...stored.keys(), ...older.keys()])];
    assert.equal(names.length, 9);
    let refused = 0;
    for (let mixture = 1; mixture < 2 ** names.length; mixture += 1) {
      const mixed = new Map(names.flatMap((name, bit) => { const bytes = (mixture >> bit) % 2 === 1 ? older.get(name) : undefined; return bytes === undefined ? [] : [[name, bytes] as const]; }));
      refused += await refusedIn(mixed, `mixture ${String(mixture)}`);
    }
    assert.ok(refused > 500);
  });
});
