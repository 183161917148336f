import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BranchedProject } from '../../../../test/fakes/branchedProject';

const allowed = ['git', 'cat', 'cd', 'sleep', 'echo'];

describe('git: files that get another name', () => {
  let ground: BranchedProject;
  const commit = (message: string): void => ground.commit(message);
  const branch = (name: string, change: () => unknown): void => ground.branch(name, change);
  beforeEach(() => { ground = new BranchedProject(allowed); });
  afterEach(() => ground.remove());

  it('T7 follows names that this side of a merge has changed', async () => {
    ground.put('settings.json', 'one\ntwo\nthree\nfour\n');
    commit('settings');
    branch('theirs', () => ground.put('settings.json', 'one\ntwo\nthree\nevil\n'));
    mkdirSync(join(ground.project, '.vscode'));
    ground.git('mv', 'settings.json', '.vscode/settings.json');
    commit('moved');
    assert.equal(await ground.verdict('git merge theirs'), 'approve shell.controlFile');
    assert.equal(await ground.verdict('git cherry-pick theirs'), 'approve shell.controlFile');
  });

  it('T7 takes every added control file for the new name of a missing one, whichever git would take', async () => {
    const many = (word: string): string => Array.from({ length: 30 }, (_, line) => `${word} ${line}\n`).join('');
    ground.put('docs/decoy.txt', many('setting').replace('setting 0', 'setting zero'));
    ground.put('docs/t.txt', many('setting').replace(/(setting 1.\n)+/g, 'other\n'));
    commit('before');
    ground.git('checkout', '-q', '-b', 'side');
    ground.put('docs/t.txt', `${many('setting').replace(/(setting 1.\n)+/g, 'other\n')}EVIL\n`);
    commit('one line more');
    ground.git('checkout', '-q', 'main');
    ground.git('rm', '-q', 'docs/t.txt', 'docs/decoy.txt');
    ground.put('.vscode/settings.json', many('setting'));
    commit('settings');
    for (const line of ['git merge --no-edit side', 'git merge --squash side', 'git cherry-pick side', 'git cherry-pick -n side']) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    ground.git('merge', '--no-edit', 'side');
    assert.ok(readFileSync(join(ground.project, '.vscode/settings.json'), 'utf8').includes('EVIL'), 'git writes it, so that this test can fail');
  });

  it('T7 looks at what is staged, into which stashes and picks without a commit are merged', async () => {
    const settings = Array.from({ length: 30 }, (_, line) => `setting ${line}\n`).join('');
    ground.put('docs/t.json', settings);
    commit('base');
    ground.git('checkout', '-q', '-b', 'side');
    ground.put('docs/t.json', `${settings}EVIL\n`);
    commit('side');
    ground.git('checkout', '-q', 'main');
    ground.put('docs/t.json', `${settings}EVIL\n`);
    ground.git('stash', '-q');
    ground.put('.vscode/settings.json', settings);
    ground.git('rm', '-q', 'docs/t.json');
    ground.git('add', '.vscode/settings.json');
    for (const line of ['git stash apply', 'git stash pop', 'git cherry-pick -n side']) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    ground.git('stash', 'apply');
    assert.ok(readFileSync(join(ground.project, '.vscode/settings.json'), 'utf8').includes('EVIL'), 'git writes it, so that this test can fail');
  });

  it('T7 a file that an earlier pick takes away is missing for the next one', async () => {
    const text = Array.from({ length: 30 }, (_, line) => `line ${line}\n`).join('');
    ground.put('t', text);
    commit('base');
    branch('gone', () => ground.git('rm', '-q', 't'));
    branch('more', () => ground.put('t', `${text}EVIL\n`));
    ground.put('.vscode/settings.json', text);
    commit('settings');
    assert.equal(await ground.verdict('git cherry-pick more'), 'allow shell.allowed');
    assert.equal(await ground.verdict('git cherry-pick gone more'), 'approve shell.controlFile');
  });

  it('T7 T8 asks where a file of another name would be merged into one that gives orders', async () => {
    ground.put('package.json', '{ "scripts": { "test": "true" } }\n');
    ground.put('docs/t.json', '{ "scripts": { "test": "true" } }\n');
    ground.git('add', 'docs/t.json');
    ground.git('commit', '-qm', 'base');
    ground.put('docs/t.json', '{ "scripts": { "test": "evil" } }\n');
    ground.git('stash', '-q');
    ground.git('rm', '-q', 'docs/t.json');
    ground.git('add', 'package.json');
    assert.equal(await ground.verdict('git stash apply'), 'approve shell.controlFile');
    ground.git('stash', 'apply');
    assert.match(readFileSync(join(ground.project, 'package.json'), 'utf8'), /evil/, 'git does it, so that this test can fail');
    ground.git('add', '-A');
    ground.git('commit', '-qm', 'all');
    ground.put('package.json', '{ "scripts": { "test": "changed" } }\n');
    ground.git('stash', '-q');
    assert.equal(await ground.verdict('git stash pop'), 'allow shell.allowed');
  });

  it('T7 T8 asks so whichever side has given the file its name, and for a rebase too', async () => {
    const settings = '{ "scripts": { "test": "true" } }\n';
    ground.put('docs/t.json', settings);
    commit('base');
    branch('onto', () => {
      ground.git('rm', '-q', 'docs/t.json');
      ground.put('package.json', settings);
    });
    branch('evil2', () => ground.put('docs/t.json', settings.replace('true', 'evil')));
    ground.git('checkout', '-q', 'evil2');
    for (const line of ['git merge --no-edit onto', 'git cherry-pick onto', 'git rebase onto', 'git rebase --onto onto main']) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    ground.git('rebase', '-q', 'onto');
    assert.match(readFileSync(join(ground.project, 'package.json'), 'utf8'), /evil/, 'git does it, so that this test can fail');
    ground.git('checkout', '-q', 'main');
    branch('plain', () => ground.put('package.json', settings));
    branch('other', () => ground.put('a.txt', 'other\n'));
    ground.git('checkout', '-q', 'other');
    for (const line of ['git merge --no-edit plain', 'git rebase plain']) assert.equal(await ground.verdict(line), 'allow shell.allowed', line);
  });

  it('T7 T8 asks where one commit gives the name and another brings the bytes', async () => {
    const settings = '{ "scripts": { "test": "true" } }\n';
    ground.put('docs/t.json', settings);
    commit('base');
    branch('ren', () => {
      ground.git('rm', '-q', 'docs/t.json');
      ground.put('package.json', settings);
    });
    branch('ev', () => ground.put('docs/t.json', settings.replace('true', 'evil')));
    for (const line of ['git cherry-pick ren ev', 'git cherry-pick -n ren ev']) assert.equal(await ground.verdict(line), 'approve shell.controlFile', line);
    ground.git('cherry-pick', 'ren', 'ev');
    assert.match(readFileSync(join(ground.project, 'package.json'), 'utf8'), /evil/, 'git does it, so that this test can fail');
    // A commit that is replayed is compared with its own parent, wherever the branches part.
    ground.git('checkout', '-q', '-B', 'line', 'ren');
    ground.put('docs/t.json', settings);
    ground.git('rm', '-q', '--cached', 'package.json');
    ground.git('add', 'docs/t.json');
    ground.git('commit', '-qm', 'back');
    ground.put('docs/t.json', settings.replace('true', 'evil'));
    ground.git('add', 'docs/t.json');
    ground.git('commit', '-qm', 'evil');
    rmSync(join(ground.project, 'package.json'));
    ground.git('checkout', '-q', '--detach', 'ren');
    assert.equal(await ground.verdict('git rebase --onto ren line~1 line'), 'approve shell.controlFile');
    ground.git('checkout', '-q', 'line');
    assert.equal(await ground.verdict('git rebase --onto ren HEAD~1'), 'approve shell.controlFile');
    ground.git('rebase', '-q', '--onto', 'ren', 'HEAD~1');
    assert.match(readFileSync(join(ground.project, 'package.json'), 'utf8'), /evil/, 'git does it, so that this test can fail');
  });
});
