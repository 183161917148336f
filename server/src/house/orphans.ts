import { endRunsOfEarlierBrokers, type Ended } from '../tools/shell/runMark';
import { sweepTemporaries } from '../tools/shell/temporary';
import type { Ground } from './rooms';

/** What a killed broker left running has no time limit and nobody who reads its output: its successor ends it before it does anything else. */

/** Ends the processes of earlier brokers of this folder, and tells the broker's own log. Never rejects. */
export async function endOrphans({ configDir, logger }: Pick<Ground, 'configDir' | 'logger'>): Promise<Ended> {
  try {
    const ended = await endRunsOfEarlierBrokers(configDir);
    const folders = sweepTemporaries();
    if (folders > 0) logger.info('removed temporary folders that brokers had left that were killed', { folders });
    for (const [call, processes] of ended.calls) logger.warn('ended what a broker that was killed had left running', { call, processes });
    if (ended.stubborn > 0) logger.error('some of it would not end', { processes: ended.stubborn });
    return ended;
  } catch (thrown) {
    logger.error('could not look for what a broker that was killed has left running', { error: String(thrown) });
    return { calls: new Map(), stubborn: 0 };
  }
}

/** What the log says of it in the entry that closes the call; undefined when nothing was left. */
export function orphansSentence(processes: number | undefined): string | undefined {
  if (processes === undefined) return undefined;
  return `What it had left running (${processes === 1 ? 'one process' : `${String(processes)} processes`}) was stopped.`;
}
