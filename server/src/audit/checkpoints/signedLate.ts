/**
 * Entries that nobody had signed yet when a later run of the broker began. A broker that ends signs to its last entry, so they are those of one
 * that was killed, or of another program of the same user that chained its own lines to the log while no broker ran. Later signatures cover
 * them, too, and vouch for nothing but that they stood there.
 */
import type { Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import { PlainLine, standsAt } from '../../../../protocol/src/audit/plain';
import type { SignedLate } from '../../../../protocol/src/audit/report';
import { scanLines } from '../files/lines';
import { partsOfLog, within, type LogPart } from './parts';
import type { Places } from './grading';

/** Ends of epochs that are looked at, the newest; every run begins an epoch, and every hour does. */
const mostEpochs = 200;

/** Finds them, oldest first, by the checkpoints that count. Files that are gone are not looked at. Rejects when a file cannot be read. */
export async function signedLate(checkpoints: readonly Checkpoint[], { log, disk }: Pick<Places, 'log' | 'disk'>, signal?: AbortSignal): Promise<SignedLate[]> {
  const parts = await partsOfLog(log, disk);
  const found: SignedLate[] = [];
  for (const [before, next] of epochSeams(checkpoints)) {
    const begun = await lastStart(parts, before, next, signal);
    // The first run begins right after the genesis.
    const expected = before === undefined ? 2 : before.size + 1;
    if (begun !== undefined && begun > expected) found.push({ from: before === undefined ? 2 : expected, to: begun - 1, run: begun });
  }
  return found;
}

type Seam = readonly [before: Checkpoint | undefined, next: Checkpoint];

/** Neighbours of which the second opens an epoch; the very first opens one, too. */
function epochSeams(checkpoints: readonly Checkpoint[]): Seam[] {
  const seams: Seam[] = [];
  for (const [i, next] of checkpoints.entries()) {
    const before = checkpoints[i - 1];
    const anew = next.previous === undefined && before !== undefined;
    if (!anew && (before === undefined || before.epoch !== next.epoch || !before.logKey.equals(next.logKey))) seams.push([before, next]);
  }
  return seams.slice(-mostEpochs);
}

/** The number of the last entry between two checkpoints with which a run begins; undefined when none does, or when files are gone. */
async function lastStart(parts: readonly LogPart[], before: Checkpoint | undefined, next: Checkpoint, signal: AbortSignal | undefined): Promise<number | undefined> {
  const first = before?.segment ?? 1;
  const between = parts.filter(({ segment }) => segment >= first && segment <= next.segment);
  if (between[0]?.segment !== first) return undefined;
  let last: number | undefined;
  const line = new PlainLine();
  for (const part of between) {
    await within(part, (file) => scanLines(file, { from: part.segment === first ? (before?.bytes ?? 0) : 0, to: part.segment === next.segment ? next.bytes : file.mark().size }, {
      line: (bytes, start, newline) => {
        if (line.read(bytes, start, newline) && line.phase === 'event' && standsAt(bytes, line.tool, beginsRun)) last = line.seq;
      },
      oversized: () => undefined,
    }, signal));
  }
  return last;
}

/** As it stands in a line: agents can have refusals recorded under any name, but no events. */
const beginsRun = Buffer.from('broker.started"');
