import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { configSchema, defaultConfig, type ConfigInput } from '../../../../protocol/src/config';
import { vectorFileSchema, vectorSchema, type Vector } from '../../../../protocol/src/vectors';
import { corpus } from '../../config/corpus';
import { asIfListed, proveVector } from './prove';

const home = '/home/you';
const vectors = Object.values(corpus).flatMap((file) => vectorFileSchema.parse(file).vectors);
const holes = vectors.filter(({ choice }) => choice === undefined);
const choices = vectors.filter(({ choice }) => choice !== undefined);
const threats = [...new Set(vectors.map((vector) => vector.threats[0] ?? ''))].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));

/** Settings that open whatever settings can. */
const open = configSchema.parse({ plugins: { filesystem: { requireApproval: [], allowedPaths: ['/', '~', 'C:\\', 'D:\\'] } } });

function outcomeOf(given: Record<string, unknown>, config: ConfigInput = {}): string {
  return proveVector(vectorSchema.parse({ id: 'one', threats: ['T1'], title: 'One vector of a test', ...given }), { config: configSchema.parse(config), home }).outcome;
}

function wrong(list: readonly Vector[], config: typeof defaultConfig, expected: string): readonly string[] {
  return list.flatMap((vector) => {
    const { outcome, calls } = proveVector(vector, { config: asIfListed(vector, config), home });
    return outcome === expected ? [] : [`${vector.id}: ${outcome}: ${JSON.stringify(calls).slice(0, 300)}`];
  });
}

describe('the shipped rules against the shipped vectors', () => {
  for (const threat of threats) {
    it(`policy:vectors-held: ${threat}: nothing is silent, even where every program of a vector is listed`, () => {
      assert.deepEqual(wrong(holes.filter((vector) => vector.threats[0] === threat), defaultConfig, 'held'), []);
    });
  }

  it('policy:vectors-held: settings about files open nothing but what is marked as a choice', () => {
    assert.deepEqual(wrong(holes, open, 'held'), []);
  });

  it('policy:exposures: every choice is held by other settings, and exposed by those that open it', () => {
    assert.deepEqual(choices.flatMap((vector) => (proveVector(vector, { config: defaultConfig, home }).outcome === 'held' ? [] : [vector.id])), []);
    assert.deepEqual(wrong(choices, open, 'exposed'), []);
  });

  it('has several hundred vectors with ids of their own, on every threat of the command line and of paths', () => {
    assert.ok(vectors.length > 1000);
    assert.equal(new Set(vectors.map(({ id }) => id)).size, vectors.length);
    const cited = new Set(vectors.flatMap((vector) => vector.threats));
    const missing = Array.from({ length: 31 }, (_, index) => `T${String(index + 1)}`).filter((threat) => !cited.has(threat));
    // What cannot be said in one call on one text: no setting holds a pattern (T19), and arguments that change are judged anew (T22).
    assert.deepEqual(missing, ['T19', 'T22']);
  });

  it('ships every file of the folder', () => {
    const names = readdirSync(resolve(__dirname, '../../../../test/vectors/policy')).map((name) => name.replace(/\.json$/, ''));
    assert.deepEqual(Object.keys(corpus).sort(), names.sort());
  });
});

describe('the prover', () => {
  const run = { call: { tool: 'shell.exec', command: 'find . -delete' }, listed: ['find'] };

  it('holds what is not listed, and says so', () => {
    const vector = vectorSchema.parse({ id: 'one', threats: ['T6'], title: 'One vector of a test', ...run });
    const proof = proveVector(vector, { config: defaultConfig, home });
    assert.deepEqual([proof.outcome, proof.listed, proof.calls[0]?.rule], ['held', false, 'shell.notListed']);
    assert.equal(proveVector(vector, { config: asIfListed(vector, defaultConfig), home }).listed, true);
  });

  it('policy:findings: calls a form that runs without asking silent, and says what to do', () => {
    const vector = vectorSchema.parse({ id: 'one', threats: ['T6'], title: 'One vector of a test', listed: ['ls'], call: { tool: 'shell.exec', command: 'ls -la' } });
    const proof = proveVector(vector, { config: configSchema.parse({ plugins: { shell: { allowedCommands: ['ls'] } } }), home });
    assert.equal(proof.outcome, 'silent');
    assert.match(proof.next ?? '', /Move ls to plugins\.shell\.requireApproval/);
  });

  it('calls it exposed where the vector says that the settings decide', () => {
    const choice = { keys: ['plugins.shell.requireApproval'], advice: 'Move ls to the other list.' };
    assert.equal(outcomeOf({ call: { tool: 'shell.exec', command: 'ls' }, choice }, { plugins: { shell: { allowedCommands: ['ls'] } } }), 'exposed');
  });

  it('tells asking from denying where only denying will do', () => {
    const shell = { allowedCommands: ['find'] };
    assert.equal(outcomeOf({ ...run, must: 'denied' }, { plugins: { shell } }), 'asks');
    assert.equal(outcomeOf({ ...run }, { plugins: { shell } }), 'held');
    assert.equal(outcomeOf({ ...run, must: 'denied' }), 'held');
  });

  it('counts a chain only when every call of it is silent', () => {
    const chain = { call: { tool: 'filesystem.write', path: 'a.js' }, then: [{ tool: 'shell.exec', command: 'node a.js' }], listed: ['node'] };
    const shell = { allowedCommands: ['node'] };
    assert.equal(outcomeOf(chain, { plugins: { shell } }), 'held');
    assert.equal(outcomeOf(chain, { plugins: { filesystem: { requireApproval: [] } } }), 'held');
    assert.equal(outcomeOf(chain, { plugins: { shell, filesystem: { requireApproval: [] } } }), 'silent');
  });

  it('tries every listed program of a family, whatever its version', () => {
    const vector = vectorSchema.parse({ id: 'one', threats: ['T16'], title: 'One vector of a test', each: ['node', 'python3'], call: { tool: 'shell.exec', command: '${NAME} a' } });
    const proof = proveVector(vector, { config: configSchema.parse({ plugins: { shell: { allowedCommands: ['ls', 'python3.12', 'node'], requireApproval: ['node'] } } }), home });
    assert.deepEqual([proof.outcome, proof.through], ['silent', ['python3.12']]);
    const partly = vectorSchema.parse({ ...vector, then: [{ tool: 'shell.exec', command: '${NAME} -c 1' }] });
    assert.deepEqual(proveVector(partly, { config: configSchema.parse({ plugins: { shell: { allowedCommands: ['python3.12'] } } }), home }).through, []);
  });

  it('T24 follows links of the project, in commands and in file tools', () => {
    const given = { links: { out: '${HOME}/secrets', hooks: '.git/hooks' } };
    const shell = { plugins: { shell: { allowedCommands: ['cat', 'cp'] } } };
    assert.equal(outcomeOf({ given, call: { tool: 'shell.exec', command: 'cat out/x' } }, shell), 'held');
    assert.equal(outcomeOf({ given, call: { tool: 'shell.exec', command: 'cp x hooks/y' } }, shell), 'held');
    assert.equal(outcomeOf({ given, call: { tool: 'shell.exec', command: 'cat in/x' } }, shell), 'silent');
    assert.equal(outcomeOf({ given, call: { tool: 'filesystem.read', path: 'out/x' } }), 'held');
    assert.equal(outcomeOf({ given, call: { tool: 'filesystem.read', path: 'out/x' } }, { plugins: { filesystem: { allowedPaths: ['~/secrets'] } } }), 'silent');
  });

  it('T30 keeps to the write scope, in commands and in file tools', () => {
    const filesystem = { requireApproval: [], writeScope: ['src/**'] };
    const config = { plugins: { shell: { allowedCommands: ['touch'] }, filesystem } };
    for (const [path, outcome] of [['src/a.js', 'silent'], ['docs/a.md', 'held']] as const) {
      assert.equal(outcomeOf({ call: { tool: 'filesystem.write', path } }, config), outcome);
      assert.equal(outcomeOf({ call: { tool: 'shell.exec', command: `touch ${path}` } }, config), outcome);
    }
    const given = { links: { 'src/out': '../docs' } };
    assert.equal(outcomeOf({ given, call: { tool: 'filesystem.write', path: 'src/out/a.md' } }, config), 'held');
    assert.equal(outcomeOf({ given, call: { tool: 'shell.exec', command: 'touch src/out/a.md' } }, config), 'held');
  });

  it('lets nothing through while the plugins are switched off', () => {
    const off = { plugins: { shell: { enabled: false, allowedCommands: ['ls'] }, filesystem: { enabled: false } } };
    assert.equal(outcomeOf({ call: { tool: 'shell.exec', command: 'ls' } }, off), 'held');
    assert.equal(outcomeOf({ call: { tool: 'filesystem.read', path: 'a' } }, off), 'held');
  });

  it('policy:executes-nothing: neither it nor anything that it imports can reach a disk, a process or a network', () => {
    const seen = new Set<string>();
    const outside = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, type, to = ''] of readFileSync(file, 'utf8').matchAll(/(?:import|export)\s+(type\s+)?[^'";]*?from\s+'([^']+)'/g)) {
        if (type !== undefined) continue;
        if (to.startsWith('.')) visit(`${resolve(dirname(file), to)}.ts`);
        else outside.add(to);
      }
    };
    visit(join(__dirname, 'prove.ts'));
    assert.ok(seen.size > 20);
    assert.deepEqual([...outside].sort(), ['unbash']);
  });
});
