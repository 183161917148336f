import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sandboxSchema } from '../../../../../protocol/src/confinement';
import { bubblewrapArguments } from './bubblewrap';
import { exitInside } from './exit';
import { homeShown, toolChains } from './home';
import { layOut, type Layout } from './layout';
import { quoted } from './runtime';
import { wordFor } from './word';

describe('layout of a sandbox', () => {
  let folder = '';

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'layout-')));
    for (const name of ['project', 'config', 'home', 'more/inner']) mkdirSync(join(folder, name), { recursive: true });
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const none = { searchPath: [], binaries: [], git: false, approvedGit: false, approved: false };

  function put(path: string): string {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '', { mode: 0o755 });
    return join(folder, path);
  }

  function lay(settings: Parameters<typeof sandboxSchema.parse>[0] = {}, needs: Partial<Parameters<typeof layOut>[1]> = {}, ground = {}): Layout {
    const laid = layOut({ project: join(folder, 'project'), configDir: join(folder, 'config'), home: join(folder, 'home'), temporaryRoot: realpathSync(tmpdir()), settings: sandboxSchema.parse(settings), ...ground }, { ...none, ...needs });
    if ('refused' in laid) throw new Error(laid.refused);
    return laid;
  }

  it('hides folders of sockets and temporary files, and the home folder', () => {
    const { hidden, own, writable } = lay();
    for (const path of ['/tmp', '/run'].map((each) => realpathSync(each))) assert.ok(hidden.includes(path), path);
    assert.equal(own, join(folder, 'config'));
    assert.deepEqual(writable, [{ source: join(folder, 'project'), target: join(folder, 'project') }]);
  });

  it('shows tool chains and the folders that programs stand in, links where they stand and where they lead', () => {
    put('home/.cargo/registry/x');
    const node = put('home/apps/node-24/bin/node');
    mkdirSync(join(folder, 'home', 'bin'));
    symlinkSync(join(folder, 'home', 'bin'), join(folder, 'home', 'link'));
    const { shown } = lay({}, { searchPath: [join(folder, 'home', 'link')], binaries: [{ name: 'node', path: node, prefix: [], identity: '' }] });
    const bin = join(folder, 'home', 'bin');
    assert.deepEqual(shown, [
      { source: join(folder, 'home/.cargo/registry'), target: join(folder, 'home/.cargo/registry') },
      { source: join(folder, 'home/apps/node-24'), target: join(folder, 'home/apps/node-24') },
      { source: bin, target: bin },
      { source: bin, target: join(folder, 'home', 'link') },
    ]);
  });

  it('shows a program in a folder that others share without that folder', () => {
    const program = put('home/.local/bin/tool');
    const shown = lay({}, { binaries: [{ name: 'tool', path: program, prefix: [], identity: '' }] }).shown.map(({ target }) => target);
    assert.ok(shown.every((target) => target === join(folder, 'home/.local/bin')), shown.join());
    const script = put('home/.local/lib/node_modules/npm/bin/npm-cli.js');
    assert.ok(lay({}, { binaries: [{ name: 'npm', path: script, prefix: [], identity: '' }] }).shown.some(({ target }) => target === join(folder, 'home/.local/lib/node_modules') || target === join(folder, 'home/.local/lib')));
  });

  it('shows programs of a folder directly below home without the keys beside them', () => {
    const program = put('home/.cargo/bin/rg');
    put('home/.cargo/credentials.toml');
    put('home/.cargo/lib/x');
    const shown = lay({}, { binaries: [{ name: 'rg', path: program, prefix: [], identity: '' }] }).shown.map(({ target }) => target.slice(folder.length));
    assert.deepEqual(shown, ['/home/.cargo/bin', '/home/.cargo/lib']);
  });

  it('never puts one writable folder inside another', () => {
    const targets = lay({ writable: [join(folder, 'more'), join(folder, 'more/inner'), join(folder, 'missing')] }).writable.map(({ target }) => target);
    assert.deepEqual(targets, [join(folder, 'more'), join(folder, 'project')]);
  });

  it('refuses when a writable folder contains what must be hidden, or lies in the configuration', () => {
    assert.throws(() => lay({ writable: [folder] }), /contains .*(config|home), which a sandbox must hide/);
    assert.throws(() => lay({ writable: ['/'] }), /must hide/);
    assert.throws(() => lay({}, {}, { configDir: join(folder, 'project/conf') }), undefined);
    mkdirSync(join(folder, 'config/project'));
    assert.throws(() => lay({}, {}, { project: join(folder, 'config/project') }), /lies in the configuration folder/);
    symlinkSync(folder, join(folder, 'around'));
    assert.throws(() => lay({ writable: [join(folder, 'around')] }), /must hide/, 'also through a link');
  });

  it('fixes control files that stand there themselves, and none behind links', () => {
    put('project/.git/config');
    put('project/.npmrc');
    put('more/elsewhere');
    symlinkSync(join(folder, 'more'), join(folder, 'project', '.vscode'));
    const others = ['.forgejo/workflows/ci.yml', '.github/copilot-instructions.md', '.github/prompts/x.md', '.lintstagedrc.json', 'AGENTS.md', 'Jenkinsfile', 'all.code-workspace'];
    for (const path of [...others, '.github/FUNDING.yml', '.config/x', 'README.md']) put(`project/${path}`);
    const fixedOthers = ['.forgejo/workflows', '.github/copilot-instructions.md', '.github/prompts', ...others.slice(3)];
    assert.deepEqual(lay({}, {}).fixed.map((path) => path.slice(folder.length + '/project/'.length)).filter((path) => !['.npmrc', '.git'].includes(path)).sort(), fixedOthers, 'whatever their case');
    for (const path of ['Makefile', 'package.json']) put(`project/${path}`);
    const orders = (approved: boolean): readonly string[] => lay({}, { approved }).fixed.map((path) => path.slice(folder.length + '/project/'.length)).filter((path) => ['Makefile', 'package.json'].includes(path));
    assert.deepEqual([orders(false), orders(true)], [['Makefile', 'package.json'], []], 'what runs unasked cannot change what runs later outside');
    for (const path of ['Makefile', 'package.json', '.forgejo', '.github', ...others.slice(3)]) rmSync(join(folder, 'project', path), { recursive: true });
    const fixed = (git: boolean, approvedGit: boolean): readonly string[] => lay({}, { git, approvedGit }).fixed.map((path) => path.slice(folder.length));
    assert.deepEqual(fixed(false, false), ['/project/.npmrc', '/project/.git']);
    assert.deepEqual(fixed(true, false), ['/project/.npmrc', '/project/.git/config']);
    assert.deepEqual(fixed(true, true), ['/project/.npmrc']);
    assert.deepEqual(lay({}, { git: true }).held, [join(folder, 'project/.git')], 'what is fixed cannot be moved away with its folder');
  });

  it('T92 names no mount point below a writable folder for an unpatched build', () => {
    put('project/.git/config');
    const layout = lay();
    const unpatched = bubblewrapArguments(layout, false);
    assert.deepEqual(unpatched.filter((argument) => argument.startsWith(join(folder, 'project/'))), []);
    assert.ok(bubblewrapArguments(layout, true).includes(join(folder, 'project/.git')));
  });

  it('pins what of the home folder is shown', () => {
    assert.deepEqual(toolChains, [
      '.nvm', '.volta', '.fnm', '.local/share/fnm', '.nodenv', '.asdf', '.local/share/mise', '.pyenv', '.rbenv', '.rvm', '.jenv', '.sdkman/candidates', '.goenv',
      '.rustup', '.cargo/bin', '.cargo/registry', '.cargo/git', 'go/bin', 'go/pkg', '.bun/bin', '.bun/install', '.deno/bin', '.local/share/pnpm', '.local/share/uv/python', '.local/share/uv/tools', '.local/bin',
      '.local/lib', '.m2/repository', '.m2/wrapper', '.gradle/wrapper', '.dotnet/dotnet', '.dotnet/host', '.dotnet/packs', '.dotnet/sdk', '.dotnet/shared', '.dotnet/tools', '.opam', '.ghcup', '.juliaup', '.linuxbrew',
    ]);
    assert.deepEqual(homeShown('/h', true).slice(-4), ['/h/.gitconfig', '/h/.config/git/config', '/h/.config/git/ignore', '/h/.config/git/attributes']);
    assert.equal(homeShown('/h', false).includes('/h/.gitconfig'), false);
  });

  it('pins what a sandbox takes away', () => {
    const layout: Layout = { hidden: ['/tmp'], shown: [{ source: '/a', target: '/b' }], own: '/c', writable: [{ source: '/p', target: '/p' }], fixed: ['/p/.git/config'], held: ['/p/.git'] };
    assert.equal(
      bubblewrapArguments(layout, true).join(' '),
      '--ro-bind / / --dev /dev --proc /proc --ro-bind /proc/sys /proc/sys --ro-bind-try /proc/sysrq-trigger /proc/sysrq-trigger --ro-bind-try /proc/irq /proc/irq --ro-bind-try /proc/bus /proc/bus --ro-bind-try /proc/mtrr /proc/mtrr --ro-bind-try /proc/acpi /proc/acpi --ro-bind-try /proc/scsi /proc/scsi --tmpfs /tmp --ro-bind /a /b --tmpfs /c --bind /p /p --bind /p/.git /p/.git --ro-bind /p/.git/config /p/.git/config --unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try --disable-userns --die-with-parent --new-session --cap-drop ALL',
    );
  });
});

describe('what a wrapper is told to start', () => {
  it('is the bare name, but a path where the name stands for two programs', () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'word-')));
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    for (const each of [a, b]) mkdirSync(each);
    writeFileSync(join(a, 'tool'), 'a', { mode: 0o755 });
    const binary = { name: 'tool', path: join(a, 'tool'), prefix: [], identity: '' };
    assert.equal(wordFor(binary, [a, b]), 'tool');
    symlinkSync(join(a, 'tool'), join(b, 'tool'));
    assert.equal(wordFor(binary, [a, b]), 'tool', 'two names of one program');
    writeFileSync(join(folder, 'other'), 'b', { mode: 0o755 });
    rmSync(join(b, 'tool'));
    symlinkSync(join(folder, 'other'), join(b, 'tool'));
    assert.equal(wordFor(binary, [a, b]), join(a, 'tool'));
    rmSync(folder, { recursive: true });
  });

  it('survives a shell as it is', () => {
    assert.equal(quoted("it's $HOME `x` \\ \"y\"\n"), `'it'\\''s $HOME \`x\` \\ "y"\n'`);
  });
});

describe('how a sandboxed command ended', () => {
  it('gives a signal back by its usual name, and leaves exit codes alone', () => {
    assert.deepEqual(exitInside({ code: 134, signal: null }), { code: null, signal: 'SIGABRT' });
    assert.deepEqual(exitInside({ code: 137, signal: null }), { code: null, signal: 'SIGKILL' });
    for (const code of [0, 1, 127, 128, 255]) assert.deepEqual(exitInside({ code, signal: null }), { code, signal: null });
  });
});
