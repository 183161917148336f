import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { besides, dropTemporary, makeTemporary, sweepTemporaries } from './temporary';

describe('commands:temporary folders of runs', () => {
  let top = '';
  beforeEach(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'temporary-test-')));
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));

  it('go with the run, and with what lies beside them', async () => {
    const folder = makeTemporary();
    mkdirSync(besides(folder));
    writeFileSync(join(folder, 'x'), '');
    await dropTemporary(folder);
    assert.ok(!existsSync(folder) && !existsSync(besides(folder)));
  });

  it('go with a process that exits in the middle of a run', () => {
    const script = `const { makeTemporary } = require(${JSON.stringify(resolve(__dirname, 'temporary.ts'))}); process.stdout.write(makeTemporary()); process.exit(0);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], { encoding: 'utf8', cwd: resolve(__dirname, '../../../..') });
    assert.match(stdout, /conductor-run-/, stderr);
    assert.ok(!existsSync(stdout));
  });

  it('T28 are swept when their process was killed, and nothing else is', async () => {
    const own = makeTemporary();
    const space = /^conductor-run-([a-z0-9]+)-/.exec(basename(own))?.[1] ?? '';
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const outside = join(top, 'outside');
    for (const name of ['outside', `conductor-run-${space}-${gone}-AbCdEf`, `conductor-run-${space}-${gone}-AbCdEf.settings`, `conductor-run-${space}-${process.pid}-AbCdEf`, `conductor-run-zz9-${gone}-AbCdEf`, `conductor-run-${space}-${gone}`, 'conductor-runs']) mkdirSync(join(top, name));
    writeFileSync(join(outside, 'kept'), '');
    symlinkSync(outside, join(top, `conductor-run-${space}-${gone}-Link12`));
    assert.equal(sweepTemporaries(top), 2);
    assert.deepEqual(readdirSync(top).sort(), ['outside', `conductor-run-${space}-${process.pid}-AbCdEf`, `conductor-run-zz9-${gone}-AbCdEf`, `conductor-run-${space}-${gone}`, 'conductor-runs', `conductor-run-${space}-${gone}-Link12`].sort());
    assert.deepEqual(readdirSync(outside), ['kept']);
    await dropTemporary(own);
  });
});
