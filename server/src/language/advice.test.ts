import assert from 'node:assert/strict';
import { parseConfig } from '../config/parse';
import { adviceOn } from './advice';

const tools = ['shell.exec', 'filesystem.read'];
const shell = (lists: object): string => JSON.stringify({ plugins: { shell: lists } });
const paths = (...folders: string[]): string => JSON.stringify({ plugins: { filesystem: { allowedPaths: folders } } });
const overrides = (...names: string[]): string => JSON.stringify({ circuitBreaker: { overrides: Object.fromEntries(names.map((name) => [name, {}])) } });

describe('advice on the configuration', () => {
  const table: [title: string, text: string, said: string[]][] = [
    ['nothing about plain programs', shell({ allowedCommands: ['git', 'ls'], requireApproval: ['rm', 'node', 'bash'] }), []],
    ['a program in both lists', shell({ allowedCommands: ['ls', 'rm'], requireApproval: ['rm'] }), ['warning config.bothLists plugins.shell.allowedCommands[1]']],
    ['an interpreter that runs without asking', shell({ allowedCommands: ['node'] }), ['information config.interpreter plugins.shell.allowedCommands[0]']],
    ['a launcher that asks anyway', shell({ allowedCommands: ['bash'] }), ['information config.launcher plugins.shell.allowedCommands[0]']],
    ['a repetition', shell({ allowedCommands: ['ls', 'ls'], requireApproval: ['rm', 'mv', 'rm'] }), ['information config.repeated plugins.shell.allowedCommands[1]', 'information config.repeated plugins.shell.requireApproval[2]']],
    ['folders that open everything', paths('/', '~', '~/', 'C:\\'), [0, 1, 2, 3].map((index) => `warning config.broadFolder plugins.filesystem.allowedPaths[${String(index)}]`)],
    ['nothing about single folders', paths('/srv', '~/notes', 'C:\\work'), []],
    ['an unknown tool', overrides('shell.exce', 'shell.exec'), ['warning config.unknownTool circuitBreaker.overrides["shell.exce"]']],
    ['T18: an unknown tool with the name of an inherited member', overrides('to.string'), ['warning config.unknownTool circuitBreaker.overrides["to.string"]']],
    ['nothing while the syntax is wrong', '{"plugins":{"shell":{"allowedCommands":["node"]', []],
  ];
  for (const [title, text, said] of table) {
    it(`says ${title}`, () => {
      assert.deepEqual(adviceOn(text, tools).map(({ severity, code, path }) => `${severity} ${code} ${path}`), said);
    });
  }

  it('is never about what the broker refuses: it comes on top', () => {
    for (const [, text, said] of table) {
      if (said.length > 0) assert.equal(parseConfig(text).kind, 'config', text);
    }
  });

  it('offers the near name of a tool, and says nothing while the tools are unknown', () => {
    const [found] = adviceOn(overrides('shell.exce'), tools);
    assert.equal(found?.fix?.newText, '"shell.exec"');
    assert.deepEqual(adviceOn(overrides('shell.exce'), []), []);
  });

  it('marks the text it speaks of', () => {
    const text = '{\n "plugins": { "shell": { "allowedCommands": ["ls", "node"] } } }';
    const [found] = adviceOn(text, tools);
    assert.equal(text.slice(found?.offset, (found?.offset ?? 0) + (found?.length ?? 0)), '"node"');
    assert.deepEqual([found?.line, found?.column], [2, 52]);
  });
});
