/** The system's own log as a place outside: one line for each checkpoint, written by the `logger` program. */
import { checkpointText, noteHash } from '../../../../protocol/src/audit/checkpoint';
import { runChildren } from '../../base/childProcess';
import type { OutsideHead } from '../checkpoints/grading';
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

/** Heads that are compared, at most: half of them the newest, half of them evenly from all others, since anybody can add lines and nobody can take any away. */
const mostHeads = 400;
const line = /^conductor\.local\/audit\/([0-9a-f]{32}) size ([1-9]\d{0,14}) head sha256:([0-9a-f]{64}) /;

/**
 * Reads the heads of a log back from the journal of systemd, of this user only: what the system noted, whoever wrote the log since. `missed` are
 * heads that were not taken. Rejects where no journal can be read.
 */
export async function readSystemLog(programs: Programs, logId: string, user: number): Promise<Readonly<{ heads: readonly OutsideHead[]; missed: number }>> {
  const file = programs.find('journalctl');
  if (typeof file !== 'string') throw new Error(`it can be compared by hand only: ${file.refused}`);
  const args = ['--no-pager', '--quiet', '--output=json', '--output-fields=MESSAGE', `SYSLOG_IDENTIFIER=${systemLogTag}`, `_UID=${String(user)}`];
  const run = await runChildren([{ file, args, cwd: '/', environment: programs.environment(), input: 'nothing', output: 'stdout', errors: 'stderr' }], { timeoutMs: 20_000, keepBytes: mostBytes, floodBytes: mostBytes });
  if (run.kind === 'notStarted') throw new Error(run.error.message);
  if (run.stopped !== undefined || run.exits[0]?.code !== 0) throw new Error(run.stderr.head.toString('utf8').trim() || `journalctl ${run.stopped ?? 'failed'}`);
  const found = run.stdout.head.toString('utf8').split('\n').flatMap((text) => headIn(text, logId));
  const different = [...new Map(found.map((one) => [`${String(one.entries)} ${one.head}`, one])).values()];
  const older = different.slice(0, -mostHeads / 2);
  const step = Math.max(1, Math.ceil(older.length / (mostHeads / 2)));
  const heads = [...different.slice(-mostHeads / 2).reverse(), ...older.filter((_, i) => i % step === 0)];
  return { heads, missed: different.length - heads.length };
}

/** Some 50,000 lines. */
const mostBytes = 16_777_216;

function headIn(text: string, logId: string): OutsideHead[] {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    return [];
  }
  const { MESSAGE: message, __REALTIME_TIMESTAMP: micros } = entry as Readonly<Record<string, unknown>>;
  const [, id, entries, head] = (typeof message === 'string' && line.exec(message)) || [];
  if (id !== logId || head === undefined) return [];
  const time = new Date(Number(micros) / 1_000);
  return [{ entries: Number(entries), head, logId, place: 'system log', at: Number.isNaN(time.getTime()) ? undefined : time.toISOString() }];
}
