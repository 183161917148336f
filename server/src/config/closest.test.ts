import assert from 'node:assert/strict';
import { closest } from './closest';

describe('did you mean', () => {
  const keys = ['allowedCommands', 'requireApproval', 'timeoutMs', 'enabled', 'read', 'write'];
  const table: [word: string, meant: string | undefined][] = [
    ['allowedCommand', 'allowedCommands'],
    ['alowedComands', 'allowedCommands'],
    ['allowedcommands', 'allowedCommands'],
    ['timeout', 'timeoutMs'],
    ['timeuotMs', 'timeoutMs'],
    ['enable', 'enabled'],
    ['raed', 'read'],
    ['wirte', 'write'],
    ['rm', undefined],
    ['something', undefined],
    ['', undefined],
    [`allowedCommands${'x'.repeat(50)}`, undefined],
  ];
  for (const [word, meant] of table) it(`${word.slice(0, 20) || 'nothing'} means ${meant ?? 'nothing known'}`, () => assert.equal(closest(word, keys), meant));
});
