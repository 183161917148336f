import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, closeSync, openSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import type { Config } from '../../../../protocol/src/config';
import { fileConfig, makeTree, type Tree } from '../../../../test/vectors/paths/tree';
import type { Prepared } from '../tool';
import { createFilesystemTools } from './tools';
import { digestOfFacts } from '../fact';

const tool = createFilesystemTools().find(({ name }) => name === 'filesystem.read');
const idle = new AbortController().signal;

describe('filesystem.read', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = makeTree([['folder', 'ws'], ['folder', 'cfg'], ['folder', 'secret'], ['file', 'secret/key', 'SECRET'], ['file', 'ws/three.txt', 'one\ntwo\nthree'], ['file', 'ws/empty', '']]);
  });
  afterEach(() => tree.remove());

  function prepare(input: Record<string, unknown>, config: Config = fileConfig(), signal = idle): Promise<Prepared> {
    assert.ok(tool);
    return tool.prepare(input, { project: tree.project, configDir: tree.config, config, signal });
  }

  async function read(input: Record<string, unknown>): Promise<Outcome> {
    const prepared = await prepare(input);
    try {
      return await prepared.run(idle, () => undefined);
    } finally {
      prepared.release?.();
    }
  }

  async function text(input: Record<string, unknown>): Promise<string> {
    const outcome = await read(input);
    assert.ok(outcome.kind === 'success', JSON.stringify(outcome));
    return outcome.text;
  }

  async function failure(input: Record<string, unknown>): Promise<{ code: string; message: string }> {
    const outcome = await read(input);
    assert.ok(outcome.kind === 'failure', JSON.stringify(outcome));
    return outcome.error;
  }

  it('gives the content as it is', async () => {
    assert.equal(await text({ path: 'three.txt' }), 'one\ntwo\nthree');
    assert.equal(await text({ path: 'empty' }), '');
    writeFileSync(join(tree.project, 'bom'), '\ufeffä\r\n');
    assert.equal(await text({ path: 'bom' }), 'ä\r\n\n[The file begins with a byte order mark (utf8), which is not shown.]');
    assert.equal(await text({ path: 'bom', encoding: 'base64' }), '77u/w6QNCg==');
  });

  it('read:encodings: recognises UTF-8 and UTF-16 by their marks, and takes others as they are named', async () => {
    const words = 'äone\nzwei🎉\n\u0a0a\u010a\nend';
    const le = Buffer.from(words, 'utf16le');
    const be = Buffer.from(le).swap16();
    const mark = (bytes: readonly number[], rest: Buffer): Buffer => Buffer.concat([Buffer.from(bytes), rest]);
    const files: readonly (readonly [string, Buffer, Record<string, unknown>])[] = [
      ['utf16le', mark([0xff, 0xfe], le), {}], ['utf16be', mark([0xfe, 0xff], be), {}], ['utf16le', le, { encoding: 'utf16le' }], ['utf16be', be, { encoding: 'utf16be' }], ['utf8', mark([0xef, 0xbb, 0xbf], Buffer.from(words)), {}],
    ];
    for (const [encoding, bytes, more] of files) {
      writeFileSync(join(tree.project, 'text'), bytes);
      const whole = await read({ path: 'text', ...more });
      assert.ok(whole.kind === 'success', JSON.stringify(whole));
      assert.equal(whole.text.replace(/\n\[.*\]$/, ''), words, encoding);
      assert.deepEqual([whole.structured?.['encoding'], whole.structured?.['lines'], whole.structured?.['sha256']], [encoding, 4, createHash('sha256').update(bytes).digest('hex')]);
      assert.match(await text({ path: 'text', ...more, offset: 1, limit: 1 }), /^zwei🎉\n\n\[.*Call again with offset 2\.\]/);
      assert.match(await text({ path: 'text', ...more, offset: 3 }), /^end/);
      let gathered = '';
      for (let offset: unknown = 0; typeof offset === 'number'; ) {
        const piece = await read({ path: 'text', ...more, unit: 'bytes', offset, limit: 7 });
        assert.ok(piece.kind === 'success', JSON.stringify(piece));
        offset = piece.structured?.['nextOffset'];
        gathered += offset === undefined ? piece.text : piece.text.slice(0, piece.text.indexOf('\n[The file goes on'));
      }
      assert.equal(gathered, words, `${encoding} in pieces of seven bytes`);
    }
  });

  it('read:undecodable: names the first byte that is no text, and what the file is', async () => {
    const cases: readonly (readonly [Buffer, RegExp, Record<string, unknown>])[] = [
      [Buffer.from([0x61, 0x62, 0xff, 0x63]), /not UTF-8 text: the byte at position 2 does not fit/, {}],
      [Buffer.concat([Buffer.from('äö'), Buffer.from([0xef, 0xbf, 0x41])]), /position 4/, {}],
      [Buffer.concat([Buffer.from('a\nb\n'), Buffer.from([0xf0, 0x9f, 0x8e])]), /position 4/, { offset: 1 }],
      [Buffer.from([0xed, 0xa0, 0x80]), /position 0/, {}],
      [Buffer.from([0xff, 0xfe, 0x61, 0x00, 0x00, 0xd8, 0x62, 0x00]), /not UTF-16 text: the byte at position 4/, {}],
      [Buffer.from([0xfe, 0xff, 0x00, 0x61, 0x00]), /position 4/, {}],
      [Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), /binary file of 16 bytes \(PNG image\)/, {}],
      [Buffer.from('\x7fELF\x02\0', 'latin1'), /ELF program/, {}],
      [Buffer.from('%PDF-1.7\n\xe2\xe3', 'latin1'), /not UTF-8 text.*looks like a PDF document/, {}],
      [Buffer.from('plain words', 'utf16le'), /looks like UTF-16 text without a byte order mark\)\. Read it with encoding "utf16le"/, {}],
    ];
    for (const [bytes, message, more] of cases) {
      writeFileSync(join(tree.project, 'odd'), bytes);
      assert.match((await failure({ path: 'odd', ...more })).message, message);
    }
  });

  it('read:huge: takes lines and bytes from behind 3 GiB without reading what lies before', async () => {
    const size = 3 * 1024 ** 3;
    truncateSync(join(tree.project, 'empty'), size);
    appendFileSync(join(tree.project, 'empty'), 'täil\nend');
    const before = process.memoryUsage().arrayBuffers;
    assert.match(await text({ path: 'empty', unit: 'bytes', offset: size, limit: 6 }), /^täil\n\n\[The file goes on: 3221225481 bytes in all\. Call again with offset 3221225478 and unit "bytes"\.\]$/);
    assert.equal(await text({ path: 'empty', unit: 'bytes', offset: size + 2 }), 'il\nend', 'a half character is left out');
    assert.match((await failure({ path: 'empty', offset: 1 })).message, /binary file/);
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1_048_576);
  });

  it('read:no-files: refuses pipes, sockets, devices and what the kernel makes up, at once', async () => {
    tree.remove();
    tree = makeTree([['folder', 'ws'], ['folder', 'cfg'], ['pipe', 'ws/pipe'], ['socket', 'ws/socket'], ['link', 'ws/environ', '/proc/self/environ']]);
    assert.match((await failure({ path: 'pipe' })).message, /is a named pipe\. Only regular files/);
    assert.match((await failure({ path: 'socket' })).message, /is a socket/);
    assert.equal((await prepare({ path: 'environ' })).verdict.rule, 'path.outside');
    const wide = fileConfig({ allowedPaths: ['/proc', '/dev', '/sys'] });
    for (const path of ['/proc/self/environ', '/proc/kmsg', '/proc/1', '/sys/kernel', '/proc/missing', 'environ']) assert.equal((await prepare({ path }, wide)).verdict.rule, 'path.kernel', path);
    const device = await (await prepare({ path: '/dev/zero' }, wide)).run(idle, () => undefined);
    assert.match(device.kind === 'failure' ? device.error.message : '', /is a device/);
  });

  it('gives lines by offset and limit, and says where to go on', async () => {
    const outcome = await read({ path: 'three.txt', offset: 1, limit: 1 });
    assert.ok(outcome.kind === 'success');
    assert.equal(outcome.text, 'two\n\n[The file goes on: 13 bytes in all. Call again with offset 2.]');
    assert.deepEqual([outcome.truncated, outcome.structured], [true, { path: 'three.txt', size: 13, encoding: 'utf8', offset: 1, lines: 1, nextOffset: 2 }]);
    assert.equal(await text({ path: 'three.txt', offset: 2 }), 'three');
    assert.equal(await text({ path: 'three.txt', limit: 3 }), 'one\ntwo\nthree');
    assert.match((await failure({ path: 'three.txt', offset: 3 })).message, /fewer than 4 lines/);
    assert.match((await failure({ path: 'three.txt', offset: 9 })).message, /fewer than 10 lines/);
  });

  it('gives a file of several MiB in pieces that add up to it', async () => {
    const whole = Array.from({ length: 60_000 }, (_, index) => `line ${index} ${'ä'.repeat(20)}\n`).join('');
    writeFileSync(join(tree.project, 'big'), whole);
    let gathered = '';
    let offset: number | undefined = 0;
    let calls = 0;
    while (offset !== undefined) {
      const outcome = await read({ path: 'big', offset });
      assert.ok(outcome.kind === 'success' && outcome.text.length <= 1_048_576 + 200);
      const next: unknown = outcome.structured?.['nextOffset'];
      gathered += next === undefined ? outcome.text : outcome.text.slice(0, outcome.text.lastIndexOf('\n['));
      offset = typeof next === 'number' ? next : undefined;
      calls += 1;
    }
    assert.equal(gathered, whole);
    assert.equal(calls, 3);
  });

  it('says what to do with binary files, other encodings and endless lines', async () => {
    writeFileSync(join(tree.project, 'binary'), Buffer.from([1, 0, 255, 10]));
    writeFileSync(join(tree.project, 'latin'), Buffer.from([0xe4, 0x0a]));
    writeFileSync(join(tree.project, 'long'), `${'x'.repeat(1_048_577)}\n`);
    assert.match((await failure({ path: 'binary' })).message, /binary file of 4 bytes.*base64/);
    assert.match((await failure({ path: 'latin' })).message, /not UTF-8.*latin1/);
    assert.equal((await failure({ path: 'long' })).code, 'TOO_LARGE');
    assert.equal(await text({ path: 'latin', encoding: 'latin1' }), 'ä\n');
    assert.equal(await text({ path: 'binary', encoding: 'base64' }), 'AQD/Cg==');
    assert.match(await text({ path: 'binary', encoding: 'base64', offset: 1, limit: 2 }), /^AP8=\n\[.*offset 3/);
    assert.match(await text({ path: 'long', encoding: 'base64', limit: 3 }), /^eHh4\n/);
  });

  it('never reads more of a file of 8 GiB than it answers', async () => {
    truncateSync(join(tree.project, 'empty'), 8 * 1024 ** 3);
    assert.equal((await read({ path: 'empty', encoding: 'base64', offset: 8 * 1024 ** 3 - 3 })).kind, 'success');
    assert.match((await failure({ path: 'empty' })).message, /binary file of 8589934592 bytes/);
  });

  it('reports a file that the system does not let it read, which is no failure of the tool', async function () {
    if (process.getuid?.() === undefined || process.seteuid === undefined) this.skip();
    const user = process.getuid();
    chmodSync(tree.root, 0o755);
    chmodSync(join(tree.project, 'three.txt'), 0);
    if (user === 0) process.seteuid(65_534);
    try {
      const outcome = await read({ path: 'three.txt' });
      assert.ok(outcome.kind === 'failure');
      assert.match(outcome.error.message, /operating system denies access to three.txt/);
      assert.equal(tool?.countsAsFailure?.(outcome), false);
    } finally {
      if (user === 0) process.seteuid(0);
    }
  });

  it('T41 refuses after an approval when the path leads to another file', async () => {
    const path = join(tree.project, 'three.txt');
    const config = fileConfig({ requireApproval: ['read'] });
    const changes: readonly (() => void)[] = [
      () => renameSync(join(tree.project, 'empty'), path),
      () => { unlinkSync(path); symlinkSync('../secret/key', path); },
      () => { rmSync(path); },
    ];
    for (const change of changes) {
      writeFileSync(path, 'one');
      writeFileSync(join(tree.project, 'empty'), '');
      const prepared = await prepare({ path: 'three.txt' }, config);
      assert.equal(prepared.verdict.verdict, 'approve');
      change();
      const outcome = await prepared.run(idle, () => undefined);
      prepared.release?.();
      assert.equal(outcome.kind === 'refused' && outcome.code, 'APPROVAL_STALE');
      rmSync(path, { force: true });
    }
  });

  it('T41 gives the same digest for the same call and another one for anything else', async () => {
    const digests = await Promise.all(
      [{ path: 'three.txt' }, { path: './three.txt' }, { path: 'empty' }, { path: 'three.txt', limit: 1 }, { path: 'three.txt', encoding: 'latin1' }].map(async (input) => {
        const prepared = await prepare(input);
        prepared.release?.();
        return digestOfFacts(prepared.facts);
      }),
    );
    assert.equal(digests[0], digests[1]);
    assert.equal(new Set(digests).size, 4);
  });

  it('T41 reads the very file that was judged, even when the path leads elsewhere meanwhile', async () => {
    const prepared = await prepare({ path: 'three.txt' });
    unlinkSync(join(tree.project, 'three.txt'));
    symlinkSync('../secret/key', join(tree.project, 'three.txt'));
    const outcome = await prepared.run(idle, () => undefined);
    prepared.release?.();
    assert.equal(outcome.kind === 'success' && outcome.text, 'one\ntwo\nthree');
  });

  it('holds a descriptor only until the release, and never closes it under a running read', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    const kept = await prepare({ path: 'three.txt' });
    assert.equal(open(), before + 1);
    const running = kept.run(idle, () => undefined);
    kept.release?.();
    const other = openSync(join(tree.root, 'secret/key'), 'r');
    const outcome = await running;
    closeSync(other);
    assert.equal(outcome.kind === 'success' && outcome.text, 'one\ntwo\nthree');
    assert.equal(open(), before);
    await assert.rejects(kept.run(idle, () => undefined), RangeError);
  });

  it('does nothing for a caller that has withdrawn', async () => {
    const prepared = await prepare({ path: 'three.txt' });
    const outcome = await prepared.run(AbortSignal.abort(), () => undefined);
    prepared.release?.();
    assert.equal(outcome.kind === 'failure' && outcome.error.code, 'CANCELLED');
  });

  it('refuses while the plugin is switched off', async () => {
    const prepared = await prepare({ path: 'three.txt' }, fileConfig({ enabled: false }));
    assert.deepEqual([prepared.verdict.verdict, prepared.verdict.rule], ['deny', 'filesystem.disabled']);
  });

  it('refuses when the project folder is gone, replaced by a link, and works again when it is a folder', async () => {
    assert.equal(await text({ path: 'empty' }), '');
    renameSync(tree.project, join(tree.root, 'moved'));
    assert.equal((await prepare({ path: 'empty' })).verdict.rule, 'path.projectMissing');
    symlinkSync('secret', tree.project);
    assert.equal((await prepare({ path: 'key' })).verdict.rule, 'path.rootChanged');
    unlinkSync(tree.project);
    renameSync(join(tree.root, 'moved'), tree.project);
    assert.equal(await text({ path: 'empty' }), '');
  });
});
