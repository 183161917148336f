/** Severity of a line in a program's own log, most severe first. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const;

/** Severity of a line in a program's own log. */
export type LogLevel = (typeof logLevels)[number];

/** A program's own log: one JSON object a line. */
export type Logger = Readonly<Record<LogLevel, (message: string, facts?: Readonly<Record<string, unknown>>) => void>>;

/** Makes a log that writes what is at least as severe as `level()` says, asked for at each line, and as `clean` leaves it. */
export function createLogger(write: (line: string) => void, level: () => LogLevel, clean: <Value>(value: Value) => Value = (value) => value): Logger {
  const log = (own: LogLevel) => (message: string, facts: Readonly<Record<string, unknown>> = {}) => {
    if (logLevels.indexOf(own) <= logLevels.indexOf(level())) write(`${JSON.stringify({ time: new Date().toISOString(), level: own, ...clean({ message, ...facts }) })}\n`);
  };
  return { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') };
}
