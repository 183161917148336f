import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, lstatSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import type { Config } from '../../../../protocol/src/config';
import { fileConfig, makeTree, type Tree } from '../../../../test/vectors/paths/tree';
import { digestOfFacts } from '../fact';
import type { Prepared } from '../tool';
import { createFilesystemTools } from './tools';

const tool = createFilesystemTools().find(({ name }) => name === 'filesystem.edit');
const idle = new AbortController().signal;

describe('filesystem.edit', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = makeTree([['folder', 'ws/.vscode'], ['folder', 'cfg'], ['folder', 'secret'], ['file', 'secret/key', 'SECRET'], ['file', 'ws/a.txt', 'one\ntwo\nthree\ntwo\n'], ['file', 'ws/.vscode/settings.json', '{}']]);
  });
  afterEach(() => tree.remove());

  const at = (path: string): string => join(tree.project, path);
  const edits = (...pairs: readonly (readonly [string, string])[]): Record<string, unknown>[] => pairs.map(([oldText, newText]) => ({ oldText, newText }));

  function prepare(given: Record<string, unknown>, config: Config = fileConfig()): Promise<Prepared> {
    assert.ok(tool);
    const input = tool.input.parse({ path: 'a.txt', ...given });
    return tool.prepare(input, { project: tree.project, configDir: tree.config, config, signal: idle });
  }

  async function edit(given: Record<string, unknown>): Promise<Outcome> {
    return (await prepare(given)).run(idle, () => undefined);
  }

  async function works(given: Record<string, unknown>): Promise<Extract<Outcome, { kind: 'success' }>> {
    const outcome = await edit(given);
    if (outcome.kind !== 'success') assert.fail(JSON.stringify(outcome));
    return outcome;
  }

  async function trouble(given: Record<string, unknown>): Promise<string> {
    const before = readFileSync(at('a.txt'));
    const outcome = await edit(given);
    assert.ok(outcome.kind === 'failure', JSON.stringify(outcome));
    assert.deepEqual(readFileSync(at('a.txt')), before);
    return outcome.error.message;
  }

  it('edit:exact: replaces a text that occurs once, keeping mode and everything else', async () => {
    chmodSync(at('a.txt'), 0o751);
    const { text, structured } = await works({ edits: edits(['one\n', 'ONE $& $1\n'], ['three', '3']) });
    const content = 'ONE $& $1\ntwo\n3\ntwo\n';
    assert.equal(readFileSync(at('a.txt'), 'utf8'), content);
    assert.equal(statSync(at('a.txt')).mode & 0o777, 0o751);
    assert.equal(text, 'Changed 2 places in a.txt: 2 lines added, 2 removed.');
    assert.deepEqual(structured, { path: 'a.txt', bytes: content.length, places: 2, sha256: createHash('sha256').update(content).digest('hex'), encoding: 'utf8', lineEndings: 'LF', added: 2, removed: 2 });
    assert.deepEqual(readdirSync(tree.project).sort(), ['.vscode', 'a.txt']);
  });

  it('edit:exact: says how often a text occurs, and where, or why it does not', async () => {
    assert.match(await trouble({ edits: edits(['two', '2']) }), /occurs 2 times in a\.txt \(at lines 2, 4\)\. Give more .* or set replaceAll/);
    assert.match(await trouble({ edits: edits(['four', '4']) }), /does not occur in a\.txt\. Read the file again/);
    assert.match(await trouble({ edits: edits(['one\n  two', 'x']) }), /were it not for blanks, tabs or line ends/);
    assert.match(await trouble({ edits: edits(['two\nfour', 'x']) }), /first line stands at line 2, but what follows is different/);
    assert.match(await trouble({ edits: edits(['one', 'one']) }), /change nothing/);
    await assert.rejects(edit({ edits: [] }));
    await assert.rejects(edit({ edits: edits(['', 'x']) }));
    await works({ edits: [{ oldText: 'two', newText: 'zwei', replaceAll: true }] });
    assert.equal(readFileSync(at('a.txt'), 'utf8'), 'one\nzwei\nthree\nzwei\n');
  });

  it('edit:bounded: what would come out is no longer than a file may be, and nothing is built to find that out', async () => {
    const all = (oldText: string, newText: string) => ({ oldText, newText, replaceAll: true });
    for (const each of [[all('o', 'a'.repeat(4_000_000)), all('a', 'b'.repeat(60)), all('b', 'cc')], [all('o', 'a'.repeat(2_000_000)), all('a', 'b')]]) assert.match(await trouble({ edits: each }), /occurs \d+ times in a\.txt, edit \d, and \d+ characters would come out, more than/);
    await works({ edits: [all('o', 'x'.repeat(100_000)), all('x', 'y')] });
  });

  it('edit:all-or-nothing: edits build on each other, and one that fails undoes all', async () => {
    assert.match(await trouble({ edits: edits(['one', 'eins'], ['one', 'x']) }), /does not occur in a\.txt, edit 2/);
    await works({ edits: edits(['one', 'eins'], ['eins\ntwo', 'eins\nzwei']) });
    assert.equal(readFileSync(at('a.txt'), 'utf8'), 'eins\nzwei\nthree\ntwo\n');
  });

  it('edit:line-endings: a line feed stands for CR LF where all lines end so, and only there', async () => {
    writeFileSync(at('a.txt'), 'one\r\ntwo\r\nthree');
    assert.equal((await works({ edits: edits(['one\ntwo', '1\nand\n2']) })).structured?.['lineEndings'], 'CRLF');
    assert.equal(readFileSync(at('a.txt'), 'utf8'), '1\r\nand\r\n2\r\nthree');
    await works({ edits: edits(['2\r\nthree', '2\r\n3']) });
    assert.equal(readFileSync(at('a.txt'), 'utf8'), '1\r\nand\r\n2\r\n3');
    writeFileSync(at('a.txt'), 'one\r\ntwo\nthree\r\n');
    assert.match(await trouble({ edits: edits(['one\ntwo', 'x']) }), /were it not for blanks, tabs or line ends/);
    assert.equal((await works({ edits: edits(['two\nthree', '2\n3']) })).structured?.['lineEndings'], 'mixed');
    assert.equal(readFileSync(at('a.txt'), 'utf8'), 'one\r\n2\n3\r\n');
  });

  it('edit:encodings: keeps the byte order mark and the encoding', async () => {
    const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
    const cases: readonly (readonly [string, Buffer, Buffer, Record<string, unknown>])[] = [
      ['UTF-8 with a mark', Buffer.from('\ufeffäone'), Buffer.from('\ufeffätwo'), {}],
      ['UTF-16 LE', Buffer.from('\ufeffä🎉one', 'utf16le'), Buffer.from('\ufeffä🎉two', 'utf16le'), {}],
      ['UTF-16 BE', utf16be('\ufeffä🎉one'), utf16be('\ufeffä🎉two'), {}],
      ['UTF-16 LE without a mark', Buffer.from('äone', 'utf16le'), Buffer.from('ätwo', 'utf16le'), { encoding: 'utf16le' }],
      ['Latin-1', Buffer.from('äone', 'latin1'), Buffer.from('ätwo', 'latin1'), { encoding: 'latin1' }],
    ];
    for (const [name, before, after, more] of cases) {
      writeFileSync(at('a.txt'), before);
      await works({ edits: edits(['one', 'two']), ...more });
      assert.deepEqual(readFileSync(at('a.txt')), after, name);
    }
    assert.match(await trouble({ edits: edits(['two', '€']), encoding: 'latin1' }), /Latin-1 has no character U\+20AC/);
    assert.match(await trouble({ edits: edits(['two', '\ud800']), encoding: 'latin1' }), /half of a surrogate pair/);
  });

  it('edit:not-text: says at which byte a file is no text, and what it is', async () => {
    writeFileSync(at('a.txt'), Buffer.concat([Buffer.from('äöü one '), Buffer.from([0xc3, 0x28])]));
    assert.match(await trouble({ edits: edits(['one', 'x']) }), /is not UTF-8 text: the byte at position 11 does not fit/);
    writeFileSync(at('a.txt'), '\x89PNG\r\n\x1a\n\0\0one', 'latin1');
    assert.match(await trouble({ edits: edits(['one', 'x']) }), /is a binary file of 13 bytes \(PNG image\)/);
    writeFileSync(at('a.txt'), Buffer.alloc(8 * 1_048_576 + 1, 'x'));
    assert.match(await trouble({ edits: edits(['one', 'x']) }), /more than the 8388608 that are edited/);
    for (const [path, message] of [['missing', /no file or folder missing/], ['.vscode', /is a folder/]] as const) {
      const outcome = await edit({ path, edits: edits(['a', 'b']) });
      assert.match(outcome.kind === 'failure' ? outcome.error.message : '', message);
    }
  });

  it('edit:asks: counts as write, shows the difference, and always asks for control files', async () => {
    const prepared = await prepare({ edits: edits(['three\n', 'three\n\u202ehidden\n']) }, fileConfig({ requireApproval: ['write'] }));
    assert.deepEqual([prepared.verdict.verdict, prepared.readOnly], ['approve', false]);
    assert.equal(prepared.show.raw, 'edit a.txt\n--- a.txt\n+++ a.txt\n@@ -1,4 +1,5 @@\n one\n two\n three\n+\u202ehidden\n two\n');
    assert.deepEqual(prepared.show.details, [['Effect', 'changes 1 place: adds 1 and removes 0 lines'], ['Text', 'utf8, line endings LF']]);
    assert.deepEqual(prepared.facts.map(({ label }) => label), ['Path', 'Folder', 'Content now', 'Content afterwards']);
    assert.equal((await prepare({ path: '.vscode/settings.json', edits: edits(['{}', '{ }']) })).verdict.rule, 'path.control');
    assert.equal((await prepare({ path: '../secret/key', edits: edits(['S', 's']) })).verdict.rule, 'path.outside');
    assert.equal((await prepare({ edits: edits(['one', '1']) }, fileConfig({ enabled: false }))).verdict.rule, 'filesystem.disabled');
  });

  it('T30 edit:scope: refuses files outside the write scope, before it looks into them', async () => {
    const config = fileConfig({ writeScope: ['src/**'] });
    for (const text of ['one', 'missing']) assert.equal((await prepare({ edits: edits([text, 'x']) }, config)).verdict.verdict, 'deny');
    assert.equal((await prepare({ edits: edits(['one', 'x']) }, fileConfig({ writeScope: ['*.txt'] }))).verdict.verdict, 'allow');
  });

  it('edit:no-oracle: where reading asks, an edit neither changes nor tells anything unasked', async () => {
    const config = fileConfig({ requireApproval: ['read'] });
    for (const text of ['one', 'missing']) assert.equal((await prepare({ edits: edits([text, 'x']) }, config)).verdict.rule, 'filesystem.asks');
    linkSync(join(tree.root, 'secret/key'), at('linked'));
    for (const text of ['SECRET', 'missing']) assert.equal((await prepare({ path: 'linked', edits: edits([text, 'x']) })).verdict.rule, 'path.hardLink');
    assert.equal((await (await prepare({ path: 'linked', edits: edits(['SECRET', 'x']) })).run(idle, () => undefined)).kind, 'success');
    assert.deepEqual([readFileSync(join(tree.root, 'secret/key'), 'utf8'), readFileSync(at('linked'), 'utf8')], ['SECRET', 'x']);
  });

  it('edit:expected: a file that is not the one that was read is left alone', async () => {
    const sha256 = createHash('sha256').update(readFileSync(at('a.txt'))).digest('hex');
    assert.match(await trouble({ edits: edits(['one', '1']), expectedSha256: '0'.repeat(64) }), new RegExp(`its SHA-256 is ${sha256}`));
    await works({ edits: edits(['one', '1']), expectedSha256: sha256 });
  });

  it('T41 edit:bound: a file that changed between prompt and run is left alone, even with its old size and time', async () => {
    const changes: readonly (readonly [string, () => void])[] = [
      ['content', () => writeFileSync(at('a.txt'), 'one\nTWO\nthree\ntwo\n')],
      ['content under the same time', () => { const { atime, mtime } = statSync(at('a.txt')); writeFileSync(at('a.txt'), 'one\nTWO\nthree\ntwo\n'); utimesSync(at('a.txt'), atime, mtime); }],
      ['mode', () => chmodSync(at('a.txt'), 0o600)],
      ['another file', () => { writeFileSync(at('b'), readFileSync(at('a.txt'))); renameSync(at('b'), at('a.txt')); }],
      ['a link', () => { renameSync(at('a.txt'), at('b')); symlinkSync('b', at('a.txt')); }],
    ];
    for (const [what, change] of changes) {
      tree.remove();
      tree = makeTree([['folder', 'ws'], ['folder', 'cfg'], ['file', 'ws/a.txt', 'one\ntwo\nthree\ntwo\n']]);
      const prepared = await prepare({ edits: edits(['one', '1']) });
      change();
      const before = readFileSync(at('a.txt'), 'utf8');
      assert.notEqual(digestOfFacts((await prepare({ edits: edits(['one', '1']) })).facts), digestOfFacts(prepared.facts), what);
      const outcome = await prepared.run(idle, () => undefined);
      assert.equal(outcome.kind === 'refused' && outcome.code, 'APPROVAL_STALE', what);
      assert.equal(readFileSync(at('a.txt'), 'utf8'), before, what);
    }
  });

  it('follows a link inside the project and leaves it a link', async () => {
    symlinkSync('a.txt', at('link'));
    await works({ path: 'link', edits: edits(['one', '1']) });
    assert.ok(lstatSync(at('link')).isSymbolicLink());
    assert.equal(readFileSync(at('a.txt'), 'utf8'), '1\ntwo\nthree\ntwo\n');
  });

  it('closes every descriptor', async () => {
    const before = readdirSync('/proc/self/fd').length;
    await works({ edits: edits(['one', '1']) });
    await trouble({ edits: edits(['one', '1']) });
    await edit({ path: '.vscode', edits: edits(['one', '1']) });
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});
