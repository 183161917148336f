import assert from 'node:assert/strict';
import { prepareEntry, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import type { NewEntry } from '../../../../protocol/src/audit/entry';
import { exporterOf, type ExportFormat } from './exporting';
import { readItem, type AuditItem } from './filter';

const id = 'evt_01K9ZZZZZZ0000000000000001';
const nasty = 'a=b|c\\d\ne\r\u001b[2J\u202e\u2028\ud800"} CEF:0|x';

function itemOf(entry: NewEntry): AuditItem {
  const line = Buffer.alloc(10_000);
  const { end } = writeLine(line, 0, prepareEntry(entry, id, '2026-11-21T20:53:17.123Z'), 1, zeroHash);
  return readItem(line, 0, end - 1, 0);
}

const item = itemOf({ phase: 'denied', id, tool: 'shell.exec', input: { command: nasty }, result: 'denied', actor: { role: 'agent', client: nasty, user: 'ann' }, verdict: { verdict: 'deny', rule: 'shell.notListed', reason: nasty }, project: '/p|q=r' });
const damaged = readItem(Buffer.from('not = JSON | at all'), 0, 19, 0);

function exported(format: ExportFormat, items: readonly AuditItem[]): string {
  const { before, between, after, records } = exporterOf(format, '1.0');
  return before + records(items).join(between) + after;
}

describe('export of the audit log', () => {
  it('audit:export-verbatim jsonl holds the lines as they stand, so that they verify', () => {
    assert.equal(exported('jsonl', [item, damaged]), `${item.raw}\n${damaged.raw}\n`);
  });

  it('json is one array, in which a damaged line is a string', () => {
    const parsed = JSON.parse(exported('json', [item, damaged])) as unknown[];
    assert.deepEqual(parsed, [JSON.parse(item.raw), { damaged: damaged.raw }]);
  });

  it('T85 cef keeps each entry on one line, with its own escapes in header and extensions', () => {
    const [line = '', second = '', ...rest] = exported('cef', [item, damaged]).trimEnd().split('\n');
    assert.deepEqual(rest, []);
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e\u2028]|[\ud800-\udfff]/);
    const header = /^CEF:0\|Conductor\|Conductor\|1\.0\|shell\.exec\|denied denied\|6\|/.exec(line);
    assert.ok(header !== null, line);
    const extension = line.slice(header[0].length);
    const keys = [...extension.matchAll(/(?:^| )([A-Za-z0-9]+)(?<!\\)=/g)].map(([, key]) => key);
    assert.deepEqual(keys, ['rt', 'externalId', 'cat', 'outcome', 'cn1Label', 'cn1', 'suser', 'sproc', 'spriv', 'cs1Label', 'cs1', 'cs2Label', 'cs2', 'reason', 'cs3Label', 'cs3', 'filePath', 'fileHash', 'msg']);
    assert.match(extension, /reason=a\\=b\|c\\\\d\\ne\\\\u\{d\}\\\\u\{1b\}\[2J/);
    assert.match(second, /^CEF:0\|.*\|damaged\|damaged line\|10\|.*cs6=not \\= JSON \| at all/);
  });

  it('otlp is an export request of OpenTelemetry with the line as its body', () => {
    const request = JSON.parse(exported('otlp', [item, damaged])) as { resourceLogs: { scopeLogs: { logRecords: { timeUnixNano?: string; severityText: string; body: { stringValue: string }; attributes: { key: string; value: Record<string, string> }[] }[] }[] }[] };
    const [first, second] = request.resourceLogs[0]?.scopeLogs[0]?.logRecords ?? [];
    assert.deepEqual([first?.timeUnixNano, first?.severityText, first?.body.stringValue], ['1795294397123000000', 'WARN', item.raw]);
    const attributes = Object.fromEntries((first?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]));
    assert.deepEqual([attributes['conductor.tool'], attributes['conductor.seq'], attributes['user.name']], ['shell.exec', '1', 'ann']);
    assert.ok(attributes['conductor.client']?.includes('\ufffd'), 'half a surrogate pair is no text');
    assert.equal(second?.body.stringValue, damaged.raw);
  });

  it('writes nothing of an empty log but what a format needs', () => {
    assert.deepEqual(['jsonl', 'json', 'cef', 'otlp'].map((format) => exporterOf(format as ExportFormat, '1').records([]).length), [0, 0, 0, 0]);
    assert.deepEqual(JSON.parse(exported('json', [])), []);
  });
});
