import { homedir } from 'node:os';
import { join } from 'node:path';
import { configDirOf } from '../../link/src/address';
import { ensurePrivateFolder } from '../../link/src/privateFolder';
import { toConductorError } from '../../protocol/src/errors';
import { keepMemoryOutOfCores } from './base/coreDumps';
import { tryFileLock } from './base/fileLock';
import { createLogger, type LogLevel } from './base/logger';
import { openHouse } from './house/open';
import { createRedactor } from './rules/redaction/redactor';

/** The broker: one process per configuration folder. It takes the lock, builds the house, and leaves when asked or when nobody is left. */

// Another broker holds the folder: whoever started this one connects to that one.
const exitLocked = 3;

/** Knows no secret until the house is open. */
const redactor = createRedactor();

async function main(): Promise<void> {
  // In an Electron runtime, names that end in .asar would be read as archives by the file functions; paths must mean what they say.
  Object.assign(process, { noAsar: true });
  const isKeptOut = keepMemoryOutOfCores();
  let level: LogLevel = 'info';
  const logger = createLogger((line) => process.stderr.write(line), () => level, redactor.value);
  if (!isKeptOut && process.platform === 'linux') logger.warn('core dumps of the broker and of what it starts may hold secrets, because /proc/self/coredump_filter cannot be written');
  const configDir = configDirOf(process.env, homedir());
  ensurePrivateFolder(configDir);
  const lock = tryFileLock(join(configDir, 'broker.lock'));
  if (lock === undefined) process.exit(exitLocked);
  // A bug must not leave a half-dead broker behind that holds the lock: end, and let the next visitor start a fresh one.
  process.on('uncaughtException', (error: unknown) => {
    logger.error('a bug ended the broker', { error: wordsOf(error) });
    process.exit(70);
  });
  const house = await openHouse({ configDir, logger, redactor, setLogLevel: (next) => { level = next; } });
  let leaving = false;
  const leave = (why: string): void => {
    if (leaving) return;
    leaving = true;
    logger.info('the broker leaves', { why });
    void house.close(why).finally(() => process.exit(0));
  };
  house.onLeave(leave);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => leave(signal));
}

/** Whatever was thrown; nothing that it does may keep the broker alive, or be told by the runtime, which knows of no secrets. */
function wordsOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  } catch {
    return 'it cannot be told';
  }
}

main().catch((thrown: unknown) => {
  const error = toConductorError(thrown);
  createLogger((line) => process.stderr.write(line), () => 'error', redactor.value).error(`the broker could not start: ${error.message}`, { next: error.next });
  process.exit(1);
});
