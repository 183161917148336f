import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { prepareEntry, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import { storedEntry, type NewEntry, type OwnEntry } from '../../../../protocol/src/audit/entry';
import { exitCodeOf, verificationReport } from '../../../../protocol/src/audit/report';
import { verifyAuditLog } from './verifier';

const folder = join(__dirname, '../../../../test/vectors/audit');
const expected = z
  .record(z.string(), verificationReport.pick({ verdict: true, entries: true, class: true, line: true, offset: true, expected: true, found: true }).extend({ exit: z.number(), python: z.number() }))
  .parse(JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')));

const agent = { role: 'agent', client: 'example 1.0', connection: 1, user: 'ann' } as const;
const id = (n: number): string => `evt_01K9ZZZZZZ000000000000000${n}`;

/** The entries of intact.log: one of every kind, with the characters and numbers that go wrong most often. */
const entries: readonly (NewEntry | OwnEntry)[] = [
  { phase: 'genesis', tool: 'audit.genesis', input: { createdBy: 'conductor 0.1.0', format: 'conductor-audit/1', logId: '000102030405060708090a0b0c0d0e0f', publicKey: null }, result: 'ok' },
  { phase: 'intent', id: id(2), tool: 'filesystem.write', input: { path: 'straße/世界.txt', content: 'line 1\nline 2\t"quoted" \\ \u202e\u0000', n: [1e21, 0.1, -0, 1e-7] }, result: 'admitted', verdict: { verdict: 'approve', rule: 'filesystem.ask', reason: 'writes a file', policyHash: `sha256:${'ab'.repeat(32)}` }, approval: { id: 'apr_1', decision: 'approved', by: 'editor', waitedMs: 1200 }, actor: agent, project: '/home/ann/project' },
  { phase: 'done', call: id(2), tool: 'filesystem.write', input: { path: 'straße/世界.txt', content: 'x'.repeat(2_000) }, result: 'success', durationMs: 12.5, output: { sha256: `sha256:${'cd'.repeat(32)}`, bytes: 42 }, actor: agent },
  { phase: 'denied', id: id(4), tool: 'shell.exec', input: { command: 'rm -rf /' }, result: 'denied', verdict: { verdict: 'deny', rule: 'shell.notListed', reason: 'rm is not in the list of allowed commands' }, actor: agent },
  { phase: 'event', id: id(5), tool: 'breaker.reset', input: { tool: 'shell.exec' }, result: 'ok', detail: { reason: 'by hand' } },
  { phase: 'recover', tool: 'audit.recover', input: { kind: 'newline', cutBytes: 0 }, result: 'ok' },
];

describe('audit format vectors', () => {
  it('audit:format-pinned writes the pinned log to the byte', () => {
    const target = Buffer.alloc(20_000);
    let [head, at] = [zeroHash, 0];
    entries.forEach((entry, i) => {
      const written = writeLine(target, at, prepareEntry(entry, id(i + 1), `2026-11-21T20:53:17.00${i}Z`), i + 1, head);
      [head, at] = [written.hash, written.end];
    });
    assert.equal(target.toString('utf8', 0, at), readFileSync(join(folder, 'intact.log'), 'utf8'));
  });

  it('parses every line of the pinned log with the schema', () => {
    for (const line of readFileSync(join(folder, 'intact.log'), 'utf8').trimEnd().split('\n')) storedEntry.parse(JSON.parse(line));
  });

  it('has an expectation for every file, and a file for every expectation', () => {
    assert.deepEqual(readdirSync(folder).filter((name) => name.endsWith('.log')).sort(), Object.keys(expected).sort());
  });

  for (const [name, { exit, python, ...wanted }] of Object.entries(expected)) {
    it(`audit:vectors ${name} is ${wanted.verdict}${wanted.class === null ? '' : ` (${wanted.class})`}`, async () => {
      const file = join(folder, name);
      const report = await verifyAuditLog(file);
      const { verdict, entries: count, class: kind, line, offset, expected: should, found } = report;
      assert.deepEqual({ verdict, entries: count, class: kind, line, offset, expected: should, found }, wanted, report.message);
      assert.equal(exitCodeOf(report), exit);
      const child = spawnSync('python3', [join(folder, '../../../scripts/verify.py'), file], { encoding: 'utf8' });
      assert.equal(child.error, undefined, 'python3 is needed to check the log with an independent verifier');
      assert.equal(child.status, python, child.stdout);
    });
  }

  it('audit:six-lines the verifier printed in the documentation agrees with scripts/verify.py', () => {
    const page = readFileSync(join(folder, '../../../docs/audit-format.md'), 'utf8');
    const [, program = ''] = /```python\n(import sys,hashlib\n[\s\S]*?)```/.exec(page) ?? [];
    assert.equal(program.trimEnd().split('\n').length, 6);
    for (const [name, { python, line, class: kind }] of Object.entries(expected)) {
      // Six lines do not look at the numbers, nor at whether there is anything at all.
      if (kind === 'seq' || kind === 'truncation') continue;
      const { status, stderr } = spawnSync('python3', ['-c', program, join(folder, name)], { encoding: 'utf8' });
      assert.equal(status === 0, python === 0, name);
      if (status !== 0) assert.ok(stderr.includes(`AssertionError: line ${line ?? ''}\n`), `${name}: ${stderr}`);
    }
  });
});
