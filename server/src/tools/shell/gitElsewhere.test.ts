import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gitEnvironment, type GitMode } from './environment';
import { ShellProject } from '../../../../test/fakes/shellProject';

const allowed = ['git', 'cat', 'cd', 'sleep', 'echo'];

describe('git: other repositories', () => {
  let ground: ShellProject;
  before(() => {
    ground = new ShellProject(allowed);
    ground.git('init', '-q', '-b', 'main');
    ground.git('commit', '-q', '--allow-empty', '-m', 'one');
    ground.git('init', '-q', '--bare', join(ground.project, 'evil.git'));
    writeFileSync(join(ground.project, 'evil.git/hooks/pre-receive'), `#!/bin/sh\ntouch ${ground.canary}\n`, { mode: 0o755 });
  });
  after(() => ground.remove());

  async function withConfig(pairs: readonly (readonly [string, string])[], line: string): Promise<string> {
    for (const [key, value] of pairs) ground.git('config', '--add', key, value);
    const found = await ground.verdict(line);
    for (const [key] of pairs) ground.git('config', '--unset-all', key);
    return found;
  }

  it('T7 asks for remotes that are folders, files or anything but https and ssh', async () => {
    for (const url of ['./evil.git', 'evil.git', '/tmp/x', 'file:///tmp/x', '../x', 'ext::sh -c x', 'http://example.com/x', 'git://example.com/x', 'ssh://-oProxyCommand=x/y', '-oProxyCommand=x:y', 'C:/x', 'fd::3', 'https::x']) {
      assert.equal(await withConfig([['remote.origin.url', url]], 'git push origin HEAD'), 'approve shell.gitAddress', url);
    }
    for (const url of ['https://example.com/a.git', 'https://me@example.com/a', 'ssh://git@example.com:22/a', 'git@example.com:a/b.git', 'example.com:a']) {
      assert.equal(await withConfig([['remote.origin.url', url]], 'git push origin HEAD'), 'allow shell.allowed', url);
    }
  });

  it('T7 reads every other key that sends git somewhere', async () => {
    const plain = ['remote.origin.url', 'https://example.com/a.git'] as const;
    const keys = [['branch.main.remote', './evil.git'], ['branch.main.pushRemote', './evil.git'], ['remote.pushDefault', 'evil.git'], ['remote.origin.pushurl', './evil.git'], ['url./tmp/x/.insteadOf', 'https://example.com/'], ['url.ext::sh .pushInsteadOf', 'https://'], ['http.proxy', 'http://evil'], ['http.https://example.com/.sslVerify', 'false'], ['remote.origin.mirror', 'true'], ['remote.origin.push', '+refs/heads/*:refs/heads/*']] as const;
    for (const pair of keys) assert.equal(await withConfig([plain, pair], 'git push'), 'approve shell.gitAddress', pair[0]);
    assert.equal(await withConfig([plain, ['branch.main.remote', 'origin'], ['url.git@example.com:.insteadOf', 'https://example.com/']], 'git push'), 'allow shell.allowed');
    assert.equal(await withConfig([plain, ['branch.main.remote', './evil.git']], 'git fetch'), 'approve shell.gitAddress');
    assert.equal(await withConfig([plain, ['branch.main.remote', './evil.git']], 'git remote -v'), 'allow shell.allowed');
  });

  it('T7 asks when git would take the name origin for a folder', async () => {
    assert.equal(await ground.verdict('git fetch'), 'approve shell.arguments');
    assert.equal(await withConfig([['remote.other.url', 'https://example.com/a.git']], 'git push'), 'approve shell.arguments');
    assert.equal(await withConfig([['remote.other.url', 'https://example.com/a.git'], ['branch.main.remote', 'other']], 'git push'), 'allow shell.allowed');
  });

  it('T7 lets git itself refuse other transports as well', () => {
    const push = (mode: GitMode): unknown => execFileSync('git', ['push', './evil.git', 'HEAD:x'], { cwd: ground.project, stdio: 'pipe', env: { PATH: '/usr/bin:/bin', HOME: ground.folder, ...gitEnvironment(mode) } });
    assert.throws(() => push('personal'), /transport 'file' not allowed/);
    assert.throws(() => push('neutral'), /transport 'file' not allowed/);
    assert.equal(existsSync(ground.canary), false);
    push('approved');
    assert.equal(existsSync(ground.canary), true, 'the hook of the other side runs, so that this test can fail');
    rmSync(ground.canary);
  });

  it('T7 looks once more before it pushes', async () => {
    ground.git('config', 'remote.origin.url', 'https://127.0.0.1:1/x');
    const prepared = await ground.prepare('git push origin HEAD');
    assert.equal(prepared.verdict.verdict, 'allow');
    ground.git('config', 'remote.origin.url', './evil.git');
    const outcome = await ground.start(prepared);
    assert.equal(outcome.kind, 'refused');
    assert.equal(existsSync(ground.canary), false);
    ground.git('config', '--unset', 'remote.origin.url');
  });

  it('T7 shows the own configuration of the user only when asked', async () => {
    for (const line of ['git config --global --list', 'git config --list --show-origin', 'git config -l', 'git config --system --list', 'git config --get-regexp .', 'git config --get http.extraHeader', 'git config list', 'git config --local --includes --list']) {
      assert.equal(await ground.verdict(line), 'approve shell.arguments', line);
    }
    for (const line of ['git config --local --list', 'git config --local --get core.bare', 'git config user.name', 'git config --get remote.origin.url']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
  });
});

describe('git: signatures', () => {
  let ground: ShellProject;
  let bin: string;
  before(() => {
    bin = mkdtempSync(join(tmpdir(), 'conductor-gpg-'));
    ground = new ShellProject(allowed, [], {}, [bin]);
    writeFileSync(join(bin, 'gpg'), `#!/bin/sh\ntouch ${ground.canary}\nexit 1\n`, { mode: 0o755 });
    ground.git('init', '-q', '-b', 'main');
    ground.git('commit', '-q', '--allow-empty', '-m', 'one');
    const signed = ground.git('cat-file', 'commit', 'HEAD').replace('\n\n', '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n');
    ground.put('signed', signed);
    ground.git('update-ref', 'refs/heads/main', ground.git('hash-object', '-t', 'commit', '-w', 'signed').trim());
  });
  after(() => {
    ground.remove();
    rmSync(bin, { recursive: true, force: true });
  });

  it('T7 no format of the repository has them checked', async () => {
    ground.git('config', 'format.pretty', 'x %G? %GS');
    for (const line of ['git log', 'git show -s', 'git rev-list --pretty HEAD', 'git shortlog HEAD']) await ground.silent(line);
    assert.equal(existsSync(ground.canary), false);
  });
});
