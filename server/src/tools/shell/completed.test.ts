import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';

describe('commands:entry interpreters run the file that was named, and complete nothing', () => {
  let shell: ShellProject;
  beforeEach(() => {
    shell = new ShellProject(['node', 'python3', 'nice']);
    for (const name of ['out.js', 'out.py']) writeFileSync(join(shell.folder, name), '');
    for (const path of ['own.js', 'own', 'pk/x', 'pj/x', 'pp/x']) shell.put(path, '');
    shell.put('pj/package.json', '{"main":"../../out.js"}');
    for (const [target, path] of [['../out.js', 'foo.js'], ['../../out.js', 'pk/index.js'], ['../../out.py', 'pp/__main__.py']] as const) symlinkSync(target, join(shell.project, path));
  });
  afterEach(() => shell.remove());

  it('T24 asks for a name that is no file', async () => {
    for (const line of ['node foo', 'node pk', 'node pk/', 'node pk/index', 'node pj', 'node ./pj/', 'node .', 'node --check foo', 'node missing.js', 'python3 pp', 'python3 pp/', 'nice node foo']) {
      assert.equal(await shell.verdict(line), 'approve shell.arguments', line);
    }
    assert.equal(await shell.verdict('node foo.js'), 'approve shell.outside');
    for (const line of ['node own.js', 'node own', 'node ./pk/../own.js --x pk', 'node --check own.js']) assert.equal(await shell.verdict(line), 'allow shell.allowed', line);
  });
});
