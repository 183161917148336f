import assert from 'node:assert/strict';
import { configSentence, type ConfigState } from './configState';

describe('sentence about the configuration', () => {
  const problem = { message: 'There is no key "plugin" at the top.', path: 'plugin', line: 3, column: 5 };
  const table: [source: ConfigState['source'], broken: boolean, sentence: string][] = [
    ['defaults', false, 'There is no /c.json yet: the defaults hold and no command is allowed.'],
    ['defaults', true, '/c.json:3:5: There is no key "plugin" at the top. Until this is corrected, no tool runs.'],
    ['lastGood', true, '/c.json:3:5: There is no key "plugin" at the top. Until this is corrected, the last good configuration stays in force.'],
    ['current', false, '/c.json is in force.'],
    ['current', true, '/c.json:3:5: There is no key "plugin" at the top. The file is in force all the same.'],
  ];
  for (const [source, broken, sentence] of table) {
    it(`${source}${broken ? ' with a problem' : ''}`, () => {
      assert.equal(configSentence({ file: '/c.json', source, problems: broken ? [problem] : [], policyHash: '' }), sentence);
    });
  }
});
