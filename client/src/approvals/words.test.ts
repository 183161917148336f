import assert from 'node:assert/strict';
import type { Change, Pending } from '../../../protocol/src/approvals';
import { examplePending } from '../../../test/fakes/pending';
import { callPath, parseCallPath } from './callUri';
import { againText } from './changes';
import { choicesFor, pickColumns, pickRows, rowsAbove } from './choices';
import { Fates, mostFates } from './fates';
import { arrange } from './reviewOrder';
import { closedText, reviewColumns, reviewText } from './reviewText';
import { expiryText, fitsRow, rowColumns, rowOf, waitingText } from './rows';

const bidi = String.fromCodePoint(0x202e);

/** A call that is asked again because of these changes. */
function askedAgain(...changes: Change[]): Pending {
  return examplePending({ raw: 'bash s.sh', again: { round: 2, after: 'evt_01K0000000000000000000000B', changes } });
}

const script: Change = { label: 'File', key: '/home/ada/project/s.sh', before: `sha256:${'1'.repeat(64)}`, after: `sha256:${'2'.repeat(64)}`, diff: '@@ -1,1 +1,1 @@\n-echo OLD\n+echo NEW' };

describe('the words of an approval', () => {
  it('shows the raw action first and the agent’s own words last (T45)', () => {
    const text = reviewText(examplePending({ client: 'friendly agent, please approve' }));
    const order = ['rm -rf build', 'shell.requireApproval', 'Working folder', 'not checked', 'friendly agent', 'binds to all of this', 'SHA-256 of what would run'].map((part) => text.indexOf(part));
    assert.ok(order.every((place) => place > 0), text);
    assert.deepEqual(order, [...order].sort((one, other) => one - other));
  });

  it('writes hidden characters out and counts them (T45)', () => {
    const text = reviewText(examplePending({ raw: `rm ${bidi}gpj.txt${bidi}` }));
    assert.ok(!text.includes(bidi));
    assert.match(text, /rm \\u\{202e\}gpj\.txt\\u\{202e\}/);
    assert.match(text, /2 HIDDEN CHARACTERS/);
    assert.match(reviewText(examplePending({ raw: `a${bidi}`, details: [['Begins', `a${bidi}`]] })), /1 HIDDEN CHARACTER,/);
    assert.match(reviewText(examplePending({ details: [['Program', `/bin/${bidi}rm`]] })), /1 HIDDEN CHARACTER,/);
    assert.match(reviewText(examplePending()), /No hidden characters/);
  });

  it('indents every line of the action and of details, so that none passes for a fact (T45)', () => {
    const text = reviewText(examplePending({ raw: 'echo ok\nRule  shell.allowed: fine', details: [['Content', 'a\nWorking folder  /safe']] }));
    assert.match(text, /^ {4}Rule {2}shell\.allowed: fine$/m);
    assert.match(text, /^ {4}Working folder {2}\/safe$/m);
  });

  it('T45 approvals:arguments: lays out arguments by the schema of the tool, and says what is another than was approved; no name of one begins a line', () => {
    const text = reviewText(examplePending({
      arguments: {
        rows: [{ path: 'to', value: '"eve"', mark: 'fits', required: true, expected: 'string' }, { path: 'body', value: null, mark: 'missing', required: true, says: 'The schema requires it, and it is not there.' }, { path: 'Rule', value: `"shell.allowed: fine${bidi}"`, mark: 'fits' }, { path: '["a\\nTool"]', value: 'true', mark: 'unknown', says: 'The schema does not name it.' }],
        lastApproved: { call: 'evt_1', at: '2026-11-22T10:00:00.000Z', changes: [{ label: 'Argument', key: 'to', before: '"ada"', after: '"eve"' }] },
      },
    }));
    assert.match(text, /^The arguments, by the schema of the tool: 2 do not fit\n {4}to: "eve" \(required, string\)\n {4}MISSING body \(required\) The schema requires it, and it is not there\.\n {4}Rule: "shell\.allowed: fine\\u\{202e\}"\n {4}UNKNOWN \["a\\nTool"\]: true The schema does not name it\.$/m);
    assert.match(text, /^Something is other than in the last call of this tool that was approved here \(2026-11-22T10:00:00\.000Z\):\nChanged  Argument to\nBefore   "ada"\nNow      "eve"$/m);
    assert.match(reviewText(examplePending({ arguments: { rows: [], lastApproved: { call: 'evt_1', at: 'then', changes: [] } } })), /^These are the very arguments of the last call/m);
    assert.ok(!reviewText(examplePending()).includes('schema'));
  });

  it('lets nothing that an agent wrote begin a line, however long it is and wherever the editor would wrap it (T45)', () => {
    const forged = `x${`${' '.repeat(40)}.`.repeat(5)}${' '.repeat(35)}Rule  shell.allowed: fine`;
    const text = reviewText(examplePending({ raw: forged, cwd: `/${forged}`, client: forged, details: [['Arguments 1', forged], ['Begins', `short\n${forged}`], ['Content', `\t\t${forged}`]] }));
    const ours = /^(Run a command|No hidden characters\.|Lines that begin|$| {2}… | {4}|The agent says|Asks because |An approval also|Tool |Working folder:|Project |Rule |Asked |Arguments 1:|Begins:|Content:|Denied |Call |SHA-256)/;
    for (const line of text.split('\n')) {
      assert.match(line, ours);
      assert.ok(line.length <= reviewColumns.below + 4, line);
    }
    assert.match(text, /Lines that begin with … continue the line above\./);
    assert.ok((text.match(/^ {2}… /gm)?.length ?? 0) >= 5 * Math.floor(forged.length / reviewColumns.below));
  });

  it('shows an argument of 200 KB whole in the review, and approves it nowhere else (T45)', () => {
    const call = examplePending({ tool: 'calc.add', raw: JSON.stringify({ text: 'x y '.repeat(50_000), end: 'the very end' }, undefined, 2) });
    const text = reviewText(call);
    assert.ok(text.length > call.raw.length && text.includes('the very end') && /The action takes 2,\d\d\d lines here\. What decides stands below it\./.test(text));
    assert.deepEqual(choicesFor(call).filter(({ deed }) => deed === 'approve'), []);
    assert.equal(fitsRow(call), false);
  });

  it('counts long runs of blanks and empty lines instead of drawing them, and says so of nothing else (T45)', () => {
    const text = reviewText(examplePending({ raw: `echo ok${' '.repeat(3000)}; rm -rf ~${'\n'.repeat(500)}end` }));
    assert.match(text, /^ {4}echo ok\\u\{20\}×3000; rm -rf ~\n {4}\\u\{a\}×498\n {4}end$/m);
    assert.ok(reviewText(examplePending({ raw: `a${' '.repeat(40)}b` })).includes(`a${' '.repeat(40)}b`));
    assert.match(reviewText(examplePending({ raw: 'x\n'.repeat(100) })), /The action takes 101 lines here/);
  });

  it('folds without losing anything, and says nothing of folding where nothing is folded', () => {
    const raw = 'abcdefghij'.repeat(40);
    const body = reviewText(examplePending({ raw })).split('\n').filter((line) => /^( {4}| {2}… )[a-j]/.test(line));
    assert.ok(body.map((line) => line.slice(4)).join('').includes(raw));
    assert.ok(!reviewText(examplePending({ digest: 'a'.repeat(64) })).includes('continue the line above'));
  });

  it('puts what decides before what only binds, short there and in full below, and loses nothing', () => {
    const hash = 'f'.repeat(64);
    const details: [string, string][] = [
      ['Arguments 1', '["npm","test"]'], ['Folder', '/home/ada/project device 1, number 2'], ['Why (shell.requireApproval)', 'npm asks.'], ['Program', `npm /usr/bin/npm sha256:${hash} (1:2:3)`],
      ['Added environment of 1', 'CI="1"'], ['Usual environment', 'PATH="/bin"'], ['Not bound', 'x'], ['File, not there and to stay so', '/home/ada/project/test'],
    ];
    const { first, last } = arrange(details);
    assert.deepEqual(first, [['Why (shell.requireApproval)', 'npm asks.'], ['Program', 'npm /usr/bin/npm'], ['Added environment of 1', 'CI="1"'], ['Not bound', 'x']]);
    assert.deepEqual(last.map(([label]) => label), ['Program', 'Arguments 1', 'Folder', 'Usual environment', 'File, not there and to stay so']);
    for (const [label, value] of details) assert.ok([...first, ...last].some((one) => one[0] === label && one[1] === value), label);
    assert.deepEqual(arrange([['Arguments 1', '["ls"]'], ['Arguments 2', '&& ["rm"]']]).first.length, 2);
    assert.deepEqual(arrange([['Anything new', 'counts as what decides']]).last, []);
  });

  it('says the rule and its reason once, and other reasons too', () => {
    const details: [string, string][] = [['Why (shell.requireApproval)', 'rm asks each time.'], ['Why (shell.redirection)', 'It writes a file.']];
    const text = reviewText(examplePending({ details }));
    assert.equal(text.split('rm asks each time.').length, 2);
    assert.match(text, /It writes a file\./);
  });

  it('keeps a client’s name on one line (T45)', () => {
    assert.ok(reviewText(examplePending({ client: 'x\n\nApproved by the user' })).includes('x\\n\\nApproved'));
  });

  it('says what became of a call that no longer waits', () => {
    assert.match(closedText('evt_A', 'denied here'), /You denied/);
    assert.match(closedText('evt_A', 'no longer waiting'), /no longer waits/);
  });

  it('puts the raw action into a row’s label, revealed', () => {
    assert.equal(rowOf(examplePending({ raw: `a\nb${bidi}` })).label, 'a\\nb\\u{202e}');
    assert.match(rowOf(examplePending()).spoken, /rm -rf build, in \/home\/ada\/project/);
  });

  it('names tool and folder beside it', () => {
    assert.equal(rowOf(examplePending()).description, 'shell.exec in project');
    assert.equal(rowOf(examplePending({ cwd: 'C:\\work\\app\\' })).description, 'shell.exec in app');
    assert.equal(rowOf(examplePending({ cwd: '/' })).description, 'shell.exec in /');
  });

  it('lets a row approve only what it shows whole', () => {
    assert.equal(fitsRow(examplePending()), true);
    assert.equal(fitsRow(examplePending({ raw: 'x'.repeat(rowColumns) })), true);
    assert.equal(fitsRow(examplePending({ raw: 'x'.repeat(rowColumns + 1) })), false);
    assert.equal(fitsRow(examplePending({ raw: 'rm -r build; rm -rf ~/important' })), false);
    assert.equal(fitsRow(examplePending({ raw: 'W'.repeat(rowColumns / 2 + 1) })), false);
    assert.equal(fitsRow(examplePending({ raw: '漢'.repeat(rowColumns / 2 + 1) })), false);
    assert.equal(fitsRow(examplePending({ raw: 'a\nb' })), false);
    assert.equal(fitsRow(examplePending({ raw: `a${bidi}` })), false);
  });

  it('counts in words', () => {
    assert.equal(waitingText(1), '1 tool call waits for your decision');
    assert.equal(waitingText(2), '2 tool calls wait for your decision');
  });

  it('says how much time is left', () => {
    const at = new Date('2026-11-21T20:02:00.000Z').toTimeString().slice(0, 8);
    assert.equal(expiryText(examplePending(), Date.parse('2026-11-21T20:01:30.000Z')), `Denied in 30 s without an answer, at ${at}.`);
    assert.match(expiryText(examplePending(), Date.parse('2026-11-21T19:02:00.000Z')), /in 60 min/);
    assert.match(expiryText(examplePending(), Date.parse('2026-11-21T21:00:00.000Z')), /in 0 s/);
  });

  it('remembers the fate of the newest calls only', () => {
    const fates = new Fates();
    for (let call = 0; call <= mostFates; call += 1) fates.set(`evt_${call}`, 'denied here');
    assert.equal(fates.of('evt_0'), 'no longer waiting');
    assert.equal(fates.of('evt_1'), 'denied here');
    assert.equal(fates.of(`evt_${mostFates}`), 'denied here');
  });
});

describe('the decision list', () => {
  it('shows action, folder, the program behind its name, why it asks and who asks, then Deny, Deny with Reason and Approve Once', () => {
    const identified = `rm /usr/bin/rm sha256:${'0'.repeat(64)} 59912 bytes (2049:11:5)`;
    const rows = choicesFor(examplePending({ details: [['Program', identified], ['Program', identified], ['Begins', 'x']], client: `$(check) ${bidi} ${'v'.repeat(300)}` }));
    assert.deepEqual(rows.map(({ deed }) => deed), ['review', 'review', 'review', 'review', 'review', 'deny', 'denyWithReason', 'approve']);
    assert.deepEqual(rows.slice(2, 4).map(({ label }) => label), ['$(terminal) runs /usr/bin/rm', '$(question) asks because: rm asks each time. (shell.requireApproval)']);
    assert.match(rows[4]?.label ?? '', /^\$\(account\) the agent calls itself \\\$\(check\) \\u\{202e\} v+…$/);
    const many = choicesFor(examplePending({ details: Array.from({ length: 50 }, (_, index): [string, string] => ['Program', `p${index} /usr/bin/p${index}`]) }));
    assert.equal(many.filter(({ label }) => /\/usr\/bin\/p\d/.test(label)).length, pickRows.runs);
    assert.ok(many.findIndex(({ deed }) => deed === 'deny') <= rowsAbove);
    const long = choicesFor(examplePending({ raw: 'x'.repeat(pickColumns * pickRows.raw) }));
    assert.deepEqual([long.findIndex(({ deed }) => deed === 'deny'), long.some(({ label }) => label.includes('calls itself'))], [rowsAbove, false]);
    assert.ok(!choicesFor(examplePending({ details: [] })).some(({ label }) => label.includes('runs')));
  });

  it('T45 names look-alike letters beside the approval, shows them written out, and approves them nowhere without a look', () => {
    const rows = choicesFor(examplePending({ raw: 'echo p\u0430ypal' }));
    assert.equal(rows[0]?.label, '$(chevron-right) echo p\\u{430}ypal');
    assert.match(rows.find(({ deed }) => deed === 'approve')?.detail ?? '', /Careful: 1 look-alike letter, shown as/);
    assert.equal(fitsRow(examplePending({ raw: 'echo p\u0430ypal' })), false);
    assert.match(reviewText(examplePending({ raw: `a${bidi}p\u0430` })), /^1 HIDDEN CHARACTER AND 1 LOOK-ALIKE LETTER, written here/m);
  });

  it('keeps why it asks on three rows at most, without icons and hidden characters of an agent (T45)', () => {
    const rows = choicesFor(examplePending({ reason: `$(check) ${bidi} ${'word '.repeat(200)}` })).filter(({ label, deed }) => deed === 'review' && /asks because|word/.test(label));
    assert.equal(rows.length, 3, rows.map(({ label }) => label).join('\n'));
    assert.ok(rows.every(({ label }) => !label.includes(bidi) && !label.includes('\n')) && rows[0]?.label.includes('\\$(check) \\u{202e}'));
  });

  it('does not offer to approve what it cannot show whole (T45)', () => {
    const long = choicesFor(examplePending({ raw: 'x'.repeat(pickColumns * pickRows.raw + 1) }));
    assert.ok(!long.some(({ deed }) => deed === 'approve'));
    assert.ok(long.some(({ label }) => label.includes('1 more line')));
    const fits = choicesFor(examplePending({ raw: 'x'.repeat(pickColumns * pickRows.raw) }));
    assert.ok(fits.some(({ deed }) => deed === 'approve'));
    const folder = choicesFor(examplePending({ cwd: `/${'d'.repeat(200)}` }));
    assert.ok(!folder.some(({ deed }) => deed === 'approve'));
  });

  it('loses nothing of the action and keeps $(name) from becoming an icon (T45)', () => {
    const labels = choicesFor(examplePending({ raw: 'rm -rf $(whoami) $(check~spin)' })).map(({ label }) => label);
    assert.equal(labels[0], '$(chevron-right) rm -rf \\$(whoami) \\$(check~spin)');
  });

  it('does not approve from a list or a row what these may draw as nothing (T45)', () => {
    const asked = (raw: string): string | undefined => choicesFor(examplePending({ raw })).find(({ deed }, index) => deed === 'approve' || index > 6)?.deed;
    for (const raw of ['echo 漢字', `echo Z${String.fromCodePoint(0x335, 0x322)}`, 'echo 𐀀', 'echo א']) assert.deepEqual([asked(raw), fitsRow(examplePending({ raw }))], ['review', false], raw);
    for (const raw of ['echo grün', 'echo привет', 'echo “a” – b…', 'echo 5 €']) assert.deepEqual([asked(raw), fitsRow(examplePending({ raw }))], ['approve', true], raw);
    assert.match(choicesFor(examplePending({ raw: 'echo 漢字' })).at(-1)?.detail ?? '', /may not draw/);
  });

  it('warns of hidden characters beside the approval (T45)', () => {
    const approval = choicesFor(examplePending({ raw: `a${bidi}b` })).find(({ deed }) => deed === 'approve');
    assert.match(approval?.detail ?? '', /1 hidden character,/);
  });
});

describe('a call that is asked again', () => {
  it('N1 shows in the review the raw action first, then the difference, then the facts', () => {
    const text = reviewText(askedAgain(script));
    const order = ['bash s.sh', 'CHANGED SINCE YOU APPROVED IT', '/home/ada/project/s.sh', script.before ?? '', script.after ?? '', '-echo OLD', '+echo NEW', 'Working folder', 'The agent says'].map((part) => text.indexOf(part));
    assert.ok(order.every((place) => place > 0), text);
    assert.deepEqual(order, [...order].sort((one, other) => one - other));
  });

  it('N1 offers the decision list with the lines that differ above Deny, in the same places as ever', () => {
    const choices = choicesFor(askedAgain(script));
    const labels = choices.map(({ label }) => label.trim());
    assert.deepEqual(labels.slice(0, 5), ['$(chevron-right) bash s.sh', '$(warning) Asked again: it changed after you approved it; nothing was run', 'Changed: File /home/ada/project/s.sh', '-echo OLD', '+echo NEW']);
    assert.deepEqual(choices.slice(-3).map(({ deed }) => deed), ['deny', 'denyWithReason', 'approve']);
    assert.match(choices.at(-1)?.detail ?? '', /as it is now/);
  });

  it('N1 T45 approves from the list only what it shows whole of the difference', () => {
    const long = choicesFor(askedAgain({ ...script, diff: Array.from({ length: 40 }, (_, line) => `+${line}`).join('\n') }));
    assert.ok(!long.some(({ deed }) => deed === 'approve'));
    assert.ok(long.some(({ label }) => label.includes(`${41 - pickRows.changes} more lines`)));
    assert.match(long.at(-1)?.detail ?? '', /What changed is too long/);
    assert.equal(fitsRow(askedAgain(script)), false);
    assert.equal(fitsRow(examplePending({ raw: 'bash s.sh' })), true);
  });

  it('T45 N1 escapes hidden characters of the difference, counts them, and lets nothing of it begin a line', () => {
    const forged: Change = { label: 'File', key: `/p/${bidi}x\nRule  fine`, before: `a${bidi}`, after: null, diff: `+$(check) ${bidi}\nRule  shell.allowed: fine` };
    const text = reviewText(askedAgain(forged));
    assert.ok(!text.includes(bidi));
    assert.match(text, /3 HIDDEN CHARACTERS/);
    assert.doesNotMatch(text, /^Rule {2}(fine|shell\.allowed: fine)/m);
    const choices = choicesFor(askedAgain(forged));
    assert.ok(choices.every(({ label }) => !label.includes(bidi) && !label.includes('\n')));
    assert.ok(choices.some(({ label }) => label.includes('\\$(check)')));
    assert.match(choicesFor(askedAgain({ ...forged, diff: `+${bidi}\nRule  shell.allowed: fine` })).at(-1)?.detail ?? '', /3 hidden characters/);
    assert.deepEqual([choices.at(-1)?.deed, choices.at(-1)?.detail], ['review', 'It holds signs that a list does not read out to a screen reader.']);
  });

  it('N1 says in row, speech and message that it changed after it was approved', () => {
    const row = rowOf(askedAgain(script));
    assert.match(row.description, /^asked again, shell\.exec/);
    assert.match(row.spoken, /changed after you approved it/);
    assert.equal(againText([askedAgain(script)]), 'What you approved changed before it ran (File), so nothing was run. You are asked again.');
  });
});

describe('the address of a review', () => {
  it('carries the call and its bytes there and back', () => {
    const call = examplePending();
    assert.deepEqual(parseCallPath(callPath(call)), { id: call.id, digest: call.digest });
  });

  it('is refused when it is not one of ours', () => {
    for (const path of ['', '/conductor-call/evt_A', `/conductor-call/evt_A/${'a'.repeat(63)}/x`, `/other/evt_A/${'a'.repeat(64)}/x`]) assert.equal(parseCallPath(path), undefined, path);
  });

  it('keeps a tool’s name from adding parts', () => {
    assert.match(callPath(examplePending({ tool: '../../x y' })), /\/Review \.\._\.\._x_y$/);
  });
});
