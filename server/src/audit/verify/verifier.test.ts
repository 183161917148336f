import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile, appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareEntry, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import type { NewEntry, OwnEntry } from '../../../../protocol/src/audit/entry';
import { SimulatedDisk } from '../../../../test/fakes/simulatedDisk';
import { exitCodeOf, verificationReport, type VerificationReport } from '../../../../protocol/src/audit/report';
import { verifyAuditLog, type VerifyOptions } from './verifier';

const script = join(__dirname, '../../../../scripts/verify.py');
let folder: string;
let file: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-verify-'));
  file = join(folder, 'audit.log');
});
after(() => rm(folder, { recursive: true }));

const idOf = (n: number): string => `evt_${`${n}`.padStart(26, '0')}`;
const at = (n: number): string => new Date(1_800_000_000_000 + n * 1_000).toISOString();

function entryOf(n: number): NewEntry | OwnEntry {
  if (n === 1) return { phase: 'genesis', tool: 'audit.genesis', input: { format: 'conductor-audit/1' }, result: 'ok' };
  const common = { tool: 'shell.exec', input: { command: `echo grüße ${n}`, cwd: '/p' } } as const;
  if (n % 2 === 0) return { ...common, phase: 'intent', id: idOf(n), result: 'admitted' };
  return { ...common, phase: 'done', call: idOf(n - 1), result: 'success', durationMs: 1.5 };
}

const scratch = Buffer.alloc(4_096);

/** One line, newline included, and its hash. */
function lineOf(entry: NewEntry | OwnEntry, n: number, prevHash: string): { line: Buffer; hash: string } {
  const { end, hash } = writeLine(scratch, 0, prepareEntry(entry, idOf(n), at(n)), n, prevHash);
  return { line: Buffer.from(scratch.subarray(0, end)), hash };
}

function honest(length: number, first = 1, prevHash = zeroHash): { lines: Buffer[]; hashes: string[] } {
  const lines: Buffer[] = [];
  const hashes: string[] = [];
  let head = prevHash;
  for (let n = first; n < first + length; n += 1) {
    const { line, hash } = lineOf(entryOf(n), n, head);
    lines.push(line);
    hashes.push(hash);
    head = hash;
  }
  return { lines, hashes };
}

const nine = honest(9);
const line = (n: number): Buffer => nine.lines[n - 1] ?? assert.fail(`no line ${n}`);
const hashOf = (n: number): string => (n === 0 ? zeroHash : (nine.hashes[n - 1] ?? assert.fail(`no line ${n}`)));
const offsetOf = (n: number): number => Buffer.concat(nine.lines.slice(0, n - 1)).length;

async function verify(bytes: Buffer | readonly Buffer[], options?: VerifyOptions): Promise<VerificationReport> {
  await writeFile(file, Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes));
  return verificationReport.parse(await verifyAuditLog(file, options));
}

/** The same without a file, for the tests that verify thousands of times. */
async function verifyInMemory(bytes: Buffer): Promise<VerificationReport> {
  const disk = new SimulatedDisk();
  disk.tamper('/audit.log', bytes);
  return await verifyAuditLog('/audit.log', { disk });
}

/** What the Python verifier says of the file written last: its exit code and the line it names. */
function python(): { code: number | null; line: number | undefined } {
  const { status, stdout, error } = spawnSync('python3', [script, file], { encoding: 'utf8' });
  if (error !== undefined) assert.fail(`python3 is needed to check the log with an independent verifier: ${error.message}`);
  return { code: status, line: Number(/line (\d+)/.exec(stdout)?.[1] ?? Number.NaN) || undefined };
}

const swap = (a: number, b: number): Buffer[] => nine.lines.map((l, i) => (i === a - 1 ? line(b) : i === b - 1 ? line(a) : l));
const without = (...gone: number[]): Buffer[] => nine.lines.filter((_, i) => !gone.includes(i + 1));
const insert = (before: number, ...extra: Buffer[]): Buffer[] => [...nine.lines.slice(0, before - 1), ...extra, ...nine.lines.slice(before - 1)];
const replace = (n: number, by: Buffer): Buffer[] => nine.lines.map((l, i) => (i === n - 1 ? by : l));
const edit = (n: number, from: string, to: string): Buffer[] => {
  const text = line(n).toString('utf8');
  assert.ok(text.includes(from), `line ${n} does not contain ${from}`);
  return replace(n, Buffer.from(text.replace(from, to)));
};
const forged = lineOf({ phase: 'event', tool: 'x.y', input: { forged: true }, result: 'ok' }, 5, hashOf(4));
const rewrittenFrom6 = honest(4, 6, forged.hash).lines;

type Case = { name: string; bytes: Buffer[]; class: string; line: number; says: RegExp; expected?: string | null; found?: string | null };

const cases: Case[] = [
  { name: 'T78 one character of the input', bytes: edit(5, 'grüße', 'grüss'), class: 'hash', line: 5, says: /Line 5 was edited/, expected: `sha256:${hashOf(5)}` },
  { name: 'T78 a result', bytes: edit(7, '"success"', '"errored"'), class: 'hash', line: 7, says: /Line 7 was edited/ },
  { name: 'T78 an added member', bytes: edit(3, '"result"', '"extra":1,"result"'), class: 'hash', line: 3, says: /Line 3 was edited/ },
  { name: 'T78 the time of the last line', bytes: edit(9, '"timestamp":"2', '"timestamp":"1'), class: 'hash', line: 9, says: /Line 9 was edited/ },
  { name: 'a space between members', bytes: edit(4, ',"phase"', ', "phase"'), class: 'hash', line: 4, says: /Line 4 was edited/ },
  { name: 'the stored hash', bytes: edit(4, `"hash":"sha256:${hashOf(4)}`, `"hash":"sha256:${hashOf(5)}`), class: 'hash', line: 4, says: /hash stored in line 4 was changed/, expected: `sha256:${hashOf(4)}`, found: `sha256:${hashOf(5)}` },
  { name: 'upper-case hash', bytes: edit(4, hashOf(4), hashOf(4).toUpperCase()), class: 'format', line: 4, says: /Line 4/ },
  { name: 'the stored prevHash', bytes: edit(4, hashOf(3), hashOf(5)), class: 'hash', line: 4, says: /Line 4 was edited/ },
  { name: 'T82 a line without prevHash', bytes: edit(4, `,"prevHash":"sha256:${hashOf(3)}"`, ''), class: 'format', line: 4, says: /does not end with its two hashes/ },
  { name: 'T79 one line removed', bytes: without(4), class: 'link', line: 4, says: /Entry #4 was removed/, expected: `sha256:${hashOf(3)}`, found: `sha256:${hashOf(4)}` },
  { name: 'T79 three lines removed', bytes: without(4, 5, 6), class: 'link', line: 4, says: /Entries #4 to #6 were removed/ },
  { name: 'T79 the beginning removed', bytes: without(1, 2), class: 'link', line: 1, says: /Entries #1 to #2 were removed/ },
  { name: 'T79 the genesis removed', bytes: without(1), class: 'link', line: 1, says: /Entry #1 was removed/ },
  { name: 'T79 two neighbours swapped', bytes: swap(4, 5), class: 'link', line: 4, says: /Lines 4 and 5 were swapped/ },
  { name: 'T79 the last two swapped', bytes: swap(8, 9), class: 'link', line: 8, says: /Lines 8 and 9 were swapped/ },
  { name: 'T79 distant lines swapped', bytes: swap(3, 7), class: 'link', line: 3, says: /moved elsewhere/ },
  { name: 'T79 a line repeated', bytes: insert(5, line(4)), class: 'link', line: 5, says: /Line 5 is a copy of the line before it/ },
  { name: 'T79 the last line repeated', bytes: [...nine.lines, line(9)], class: 'link', line: 10, says: /Line 10 is a copy/ },
  { name: 'T79 an old line repeated', bytes: insert(8, line(3)), class: 'link', line: 8, says: /Line 8 was inserted/ },
  { name: 'T79 a line moved back', bytes: [...nine.lines.slice(0, 2), line(6), ...nine.lines.slice(2, 5), ...nine.lines.slice(6)], class: 'link', line: 3, says: /moved/ },
  { name: 'a foreign line inserted', bytes: insert(5, Buffer.from('{"note":"hello"}\n')), class: 'format', line: 5, says: /Line 5 was inserted/ },
  { name: 'an unhashed copy inserted', bytes: insert(5, Buffer.from(line(4).toString('utf8').replace('grüße', 'gruesse'))), class: 'link', line: 5, says: /Line 5 was inserted/ },
  { name: 'a line inserted with right hashes', bytes: insert(5, forged.line), class: 'link', line: 6, says: /Line 5 was inserted/, expected: `sha256:${forged.hash}`, found: `sha256:${hashOf(4)}` },
  { name: 'a line rewritten with a right hash', bytes: replace(5, forged.line), class: 'link', line: 6, says: /Line 5 was rewritten and its hash recomputed/ },
  { name: 'an empty line', bytes: insert(5, Buffer.from('\n')), class: 'format', line: 5, says: /it is empty/ },
  { name: 'an empty line at the end', bytes: [...nine.lines, Buffer.from('\n')], class: 'format', line: 10, says: /it is empty/ },
  { name: 'CR LF in one line', bytes: edit(5, '\n', '\r\n'), class: 'format', line: 5, says: /carriage return/ },
  { name: 'CR LF everywhere', bytes: nine.lines.map((l) => Buffer.from(l.toString('utf8').replace('\n', '\r\n'))), class: 'format', line: 1, says: /carriage return/ },
  { name: 'a byte order mark', bytes: [Buffer.from('\ufeff'), ...nine.lines], class: 'format', line: 1, says: /byte order mark/ },
  { name: 'white space before a line', bytes: edit(6, '{"v"', ' {"v"'), class: 'format', line: 6, says: /brace/ },
  { name: 'white space after a line', bytes: edit(6, '\n', ' \n'), class: 'format', line: 6, says: /two hashes/ },
  { name: 'a newline in the middle gone', bytes: edit(5, '\n', ''), class: 'format', line: 5, says: /more than one entry/ },
  { name: 'a newline too many inside', bytes: edit(5, '"tool"', '\n"tool"'), class: 'format', line: 5, says: /Line 5 is damaged/ },
  { name: 'zeros in the middle', bytes: replace(5, Buffer.concat([Buffer.alloc(100), line(5).subarray(100)])), class: 'corrupt', line: 5, says: /zero bytes/ },
  { name: 'another log spliced in', bytes: [...nine.lines.slice(0, 4), ...honest(4, 5, hashOf(2)).lines], class: 'link', line: 5, says: /Line 4 was (inserted|rewritten)/ },
  { name: 'a line above 1 MiB', bytes: insert(5, Buffer.concat([Buffer.alloc(1_500_000, 97), Buffer.from('\n')])), class: 'format', line: 5, says: /longer than 1048576/ },
];

describe('audit verification', () => {
  it('reports an intact log with level, count, head and times, and Python agrees', async () => {
    const report = await verify(nine.lines);
    assert.deepEqual(
      { verdict: report.verdict, level: report.level, entries: report.entries, head: report.head, class: report.class, orphans: report.orphanCount },
      { verdict: 'intact', level: 'chain intact', entries: 9, head: `sha256:${hashOf(9)}`, class: null, orphans: 0 },
    );
    assert.deepEqual([report.firstTimestamp, report.lastTimestamp, exitCodeOf(report)], [at(1), at(9), 0]);
    assert.deepEqual(python(), { code: 0, line: undefined });
  });

  for (const { name, bytes, ...wanted } of cases) {
    it(`audit:names-damage ${name}`, async () => {
      const report = await verify(bytes);
      assert.equal(report.verdict, 'tampered', report.message);
      assert.equal(exitCodeOf(report), 1);
      assert.match(report.message, wanted.says);
      assert.deepEqual({ class: report.class, line: report.line }, { class: wanted.class, line: wanted.line }, report.message);
      if (wanted.expected !== undefined) assert.equal(report.expected, wanted.expected);
      if (wanted.found !== undefined) assert.equal(report.found, wanted.found);
      const start = Buffer.concat(bytes).indexOf(Buffer.concat(bytes).toString('latin1').split('\n')[wanted.line - 1] ?? '', 0, 'latin1');
      if (name !== 'an empty line' && name !== 'an empty line at the end' && !/repeated/.test(name)) assert.equal(report.offset, start);
      assert.deepEqual(python(), { code: 1, line: wanted.line });
    });
  }

  it('goes on after a finding and counts one finding per change', async () => {
    const bytes = edit(3, 'grüße', 'grüss');
    bytes.splice(6, 1);
    const report = await verify(bytes);
    assert.deepEqual(report.findings.map(({ class: kind, line: at }) => [kind, at]), [['hash', 3], ['link', 7]]);
    for (const [a, b] of [[4, 5], [8, 9]] as const) assert.equal((await verify(swap(a, b))).findingCount, 1);
    assert.equal((await verify(insert(5, Buffer.from('x\n')))).findingCount, 1);
  });

  it('T79 sees by the numbers what a rewritten chain hides from the hashes', async () => {
    const report = await verify([...nine.lines.slice(0, 4), ...honest(3, 7, hashOf(4)).lines]);
    assert.deepEqual([report.verdict, report.class, report.line, report.expected, report.found], ['tampered', 'seq', 5, '5', '7']);
  });

  it('T80 tells an empty file, half a first line, a missing file and a folder apart', async () => {
    const empty = await verify(Buffer.alloc(0));
    assert.deepEqual([empty.verdict, empty.class, python().code], ['tampered', 'truncation', 1]);
    const half = await verify(line(1).subarray(0, 50));
    assert.deepEqual([half.verdict, half.class, python().code], ['tampered', 'truncation', 1]);
    const missing = await verifyAuditLog(join(folder, 'nothing'));
    assert.deepEqual([missing.verdict, missing.class, exitCodeOf(missing)], ['unverifiable', 'missing', 2]);
    const unreadable = await verifyAuditLog(folder);
    assert.deepEqual([unreadable.verdict, unreadable.class], ['unverifiable', 'unreadable']);
    const gone = await verifyAuditLog(join(folder, 'nothing'), { known: { entries: 9, head: hashOf(9) } });
    assert.deepEqual([gone.verdict, gone.class, exitCodeOf(gone)], ['tampered', 'truncation', 1]);
  });

  it('T80 T81 sees truncation, rollback and a complete rewrite when the head was kept elsewhere', async () => {
    const known = { entries: 9, head: hashOf(9) };
    assert.equal((await verify(nine.lines, { known })).verdict, 'intact');
    assert.equal((await verify([...nine.lines, ...honest(2, 10, hashOf(9)).lines], { known })).verdict, 'intact');
    const cut = await verify(nine.lines.slice(0, 6), { known });
    assert.deepEqual([cut.verdict, cut.class, cut.line], ['tampered', 'truncation', 7]);
    assert.match(cut.message, /had 9 entries and now ends after #6/);
    const alibi = await verify([...nine.lines.slice(0, 6), line(7).subarray(0, 30)], { known });
    assert.deepEqual([alibi.verdict, alibi.class], ['tampered', 'truncation'], 'half a line is no alibi');
    const rewritten = await verify([...nine.lines.slice(0, 4), forged.line, ...rewrittenFrom6], { known });
    assert.deepEqual([rewritten.verdict, rewritten.class], ['tampered', 'fork']);
  });

  it('audit:every-truncation classifies the log cut at every byte', async () => {
    const whole = Buffer.concat(nine.lines);
    const ends = nine.lines.map((_, i) => offsetOf(i + 1) + line(i + 1).length);
    for (let size = 0; size <= whole.length; size += 1) {
      const report = await verifyInMemory(whole.subarray(0, size));
      const complete = ends.filter((end) => end <= size).length;
      const lacksNewline = ends.includes(size + 1);
      const wanted = size < line(1).length - 1 ? 'tampered' : ends.includes(size) ? 'intact' : 'torn';
      assert.equal(report.verdict, wanted, `cut to ${size} bytes: ${report.message}`);
      if (wanted === 'tampered') continue;
      assert.equal(report.entries, complete + (lacksNewline ? 1 : 0), `cut to ${size} bytes`);
      if (wanted === 'torn') assert.deepEqual([report.class, report.line, report.offset, exitCodeOf(report)], ['crash', complete + 1, ends[complete - 1] ?? 0, 3]);
    }
    await verify(whole.subarray(0, whole.length - 20));
    assert.deepEqual(python(), { code: 3, line: 9 });
  });

  it('audit:torn-by-zeros takes a damaged run of zeros at the end for a crash, unless something whole follows', async () => {
    const zeros = Buffer.alloc(700);
    const tail = await verify([...nine.lines.slice(0, 6), line(7).subarray(0, 40), zeros]);
    assert.deepEqual([tail.verdict, tail.class, tail.entries, tail.offset], ['torn', 'crash', 6, offsetOf(7)]);
    const lines = await verify([...nine.lines.slice(0, 6), zeros, line(7).subarray(-60), zeros, Buffer.from('\n')]);
    assert.deepEqual([lines.verdict, lines.entries], ['torn', 6]);
    const middle = await verify([...nine.lines.slice(0, 6), zeros, line(7).subarray(-60), line(8)]);
    assert.deepEqual([middle.verdict, middle.class], ['tampered', 'corrupt']);
    const huge = await verify([...nine.lines.slice(0, 6), Buffer.alloc(3_000_000)]);
    assert.deepEqual([huge.verdict, huge.entries], ['torn', 6]);
  });

  it('audit:every-bit T78 detects every flipped bit of a log', async () => {
    const small = Buffer.concat(nine.lines.slice(0, 3));
    for (let bit = 0; bit < small.length * 8; bit += 1) {
      const flipped = Buffer.from(small);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const report = await verifyInMemory(flipped);
      assert.notEqual(report.verdict, 'intact', `bit ${bit} goes unnoticed`);
      // Only the very last byte, the newline, looks like a crash when it changes.
      if (bit >> 3 < small.length - 1) assert.equal(report.verdict, 'tampered', `bit ${bit}: ${report.message}`);
    }
  }).timeout(60_000);

  it('T88 warns of a clock that went back and still calls the log intact', async () => {
    const first = lineOf(entryOf(1), 1, zeroHash);
    const target = Buffer.alloc(4_096);
    const { end } = writeLine(target, 0, prepareEntry(entryOf(2), idOf(2), at(-100)), 2, first.hash);
    const report = await verify([first.line, target.subarray(0, end)]);
    assert.equal(report.verdict, 'intact');
    assert.match(report.warnings[0]?.message ?? '', /clock went back/);
  });

  it('T87 lists calls without outcome, and warns of an outcome without decision', async () => {
    const report = await verify(nine.lines.slice(0, 8));
    assert.deepEqual(report.orphans, [{ call: idOf(8), tool: 'shell.exec', line: 8, offset: offsetOf(8) }]);
    const head = lineOf(entryOf(1), 1, zeroHash);
    const lone = lineOf({ phase: 'done', call: idOf(7), tool: 'a.b', input: {}, result: 'success' }, 2, head.hash);
    assert.match((await verify([head.line, lone.line])).warnings[0]?.message ?? '', /no decision to run it/);
  });

  it('accepts members, phases and member orders that it does not know, covered by the hash', async () => {
    const body = `{"zebra":{"a":[1,2]},"seq":1,"v":1,"id":"${idOf(1)}","timestamp":"${at(1)}","phase":"genesis","tool":"a","input":{},"result":"ok","prevHash":"sha256:${zeroHash}"}`;
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update(body).digest('hex');
    const report = await verify(Buffer.from(`${body.slice(0, -1)},"hash":"sha256:${hash}"}\n`));
    assert.deepEqual([report.verdict, report.head, python().code], ['intact', `sha256:${hash}`, 0]);
  });

  it('stops at an abort signal, and tells how far it is', async () => {
    const many = honest(9_000).lines;
    const seen: number[] = [];
    assert.equal((await verify(many, { onProgress: (done) => seen.push(done) })).entries, 9_000);
    assert.ok(seen.length >= 3 && seen.every((done, i) => i === 0 || done > (seen[i - 1] ?? 0)));
    const stop = new AbortController();
    const report = await verify(many, { signal: stop.signal, onProgress: () => stop.abort() });
    assert.deepEqual([report.verdict, report.class, exitCodeOf(report)], ['unverifiable', 'aborted', 2]);
  });

  it('follows a log that is being appended to, instead of calling its end torn', async () => {
    const many = honest(9_000).lines;
    const whole = Buffer.concat(many);
    await writeFile(file, whole.subarray(0, whole.length - 100));
    let appended = false;
    const onProgress = (): void => {
      if (!appended) void appendFile(file, whole.subarray(whole.length - 100));
      appended = true;
    };
    const report = await verifyAuditLog(file, { onProgress });
    assert.deepEqual([report.verdict, report.entries], ['intact', 9_000]);
  });
});
