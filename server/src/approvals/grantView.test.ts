import assert from 'node:assert/strict';
import type { Grant, Scope } from '../rules/grants/ground';
import { viewOf } from './grantView';

describe('a grant as people see it', () => {
  const titleOf = (scope: Scope, title: string): string => {
    const grant: Grant = { id: 'grant_1', effect: 'allow', rung: 'session', tool: 'post.send', project: '/p', agent: 'a', policy: '', pin: '', reasons: [], scope, createdAt: 0, title, covers: '', by: 'editor', call: 'evt_1' };
    return viewOf(grant).title;
  };

  it('grants:listed: says what "exactly this" is, so that two of them can be told apart', () => {
    assert.equal(titleOf({ kind: 'unit', argv: ['sh', '-e', 'my file.sh'], ties: [] }, 'Approve for This Session'), 'Approve for This Session: sh -e "my file.sh"');
    assert.equal(titleOf({ kind: 'call', argvs: [['rm', 'a'], ['sh', 'x']], ties: [] }, 'Approve for This Session'), 'Approve for This Session: rm a … sh x');
    assert.equal(titleOf({ kind: 'call', argvs: [], ties: [] }, 'Approve for This Session'), 'Approve for This Session: post.send');
    assert.equal(titleOf({ kind: 'name', program: 'rm' }, 'Always Deny rm in This Project'), 'Always Deny rm in This Project');
    assert.ok(titleOf({ kind: 'unit', argv: ['x'.repeat(5000)], ties: [] }, '').length < 210);
  });
});
