import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { credentialGround } from '../../../test/fakes/credentialGround';
import { realFiles } from './files';
import { openCredentials, type CredentialStore } from './store';

/** Ends each change at each of its steps on the disk, and looks at what is there afterwards. */

const passphrase = 'correct horse battery staple';
const held: Readonly<Record<string, string>> = { 'a.one': 'first', 'b.two': 'second', 'c.three': 'x'.repeat(5_000) };

/** More than any change takes. */
const mostSteps = 150;

type Change = Readonly<{ title: string; from: 'nothing' | 'store'; run(store: CredentialStore): Promise<unknown>; after: Readonly<Record<string, string>> }>;

const machineOf = (store: CredentialStore): string => store.state().slots.find(({ kind }) => kind === 'machine')?.id ?? '';
const changes: Readonly<Record<string, Change>> = {
  first: { title: 'the first credential', from: 'nothing', run: (store) => store.set('a.one', Buffer.from('first')), after: { 'a.one': 'first' } },
  set: { title: 'a new credential', from: 'store', run: (store) => store.set('d.four', Buffer.from('fourth')), after: { ...held, 'd.four': 'fourth' } },
  change: { title: 'another value', from: 'store', run: (store) => store.set('b.two', Buffer.from('other')), after: { ...held, 'b.two': 'other' } },
  delete: { title: 'a deletion', from: 'store', run: (store) => store.delete('a.one'), after: { 'b.two': 'second', 'c.three': held['c.three'] ?? '' } },
  renew: { title: 'a new data key', from: 'store', run: (store) => store.offer({ passphrase }, 'stays').then(() => store.renew()), after: held },
  addSlot: { title: 'another slot', from: 'store', run: (store) => store.addSlot({ kind: 'machine' }, 'stays'), after: held },
  removeSlot: { title: 'a removed slot', from: 'store', run: (store) => store.offer({ passphrase }, 'stays').then(() => store.removeSlot(machineOf(store))), after: held },
};

/** What a store holds, read through a lease; it must be open, or open with the passphrase. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const ground = credentialGround({ folder });
  const store = await openCredentials(ground);
  if (store.state().state === 'locked') await store.offer({ passphrase }, 'stays');
  assert.match(store.state().state, /^(open|empty)$/, store.state().message);
  const names = store.names() ?? [];
  store.declare('test', names);
  const lease = store.state().state === 'empty' ? undefined : await store.lease(names, 'test');
  const content = Object.fromEntries(names.map((name) => [name, lease?.value(name).toString('utf8') ?? '']));
  assert.deepEqual(store.state().remarks, []);
  if (existsSync(folder)) assertNoLeavings(folder, names.length, store);
  // And it can be changed again.
  await store.set('z.last', Buffer.from('last'));
  assert.ok(store.has('z.last'));
  return content;
}

function assertNoLeavings(folder: string, credentials: number, store: CredentialStore): void {
  const machines = store.state().slots.filter(({ kind }) => kind === 'machine').length;
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  // slots.json, one folder, its index, one file for each, one salt for each slot of the machine
  assert.equal(found.length, 3 + credentials + machines, found.join(' '));
  assert.deepEqual(readdirSync(dirname(folder)).filter((name) => name.startsWith('credentials.')), []);
}

async function storeIn(base: string): Promise<void> {
  const store = await openCredentials(credentialGround({ folder: join(base, 'credentials') }));
  for (const [name, value] of Object.entries(held)) await store.set(name, Buffer.from(value));
  await store.addSlot({ kind: 'passphrase', passphrase }, 'stays');
}

/** Whether it is all of what was, or all of what was to be. */
function assertWhole(content: Record<string, string>, { from, after }: Change, what: string): void {
  const old = from === 'nothing' ? {} : held;
  const text = JSON.stringify(content);
  assert.ok(text === JSON.stringify(old) || text === JSON.stringify(after), `${what} left ${text.slice(0, 300)}`);
}

describe('credential store that is interrupted', () => {
  const bases: string[] = [];
  const fresh = (): string => {
    const base = mkdtempSync(join(tmpdir(), 'conductor-credentials-'));
    bases.push(base);
    return base;
  };
  let kept: string;
  let program: string | undefined;
  before(async () => storeIn((kept = fresh())));
  after(() => bases.splice(0).forEach((base) => rmSync(base, { recursive: true, force: true })));

  for (const change of Object.values(changes)) {
    it(`credentials:interrupted ${change.title} that fails at any step leaves what was or what was to be, and every value readable`, async function () {
      this.timeout(120_000);
      for (let fatal = 1; fatal < mostSteps; fatal += 1) {
        const base = fresh();
        if (change.from === 'store') cpSync(kept, base, { recursive: true });
        let steps = 0;
        const files = realFiles((what) => {
          steps += 1;
          if (steps >= fatal) throw new Error(`the disk died at step ${String(fatal)}, ${what}`);
        });
        const folder = join(base, 'credentials');
        const store = await openCredentials(credentialGround({ folder, files }));
        const done = await change.run(store).then(() => true, () => false);
        assertWhole(await contentOf(folder), change, `step ${String(fatal)}`);
        rmSync(base, { recursive: true });
        if (done && steps < fatal) return assert.ok(fatal > 5, 'the change took no steps');
      }
      assert.fail('the change never came to its end');
    });
  }

  for (const [name, change] of Object.entries(changes)) {
    it(`credentials:killed a process that is killed at any step of ${change.title} leaves what was or what was to be, and every value readable`, async function () {
      this.timeout(180_000);
      let fatal = 1;
      for (let ended = false; !ended; fatal += 1) {
        const base = fresh();
        if (change.from === 'store') cpSync(kept, base, { recursive: true });
        const folder = join(base, 'credentials');
        ended = killedAt(fatal, name, folder);
        assertWhole(await contentOf(folder), change, `${name}, killed at step ${String(fatal)},`);
        rmSync(base, { recursive: true });
        assert.ok(fatal < mostSteps, 'the change never came to its end');
      }
      assert.ok(fatal > 5, 'the change took no steps');
    });
  }

  it('credentials:killed-again what a killed change left is removed, also when the process that removes it is killed at any step', async function () {
    this.timeout(180_000);
    const [left, change] = [fresh(), changes['renew']];
    assert.ok(change !== undefined);
    cpSync(kept, left, { recursive: true });
    // Right before its last step the old epoch, or a part of the new one, lies beside the one that holds.
    const files = (): number => readdirSync(left, { recursive: true }).length;
    const before = files();
    for (let fatal = 20; files() < before + 5; fatal += 1) {
      assert.ok(!killedAt(fatal, 'renew', join(left, 'credentials')), 'nothing was left');
      if (files() < before + 5) rmSync(left, { recursive: true }), cpSync(kept, left, { recursive: true });
    }
    let fatal = 1;
    for (let ended = false; !ended; fatal += 1) {
      const base = fresh();
      cpSync(left, base, { recursive: true });
      ended = killedAt(fatal, 'open', join(base, 'credentials'));
      assertWhole(await contentOf(join(base, 'credentials')), change, `opened again, killed at step ${String(fatal)},`);
      rmSync(base, { recursive: true });
      assert.ok(fatal < mostSteps, 'the store was never open');
    }
    assert.ok(fatal > 5, 'nothing was removed');
  });

  /** Makes a change in a process that kills itself at a step; whether the change came to its end before. */
  function killedAt(fatal: number, name: string, folder: string): boolean {
    program ??= programIn(fresh());
    const { signal, status, stderr } = spawnSync(process.execPath, [program, folder, String(fatal), name], { encoding: 'utf8' });
    assert.ok(signal === 'SIGKILL' || status === 0, stderr);
    return status === 0;
  }
});

/** Bundles a program that makes one change and kills itself at one step of it. */
function programIn(base: string): string {
  const outfile = join(base, 'change.js');
  const contents = `
    import { credentialGround } from '../../../test/fakes/credentialGround';
    import { realFiles } from './files';
    import { openCredentials } from './store';
    const [folder, fatal, name] = process.argv.slice(2);
    let steps = 0;
    const files = realFiles(() => { steps += 1; if (steps === Number(fatal)) process.kill(process.pid, 'SIGKILL'); });
    const passphrase = ${JSON.stringify(passphrase)};
    const machineOf = (store) => store.state().slots.find(({ kind }) => kind === 'machine').id;
    const changes = {
      open: () => undefined,
      ${Object.entries(changes).map(([name, { run }]) => `${name}: ${String(run)}`).join(',\n      ')},
    };
    openCredentials(credentialGround({ folder, files })).then((store) => changes[name](store)).catch((error) => { console.error(error); process.exit(1); });
  `;
  buildSync({ stdin: { contents, resolveDir: __dirname, loader: 'ts' }, bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' });
  return outfile;
}
