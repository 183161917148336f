import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';
import { isWithinAsSpelt } from './resolve';

const evil = '#!/bin/sh\necho EVIL\n';

describe('programs of the search path', () => {
  let bin: string;
  let ground: ShellProject;
  beforeEach(function () {
    if (process.platform === 'win32') this.skip();
    bin = mkdtempSync(join(tmpdir(), 'conductor-bin-'));
    ground = new ShellProject(['rg', 'jq'], [], {}, [bin]);
  });
  afterEach(() => {
    ground.remove();
    rmSync(bin, { recursive: true, force: true });
  });

  it('T17: a program that a link brings from inside the project is none, whatever stands behind it in the path', async () => {
    ground.put('target/release/rg', evil);
    chmodSync(join(ground.project, 'target/release/rg'), 0o755);
    symlinkSync(join(ground.project, 'target/release/rg'), join(bin, 'rg'));
    const prepared = await ground.prepare('rg foo');
    assert.equal(`${prepared.verdict.verdict} ${prepared.verdict.rule}`, 'deny shell.noBinary');
    assert.match(prepared.verdict.reason, /lies in the project, where agents can change it/);
  });

  it('a program that a link brings from elsewhere is one', async () => {
    mkdirSync(join(ground.folder, 'tool'));
    writeFileSync(join(ground.folder, 'tool/rg'), '#!/bin/sh\necho found\n', { mode: 0o755 });
    symlinkSync(join(ground.folder, 'tool/rg'), join(bin, 'rg'));
    assert.match(await ground.silent('rg foo'), /found/);
  });

  it('T25: a folder to be kept from agents is the same in another spelling where disks ignore case', () => {
    for (const platform of ['darwin', 'win32'] as const) assert.equal(isWithinAsSpelt('/Users/u/.CONDUCTOR/control.key', '/users/u/.conductor', platform), true);
    assert.equal(isWithinAsSpelt('/home/u/.CONDUCTOR/control.key', '/home/u/.conductor', 'linux'), false);
    assert.equal(isWithinAsSpelt('/Users/u/.conductor2', '/Users/u/.conductor', 'darwin'), false);
  });
});
