import assert from 'node:assert/strict';
import { join } from 'node:path';
import { reveal } from '../../../protocol/src/display';
import type { FileChange } from '../../../protocol/src/fileChanges';
import { forgings } from '../../../test/fakes/forging';
import { examplePending } from '../../../test/fakes/pending';
import { changeTitle, hunkRow, lookOf, sideText } from './changeText';
import { choicesFor, pickColumns } from './choices';
import { reviewColumns, reviewText, squeezeBlanks } from './reviewText';
import { fitsRow, rowOf } from './rows';

const all = forgings(join(__dirname, '..', '..', '..'));
// Every line of a review begins with words of ours or with the margin that no agent can write into.
const ours = /^(Run a command|No hidden characters\.|\d[\d,]* (?:HIDDEN CHARACTERS?|LOOK-ALIKE LETTERS?)\b|Lines that begin with|The action takes|$| {2}… | {4}|The agent says of itself|An approval also binds|Asks because|Working folder|Program|Denied without an answer at|Tool|Asked|Call|SHA-256 of what would run)/;

describe('prompts that agents would like to forge (T45)', () => {
  it('are many', () => assert.ok(all.length >= 20));

  for (const { id, about, text } of all) {
    describe(`${id}: ${about}`, () => {
      const call = examplePending({ raw: text, client: text, reason: 'It asks each time.' });

      it('T45 keep the layout of the review: nothing begins a line, nothing is hidden, nothing is too long, and all of it is there', () => {
        const lines = reviewText(call).split('\n');
        for (const line of lines) {
          assert.match(line, ours);
          assert.equal(reveal(line).count, 0, line);
          assert.ok(!/^ {2}[ …] /.test(line) || [...line].length <= reviewColumns.below + 4, line);
        }
        const start = lines.findIndex((line) => line.startsWith('    '));
        const action = lines.slice(start, lines.indexOf('Asks because                 It asks each time. (shell.requireApproval)') - 1);
        const folded = action.map((line, index) => (line.startsWith('  … ') || index === 0 ? '' : '\n') + line.slice(4)).join('');
        assert.equal(folded, squeezeBlanks(reveal(text).text));
        assert.ok(start < 8 && (text.split('\n').length > 25 || action.length <= 25 || lines.some((line) => line.startsWith('The action takes '))), String(action.length));
      });

      it('T45 approvals:arguments: as names and values of arguments they stay behind the margin', () => {
        const json = JSON.stringify(text);
        const changes = [{ label: 'Argument', key: `[${json}]`, before: json, after: null }];
        const laidOut = reviewText({ ...call, raw: '', client: '', arguments: { rows: [{ path: `[${json}]`, value: json, mark: 'unknown', says: 'The schema does not name it.' }], lastApproved: { call: '', at: 'then', changes } } });
        for (const line of laidOut.split('\n')) {
          assert.match(line, new RegExp(`${ours.source}|^The arguments, by|^Something is other than|^Changed|^Before|^Now`));
          assert.equal(reveal(line).count, 0, line);
        }
      });

      it('T45 stay on one line of the row, which approves only what it shows whole', () => {
        const { label, spoken, description } = rowOf(call);
        for (const part of [label, spoken, description]) assert.ok(!part.includes('\n') && reveal(part).count === 0, part);
        if (fitsRow(call)) assert.equal(label, text);
      });

      it('T45 become no icon and no button in the list, which approves only what it shows whole', () => {
        const rows = choicesFor(call);
        const shown = rows.filter(({ deed }) => deed === 'review').map(({ label }) => label);
        for (const label of shown) assert.ok(!label.includes('\n') && reveal(label).count === 0 && [...label].length <= pickColumns * 2 + 40, label);
        for (const label of shown) assert.ok(!/(?<!\\)\$\([a-z~-]+\)/.test(label.replace(/^\$\((chevron-right|folder|terminal|question|account|eye|warning)\)/, '')), label);
        assert.equal(rows.filter(({ deed }) => deed === 'approve').length <= 1, true);
        if (rows.some(({ deed }) => deed === 'approve')) assert.ok(shown.join('').replaceAll('      ', '').replaceAll('\\$(', '$(').includes(reveal(text).text.split('\n')[0] ?? ''), shown.join('\n'));
      });

      it('T45 are written out in a difference, and shown in our own language where a setting could hide a part', () => {
        const change: FileChange = { path: '/home/ada/project/a.txt', before: { kind: 'none' }, after: { kind: 'text', text, bytes: text.length, sha256: '0'.repeat(64) }, hunks: [], divisible: false };
        const shown = sideText(change.after);
        assert.equal(reveal(shown).count, 0);
        for (const line of shown.split('\n')) assert.ok([...line].length <= 2000);
        if (reveal(text).count > 0 || text.split('\n').some((line) => line.length > 400)) assert.equal(lookOf(change), 'plain');
        assert.ok(!changeTitle(call, { ...change, path: `/home/ada/project/${text}` }).includes('\n'));
        assert.equal(reveal(JSON.stringify(hunkRow({ line: 1, removed: 0, added: 1, begins: text.slice(0, 200) }))).count, 0);
      });
    });
  }
});
