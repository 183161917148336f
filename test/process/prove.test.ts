import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requests } from '../../protocol/src/messages';
import type { Proof } from '../../protocol/src/vectors';
import { conductor, TestHouse, until } from './house';

/** `conductor policy prove` as a person types it. */

type Report = Readonly<{ totals: Readonly<Record<'vectors' | 'held' | 'exposed' | 'asks' | 'silent', number>>; results: readonly (Proof & { threats: string[]; keys?: string[] })[]; problems: readonly unknown[] }>;

describe('conductor policy prove', () => {
  let house: TestHouse;

  beforeEach(() => void (house = new TestHouse({ plugins: { shell: { allowedCommands: ['ls', 'cat', 'rg', 'find'], requireApproval: ['rm', 'npm', 'node'] } } })));
  afterEach(() => house.close());

  const prove = (...args: string[]): { status: number | null; report: Report } => {
    const { status, stdout, stderr } = house.run('policy', 'prove', '--json', ...args);
    return { status, report: JSON.parse(stdout === '' ? `{"error": ${JSON.stringify(stderr)}}` : stdout) as Report };
  };

  it('cli:policy-prove: a careful configuration holds everything, and the command ends with 0', () => {
    const { status, report } = prove();
    assert.equal(status, 0);
    assert.ok(report.totals.vectors > 1000);
    assert.equal(report.totals.held, report.totals.vectors);
    const { stdout } = house.run('policy', 'prove');
    assert.match(stdout, /^T6 +(\d+) of \1 +held/m);
    assert.match(stdout, /vectors: \d+ held, 0 exposed by your settings, 0 not held\. Nothing was run\./);
  });

  it('policy:exposures: what the settings open ends with 5, and names the key', () => {
    house.configure({ plugins: { shell: { allowedCommands: ['node', 'npm'] }, filesystem: { requireApproval: ['delete'], allowedPaths: ['~'] } } });
    const { status, report } = prove('--failed');
    assert.equal(status, 5);
    assert.equal(report.totals.silent + report.totals.asks, 0);
    const found = new Map(report.results.map((result) => [result.id, result]));
    for (const [id, key] of [['choice-write-and-run', 'plugins.filesystem.requireApproval'], ['choice-package-scripts', 'plugins.shell.requireApproval'], ['file-ssh-key', 'plugins.filesystem.allowedPaths']] as const) {
      assert.equal(found.get(id)?.outcome, 'exposed', id);
      assert.ok(found.get(id)?.keys?.includes(key), id);
    }
    assert.match(house.run('policy', 'prove', '--failed', '--threat', 'T16').stdout, /EXPOSED +choice-write-and-run: .*\(through node\)[\s\S]*allow \[shell\.allowed\] node build\/step[\s\S]*next: .*requireApproval/);
  });

  it('policy:findings: vectors of one\'s own are judged, and a silent one ends with 1', () => {
    const folder = join(house.configDir, 'vectors');
    mkdirSync(folder);
    const vector = (id: string, command: string): unknown => ({ id, threats: ['T6'], title: 'One of my own', call: { tool: 'shell.exec', command } });
    writeFileSync(join(folder, 'mine.json'), JSON.stringify({ vectors: [vector('mine-held', 'rm -r x')] }));
    assert.equal(prove('--threat', 'T6').status, 0);
    const file = join(house.base, 'more.json');
    writeFileSync(file, JSON.stringify({ vectors: [vector('mine-silent', 'ls -la')] }));
    const { status, report } = prove('--vectors', file, '--failed');
    assert.equal(status, 1);
    assert.deepEqual(report.results.map(({ id, outcome }) => [id, outcome]), [['mine-silent', 'silent']]);
    assert.ok(prove('--vectors', file).report.results.some(({ id }) => id === 'mine-held'));
  });

  it('policy:bad-vectors: a broken file is named with line and column, and the command ends with 2', () => {
    const file = join(house.base, 'bad.json');
    writeFileSync(file, '{\n  "vectors": [\n    {"id": "x y"}\n  ]\n}\n');
    const { status, stderr } = house.run('policy', 'prove', '--vectors', file);
    assert.equal(status, 2);
    assert.match(stderr, /bad\.json:3:12: .*small letters/);
  });

  it('says what it cannot judge: a broken configuration, a missing file, a threat that nobody knows', () => {
    for (const args of [['--config', '/does/not/exist.json'], ['--threat', 'T91'], ['--bogus']]) assert.equal(house.run('policy', 'prove', ...args).status, 2, args.join(' '));
    writeFileSync(join(house.configDir, 'config.json'), '{\n  "plugins": 3\n}');
    const { status, stderr } = house.run('policy', 'prove');
    assert.equal(status, 2);
    assert.match(stderr, /broken.*config\.json:2:\d+/);
  });

  it('judges the rules behind the lists when asked to', () => {
    const { report } = prove('--as-if-listed');
    assert.equal(report.totals.silent + report.totals.asks, 0);
    assert.ok(report.totals.exposed > 10);
    assert.ok(report.results.every(({ listed }) => listed));
  });

  it('policy:executes-nothing: no program is found, nothing in the project or the configuration changes, no broker starts', () => {
    writeFileSync(join(house.project, 'package.json'), '{"scripts": {"test": "touch ran"}}');
    const picture = (): unknown => [house.project, house.configDir].map((folder) => [statSync(folder).mtimeMs, readdirSync(folder, { recursive: true }), readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs)]);
    const before = picture();
    const { status, stdout } = spawnSync(process.execPath, [conductor, 'policy', 'prove'], { env: { CONDUCTOR_CONFIG_DIR: house.configDir, HOME: house.base, PATH: '' }, cwd: house.project, encoding: 'utf8' });
    assert.equal(status, 0);
    assert.match(stdout, /Nothing was run/);
    assert.deepEqual(picture(), before);
    assert.ok(!existsSync(join(house.configDir, 'broker.sock')) && !existsSync(house.log));
  });

  it('policy:broker: whoever may look asks the broker for vectors and proofs, by the configuration in force; nothing is recorded', async () => {
    const viewer = await house.control('viewer');
    const ask = async <Name extends 'policy/vectors' | 'policy/prove' | 'policy/vector'>(name: Name, params: object): Promise<ReturnType<(typeof requests)[Name]['result']['parse']>> =>
      requests[name].result.parse(await viewer.sendRequest(name, params)) as ReturnType<(typeof requests)[Name]['result']['parse']>;
    mkdirSync(join(house.configDir, 'vectors'));
    writeFileSync(join(house.configDir, 'vectors', 'bad.json'), '{');
    const { vectors, problems } = await ask('policy/vectors', {});
    assert.ok(vectors.length > 1000);
    assert.deepEqual(problems.map(({ line }) => line), [1]);
    const before = house.entries().length;
    const first = await ask('policy/prove', {});
    assert.equal(first.proofs.length, vectors.length);
    assert.ok(first.proofs.every(({ outcome }) => outcome === 'held'));
    assert.deepEqual(JSON.parse((await ask('policy/vector', { id: 'find-delete' })).vector), {
      id: 'find-delete', threats: ['T6'], title: 'find deletes what it finds', call: { tool: 'shell.exec', command: 'find . -name "*.js" -delete' }, listed: ['find'],
    });
    await assert.rejects(ask('policy/vector', { id: 'no-such-vector' }), /no vector/);
    assert.equal(house.entries().length, before);
    house.configure({ plugins: { shell: { allowedCommands: ['node'] } } });
    const second = await until('the configuration is in force', async () => {
      const proved = await ask('policy/prove', { ids: ['choice-interpreter', 'find-delete'] });
      return proved.policyHash !== first.policyHash && proved;
    });
    assert.deepEqual(second.proofs.map(({ id, outcome }) => [id, outcome]), [['find-delete', 'held'], ['choice-interpreter', 'exposed']]);
  });
});
