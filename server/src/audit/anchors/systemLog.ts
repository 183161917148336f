/** The system's own log as a place outside: one line for each checkpoint, written by the `logger` program. */
import { checkpointText, noteHash } from '../../../../protocol/src/audit/checkpoint';
import { runChildren } from '../../base/childProcess';
import type { Anchor } from './keeper';

/** How programs are started: the absolute path of one by name, or why there is none, and the environment. */
export type Programs = Readonly<{ find(name: string): string | Readonly<{ refused: string }>; environment(): Readonly<Record<string, string>> }>;

/** What the lines are tagged with. */
export const systemLogTag = 'conductor-audit';

/** The line for a checkpoint: enough to compare a log with it by hand. */
export function systemLogLine(checkpoint: Parameters<typeof checkpointText>[0] & Parameters<typeof noteHash>[0]): string {
  const [origin = ''] = checkpointText(checkpoint).split('\n');
  return `${origin} size ${checkpoint.size} head sha256:${checkpoint.head} root ${checkpoint.root} note sha256:${noteHash(checkpoint)}`;
}

/** Writes to the system's log. `extra` comes before the line, for instance to reach a log elsewhere. */
export function systemLogAnchor(programs: Programs, extra: readonly string[] = []): Anchor {
  return {
    name: 'system log',
    async put({ checkpoint }) {
      const file = programs.find('logger');
      if (typeof file !== 'string') throw new Error(`The system log cannot be written: ${file.refused}.`);
      const args = ['-t', systemLogTag, '-p', 'auth.notice', ...extra, '--', systemLogLine(checkpoint)];
      const run = await runChildren([{ file, args, cwd: '/', environment: programs.environment(), input: 'nothing', output: 'nowhere', errors: 'stderr' }], { timeoutMs: 10_000, keepBytes: 2_000 });
      if (run.kind === 'notStarted') throw new Error(`The system log cannot be written: ${run.error.message}`);
      const said = run.stderr.head.toString('utf8').trim();
      // Without a log to write to, some versions complain and end well.
      if (run.stopped !== undefined || run.exits[0]?.code !== 0 || said !== '') throw new Error(`The system log did not take the checkpoint: ${said === '' ? 'logger failed' : said}`);
      return [];
    },
  };
}
