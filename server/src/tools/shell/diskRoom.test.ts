import assert from 'node:assert/strict';
import { configSchema } from '../../../../protocol/src/config';
import { ShellProject } from '../../../../test/fakes/shellProject';
import { watchRoom } from './diskRoom';
import { planCommand } from './plan';
import { runPlan } from './run';
import { markOf } from './runMark';
import { machineWith } from './tool';

const gigabyte = 1024 ** 3;

describe('commands: room on the disk', () => {
  it('T19 counts only what is little, and less than before', () => {
    for (const [before, now, expected] of [[10, 0.9, true], [10, 1.1, false], [0.5, 0.49, false], [0.5, 0.4, true], [0.5, 0.6, false]] as const) {
      const left = [before, now];
      assert.equal(watchRoom('/', () => (left.shift() ?? 0) * gigabyte)(), expected, `${String(before)} to ${String(now)}`);
    }
    assert.equal(watchRoom('/nowhere/at/all')(), false);
  });

  it('T19 ends a run that fills the disk, however many files it writes', async () => {
    const shell = new ShellProject([]);
    try {
      const context = { project: shell.project, configDir: shell.configDir, config: configSchema.parse({ plugins: { shell: { allowedCommands: ['sleep', 'tee'] } } }), signal: new AbortController().signal };
      const planned = await planCommand({ command: 'sleep 600 | tee a b c' }, context, machineWith(process.env['PATH'] ?? ''));
      assert.ok(planned.plan !== undefined && planned.verdict.verdict === 'allow');
      let left = 3 * gigabyte;
      const outcome = await runPlan(planned.plan, { project: shell.project, mark: markOf(shell.configDir), signal: context.signal, progress: () => undefined, again: planned.again, free: () => (left -= gigabyte) });
      assert.ok(outcome.kind === 'failure' && /the disk has less than/.test(outcome.error.message), JSON.stringify(outcome));
    } finally {
      shell.remove();
    }
  });
});
