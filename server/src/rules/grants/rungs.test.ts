import assert from 'node:assert/strict';
import { judgeCommand } from '../allowlist';
import { readLists } from '../commandLists';
import { lexicalFacts, nothingWritten, type CommandFacts } from '../places';
import { packageManagers, interpreters, versionOnly } from '../programs/runtimes';
import { alwaysAsk } from '../programs/wrappers';
import type { RungName } from '../../../../protocol/src/grants';
import { coverageOf, denialOf, type Coverage } from './coverage';
import type { Grant, Ground, Reason, Tie, Unit } from './ground';
import { ladderOf, scopeOf } from './rungs';

/** Which rungs are there for which line, and what a grant of each covers. The grounds are judged by the real rules. */

const terms = { sessionHours: 8, lastingDays: 30 };
const ordinary = ['git', 'ls', 'cat', 'cd', 'head', 'node', 'find', 'sh', 'eslint', 'terraformx', 'npm'];
const asking = ['rm', 'mv', 'mkdir', 'chmod', 'cp', 'tee', 'sed', 'curl', 'tsc', 'bash', 'python3', 'python3.12', 'perl', 'ruby', 'julia', 'make', 'timeout', 'env', 'touch'];
const facts: CommandFacts = { ...lexicalFacts({ project: '/home/u/p', own: '/home/u/.conductor' }, 'posix'), entry: () => 'file', script: () => 'no', gitWrites: () => nothingWritten, git: () => ({ programs: [], hooks: false, remotes: ['origin'] }) };

type Different = Partial<Pick<Ground, 'project' | 'agent' | 'session' | 'policy' | 'pin' | 'whole'>> & { allowed?: readonly string[]; approval?: readonly string[]; facts?: Partial<CommandFacts>; programs?: Readonly<Record<string, string>>; file?: string; shaky?: boolean };

function groundFor(line: string, different: Different = {}): Ground {
  const { allowed = ordinary, approval = asking, facts: otherFacts, programs = {}, file = 'same', shaky = false, ...rest } = different;
  const judged = judgeCommand({ request: { line }, lists: readLists({ allowedCommands: allowed, requireApproval: approval }), cwd: '/home/u/p', platform: 'posix', facts: { ...facts, ...otherFacts } });
  const reasonsOf = (verdicts: readonly Readonly<{ verdict: string; rule: string; reason: string }>[]): Reason[] => verdicts.filter(({ verdict }) => verdict !== 'allow').map(({ rule, reason }) => ({ rule, reason }));
  assert.notEqual(judged.verdict.verdict, 'deny', `${line}: ${judged.verdict.reason}`);
  const commands = judged.plan?.pipelines.flatMap((pipeline) => pipeline.commands.map((command, index) => ({ command, fed: index > 0 }))) ?? [];
  const units = commands.map(({ command, fed }, index): Unit => {
    const standing: Tie[] = [{ label: 'Program', key: command.argv[0], value: programs[command.argv[0]] ?? `/usr/bin/${command.argv[0]} sha256:1` }, { label: 'Folder', key: '/home/u/p', value: 'a folder' }];
    const ties = [{ label: 'Arguments', key: '', value: JSON.stringify(command.argv) }, { label: 'File', key: '/home/u/p/x.js', value: file }, ...standing];
    const plain = !fed && command.assignments.length === 0 && command.expanded === undefined && command.redirections.every(({ kind }) => kind === 'merge');
    return { argv: command.argv, reasons: reasonsOf(judged.shares?.commands[index] ?? []), plain, shaky, standing, ties };
  });
  const around = reasonsOf(judged.shares?.line ?? []);
  return { tool: 'shell.exec', project: '/home/u/p', agent: 'agent', session: 7, policy: 'p1', pin: 't1', whole: true, reasons: [...units.flatMap(({ reasons }) => reasons), ...around], around, ties: units.flatMap(({ ties }) => ties), units, ...rest };
}

function rungsOf(line: string, different?: Different): string {
  return ladderOf(groundFor(line, different), terms, 'posix').allow.map(({ rung }) => rung).join(' ');
}

let made = 0;
function grantFor(line: string, rung: Exclude<RungName, 'once'>, effect: 'allow' | 'deny' = 'allow', different?: Different): Grant {
  const ground = groundFor(line, different);
  const scope = scopeOf(ground, effect, rung, 'posix');
  assert.ok(scope, `${line} offers ${rung}`);
  made += 1;
  const { tool, project, agent, session, policy, pin, reasons } = ground;
  return { id: `grant_${String(made)}`, effect, rung, tool, project, agent: effect === 'deny' ? '' : agent, policy, pin, reasons, scope, createdAt: 1000, expiresAt: 2000, title: '', covers: '', by: 'editor', call: 'evt_1', ...(rung === 'session' ? { session } : {}) };
}

function held(grants: readonly Grant[], line: string, different?: Different, now = 1500): Coverage {
  return coverageOf(grants, { ground: groundFor(line, different), platform: 'posix', now });
}

describe('rules/grants', () => {
  const ladders: readonly (readonly [line: string, rungs: string])[] = [
    // Names that the settings make ask, in forms of which every option is known.
    ['rm a.txt', 'session exact flags'],
    ['rm -f a.txt b.txt', 'session exact flags'],
    ['mkdir -p a/b', 'session exact flags'],
    ['mv a b', 'session exact flags'],
    ['chmod +x run.sh', 'session exact flags'],
    ['cp a b 2>&1', 'session exact flags'],
    ['rm -v a | head -3', 'session exact flags'],
    ['ls && rm a', 'session exact flags'],
    ['rm a; ls', 'session exact flags'],
    // What lies elsewhere, or steers programs, is looked at each time.
    ['rm ../outside', 'session exact'],
    ['cp a .git/config', 'session exact'],
    ['cat /etc/hosts', 'session exact'],
    // Options that no rule knows may be the ones that run programs.
    ['rm -r build', 'session'],
    ['find . -exec rm {} +', 'session'],
    ['find . -delete', 'session'],
    // Files in redirections, variables, and what comes through a pipe.
    ['rm a > log.txt', 'session exact'],
    ['CI=1 rm a', 'session exact'],
    ['ls | tee out.txt', 'session exact'],
    // Two that ask are not one.
    ['rm a && mkdir b', 'session exact'],
    // Programs with a language of their own, compilers, and what fetches.
    ["sed -n '1,3p' a", 'session exact'],
    ['curl https://example.com/', 'session exact'],
    ['tsc --noEmit', 'session'],
    // Nothing is known of it but its name.
    ['terraformx plan', 'session'],
    // Wrappers are what they start.
    ['timeout 5 rm a', 'session exact'],
    ['timeout 5 sh x.sh', 'session'],
    ['env node x.js', 'session'],
    ['env -i ls', 'session exact'],
    ['env -S ls', ''],
    // Interpreters, shells, package runners, and programs that run the project's code.
    ['sh x.sh', 'session'],
    // Of a program text nobody can say what it loads.
    ['sh -c "rm a"', ''],
    ['sh', ''],
    ['bash --rcfile x s.sh', ''],
    ['bash -eu -o pipefail s.sh', 'session'],
    ['node -e 1', ''],
    ['node -r ./x s.js', ''],
    ['timeout 9 python3 s.py -c 1', 'session'],
    ['python3 -m pytest -q', 'session'],
    ['python3.12 -mtools.migrate', ''],
    ['python3 -Bm tools.migrate', ''],
    ["python3 -c 'import x'", ''],
    ['perl -Ilib -MFoo s.pl', ''],
    ['ruby -r./x s.rb', ''],
    ['julia s.jl', ''],
    ['timeout 9 node -p x', ''],
    ["sed '' s.sh | bash", ''],
    ['make x', 'session'],
    ['npm install', 'session'],
    ['npm run missing', 'session'],
    ['eslint src', 'session'],
    ['rm a && node -e 1', ''],
    // git: options before the subcommand, subcommands and options that no rule knows.
    ['git -c core.pager=x log', 'session'],
    ['git -c alias.x=!sh x', 'session'],
    ['git --exec-path=. status', 'session'],
    ['git clone https://example.com/x', 'session'],
    ['git push --force origin main', 'session'],
    ['git push --receive-pack=x origin', 'session'],
    ['git fetch --upload-pack=x origin', 'session'],
    ['git rebase --exec make', 'session'],
    ['git grep -O x', 'session'],
    ['git difftool', 'session'],
    ['git bisect run make', 'session'],
    ['git submodule foreach make', 'session'],
    ['git config core.editor x', 'session'],
  ];
  for (const [line, expected] of ladders) it(`grants:dangerous-rungs-absent ${JSON.stringify(line)} offers ${expected}`, () => assert.equal(rungsOf(line), expected));

  it('grants:dangerous-rungs-absent: no program that may run anything is offered beyond the session, in whatever form, list or wrapper', () => {
    const dangerous = [...alwaysAsk, ...interpreters.map(([name]) => name), ...packageManagers.keys(), ...versionOnly.keys(), 'python3.12', 'perl5'];
    for (const name of dangerous) {
      for (const line of [`${name} x`, `${name} --anything`, `${name} run x.js`, `nice ${name} x`, `ls && ${name} x`]) {
        const rungs = rungsOf(line, { allowed: ['ls', 'nice'], approval: [name] });
        assert.match(rungs, /^(session)?$/, line);
      }
    }
    assert.ok(dangerous.length > 250);
  });

  it('grants:dangerous-rungs-absent: git with the settings asking offers its subcommand, and with hooks or programs of the repository only the session', () => {
    const git = { allowed: [], approval: ['git'] };
    assert.equal(rungsOf('git commit -m x', git), 'session exact flags subcommand');
    assert.equal(rungsOf('git push origin main', git), 'session exact flags subcommand');
    assert.equal(rungsOf('git -C sub status', git), 'session exact');
    assert.equal(rungsOf('git commit -m x', { ...git, facts: { git: () => ({ programs: [], hooks: true }) } }), 'session');
    assert.equal(rungsOf('git status', { ...git, facts: { git: () => ({ programs: ['core.fsmonitor'], hooks: false }) } }), 'session');
    assert.equal(rungsOf('git status', { ...git, facts: { git: () => 'unknown' } }), 'session');
  });

  it('T3: what cannot be shown whole, or is too long, is approved once and no further', () => {
    assert.equal(rungsOf('rm a', { whole: false }), '');
    assert.equal(rungsOf(`rm ${'a'.repeat(10_001)}`), '');
    assert.equal(rungsOf(Array.from({ length: 51 }, () => 'rm a').join(' && ')), '');
    assert.match(ladderOf(groundFor('rm a', { whole: false }), terms, 'posix').limit ?? '', /once/);
  });

  it('grants:terms: settings of 0 take rungs away', () => {
    const ground = groundFor('rm a');
    assert.deepEqual(ladderOf(ground, { sessionHours: 0, lastingDays: 30 }, 'posix').allow.map(({ rung }) => rung), ['exact', 'flags']);
    assert.deepEqual(ladderOf(ground, { sessionHours: 8, lastingDays: 0 }, 'posix').allow.map(({ rung }) => rung), ['session']);
  });

  it('grants:exact covers the very same command, also as part of a line, and no other', () => {
    const grants = [grantFor('rm a.txt', 'exact')];
    const rows: readonly (readonly [string, boolean])[] = [['rm a.txt', true], ["rm 'a.txt'", true], ['ls && rm a.txt', true], ['rm a.txt && git status', true], ['rm b.txt', false], ['rm -f a.txt', false], ['rm a.txt b.txt', false], ['rm a.txt && rm b.txt', false], ['cat x | rm a.txt', false], ['rm a.txt < x', false], ['rm a.txt > x', false], ['CI=1 rm a.txt', false], ['timeout 9 rm a.txt', false]];
    for (const [line, covered] of rows) assert.equal(held(grants, line).kind, covered ? 'covered' : 'open', line);
  });

  it('grants:exact rests on what a file holds only where the program may run it', () => {
    const material = [grantFor('rm a.txt', 'exact'), grantFor('rm a && mkdir b', 'exact')];
    for (const line of ['rm a.txt', 'rm a && mkdir b']) assert.equal(held(material, line, { file: 'other' }).kind, 'covered', line);
    const code = [grantFor('cp a .git/config', 'exact'), grantFor('rm a > log', 'exact'), grantFor('cp a ../b', 'exact'), grantFor('sh x.sh', 'session'), grantFor('rm a && sh x.sh', 'session'), grantFor("sed -n '1,3p' a", 'exact'), grantFor('timeout 5 rm a', 'exact'), grantFor('terraformx plan', 'session')];
    for (const line of ['cp a .git/config', 'rm a > log', 'cp a ../b', 'sh x.sh', 'rm a && sh x.sh', "sed -n '1,3p' a", 'timeout 5 rm a', 'terraformx plan']) {
      assert.equal(held(code, line).kind, 'covered', line);
      assert.equal(held(code, line, { file: 'other' }).kind, 'open', line);
    }
  });

  it('grants:wide covers the same options on other operands, as far as the rules leave them to it', () => {
    const flags = [grantFor('rm -f a.txt', 'flags')];
    const rows: readonly (readonly [string, boolean])[] = [['rm -f b.txt', true], ['rm b.txt -f c.txt', true], ['rm b.txt', false], ['rm -fv b.txt', false], ['rm -rf b', false], ['rm -f ../b', false], ['rm -f .git/config', false], ['mkdir -f b', false], ['nice rm -f b', false], ['ls | rm -f b', false], ['rm -f b >> c', false]];
    for (const [line, covered] of rows) assert.equal(held(flags, line, { allowed: [...ordinary, 'nice'] }).kind, covered ? 'covered' : 'open', line);
    const git: Different = { allowed: ['ls', 'cat', 'head'], approval: ['git'] };
    const push = [grantFor('git push origin main', 'subcommand', 'allow', git)];
    const more: readonly (readonly [string, boolean])[] = [['git push', true], ['git push -u origin feature', true], ['git push --tags 2>&1', true], ['git push 2>&1 | head', true], ['git push --force', false], ['git push origin +main', false], ['git push elsewhere', false], ['git commit -m x', false], ['git -C sub push', false], ['git -c a=b push', false]];
    for (const [line, covered] of more) assert.equal(held(push, line, git).kind, covered ? 'covered' : 'open', line);
  });

  it('grants:compound-lines: a line whose parts are all allowed or granted never asks', () => {
    const grants = [grantFor('rm -f a', 'flags'), grantFor('mkdir b', 'exact')];
    const rows: readonly (readonly [string, boolean])[] = [['ls && rm -f x && mkdir b', true], ['rm -f x; rm -f y || ls', true], ['rm -f x && mkdir c', false], ['rm -f x && touch y', false], ['cd sub; rm -f x', false], ['rm -f x && find . -delete', false]];
    for (const [line, covered] of rows) assert.equal(held(grants, line).kind, covered ? 'covered' : 'open', line);
    // With nothing to ask about, nobody is asked, granted or not.
    assert.deepEqual(groundFor('ls && cat a | cat && git status').reasons, []);
  });

  it('T16: an exact grant does not cover a command whose file an earlier part of the line may change', () => {
    const grants = [grantFor('sh x.sh', 'session')];
    assert.equal(held(grants, 'sh x.sh').kind, 'covered');
    assert.equal(held(grants, 'sh x.sh', { shaky: true }).kind, 'open');
    assert.equal(held([grantFor('cp a .git/config', 'exact')], 'cp a .git/config', { shaky: true }).kind, 'open');
    assert.equal(held([grantFor('rm a', 'exact')], 'rm a', { shaky: true }).kind, 'covered');
    assert.equal(held(grants, 'cat y | sh x.sh').kind, 'open');
  });

  it('T43: a grant ends with its time, its settings, its program, its project and its agent', () => {
    const grants = [grantFor('rm -f a', 'flags'), grantFor('touch a', 'session'), grantFor('mkdir b', 'exact')];
    for (const line of ['rm -f x', 'touch a', 'mkdir b']) {
      assert.equal(held(grants, line).kind, 'covered', line);
      assert.equal(held(grants, line, {}, 2000).kind, 'open', line);
      assert.equal(held(grants, line, {}, -100_000).kind, 'open', `${line}: the clock was set back`);
      assert.equal(held(grants, line, { policy: 'p2' }).kind, 'open', line);
      assert.equal(held(grants, line, { pin: 't2' }).kind, 'open', `${line}: another tool`);
      assert.equal(held(grants, line, { project: '/home/u/q' }).kind, 'open', line);
      assert.equal(held(grants, line, { programs: { rm: '/usr/bin/rm sha256:2', touch: '/usr/bin/touch sha256:2', mkdir: '/opt/mkdir sha256:1' } }).kind, 'open', line);
    }
    assert.equal(held(grants, 'rm -f x', { session: 8 }).kind, 'covered');
    assert.equal(held(grants, 'touch a', { session: 8 }).kind, 'open');
    assert.equal(held(grants, 'rm -f x', { agent: 'other' }).kind, 'open');
    assert.equal(held([grantFor('rm -f x', 'flags', 'allow', { agent: '' })], 'rm -f x').kind, 'open', 'an agent without a name is not every agent');
  });

  it('grants:reasons-shown: a grant covers the reasons that were shown, and no later one', () => {
    const grants = [grantFor('cp a b', 'exact'), grantFor('cp a b', 'flags')];
    assert.equal(held(grants, 'cp a b').kind, 'covered');
    const control: Partial<CommandFacts> = { place: (_folder, path) => (path.startsWith('b') ? 'control' : 'inside') };
    assert.equal(held(grants, 'cp a b', { facts: control }).kind, 'open');
    assert.equal(held(grants, 'cp a b', { facts: { place: (_folder, path) => (path === 'a' ? 'outside' : 'inside') } }).kind, 'open');
  });

  it('grants:difference: what changed since is named', () => {
    const found = held([grantFor('sh x.sh', 'session')], 'sh x.sh', { file: 'other' });
    assert.ok(found.kind === 'open' && found.near !== undefined);
    assert.deepEqual(found.near.before.find(({ label }) => label === 'File')?.value, 'same');
    assert.deepEqual(found.near.after.find(({ label }) => label === 'File')?.value, 'other');
    assert.deepEqual(held([grantFor('sh x.sh', 'session')], 'sh y.sh'), { kind: 'open' });
  });

  it('grants:deny-rules refuse the very line, the subcommand or the program, in every agent and wrapper', () => {
    const denials = (line: string, rung: 'exact' | 'subcommand' | 'program', different?: Different) => [grantFor(line, rung, 'deny', different)];
    const meets = (grants: readonly Grant[], line: string, different: Different = {}): boolean => denialOf(grants, { ground: groundFor(line, { agent: 'other', policy: 'p9', ...different }), platform: 'posix', now: 1500 }) !== undefined;
    assert.equal(meets(denials('rm a', 'exact'), 'ls && rm a'), true);
    assert.equal(meets(denials('rm a', 'exact'), 'rm b'), false);
    assert.equal(meets(denials('rm a', 'program'), 'rm b'), true);
    assert.equal(meets(denials('rm a', 'program'), 'timeout 5 rm b'), true);
    assert.equal(meets(denials('rm a', 'program'), 'mkdir rm'), false);
    const git: Different = { allowed: ['ls'], approval: ['git'] };
    assert.equal(meets(denials('git push', 'subcommand', git), 'git -C x push --force', git), true);
    assert.equal(meets(denials('git push', 'subcommand', git), 'git pull', git), false);
    assert.equal(meets(denials('rm a', 'program'), 'rm b', { project: '/other' }), false);
  });

  it('grants:deny-rules: of a tool without command lines the tool is forbidden, in this project and for every agent; of one that changes a file the file', () => {
    const ground: Ground = { ...groundFor('rm a'), tool: 'post.send', units: [] };
    const { allow, deny } = ladderOf(ground, terms, 'posix');
    assert.deepEqual([allow.map(({ rung }) => rung), deny.map(({ rung, title }) => [rung, title])], [['session'], [['program', 'Always Deny post.send in This Project']]]);
    const scope = scopeOf(ground, 'deny', 'program', 'posix');
    assert.ok(scope);
    assert.equal(scopeOf(ground, 'allow', 'program', 'posix'), undefined);
    const { project, policy, pin, reasons } = ground;
    const denial: Grant = { id: 'grant_1', effect: 'deny', rung: 'program', tool: 'post.send', project, agent: '', policy, pin, reasons, scope, createdAt: 1000, title: '', covers: '', by: 'editor', call: 'evt_1' };
    const meets = (different: Partial<Ground>): boolean => denialOf([denial], { ground: { ...ground, agent: 'other', ...different }, platform: 'posix', now: 1500 }) !== undefined;
    assert.deepEqual([meets({}), meets({ ties: [] }), meets({ tool: 'post.read' }), meets({ project: '/other' })], [true, true, false, false]);
    assert.deepEqual(ladderOf({ ...ground, tool: 'filesystem.write', file: '/home/u/p/a' }, terms, 'posix').deny.map(({ rung }) => rung), ['file']);
    assert.deepEqual(ladderOf({ ...ground, tool: 'shell.exec' }, terms, 'posix').deny, []);
  });
});
