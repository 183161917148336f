import assert from 'node:assert/strict';
import { configSchema } from '../../../../protocol/src/config';
import type { Step } from './plan';
import { secretNames, withSecrets } from './secrets';

/** `plugins.shell.secrets` alone: which command gets which secret. */
describe('secrets that the settings give to programs', () => {
  const declared = { gh: { GH_TOKEN: '${secret:github.token}', GH_HOST_TOKEN: '${secret:github.host}' }, npm: { NPM_TOKEN: '${secret:npm.token}', GH_TOKEN: '${secret:github.token}' } };
  const binary = { name: 'x', path: '/usr/bin/x', prefix: [], identity: '' };
  const step = (...lines: (readonly [string, ...string[]])[]): Step => ({ commands: lines.map((argv) => ({ argv, binary })) } as unknown as Step);
  const changedAt = (name: string): string | undefined => (name === 'npm.token' ? undefined : `since ${name}`);
  const given = (steps: readonly Step[]): unknown => steps.flatMap(({ commands }) => commands.map(({ argv, secrets }) => [argv[0], secrets]));

  it('shell:secrets: T77 only the program of that name gets its variables, each with when its secret was changed', () => {
    assert.deepEqual(given(withSecrets([step(['gh', 'pr', 'list'], ['cat'])], declared, changedAt)), [
      ['gh', [{ variable: 'GH_TOKEN', name: 'github.token', changedAt: 'since github.token' }, { variable: 'GH_HOST_TOKEN', name: 'github.host', changedAt: 'since github.host' }]],
      ['cat', undefined],
    ]);
    assert.deepEqual(given(withSecrets([step(['npm', 'publish'])], declared, changedAt)), [['npm', [{ variable: 'NPM_TOKEN', name: 'npm.token', changedAt: undefined }, { variable: 'GH_TOKEN', name: 'github.token', changedAt: 'since github.token' }]]]);
  });

  it('shell:secrets: T77 a program inside of another gets none, nor one that is only named alike, nor a word of objects', () => {
    for (const argv of [['env', 'gh'], ['xargs', 'gh'], ['GH', 'x'], ['gh2'], ['./gh'], ['constructor'], ['__proto__'], ['toString'], ['cd', 'gh']] as const) {
      assert.deepEqual(given(withSecrets([step(argv)], declared, changedAt)), [[argv[0], undefined]], argv.join(' '));
    }
  });

  it('shell:secrets: what has no program, such as cd, gets none even when it is named', () => {
    const steps = [{ commands: [{ argv: ['gh'] }] } as unknown as Step];
    assert.deepEqual(given(withSecrets(steps, declared, changedAt)), [['gh', undefined]]);
  });

  it('shell:secrets: names are gathered once each, and nothing is changed where nothing is declared', () => {
    assert.deepEqual(secretNames(declared), ['github.token', 'github.host', 'npm.token']);
    const steps = [step(['gh'])];
    assert.equal(withSecrets(steps, {}, changedAt), steps);
  });

  it('shell:secrets: the settings take references alone, by bare names of programs and of variables', () => {
    const fits = (secrets: unknown): boolean => configSchema.safeParse({ plugins: { shell: { secrets } } }).success;
    assert.ok(fits(declared));
    for (const secrets of [{ gh: { GH_TOKEN: 'ghp_in_clear' } }, { gh: { GH_TOKEN: 'x ${secret:a.b}' } }, { gh: { GH_TOKEN: '${secret:-a.b}' } }, { gh: { 'GH TOKEN': '${secret:a.b}' } }, { '/usr/bin/gh': { GH_TOKEN: '${secret:a.b}' } }, { 'gh pr': { GH_TOKEN: '${secret:a.b}' } }]) assert.ok(!fits(secrets), JSON.stringify(secrets));
  });
});
