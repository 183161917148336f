import assert from 'node:assert/strict';
import { filesystemActions } from '../../../protocol/src/config';
import { judgeFile, refuseOutside, refuseOwnFolder, refuseRoot, type FileFacts } from './scope';

const plain: FileFacts = { action: 'read', asks: [], names: [['src', 'a.ts']], sharedContent: false };

function judge(facts: Partial<FileFacts>): string {
  const { verdict, rule } = judgeFile({ ...plain, ...facts });
  return `${verdict} ${rule}`;
}

describe('verdicts on file calls', () => {
  it('allows all five actions inside when nothing asks', () => {
    for (const action of filesystemActions) assert.equal(judge({ action }), 'allow filesystem.inside');
  });

  it('asks for exactly the actions that the settings name, and for a search when reading asks', () => {
    for (const action of filesystemActions) {
      for (const asked of filesystemActions) {
        const asks = action === asked || (action === 'search' && asked === 'read');
        assert.equal(judge({ action, asks: [asked] }), asks ? 'approve filesystem.asks' : 'allow filesystem.inside', `${action} while ${asked} asks`);
      }
    }
  });

  it('T31 asks before control names change, whichever way leads there, and lets them be read', () => {
    const names = [['readme'], ['sub', '.npmrc']];
    for (const action of ['write', 'delete'] as const) assert.equal(judge({ action, names }), 'approve path.control');
    for (const action of ['read', 'list', 'search'] as const) assert.equal(judge({ action, names }), 'allow filesystem.inside');
    assert.match(judgeFile({ ...plain, action: 'write', names }).reason, /^\.npmrc can decide/);
    assert.equal(judge({ action: 'delete', controlNameWithin: '.git' }), 'approve path.control');
  });

  it('T24 asks before a hard-linked file is shown, but not in package stores', () => {
    for (const action of ['read', 'search'] as const) {
      assert.equal(judge({ action, sharedContent: true }), 'approve path.hardLink');
      assert.equal(judge({ action, sharedContent: true, names: [['node_modules', 'a']] }), 'allow filesystem.inside');
      assert.equal(judge({ action, sharedContent: true, names: [['node_modules', 'a'], ['b']] }), 'approve path.hardLink');
    }
    assert.equal(judge({ action: 'write', sharedContent: true }), 'allow filesystem.inside');
  });

  it('asks before something is deleted that could not be looked through', () => {
    assert.equal(judge({ action: 'delete', tooManyToList: true }), 'approve path.unlisted');
  });

  it('names what refuses and what to do', () => {
    assert.match(refuseOutside('out').reason, /through the link out outside the project.*allowedPaths/);
    assert.match(refuseOutside().reason, /^The path leads outside/);
    assert.deepEqual([refuseOutside(), refuseOwnFolder(), refuseRoot()].map(({ verdict, rule }) => `${verdict} ${rule}`), ['deny path.outside', 'deny path.conductor', 'deny path.root']);
  });
});
