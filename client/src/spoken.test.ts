import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSpokenShort } from './labels';

/** Every source of the extension, by its path. */
const sources = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).map((file) => [file.replaceAll('\\', '/'), readFileSync(join(__dirname, file), 'utf8')] as const);

function filesWith(pattern: RegExp): string[] {
  return sources.filter(([, text]) => pattern.test(text)).map(([file]) => file);
}

describe('what a screen reader is told', () => {
  it('client:spoken every row of a view is made in one place, which gives it words', () => {
    assert.deepEqual(filesWith(/new TreeItem\(/), ['treeRow.ts']);
    assert.match(readFileSync(join(__dirname, 'treeRow.ts'), 'utf8'), /accessibilityInformation = \{ label: spoken \}/);
  });

  it('client:spoken the one status item has words of its own', () => {
    assert.deepEqual(filesWith(/createStatusBarItem\(/), ['status/item.ts']);
    assert.match(readFileSync(join(__dirname, 'status/item.ts'), 'utf8'), /accessibilityInformation = /);
  });

  it('client:spoken a file whose lists have icons keeps their names out of the labels', () => {
    // These make rows for picker.ts, steps.ts and menu.ts, which all go through quickRow.
    const makers = ['approvals/choices.ts', 'approvals/rungs.ts', 'approvals/grantsCommands.ts', 'backends/commands.ts', 'credentials/asking.ts', 'credentials/commands.ts', 'credentials/setup.ts', 'credentials/slots.ts', 'labels.ts', 'status/menu.ts', 'status/text.ts'];
    const withIcons = filesWith(/label: (?:[^,\n]*\? )?['`]\$\(|['`]\$\([a-z-]+(?:~spin)?\)/);
    assert.deepEqual(withIcons.filter((file) => !makers.includes(file)), []);
    assert.deepEqual(filesWith(/quickRow\(|map\(quickRow\)/).sort(), ['approvals/picker.ts', 'status/menu.ts', 'steps.ts']);
    // What opens a list by itself has no icons in it.
    for (const file of filesWith(/showQuickPick\(|createQuickPick[<(]/).filter((name) => !['approvals/picker.ts', 'status/menu.ts', 'steps.ts', 'approvals/grantsCommands.ts'].includes(name))) assert.ok(!withIcons.includes(file), file);
  });

  it('client:spoken knows what the editor leaves out of a label for screen readers', () => {
    assert.deepEqual(['echo $(whoami)', '\\$(check) Approve', 'a $(b; c) d'].map(isSpokenShort), [true, true, true]);
    assert.deepEqual(['echo $HOME', '$ (x)', '(a)', '$('].map(isSpokenShort), [false, false, false, false]);
  });

  it('client:spoken opens no dialog that takes the focus from what a person types', () => {
    assert.deepEqual(filesWith(/modal: true/), []);
  });
});
