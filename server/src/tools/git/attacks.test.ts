import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { GitProject } from '../../../../test/fakes/gitProject';

/** Repositories are other people's data: whatever program they name, the git tools do not start it without a person. */

type Attack = Readonly<{ about: string; plant(ground: GitProject): void; /** Git as the person runs it, which starts the program: so the test can fail. */ proof: readonly string[]; asks: boolean }>;

const attacks: readonly Attack[] = [
  { about: 'fsmonitor', plant: (ground) => ground.git('config', 'core.fsmonitor', ground.script), proof: ['status'], asks: false },
  { about: 'a hook of the index', plant: (ground) => ground.put('.git/hooks/post-index-change', `#!/bin/sh\ntouch ${ground.canary}\n`, 0o755), proof: ['add', 'a.txt'], asks: false },
  { about: 'a hooks folder elsewhere', plant: (ground) => (ground.put('hooks/post-index-change', `#!/bin/sh\ntouch ${ground.canary}\n`, 0o755), ground.git('config', 'core.hooksPath', 'hooks')), proof: ['add', 'a.txt'], asks: false },
  { about: 'textconv', plant: (ground) => (ground.put('.gitattributes', '* diff=x\n'), ground.git('config', 'diff.x.textconv', ground.script)), proof: ['diff'], asks: true },
  { about: 'textconv of a staged attribute', plant: (ground) => (ground.put('.git/info/attributes', '* diff=x\n'), ground.git('config', 'diff.x.textconv', ground.script)), proof: ['log', '-p'], asks: true },
  { about: 'an external diff', plant: (ground) => ground.git('config', 'diff.external', ground.script), proof: ['diff'], asks: true },
  { about: 'a diff command for a kind of file', plant: (ground) => (ground.put('.gitattributes', '* diff=x\n'), ground.git('config', 'diff.x.command', ground.script)), proof: ['diff'], asks: true },
  { about: 'a clean filter', plant: (ground) => (ground.put('.gitattributes', '* filter=x\n'), ground.git('config', 'filter.x.clean', ground.script)), proof: ['diff'], asks: true },
  { about: 'a filter process', plant: (ground) => (ground.put('.gitattributes', '* filter=x\n'), ground.git('config', 'filter.x.process', ground.script)), proof: ['diff'], asks: true },
  { about: 'an included file that names one', plant: (ground) => (ground.put('more', `[diff]\n\texternal = ${ground.script}\n`), ground.git('config', 'include.path', '../more')), proof: ['diff'], asks: true },
  { about: 'a program that checks signatures', plant: (ground) => (ground.git('config', 'log.showSignature', 'true'), ground.git('config', 'gpg.program', ground.script)), proof: ['status'], asks: true },
];

const reading: readonly (readonly [name: string, given: Record<string, unknown>])[] = [
  ['status', {}], ['status', { path: 'a.txt', ignored: true, untracked: 'files' }], ['diff', {}], ['diff', { staged: true }], ['diff', { from: 'HEAD' }], ['diff', { from: 'HEAD', to: 'HEAD' }], ['log', {}], ['log', { path: 'a.txt' }],
];

describe('git tools in repositories that name programs', () => {
  let ground: GitProject;
  beforeEach(() => {
    ground = new GitProject();
    ground.put('a.txt', 'one\n');
    ground.save('first');
    ground.put('a.txt', 'two\n');
  });
  afterEach(() => ground.remove());

  for (const { about, plant, proof, asks } of attacks) {
    it(`T7 ${about}: reading never starts it unasked`, async () => {
      plant(ground);
      for (const [name, given] of reading) {
        const prepared = await ground.prepareGit(name, given);
        assert.equal(prepared.verdict.verdict, asks ? 'approve' : 'allow', `${name} ${prepared.verdict.rule}`);
        if (!asks) assert.equal((await ground.start(prepared)).kind, 'success', name);
      }
      for (const given of [{}, { all: true }, { files: ['a.txt'] }]) await ground.prepareGit('commit', { message: 'x', ...given });
      assert.equal(existsSync(ground.canary), false, 'looking started it');
      if (about.startsWith('a program')) return;
      // Other length, other time: git has to look at the content.
      ground.put('a.txt', 'three\n');
      try {
        ground.git(...proof);
      } catch {
        // A filter process that speaks no protocol ends git, but it was started.
      }
      assert.equal(existsSync(ground.canary), true, 'git alone starts it, so this test can fail');
    });
  }

  it('T7 says what it will not look at, and still commits what is staged', async () => {
    ground.git('add', 'a.txt');
    ground.put('.gitattributes', '* filter=x\n');
    ground.git('config', 'filter.x.clean', ground.script);
    assert.match(await ground.trouble('commit', { message: 'x', all: true }), /names programs \(filter\.x\.clean\).*Stage the files/);
    const prepared = await ground.prepareGit('commit', { message: 'x' });
    assert.equal(prepared.verdict.verdict, 'approve');
    assert.ok(prepared.facts.some(({ label }) => label === 'Why (shell.gitPrograms)'));
    assert.equal(existsSync(ground.canary), false);
  });

  it('T7 an embedded bare repository is not taken for the repository of its folder', async () => {
    mkdirSync(`${ground.project}/bare`);
    ground.gitIn('bare', 'init', '-q', '--bare', '.');
    ground.gitIn('bare', 'config', 'core.fsmonitor', ground.script);
    for (const name of ['status', 'diff']) await ground.call(name, { path: 'bare' });
    assert.equal(existsSync(ground.canary), false);
    assert.ok(readdirSync(`${ground.project}/bare`).includes('HEAD'));
  });

  it('T17 a git inside the project is not the git that runs', async () => {
    ground.put('git', `#!/bin/sh\ntouch ${ground.canary}\n`, 0o755);
    const { createGitTools } = await import('./tools');
    const [status] = createGitTools(ground.project);
    const { configSchema } = await import('../../../../protocol/src/config');
    const prepared = await status?.prepare({}, { project: ground.project, configDir: ground.configDir, config: configSchema.parse({}), signal: new AbortController().signal });
    assert.equal(prepared?.verdict.rule, 'git.noProgram');
    rmSync(`${ground.project}/git`);
    assert.equal(existsSync(ground.canary), false);
  });
});
