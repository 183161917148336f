import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';

describe('tsc --noEmit: whatever its configuration says', function () {
  this.timeout(120_000);
  let bin: string;
  let ground: ShellProject;
  let before: readonly string[];
  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'conductor-tsc-'));
    symlinkSync(resolve(__dirname, '../../../../node_modules/typescript/bin/tsc'), join(bin, 'tsc'));
    ground = new ShellProject(['tsc', 'timeout'], [], {}, [bin]);
    ground.put('x.ts', 'export const a: number = 1;\n');
    ground.put('.vscode/settings.json', '{}');
    before = readdirSync(ground.folder);
  });
  afterEach(() => {
    ground.remove();
    rmSync(bin, { recursive: true, force: true });
  });

  function nothingWritten(about: string): void {
    assert.deepEqual(readdirSync(ground.folder), before, about);
    assert.deepEqual(readdirSync(join(ground.project, '.vscode')), ['settings.json'], about);
    assert.deepEqual(readdirSync(ground.project).filter((name) => /build|trace|cpu|\.js$|\.d\.ts$/i.test(name)), [], about);
  }

  /** The smallest library, since reading it is most of what the compiler does here. */
  const small = { lib: ['es5'], types: [] };
  const greedy = { incremental: true, tsBuildInfoFile: '.vscode/tasks.json', generateTrace: '../trace', generateCpuProfile: '../cpu.cpuprofile', noEmit: false, outDir: '../out', declaration: true };

  const lines: readonly (readonly [line: string, options: Readonly<Record<string, unknown>>])[] = [
    ['tsc --noEmit', greedy],
    ['timeout 60 tsc -p tsconfig.json --noEmit', { composite: true, declaration: true, tsBuildInfoFile: '../written.tsbuildinfo' }],
  ];
  for (const [line, options] of lines) {
    it(`T8 writes nothing after an approval: ${line} with ${Object.keys(options).join(', ')}`, async () => {
      ground.put('base.json', JSON.stringify({ compilerOptions: { ...small, ...options } }));
      ground.put('tsconfig.json', JSON.stringify({ extends: './base.json', files: ['x.ts'] }));
      assert.equal((await ground.run(line)).kind, 'success', line);
      nothingWritten(line);
    });
  }

  it('T8 T16 writes nothing when the configuration is exchanged after it was approved', async () => {
    ground.put('tsconfig.json', JSON.stringify({ compilerOptions: small, files: ['x.ts'] }));
    const prepared = await ground.prepare('tsc --noEmit');
    assert.equal(prepared.verdict.verdict, 'approve');
    ground.put('tsconfig.json', JSON.stringify({ compilerOptions: { ...small, ...greedy }, files: ['x.ts'] }));
    assert.equal((await ground.start(prepared)).kind, 'refused');
    nothingWritten('exchanged');
  });

  it('T24 T32 asks, since it quotes whatever file its configuration names', async () => {
    const secret = join(ground.folder, 'credentials');
    writeFileSync(secret, 'aws_secret_access_key = CANARY\n');
    ground.put('tsconfig.json', JSON.stringify({ extends: secret, files: ['x.ts'] }));
    const prepared = await ground.prepare('tsc --noEmit --pretty');
    assert.match(JSON.stringify(await ground.start(prepared)), /CANARY/, 'the compiler does it, so that this test can fail');
    for (const line of ['tsc --noEmit --pretty', 'tsc', 'tsc --showConfig', 'tsc --listFilesOnly', 'timeout 9 tsc --noEmit']) assert.equal(await ground.verdict(line), 'approve shell.arguments', line);
    assert.equal(await ground.verdict('tsc --version'), 'allow shell.allowed');
  });

  it('still tells what is wrong', async () => {
    ground.put('x.ts', 'export const a: number = "one";\n');
    ground.put('tsconfig.json', JSON.stringify({ compilerOptions: { ...small, composite: true }, files: ['x.ts'] }));
    const outcome = await ground.start(await ground.prepare('tsc --noEmit'));
    assert.match(JSON.stringify(outcome), /x\.ts\(1,14\): error TS2322/);
  });
});
