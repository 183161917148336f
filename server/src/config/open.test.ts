import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig, lockedConfig } from '../../../protocol/src/config';
import { configStateSchema } from '../../../protocol/src/messages';
import { rightsRemarks, type FileContent } from './file';
import { openConfig, type Loaded, type OpenConfig, type OpenOptions } from './open';
import { policyHash } from './policyHash';

const allowing = (...names: string[]): string => JSON.stringify({ plugins: { shell: { allowedCommands: names } } });
const allowed = ({ config }: Loaded): string => config.plugins.shell.allowedCommands.join(' ');

describe('open configuration', () => {
  let folder: string;
  let file: string;
  const opened: OpenConfig[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conductor-config-'));
    file = join(folder, 'config.json');
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) one.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens it with quick timers; `until` resolves with the first configuration from now on (the present one included) that fits. */
  async function begin(options: Partial<OpenOptions> = {}) {
    const waiters = new Set<(loaded: Loaded) => void>();
    const changes: Loaded[] = [];
    const config = await openConfig({
      file, debounceMs: 5, pollMs: 3_600_000, settleMs: 5,
      onChange: (loaded) => {
        changes.push(loaded);
        for (const waiter of waiters) waiter(loaded);
      },
      ...options,
    });
    opened.push(config);
    const until = (fits: (loaded: Loaded) => boolean): Promise<Loaded> =>
      new Promise((resolve) => {
        const check = (loaded: Loaded): void => {
          if (!fits(loaded)) return;
          waiters.delete(check);
          resolve(loaded);
        };
        waiters.add(check);
        check(config.current());
      });
    return { config, changes, until };
  }

  it('holds the defaults while there is no file, and no folder either', async () => {
    const { config, until } = await begin({ file: join(folder, 'later', 'config.json'), pollMs: 10 });
    assert.deepEqual(config.current(), {
      config: defaultConfig,
      state: { file: join(folder, 'later', 'config.json'), source: 'defaults', problems: [], policyHash: policyHash(defaultConfig) },
    });
    await mkdir(join(folder, 'later'));
    await writeFile(join(folder, 'later', 'config.json'), allowing('git'));
    await until((loaded) => allowed(loaded) === 'git');
  });

  it('loads a file and tells its state in the shape of the protocol', async () => {
    await writeFile(file, allowing('git'));
    const { config } = await begin();
    const { state, config: effective } = config.current();
    assert.deepEqual(configStateSchema.parse(state), { file, source: 'current', problems: [], policyHash: policyHash(effective) });
    assert.equal(allowed(config.current()), 'git');
  });

  it('applies saved changes at once: written in place, and replaced', async () => {
    await writeFile(file, allowing('git'));
    const { until } = await begin();
    await writeFile(file, allowing('git', 'ls'));
    await until((loaded) => allowed(loaded) === 'git ls');
    await writeFile(join(folder, 'new'), allowing('cat'));
    await rename(join(folder, 'new'), file);
    await until((loaded) => allowed(loaded) === 'cat');
  });

  it('T36: after hundreds of quick saves, written in place and replaced, the last one is in force', async () => {
    await writeFile(file, allowing('start'));
    const { config, until } = await begin({ debounceMs: 5, pollMs: 50 });
    for (let round = 0; round < 500; round += 1) {
      const target = round % 2 === 0 ? `${file}.tmp` : file;
      await writeFile(target, allowing(`save${round}`));
      if (target !== file) await rename(target, file);
      if (round % 100 === 99) await until((loaded) => allowed(loaded) === `save${round}`);
    }
    assert.equal(allowed(config.current()), 'save499');
  });

  it('T36: a name taken out of a list is out at once, without a restart', async () => {
    await writeFile(file, allowing('git', 'rm'));
    const { until } = await begin();
    await writeFile(file, allowing('git'));
    const { state } = await until((loaded) => allowed(loaded) === 'git');
    assert.equal(state.source, 'current');
  });

  it('finds changes that no event tells of, and follows a link', async () => {
    await writeFile(join(folder, 'real.json'), allowing('git'));
    await symlink(join(folder, 'real.json'), file);
    const { until } = await begin({ pollMs: 10, watchFolder: () => ({ close: () => undefined }) });
    await writeFile(join(folder, 'real.json'), allowing('git', 'ls'));
    await until((loaded) => allowed(loaded) === 'git ls');
  });

  it('works where folders cannot be watched', async () => {
    await writeFile(file, allowing('git'));
    const { until } = await begin({
      pollMs: 10,
      watchFolder: () => {
        throw new Error('no watches left');
      },
    });
    await writeFile(file, allowing('ls'));
    await until((loaded) => allowed(loaded) === 'ls');
  });

  it('T39: a broken file keeps the last good one, says where it is broken, and is taken again once corrected', async () => {
    await writeFile(file, allowing('git'));
    const { until } = await begin();
    await writeFile(file, '{\n  "plugins": { "shel": {} }\n}');
    const broken = await until(({ state }) => state.source === 'lastGood');
    assert.equal(allowed(broken), 'git');
    assert.deepEqual(broken.state.problems.map(({ path, line, column }) => [path, line, column]), [['plugins.shel', 2, 16]]);
    await writeFile(file, allowing('ls'));
    const healed = await until(({ state }) => state.source === 'current');
    assert.equal(allowed(healed), 'ls');
    assert.deepEqual(healed.state.problems, []);
  });

  it('T36: a file that cannot be read keeps the last good one and says so', async () => {
    await writeFile(file, allowing('git'));
    const { until } = await begin({ pollMs: 10 });
    await rm(file);
    await mkdir(file);
    const { config, state } = await until((loaded) => loaded.state.source === 'lastGood');
    assert.deepEqual(config.plugins.shell.allowedCommands, ['git']);
    assert.match(state.problems[0]?.message ?? '', /no regular file/);
  });

  for (const [title, make] of [
    ['broken', (path: string) => writeFile(path, '{ "plugins": ')],
    ['empty', (path: string) => writeFile(path, '')],
    ['unknown in one key', (path: string) => writeFile(path, '{ "plugins": { "shell": { "allowedCommands": ["git"] } }, "x": 1 }')],
    ['a folder', (path: string) => mkdir(path)],
    ['a link to itself', (path: string) => symlink(path, path)],
  ] as const) {
    it(`T36 T39: nothing may run when the file is ${title} from the start`, async () => {
      await make(file);
      const { config } = await begin();
      assert.deepEqual(config.current().config, lockedConfig);
      assert.equal(lockedConfig.plugins.shell.enabled || lockedConfig.plugins.filesystem.enabled, false);
      assert.equal(config.current().state.source, 'defaults');
      assert.equal(config.current().state.problems.length, 1);
    });
  }

  it('nothing may run when the first file ever written is broken', async () => {
    const { until } = await begin();
    await writeFile(file, '{ "plugin": {} }');
    const { config } = await until(({ state }) => state.problems.length > 0);
    assert.deepEqual(config, lockedConfig);
  });

  /** Reads what the script says, its last word for ever; no event ever comes. */
  function scripted(...contents: FileContent[]): Partial<OpenOptions> {
    let last: FileContent = { kind: 'missing' };
    return { read: () => Promise.resolve((last = contents.shift() ?? last)), watchFolder: () => ({ close: () => undefined }) };
  }
  const bytes = (text: string): FileContent => ({ kind: 'bytes', bytes: Buffer.from(text), remarks: [] });
  const git = bytes(allowing('git'));
  const missing: FileContent = { kind: 'missing' };

  for (const [title, between] of [
    ['empty', [bytes('')]],
    ['half-written', [bytes('{ "plugins": {'), bytes('{ "plugins": { "shell": {')]],
    ['missing', [missing, missing]],
  ] as const) {
    it(`never believes a file that is ${title} for a moment`, async () => {
      const { config, changes } = await begin(scripted(git, git, ...between, bytes(allowing('ls'))));
      await config.reload();
      await config.reload();
      assert.deepEqual(changes.map(allowed), ['ls']);
    });
  }

  it('believes a broken file that stays so', async () => {
    const { config, changes } = await begin(scripted(git, git, bytes('')));
    await config.reload();
    await config.reload();
    assert.deepEqual(changes.map(({ state }) => state.source), ['lastGood']);
  });

  it('sees what was saved between the first reading and the first watch', async () => {
    const { until } = await begin(scripted(git, bytes(allowing('ls'))));
    await until((loaded) => allowed(loaded) === 'ls');
  });

  it('does not take what held while nothing could be read for good', async () => {
    const { config } = await begin(scripted(bytes('{')));
    for (let count = 0; count < 3; count += 1) {
      const { state, config: effective } = await config.reload();
      assert.equal(state.source, 'defaults');
      assert.deepEqual(effective, lockedConfig);
    }
  });

  it('goes back to the defaults when the file is deleted', async () => {
    await writeFile(file, allowing('git'));
    const { until } = await begin();
    await rm(file);
    const { config } = await until(({ state }) => state.source === 'defaults');
    assert.deepEqual(config, defaultConfig);
    await writeFile(file, '{');
    assert.deepEqual((await until(({ state }) => state.problems.length > 0)).config, lockedConfig);
  });

  it('says nothing when a save changes nothing that matters', async () => {
    await writeFile(file, allowing('git'));
    const { config, changes } = await begin();
    await writeFile(file, `// a comment\n${allowing('git')}\n`);
    await config.reload();
    assert.deepEqual(changes, []);
  });

  it('sees in a reload what was saved before it was asked', async () => {
    const { config } = await begin();
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await writeFile(file, allowing(name));
      void config.reload();
      assert.equal(allowed(await config.reload()), name);
    }
  });

  it('is silent after it was closed', async () => {
    await writeFile(file, allowing('git'));
    let closed = false;
    const { config, changes } = await begin({ watchFolder: () => ({ close: () => (closed = true) }) });
    config.close();
    assert.equal(closed, true);
    await writeFile(file, allowing('ls'));
    await config.reload();
    assert.deepEqual(changes, []);
  });

  describe('on POSIX', function () {
    before(function () {
      if (process.platform === 'win32') this.skip();
    });

    it('uses a file that others can write, and says which command closes it', async () => {
      await writeFile(file, allowing('git'));
      await chmod(file, 0o666);
      const { config, until } = await begin();
      assert.equal(allowed(config.current()), 'git');
      assert.equal(config.current().state.source, 'current');
      assert.match(config.current().state.problems[0]?.message ?? '', /chmod go-w/);
      await chmod(file, 0o600);
      await config.reload();
      await until(({ state }) => state.problems.length === 0);
    });

    it('judges the rights of a file by mode and owner', () => {
      const self = process.getuid?.() ?? 0;
      const table: [mode: number, owner: number, remarks: number][] = [
        [0o100600, self, 0],
        [0o100644, self, 0],
        [0o100664, self, 1],
        [0o100602, self, 1],
        [0o100644, 0, 0],
        [0o100644, self + 1, 1],
        [0o100666, self + 1, 2],
      ];
      for (const [mode, owner, remarks] of table) assert.equal(rightsRemarks(mode, owner).length, remarks, `${mode.toString(8)} ${String(owner)}`);
    });

    it('does not wait for ever for a named pipe in the place of the file', async () => {
      execFileSync('mkfifo', [file]);
      const { config } = await begin();
      assert.match(config.current().state.problems[0]?.message ?? '', /no regular file/);
      assert.deepEqual(config.current().config, lockedConfig);
    });
  });
});
