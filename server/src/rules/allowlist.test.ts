import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judgeCommand, type CommandRequest, type Judgement } from './allowlist';
import { maxLineBytes } from './commandLine';
import { readLists, type ShellSettings } from './commandLists';
import type { Platform } from './commandPlan';
import { hostileRequests, type HostileRequest } from '../../../test/fakes/hostileLines';
import { lexicalFacts, nothingWritten, type CommandFacts } from './places';

type Vector = Readonly<{ id: string; threat: string; command: string; config: string; platform: Platform; cwd: string; expected: string; rule: string }>;
type VectorFile = Readonly<{ configs: Readonly<Record<string, ShellSettings>>; vectors: readonly Vector[] }>;

const folder = join(__dirname, '../../../test/vectors/commands');

function foldersOf(platform: Platform): { project: string; own: string } {
  return platform === 'win32' ? { project: 'C:\\home\\u\\p', own: 'C:\\home\\u\\.conductor' } : { project: '/home/u/p', own: '/home/u/.conductor' };
}

/** A small project: a few folders, a few names that are free, and files everywhere else. */
function entry(_: string, path: string): 'missing' | 'file' | 'folder' {
  const [first = ''] = path.split('/');
  if (['backup', 'fresh'].includes(first)) return 'missing';
  return ['src', 'test', 'sub', 'empty', '.', '..'].includes(path) ? 'folder' : 'file';
}

function judge(request: CommandRequest, settings: ShellSettings, options: { facts?: Partial<CommandFacts>; cwd?: string; platform?: Platform } = {}): Judgement {
  const platform = options.platform ?? 'posix';
  const facts = { ...lexicalFacts(foldersOf(platform), platform), entry, isFile: (folder: string, path: string) => entry(folder, path) === 'file', ...options.facts };
  return judgeCommand({ request, lists: readLists(settings), cwd: options.cwd ?? '/home/u/p', platform, facts });
}

describe('commands: vectors T1-T22', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const { configs, vectors } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as VectorFile;
    for (const vector of vectors) {
      const shown = JSON.stringify(vector.command.slice(0, 70));
      it(`${vector.threat} ${vector.id} ${vector.expected}: ${shown}`, () => {
        const judged = judge({ line: vector.command }, configs[vector.config] ?? {}, { cwd: vector.cwd, platform: vector.platform });
        assert.deepEqual({ verdict: judged.verdict.verdict, rule: judged.verdict.rule }, { verdict: vector.expected, rule: vector.rule }, judged.verdict.reason);
      });
    }
  }

  it('commands:everyday judges 200 lines of Node, Python, Go, Rust and web projects as a person would expect', () => {
    const { vectors } = JSON.parse(readFileSync(join(folder, 'projects.json'), 'utf8')) as VectorFile;
    assert.ok(vectors.length >= 200);
    assert.ok(vectors.filter(({ expected }) => expected === 'allow').length >= 110);
    assert.ok(vectors.filter(({ expected }) => expected === 'deny').length <= 25);
  });

  it('commands:reasons say what is meant and what to do, in more than a word', () => {
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      const { configs, vectors } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as VectorFile;
      for (const vector of vectors) {
        const { reason, verdict } = judge({ line: vector.command }, configs[vector.config] ?? {}, { cwd: vector.cwd, platform: vector.platform }).verdict;
        assert.match(reason, /^\S[^]{15,}[.]$/, vector.command.slice(0, 80));
        assert.ok(verdict === 'allow' || reason.length <= 420, reason);
      }
    }
  });

  it('has at least 300 lines, a third of them harmless', () => {
    const all = readdirSync(folder).flatMap((name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as VectorFile).vectors);
    assert.ok(all.length >= 300);
    assert.ok(all.filter((vector) => vector.threat === 'T0' || vector.expected === 'allow').length >= 100);
    assert.equal(new Set(all.map((vector) => vector.id)).size, all.length);
  });
});

describe('commands: what cannot be slow', () => {
  /** Questions about places and files: the only work that a judgement passes on, and each may cost a look at the disk. */
  function questions(request: HostileRequest): number {
    const facts = lexicalFacts(foldersOf('posix'), 'posix');
    let asked = 0;
    const counting: CommandFacts = { ...facts, place: (...at) => ((asked += 1), facts.place(...at)), entry: (...at) => ((asked += 1), entry(...at)), expand: (...at) => ((asked += 1), facts.expand(...at)) };
    judgeCommand({ request, lists: readLists({ allowedCommands: everything }), cwd: '/home/u/p', platform: 'posix', facts: counting });
    return asked;
  }
  const everything = ['ls', 'cat', 'echo', 'sh', 'cp', 'rm', 'diff', 'env', 'timeout', 'git', 'npm', 'curl', 'find', 'xargs', 'sed', 'awk', 'jq', 'docker', 'cd', 'grep'];

  for (const [about, request] of hostileRequests) {
    it(`commands:bounded asks at most 5,000 questions, whatever it is given: ${about}`, () => assert.ok(questions(request) <= 5000, String(questions(request))));
  }

  it('commands:bounded takes no more than its caps of words, patterns and pieces', () => {
    const judged = (line: string): string => judge({ line }, { allowedCommands: ['ls', 'echo'] }).verdict.rule;
    assert.equal(judged(`ls${' a'.repeat(511)}`), 'shell.allowed');
    assert.equal(judged(`ls${' a'.repeat(512)}`), 'shell.tooMany');
    assert.equal(judged(`ls${' *a'.repeat(33)}`), 'shell.tooMany');
    assert.equal(judged(`echo ${'\\a'.repeat(2001)}`), 'shell.tooMany');
    assert.equal(judge({ argv: ['ls', ...Array.from({ length: 512 }, () => 'a')] }, { allowedCommands: ['ls'] }).verdict.rule, 'shell.tooMany');
    const asked = { requireApproval: ['git'] };
    assert.equal(judge({ argv: ['git', 'commit', '-m', 'a b '.repeat(2000)] }, asked).verdict.rule, 'shell.requireApproval');
    assert.equal(judge({ argv: ['git', 'commit', '-m', 'a b '.repeat(2049)] }, asked).verdict.rule, 'shell.tooMany');
    assert.equal(judge({ argv: ['git', 'commit', '-m', Array.from({ length: 1025 }, (_, n) => `w${n}`).join(' ')] }, asked).verdict.rule, 'shell.tooMany');
    assert.equal(judge({ argv: ['ls', 'a'.repeat(maxLineBytes)] }, { allowedCommands: ['ls'] }).verdict.rule, 'shell.tooLong');
  });
});

describe('commands: argument lists', () => {
  const settings = { allowedCommands: ['ls', 'cat', 'echo', 'node', 'git', 'npm'], requireApproval: ['rm'] };

  it('takes arguments literally, operators and patterns included', () => {
    const judged = judge({ argv: ['echo', '$(id)', '; rm -rf x', '*', '`id`'] }, settings);
    assert.equal(judged.verdict.verdict, 'allow');
    assert.deepEqual(judged.plan?.pipelines[0]?.commands[0]?.argv, ['echo', '$(id)', '; rm -rf x', '*', '`id`']);
  });

  it('T11 refuses a path or several words in place of a name', () => {
    for (const name of ['/bin/ls', './ls', 'ls -la', '', 'ls;id', '-ls']) assert.equal(judge({ argv: [name, 'x'] }, settings).verdict.verdict, 'deny', name);
  });

  it('T3 refuses NUL and hidden characters in arguments', () => {
    for (const text of ['a\0b', 'a\u202eb', 'a\u200bb', '\ud800']) assert.equal(judge({ argv: ['echo', text] }, settings).verdict.rule, 'shell.hidden');
  });

  it('judges the options of an argument list as those of a line', () => {
    assert.equal(judge({ argv: ['node', '-e', 'x'] }, settings).verdict.verdict, 'approve');
    assert.equal(judge({ argv: ['cat', '/etc/passwd'] }, settings).verdict.rule, 'shell.outside');
  });
});

describe('commands: facts about the machine', () => {
  const settings = { allowedCommands: ['git', 'npm', 'cat', 'ls', 'cp'], requireApproval: [] };
  const gitFacts = (git: ReturnType<CommandFacts['git']>) => ({ facts: { git: () => git } });

  it('T7 asks when the repository names programs, has hooks, or could not be read', () => {
    assert.equal(judge({ line: 'git status' }, settings, gitFacts({ programs: ['filter.x.clean'], hooks: false })).verdict.rule, 'shell.gitPrograms');
    assert.equal(judge({ line: 'git commit -m x' }, settings, gitFacts({ programs: [], hooks: true })).verdict.rule, 'shell.gitHooks');
    assert.equal(judge({ line: 'git status' }, settings, gitFacts({ programs: [], hooks: true })).verdict.verdict, 'allow');
    assert.equal(judge({ line: 'git status' }, settings, gitFacts('unknown')).verdict.rule, 'shell.gitUnknown');
  });

  it('T7 asks for a remote that the repository does not know, which git would take for a folder', () => {
    const known = gitFacts({ programs: [], hooks: false, remotes: ['origin'] });
    assert.equal(judge({ line: 'git push origin main' }, settings, known).verdict.verdict, 'allow');
    assert.equal(judge({ line: 'git push evil main' }, settings, known).verdict.verdict, 'approve');
  });

  it('T8 asks for a script that is missing or not known', () => {
    assert.equal(judge({ line: 'npm run build' }, settings, { facts: { script: () => 'no' } }).verdict.rule, 'shell.script');
    assert.equal(judge({ line: 'npm run build' }, settings, { facts: { script: () => 'unknown' } }).verdict.rule, 'shell.script');
  });

  it('takes the word of the facts for a link that leads out', () => {
    assert.equal(judge({ line: 'cat link/x' }, settings, { facts: { place: (_, path) => (path.startsWith('link') ? 'outside' : 'inside') } }).verdict.verdict, 'approve');
    assert.equal(judge({ line: 'ls link' }, settings, { facts: { place: (_, path) => (path === 'link' ? 'own' : 'inside') } }).verdict.verdict, 'deny');
  });

  it('T24 asks where a folder would be walked, and where nobody could look', () => {
    const open = { allowedCommands: ['diff', 'cp'] };
    const seeing = (found: 'missing' | 'file' | 'folder') => ({ facts: { entry: () => found } });
    for (const [line, found] of [['diff a b', 'folder'], ['cp -r a b', 'folder'], ['cp -r a b', 'file'], ['cp -rn a b', 'folder']] as const) assert.equal(judge({ line }, open, seeing(found)).verdict.rule, 'shell.arguments', `${line} ${found}`);
    for (const [line, found] of [['diff a b', 'file'], ['diff a b', 'missing'], ['cp -r a b', 'missing'], ['cp -rn a b', 'missing']] as const) assert.equal(judge({ line }, open, seeing(found)).verdict.verdict, 'allow', `${line} ${found}`);
    const facts: CommandFacts = { place: () => 'inside', expand: () => ({ refused: 'nobody looked' }), script: () => 'yes', git: () => 'unknown', gitWrites: () => nothingWritten };
    const blind = { request: { line: 'diff a b' }, lists: readLists(open), cwd: '/home/u/p', platform: 'posix', facts } as const;
    assert.equal(judgeCommand(blind).verdict.verdict, 'approve');
    assert.equal(judgeCommand({ ...blind, request: { line: 'cp -r a b' } }).verdict.verdict, 'approve');
  });

  it('T13 lets a line go to a folder of the project without a listing of cd, and nowhere else', () => {
    const only = (line: string, requireApproval: readonly string[] = []): string => {
      const { verdict } = judge({ line }, { allowedCommands: ['ls'], requireApproval: [...requireApproval] });
      return `${verdict.verdict} ${verdict.rule}`;
    };
    assert.equal(only('cd src && ls'), 'allow shell.allowed');
    assert.equal(only('cd src && ls', ['cd']), 'approve shell.requireApproval');
    assert.equal(only('cd .. && ls'), 'deny shell.cdOutside');
    assert.equal(only('cd src && cat a'), 'deny shell.notListed');
    assert.equal(only('cd .git && ls'), 'approve shell.cdControl');
  });

  it('T17 refuses a working folder outside the project and in the own folder', () => {
    assert.equal(judge({ line: 'ls' }, settings, { cwd: '/tmp' }).verdict.rule, 'shell.cwdOutside');
    assert.equal(judge({ line: 'ls' }, settings, { cwd: '/home/u/.conductor' }).verdict.rule, 'shell.ownFolder');
  });

  it('says whether a line only reads', () => {
    assert.equal(judge({ line: 'git status && cat a | cat 2>/dev/null' }, settings).readOnly, false);
    assert.equal(judge({ line: 'git status && cat a | cat 2>&1' }, settings).readOnly, true);
    assert.equal(judge({ line: 'cp a b' }, settings).readOnly, false);
  });
});

describe('commands: what a question says', () => {
  const settings = { allowedCommands: ['ls', 'sed'], requireApproval: ['rm', 'cp', 'mytool', 'cat'] };
  const asked = (line: string) => judge({ line }, settings).parts.filter((part) => part.verdict === 'approve').map((part) => part.rule);

  it('T4 names control files and places outside also where the settings ask anyway', () => {
    assert.deepEqual(asked('rm .git/config'), ['shell.requireApproval', 'shell.controlFile']);
    assert.deepEqual(asked('cat /etc/passwd'), ['shell.requireApproval', 'shell.outside']);
    assert.deepEqual(asked('rm -rf .git ../x src'), ['shell.requireApproval', 'shell.arguments', 'shell.controlFile', 'shell.outside']);
    assert.deepEqual(asked('mytool --out=/etc/x .npmrc'), ['shell.requireApproval', 'shell.outside', 'shell.controlFile']);
    assert.deepEqual(asked('rm a'), ['shell.requireApproval']);
    assert.deepEqual(asked('mytool a b'), ['shell.requireApproval']);
  });

  it('T4 names them for a listed program in a form that its rule cannot read', () => {
    assert.deepEqual(asked('sed -i p /etc/x .vscode/settings.json'), ['shell.arguments', 'shell.outside', 'shell.controlFile']);
  });

  it('names no more than three places', () => {
    assert.equal(asked('mytool /a /b /c /d /e').length, 4);
  });
});

describe('commands: lists', () => {
  it('reports entries that do not count, and keeps the rest', () => {
    const lists = readLists({ allowedCommands: ['ls', '*', '/bin/ls', 'npm run', 3, 'git'], requireApproval: 'rm' });
    assert.deepEqual([...lists.allowed], ['ls', 'git']);
    assert.equal(lists.problems.length, 5);
  });
});
