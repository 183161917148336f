import assert from 'node:assert/strict';
import { filesystemActions } from '../../../../protocol/src/config';
import type { Tool } from '../tool';
import { filesystemTools } from './tools';

/** The list as whoever calls tools sees it. */
const tools: readonly Tool[] = filesystemTools;

describe('the file tools', () => {
  it('are one for each action of the settings, and one to edit, which counts as write', () => {
    assert.deepEqual(tools.map(({ name }) => name).sort(), [...filesystemActions, 'edit'].map((action) => `filesystem.${action}`).sort());
  });

  it('say truly whether they change anything', () => {
    for (const { name, annotations } of tools) assert.equal(annotations.readOnlyHint, !['filesystem.write', 'filesystem.edit', 'filesystem.delete'].includes(name), name);
  });

  it('take no argument that they do not know', () => {
    for (const { name, input } of tools) {
      const least = { path: 'a', ...(name === 'filesystem.write' ? { content: '' } : {}), ...(name === 'filesystem.search' ? { pattern: 'a' } : {}), ...(name === 'filesystem.edit' ? { edits: [{ oldText: 'a', newText: 'b' }] } : {}) };
      assert.ok(input.safeParse(least).success, name);
      for (const wrong of [{ ...least, extra: 1 }, { ...least, path: '' }, { ...least, path: 7 }, { ...least, path: 'a'.repeat(4097) }, null, [], 'a']) assert.ok(!input.safeParse(wrong).success, `${name} ${JSON.stringify(wrong)}`);
    }
  });

  it('count only failures of the machine for the breaker', async () => {
    const { countsAsFailure, systemError } = await import('./answers');
    const counts = (code: string): boolean => countsAsFailure({ kind: 'failure', error: systemError(code, 'a') });
    assert.deepEqual(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP'].map(counts), Array(6).fill(false));
    assert.deepEqual(['EIO', 'ENOSPC', 'EMFILE', 'EWHATEVER'].map(counts), Array(4).fill(true));
  });
});
