import assert from 'node:assert/strict';
import { ShellProject } from '../../../../test/fakes/shellProject';

describe('shell: progress', () => {
  it('commands:progress what a command writes is heard while it runs', async () => {
    const ground = new ShellProject([], ['sh']);
    try {
      // It ends only when what it wrote was heard.
      const prepared = await ground.prepare("sh -c 'echo begun; echo aside >&2; while [ ! -e heard ]; do sleep 0.02; done; echo ended'");
      const heard: string[] = [];
      const outcome = await prepared.run(new AbortController().signal, (message) => {
        heard.push(message);
        if (heard.includes('begun') && heard.includes('stderr: aside')) ground.put('heard', '');
      });
      assert.equal(outcome.kind, 'success', JSON.stringify(outcome));
      assert.deepEqual(heard.slice(0, 2).sort(), ['begun', 'stderr: aside']);
      assert.ok(heard.includes('ended'));
    } finally {
      ground.remove();
    }
  });
});
