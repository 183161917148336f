import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';

describe('tsc --noEmit: what its configuration extends', () => {
  let bin: string;
  let ground: ShellProject;
  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'conductor-tsc-'));
    symlinkSync(resolve(__dirname, '../../../../node_modules/typescript/bin/tsc'), join(bin, 'tsc'));
    ground = new ShellProject(['tsc'], [], {}, [bin]);
    ground.put('x.ts', 'export const a = 1;\n');
  });
  afterEach(() => {
    ground.remove();
    rmSync(bin, { recursive: true, force: true });
  });

  const written = (): string => join(ground.folder, 'written');
  const writing = (file: string): string => JSON.stringify({ compilerOptions: { incremental: true, tsBuildInfoFile: '../'.repeat(file.split('/').length) + 'written' } });

  /** A harmless file where nobody but us would look, and the one that the compiler takes. */
  async function asksFor(name: string, taken: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries({ ...files, [taken]: writing(taken), 'tsconfig.json': JSON.stringify({ extends: name, files: ['x.ts'] }) })) ground.put(path, text);
    const prepared = await ground.prepare('tsc --noEmit');
    assert.equal(prepared.verdict.verdict, 'approve', name);
    await ground.start(prepared);
    assert.ok(existsSync(written()), `${name} is what the compiler takes`);
  }

  const cases: readonly (readonly [about: string, name: string, taken: string, files: Readonly<Record<string, string>>])[] = [
    ['a package that names its configuration', 'pkg', 'node_modules/pkg/evil.json', { 'node_modules/pkg/tsconfig.json': '{}', 'node_modules/pkg/package.json': '{"name":"pkg","tsconfig":"evil.json"}' }],
    ['a package that exports it', 'pkg/base.json', 'node_modules/pkg/evil.json', { 'node_modules/pkg/base.json': '{}', 'node_modules/pkg/package.json': '{"name":"pkg","exports":{"./base.json":"./evil.json"}}' }],
    ['a folder of a package that names it', 'pkg/sub', 'node_modules/pkg/sub/evil.json', { 'node_modules/pkg/sub/tsconfig.json': '{}', 'node_modules/pkg/sub/package.json': '{"tsconfig":"evil.json"}' }],
    ['the package around it', 'me/base.json', 'evil.json', { 'node_modules/me/base.json': '{}', 'package.json': '{"name":"me","exports":{"./base.json":"./evil.json"}}' }],
    ['a name that begins with a dot', '.evil', 'node_modules/.evil/tsconfig.json', { '.evil.json': '{}' }],
    ['a name that package.json explains', '#base', 'evil.json', { 'node_modules/#base/tsconfig.json': '{}', 'package.json': '{"name":"me","imports":{"#base":"./evil.json"}}' }],
  ];
  for (const [about, name, taken, files] of cases) it(`T8 asks for ${about}`, () => asksFor(name, taken, files));

  it('T8 asks for what lies beside a package that is a link', async () => {
    mkdirSync(join(ground.project, 'packages/pkg'), { recursive: true });
    mkdirSync(join(ground.project, 'node_modules'));
    symlinkSync('../packages/pkg', join(ground.project, 'node_modules/pkg'));
    await asksFor('pkg', 'packages/evil.json', { 'packages/pkg/tsconfig.json': '{"extends":"../evil.json"}', 'node_modules/evil.json': '{}' });
  });

  it('is silent for packages and files that say nothing of the kind, and writes nothing', async () => {
    ground.put('package.json', '{"name":"me","exports":"./x.js"}');
    ground.put('node_modules/@tsconfig/strict/package.json', '{"name":"@tsconfig/strict","version":"1.0.0"}');
    ground.put('node_modules/@tsconfig/strict/tsconfig.json', '{"compilerOptions":{"strict":true}}');
    ground.put('base.json', '{"extends":"@tsconfig/strict/tsconfig.json"}');
    ground.put('tsconfig.json', '{"extends":["./base","@tsconfig/strict"],"files":["x.ts"]}');
    await ground.silent('tsc --noEmit');
    assert.ok(!existsSync(written()));
  });
});
