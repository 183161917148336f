import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';

describe('files by other names', () => {
  let ground: ShellProject;
  let outside: string;
  beforeEach(function () {
    if (process.platform === 'win32') this.skip();
    ground = new ShellProject(['echo', 'tee', 'dd', 'truncate', 'cp', 'mv', 'rm', 'ln', 'chmod', 'touch', 'cat', 'mkdir', 'gzip', 'gunzip', 'unzip']);
    outside = join(ground.folder, 'outside');
    mkdirSync(outside);
    mkdirSync(join(ground.project, 'd'));
    writeFileSync(join(outside, 'store'), 'store');
    linkSync(join(outside, 'store'), join(ground.project, 'd/shared'));
    ground.put('e', 'evil');
  });
  afterEach(() => ground.remove());

  it('path:shared-content-kept T24: commands do not write through a hard link without a question', async () => {
    ground.put('shared', 'evil');
    for (const line of ['echo x | tee d/shared', 'dd if=e of=d/shared', 'truncate -s 0 d/shared', 'cp e d/shared', 'cp shared d', 'chmod 755 d/shared', 'touch d/shared']) assert.equal(await ground.verdict(line), 'approve shell.hardLink', line);
    assert.equal(readFileSync(join(outside, 'store'), 'utf8'), 'store');
  });

  it('T24: reading one asks, outside of package stores', async () => {
    mkdirSync(join(ground.project, 'node_modules/p'), { recursive: true });
    linkSync(join(outside, 'store'), join(ground.project, 'node_modules/p/shared'));
    for (const line of ['cat d/shared', 'cp d/shared copy', 'cat < d/shared', 'cat node_modules/../d/shared']) assert.equal(await ground.verdict(line), 'approve shell.hardLink', line);
    for (const line of ['cat node_modules/p/shared', 'cat e']) await ground.silent(line);
  });

  it('what changes only names leaves the other name as it is', async () => {
    ground.put('copy', 'own');
    for (const line of ['echo x | tee copy', 'mv d/shared d/moved', 'mv -f e d/moved', 'mkdir d/n', 'rm d/moved']) await ground.silent(line);
    assert.equal(readFileSync(join(outside, 'store'), 'utf8'), 'store');
  });

  it('T24 an archive that is named without its ending', async () => {
    writeFileSync(join(outside, 'secret'), 'TOP SECRET');
    execFileSync('gzip', ['-k', join(outside, 'secret')]);
    for (const ending of ['gz', 'zip']) symlinkSync('../outside/secret.gz', join(ground.project, `q.${ending}`));
    for (const line of ['gzip -dc q', 'gunzip -c q', 'gunzip q', 'unzip -p q', 'unzip -l q']) assert.equal(await ground.verdict(line), 'approve shell.outside', line);
    execFileSync('gzip', ['-k', join(ground.project, 'e')]);
    assert.equal(await ground.silent('gzip -dc e.gz'), 'evil');
  });
});
