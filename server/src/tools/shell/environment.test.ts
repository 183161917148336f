import assert from 'node:assert/strict';
import { buildEnvironment, gitEnvironment, posixNames, windowsNames } from './environment';
import { gitFactsOf } from './repository';

const own = { PATH: '/evil', LD_PRELOAD: 'x', NODE_OPTIONS: 'x', GIT_DIR: 'x', ELECTRON_RUN_AS_NODE: '1', VSCODE_IPC_HOOK: 'x', MY_TOKEN: 'x', LANG: 'de_DE.UTF-8', TZ: '$(id)' };
const common = { folders: ['/usr/bin', '/bin'], home: '/home/u', user: 'u', temporary: '/tmp/run', own };

describe('environment of commands', () => {
  it('T9 T77 holds the safe names and nothing of the surroundings', () => {
    assert.deepEqual(buildEnvironment({ ...common, platform: 'linux' }), { PATH: '/usr/bin:/bin', HOME: '/home/u', USER: 'u', LANG: 'de_DE.UTF-8', TMPDIR: '/tmp/run', TERM: 'dumb', NO_COLOR: '1', PAGER: 'cat', EDITOR: 'false', npm_config_update_notifier: 'false' });
  });

  it('pins the names', () => {
    assert.deepEqual(posixNames, ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'TERM', 'NO_COLOR', 'PAGER', 'EDITOR', 'npm_config_update_notifier']);
    assert.deepEqual(windowsNames.slice(posixNames.length), ['SystemRoot', 'windir', 'ComSpec', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA']);
    assert.equal(buildEnvironment({ ...common, platform: 'win32' })['PATHEXT'], '.COM;.EXE');
  });

  it('T7 pins what keeps git to itself', () => {
    const pairs = (mode: Parameters<typeof gitEnvironment>[0]): string[] => {
      const environment = gitEnvironment(mode);
      return Array.from({ length: Number(environment['GIT_CONFIG_COUNT']) }, (_, index) => `${environment[`GIT_CONFIG_KEY_${index}`]}=${environment[`GIT_CONFIG_VALUE_${index}`]}`);
    };
    const always = ['core.fsmonitor=false', 'core.pager=cat', 'protocol.ext.allow=never', 'safe.bareRepository=explicit', 'submodule.recurse=false', 'fetch.recurseSubmodules=false', 'push.recurseSubmodules=no', 'diff.submodule=short', 'status.submoduleSummary=false', 'log.showSignature=false', 'merge.directoryRenames=false'];
    const unasked = ['core.hooksPath=/dev/null', 'merge.autoStash=false', 'rebase.autoStash=false'];
    assert.deepEqual(pairs('approved'), always);
    assert.deepEqual(pairs('personal'), [...always, ...unasked, 'core.sshCommand=ssh']);
    assert.deepEqual(pairs('neutral'), [...always, ...unasked, 'core.sshCommand=false', 'credential.helper=', 'gpg.program=false', 'gpg.openpgp.program=false', 'gpg.x509.program=false', 'gpg.ssh.program=false']);
    assert.deepEqual((['approved', 'personal', 'neutral'] as const).map((mode) => gitEnvironment(mode)['GIT_ALLOW_PROTOCOL']), [undefined, 'https:ssh', 'https:ssh']);
    assert.equal('GIT_EXTERNAL_DIFF' in gitEnvironment('neutral'), false);
    assert.equal(gitEnvironment('approved')['GIT_CONFIG_GLOBAL'], undefined);
  });

  it('T7 tells keys that name programs from keys that do not', () => {
    const pairs = (keys: readonly string[]) => keys.map((key) => [key, 'x'] as const);
    const harmless = ['core.bare', 'core.filemode', 'user.name', 'remote.origin.url', 'remote.origin.fetch', 'branch.main.merge', 'branch.main.remote', 'core.autocrlf', 'core.editor', 'core.pager', 'core.fsmonitor', 'push.default', 'init.defaultbranch', 'merge.conflictstyle', 'diff.algorithm'];
    const naming = ['filter.lfs.process', 'filter.a.b.clean', 'diff.x.textconv', 'diff.x.command', 'diff.external', 'merge.x.driver', 'alias.st', 'gpg.program', 'gpg.ssh.program', 'credential.helper', 'credential.https://x.helper', 'include.path', 'includeif.gitdir:x.path', 'core.sshcommand', 'core.askpass', 'core.gitproxy', 'core.worktree', 'hook.x.command', 'gc.recentobjectshook', 'interactive.difffilter', 'pager.log', 'remote.origin.uploadpack', 'remote.x.vcs', 'remote.x.promisor', 'submodule.x.update', 'trailer.x.command', 'sendemail.tocmd', 'tar.tgz.command', 'difftool.x.cmd', 'man.x.path'];
    assert.deepEqual(gitFactsOf(pairs(harmless)), { programs: [], remotes: ['origin'], addresses: [['remote.origin.url', 'x'], ['branch.main.remote', 'x']], hooks: false });
    assert.deepEqual(gitFactsOf(pairs(naming)).programs, naming);
    assert.equal(gitFactsOf(pairs(['core.hooksPath'])).hooks, true);
  });
});
