import assert from 'node:assert/strict';
import { z } from 'zod';
import { configSchema, defaultConfig, type Config } from '../../../protocol/src/config';
import type { Fact } from '../tools/fact';
import type { Prepared, Tool } from '../tools/tool';
import { bind, type Bound } from './bound';
import { changedMembers, changesBetween, namesOf, tellAtMost } from './changes';

const call = { project: '/p' };
const tool: Tool = { name: 'test.tool', title: 't', description: 'd', input: z.record(z.string(), z.unknown()), annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false }, prepare: () => Promise.reject(new Error('unused')) };

function bound(facts: readonly Fact[], config: Config = defaultConfig, policyHash = 'a'.repeat(64)): Bound {
  const prepared: Prepared = { verdict: { verdict: 'approve', rule: 'r', reason: 'because' }, facts, readOnly: false, show: { title: 't', raw: 'r', cwd: '/p', details: [] }, run: () => Promise.reject(new Error('unused')) };
  return bind(call, tool, prepared, { config, policyHash });
}

const file = (value: string, text?: string): Fact => ({ label: 'File', key: '/p/s.sh', value, ...(text === undefined ? {} : { text }) });

describe('what changed, as a person is told', () => {
  it('N1 shows the lines of a small text file that differ, its hashes too', () => {
    const [change, ...others] = changesBetween(bound([file('sha256:1', 'a\nb\nc\n')]), bound([file('sha256:2', 'a\nB\nc\n')]));
    assert.deepEqual(others, []);
    assert.deepEqual([change?.before, change?.after], ['sha256:1', 'sha256:2']);
    assert.equal(change?.diff, '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c');
  });

  it('N1 tells what is new and what is gone', () => {
    assert.deepEqual(changesBetween(bound([]), bound([file('x')])), [{ label: 'File', key: '/p/s.sh', before: null, after: 'x' }]);
    assert.deepEqual(changesBetween(bound([file('x')]), bound([])), [{ label: 'File', key: '/p/s.sh', before: 'x', after: null }]);
  });

  it('T45 cuts long values around what differs, and counts what is left out', () => {
    const [change] = changesBetween(bound([file(`${'x'.repeat(5000)}A${'y'.repeat(5000)}`)]), bound([file(`${'x'.repeat(5000)}B${'y'.repeat(5000)}`)]));
    assert.match(change?.before ?? '', /^\(4960 characters that are the same\) …x{40}Ay+… \(\d+ more characters\)$/);
    assert.match(change?.after ?? '', /…x{40}By+…/);
    const many = Array.from({ length: tellAtMost.changes + 5 }, (_, index): Fact => ({ label: 'File', key: `/p/${index}`, value: 'x' }));
    const changes = changesBetween(bound([]), bound(many));
    assert.equal(changes.length, tellAtMost.changes + 1);
    assert.equal(changes.at(-1)?.after, '5 more facts differ');
    assert.match(namesOf(changes), /^File \/p\/0, .*, 36 more$/);
  });

  it('N1 a diff of two large files that share nothing stays within its patience and its room', () => {
    const lines = (letter: string): string => Array.from({ length: 8000 }, (_, index) => `${letter}${index}\n`).join('');
    const [change] = changesBetween(bound([file('1', lines('a'))]), bound([file('2', lines('b'))]));
    assert.ok((change?.diff?.length ?? 0) < tellAtMost.diff + 100);
  });

  it('T43 names the members of the configuration that differ, and both hashes in short', () => {
    const other = configSchema.parse({ approvalTimeout: 1000, plugins: { shell: { allowedCommands: ['ls'] } } });
    const [change] = changesBetween(bound([], defaultConfig), bound([], other, 'b'.repeat(64)));
    assert.deepEqual(change, { label: 'Configuration', key: 'plugins.shell.allowedCommands, approvalTimeout', before: 'sha256:aaaaaaaa', after: 'sha256:bbbbbbbb' });
    assert.deepEqual(changedMembers(defaultConfig, configSchema.parse({ circuitBreaker: { overrides: { 'shell.exec': { timeout: 500 } } } })), ['circuitBreaker.overrides.shell.exec']);
  });

  it('marks what the log may name only', () => {
    const environment = (value: string): Fact => ({ label: 'Usual environment', key: '', value, unlogged: true });
    assert.equal(changesBetween(bound([environment('A="1"')]), bound([environment('A="2"')]))[0]?.unlogged, true);
  });
});
