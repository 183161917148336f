import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { gitReaders, gitWriters } from './git';

/** Holds the tables of git against what git says of its own options: one that takes the next word for its value must be known to do so. */

/** Options as git lists them for completion: behind one that needs a value stands `=`. */
function optionsOf(subcommand: string): ReadonlyMap<string, 'needs' | 'may'> {
  let text = '';
  try {
    text = execFileSync('git', [subcommand, '--git-completion-helper-all'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    // Not all know it.
  }
  return new Map(text.split(/\s+/).filter((word) => /^--[a-z]/.test(word)).map((word) => (word.endsWith('=') ? [word.slice(0, -1), 'needs'] : [word, 'may'])));
}

const spellings = (lists: Readonly<Record<string, string>>): readonly string[] => Object.values(lists).flatMap((list) => list.split(' ')).filter((name) => name !== '');

/** They take a word behind them where there is one (`PARSE_OPT_LASTARG_DEFAULT`), or only numbers are taken, so that nothing hides there. */
const both: ReadonlySet<string> = new Set(['--merged', '--no-merged', '--contains', '--no-contains', '--points-at', '--abbrev', '--unified']);

describe('git: options that take a word', () => {
  let looked = 0;
  for (const [name, rule] of [...gitReaders, ...gitWriters]) {
    it(`T7 git ${name}`, () => {
      const known = optionsOf(name);
      looked += known.size;
      const [alone, apart] = [spellings({ flags: rule.flags ?? '', ...rule.optional }), spellings({ ...rule.values })];
      assert.deepEqual(alone.filter((option) => known.get(option) === 'needs'), [], 'git takes the next word for their value');
      assert.deepEqual(apart.filter((option) => known.get(option) === 'may' && !both.has(option)), [], 'git takes the next word for another argument');
    });
  }

  it('looked at some hundred of them', () => assert.ok(looked > 300, String(looked)));
});
