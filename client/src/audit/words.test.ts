import assert from 'node:assert/strict';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { entryText, placeOfRule } from './entryText';
import { layOut } from './jsonLayout';
import { Marks } from './marks';
import { Memory, hashOfLine, type Store } from './memory';
import { entryIcon, entryLabel, filterText, spokenEntry, toolFamilies } from './rows';
import { announce, brokenText, contradictsMemory } from './verdict';

const intact: VerificationReport = {
  verdict: 'intact', level: 'chain intact', depth: 'default', files: 1, from: 1, notes: [], entries: 1234, bytes: 1, head: `sha256:${'a'.repeat(64)}`, firstTimestamp: null, lastTimestamp: null, class: null, line: null, offset: null,
  expected: null, found: null, message: 'fine', findings: [], findingCount: 0, orphans: [], orphanCount: 0, warnings: [],
};
const edit = { class: 'hash', line: 7, offset: 100, expected: 'sha256:x', found: 'sha256:y', message: 'Line 7 was edited.' } as const;
const tampered: VerificationReport = { ...intact, ...edit, verdict: 'tampered', level: null, findings: [edit], findingCount: 3 };

describe('the words of a verification', () => {
  it('says how far the proof reaches, and never more', () => {
    const { tone, text } = announce(intact, undefined);
    assert.equal(tone, 'good');
    assert.match(text, /intact: 1,234 entries\. Level: chain intact, not signed or anchored outside\.$/);
    assert.match(announce(intact, 1200).text, /contains the 1,200 entries that this editor remembers/);
  });

  it('says what and where when it is tampered', () => {
    const { tone, text } = announce(tampered, undefined);
    assert.equal(tone, 'bad');
    assert.match(text, /TAMPERED: Line 7 was edited\. \(2 more findings\)/);
    assert.equal(brokenText(tampered), 'Chain broken at line 7: edited');
  });

  it('tells a log that is only not the remembered one from a broken one', () => {
    const shorter = { ...edit, class: 'truncation' } as const;
    assert.equal(contradictsMemory({ ...tampered, findings: [shorter] }), true);
    assert.equal(contradictsMemory({ ...tampered, findings: [shorter, edit] }), false);
    assert.equal(contradictsMemory(intact), false);
  });

  it('warns, and does not cry tamper, when torn or not verifiable', () => {
    for (const verdict of ['torn', 'unverifiable'] as const) {
      const report = { ...tampered, verdict };
      assert.equal(announce(report, undefined).tone, 'warning');
      assert.equal(brokenText(report), undefined);
    }
  });
});

describe('the marks in the tree', () => {
  it('stand at the broken lines after a verification and go after an intact one', () => {
    const marks = new Marks();
    marks.verified(tampered);
    assert.equal(marks.at(7)?.class, 'hash');
    assert.equal(marks.at(8), undefined);
    assert.equal(marks.first()?.entry, 7);
    marks.verified(intact);
    assert.equal(marks.at(7), undefined);
    assert.equal(marks.notice(), undefined);
  });

  it('say how far an intact log is verified, and nothing of one that is not', () => {
    const marks = new Marks();
    assert.equal(marks.level(), undefined);
    marks.verified({ ...intact, from: 11 }, new Date('2026-11-21T14:02:00').getTime());
    assert.equal(marks.level(), 'Verified to #1244 at 14:02: chain intact.');
    marks.verified(tampered);
    assert.equal(marks.level(), undefined);
  });

  it('stay when a verification could not be done', () => {
    const marks = new Marks();
    marks.verified(tampered);
    marks.verified({ ...tampered, verdict: 'unverifiable', class: 'aborted' });
    assert.equal(marks.at(7)?.class, 'hash');
  });

  it('tell at once that the broker refuses a damaged log, and take that back when it does not', () => {
    const marks = new Marks();
    const health = { entries: 0, head: '', health: 'tampered', message: 'The audit log is damaged, so nothing runs.' } as const;
    assert.equal(marks.told(health), true);
    assert.equal(marks.told(health), false);
    assert.equal(marks.notice(), 'Audit log damaged: nothing runs');
    assert.equal(marks.advice(), health.message);
    marks.verified(tampered);
    assert.equal(marks.notice(), 'Chain broken at line 7: edited');
    marks.verified(intact);
    assert.equal(marks.told({ ...health, health: 'ok' }), true);
    assert.equal(marks.notice(), undefined);
  });

  it('stand at the day and the hour that hold a broken line, until an intact verification', () => {
    const marks = new Marks();
    marks.verified(tampered);
    marks.placed([{ seq: 7, id: 'evt_7', timestamp: '2026-11-21T20:53:17.123Z', phase: 'done', tool: 'shell.exec', result: 'success', summary: '' }]);
    assert.deepEqual(['2026-11-21', '2026-11-21T20', '2026-11-21T21', '2026-11-20'].map((key) => marks.holds(key)), [true, true, false, false]);
    marks.verified(intact);
    assert.equal(marks.holds('2026-11-21'), false);
  });

  it('tell of a loss until it is verified or a new log begins', () => {
    const marks = new Marks();
    marks.lost('Entries missing');
    assert.equal(marks.notice(), 'Entries missing');
    marks.clear();
    assert.equal(marks.notice(), undefined);
  });
});

function memoryStore(): Store {
  const values = new Map<string, unknown>();
  return { get: (key) => values.get(key), update: (key, value) => Promise.resolve(void values.set(key, value)) };
}

describe('what the editor remembers of the log', () => {
  const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;

  it('only grows', async () => {
    const memory = new Memory(memoryStore(), '/c');
    await memory.keep({ entries: 10, head: hash('a') });
    await memory.keep({ entries: 9, head: hash('b') });
    assert.deepEqual(memory.recall(), { entries: 10, head: 'a'.repeat(64) });
    await memory.forget();
    assert.equal(memory.recall(), undefined);
  });

  it('is kept for each configuration folder', async () => {
    const store = memoryStore();
    await new Memory(store, '/c').keep({ entries: 10, head: hash('a') });
    assert.equal(new Memory(store, '/d').recall(), undefined);
  });

  it('notices a log cut short, another log, and an unreadable one', async () => {
    const memory = new Memory(memoryStore(), '/c');
    assert.equal(await memory.compare({ entries: 1, head: hash('f') }, () => Promise.resolve(undefined)), 'nothing remembered');
    await memory.keep({ entries: 10, head: hash('a') });
    const at = (digit: string | undefined) => (seq: number) => Promise.resolve(seq === 10 && digit !== undefined ? digit.repeat(64) : undefined);
    assert.equal(await memory.compare({ entries: 9, head: hash('a') }, at('a')), 'shorter');
    assert.equal(await memory.compare({ entries: 10, head: hash('b') }, at('a')), 'different');
    assert.equal(await memory.compare({ entries: 12, head: hash('c') }, at('b')), 'different');
    assert.equal(await memory.compare({ entries: 12, head: hash('c') }, at('a')), 'contained');
    assert.equal(await memory.compare({ entries: 12, head: hash('c') }, at(undefined)), 'unknown');
  });

  it('reads the hash at the end of a line', () => {
    assert.equal(hashOfLine(`{"a":"\\"hash\\"","prevHash":"${hash('1')}","hash":"${hash('2')}"}`), '2'.repeat(64));
    assert.equal(hashOfLine('{"hash":"sha256:12"}'), undefined);
  });
});

describe('an entry laid out for reading', () => {
  it('keeps tokens, order, duplicates and numbers as they stand', () => {
    assert.equal(layOut('{"b":1,"10":-0,"2":1.0e3,"b":"x, {y}: \\"z\\""}'), '{\n  "b": 1,\n  "10": -0,\n  "2": 1.0e3,\n  "b": "x, {y}: \\"z\\""\n}\n');
  });

  it('indents what is inside and keeps empty things short', () => {
    assert.equal(layOut('{"a":[1,{"c":[]}],"d":{}}'), '{\n  "a": [\n    1,\n    {\n      "c": []\n    }\n  ],\n  "d": {}\n}\n');
  });

  it('escapes what cannot be seen, as JSON does (T45)', () => {
    const shown = layOut(JSON.stringify({ a: `x${String.fromCodePoint(0x202e, 0xe0041)}y` }));
    assert.equal(shown, '{\n  "a": "x\\u202e\\udb40\\udc41y"\n}\n');
    assert.deepEqual(JSON.parse(shown), { a: `x${String.fromCodePoint(0x202e, 0xe0041)}y` });
  });

  it('does not choke on a damaged line', () => {
    assert.equal(layOut('{"a":"unfinished').trim(), '{\n  "a": "unfinished');
  });
});

describe('the rows of the audit tree', () => {
  const row = { seq: 1, id: 'evt_1', timestamp: '2026-11-21T20:53:17.123Z', phase: 'done', tool: 'shell.exec', result: 'success', summary: 'git\nstatus' };

  it('show time, tool, result and what was asked on one line', () => {
    assert.deepEqual(entryLabel(row), { label: '20:53:17 shell.exec', description: 'git\\nstatus · success' });
    assert.equal(entryLabel({ ...row, phase: 'intent', result: 'admitted' }).description, 'git\\nstatus · started');
    assert.equal(entryLabel({ ...row, summary: '', durationMs: 12.4 }).description, 'success in 12 ms');
    assert.equal(entryLabel({ ...row, summary: '', durationMs: 1234 }).description, 'success in 1.2 s');
  });

  it('tell outcomes apart by icon', () => {
    const icons = ['success', 'denied', 'error', 'timeout', 'ok'].map((result) => entryIcon({ ...row, result }).icon);
    assert.deepEqual(icons, ['pass', 'circle-slash', 'error', 'error', 'circle-small']);
  });

  it('name the filter', () => {
    assert.equal(filterText({}), '');
    assert.equal(filterText({ tool: 'filesystem.', text: 'a' }), 'tool filesystem., text a');
  });

  it('offer the beginning of several tools as a filter, and of one tool only itself', () => {
    const tools = [{ name: 'git.log', count: 2 }, { name: 'git.diff', count: 3 }, { name: 'shell.exec', count: 9 }, { name: 'damaged', count: 1 }];
    assert.deepEqual(toolFamilies(tools), [{ name: 'git.', count: 5 }]);
  });

  it('are read aloud with what was asked before the time', () => {
    assert.equal(spokenEntry({ ...row, client: 'codex 1' }, undefined), 'shell.exec success, git\\nstatus, by codex 1, 20:53:17, number 1');
    assert.match(spokenEntry(row, 'edited'), /^Broken: edited, shell\.exec success/);
  });
});

describe('an entry as a document to read', () => {
  const entry = {
    v: 1, seq: 12, id: 'evt_1', timestamp: '2026-11-21T20:53:17.123Z', phase: 'denied', call: 'evt_1', tool: 'shell.exec', input: { command: 'rm -rf /\nDecision  Allowed without asking' }, result: 'denied',
    verdict: { verdict: 'approve', rule: 'shell.requireApproval', reason: 'rm must ask.', policyHash: 'a'.repeat(64) }, approval: { id: 'q', decision: 'denied', by: 'editor 0.1.0', user: 'ann', waitedMs: 3210, reason: 'no' },
    actor: { role: 'agent', client: 'codex 1', connection: 3, user: 'ann' }, output: { sha256: `sha256:${'b'.repeat(64)}`, bytes: 1234 }, prevHash: 'p', hash: 'h',
  };

  it('audit:entry-readable tells what, decision, why, who answered, who asked and the digest of the output, and what it leads to', () => {
    const { text, links } = entryText(JSON.stringify(entry), undefined);
    for (const part of [/^Entry 12 {2}shell\.exec: denied\nNo hidden characters\.\n/, /Decision +Needed the approval of a person, by the rule shell\.requireApproval/, /Why +rm must ask\./, /Answered +denied by editor 0\.1\.0, user ann after 3\.2 s/, /Their reason +no/, /Who +agent, codex 1 \(its own words\), connection 3/, /Output +1,234 bytes; the log keeps its digest only\nOutput digest +sha256:b+\n/, /"prevHash": "p"/]) assert.match(text, part);
    assert.deepEqual(links, { rule: 'shell.requireApproval', policyHash: 'a'.repeat(64), metricsHash: undefined, questionHash: undefined, call: 'evt_1' });
  });

  it('T45 gives nothing that an agent wrote the look of a fact, and shows what is hidden', () => {
    const { text } = entryText(JSON.stringify(entry), undefined);
    assert.match(text, /\n {4}rm -rf \/\n {4}Decision {2}Allowed without asking\n/);
    assert.equal(text.match(/^Decision/gm)?.length, 1);
    const hidden = entryText(JSON.stringify({ ...entry, input: { command: `a${String.fromCodePoint(0x202e)}b` } }).replace(String.fromCodePoint(0x202e), '\\u202e'), undefined).text;
    assert.match(hidden, /1 HIDDEN CHARACTER, written here/);
    assert.match(hidden, /\n {4}a\\u\{202e\}b\n/);
  });

  it('says first what is wrong with a damaged line, and shows one that is no entry', () => {
    const { text } = entryText(JSON.stringify(entry), edit);
    assert.match(text, /THIS LINE IS NOT AS IT WAS WRITTEN: EDITED\n {4}Line 7 was edited\.\nExpected {2}sha256:x\nFound {5}sha256:y/);
    assert.match(entryText('what is this', undefined).text, /no entry[^]*what/);
  });

  it('leads from a rule to its place in the configuration', () => {
    assert.deepEqual(placeOfRule('shell.notListed'), ['plugins', 'shell', 'allowedCommands']);
    assert.deepEqual(placeOfRule('path.hardLink'), ['plugins', 'filesystem']);
    assert.equal(placeOfRule('call.cancelled'), undefined);
  });
});
