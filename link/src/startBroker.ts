import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

// What the broker may know of the environment of whoever starts it. Everything else stays outside, so that no token of an editor
// window or a terminal ends up in a process that runs commands for agents.
const kept = ['HOME', 'USER', 'LOGNAME', 'PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'windir', 'ComSpec', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'NODE_V8_COVERAGE'];

/** How to start a broker: the runtime (Node.js, or an Electron that can act as one) and the bundled script. */
export type BrokerProgram = Readonly<{ execPath: string; script: string }>;

/** A broker that was started. */
export type Started = Readonly<{
  /** Why it ended at once; undefined while it lives, and when it only left because another one holds the folder. */
  failure(): string | undefined;
}>;

// Larger than this at a start, the broker's own log becomes `broker.log.1`, in bytes.
const logLimit = 1_048_576;
// Another broker was first (see the broker's main program).
const exitLocked = 3;

/** Starts a detached broker whose own messages go to `broker.log` in the configuration folder. Several may be started at once; the lock lets one live. */
export function startBroker(program: BrokerProgram, configDir: string): Started {
  const logFile = join(configDir, 'broker.log');
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > logLimit) renameSync(logFile, `${logFile}.1`);
  const log = openSync(logFile, 'a', 0o600);
  let failure: string | undefined;
  try {
    const child = spawn(program.execPath, [program.script], { detached: true, stdio: ['ignore', log, log], cwd: configDir, env: brokerEnvironment(configDir), windowsHide: true });
    child.on('error', (error) => { failure = error.message; });
    child.on('exit', (code, signal) => { failure = code === 0 || code === exitLocked ? undefined : `it ended with ${code === null ? String(signal) : `exit code ${String(code)}`}: ${lastWords(logFile)}`; });
    child.unref();
  } finally {
    closeSync(log);
  }
  return { failure: () => failure };
}

// The line that says most: an error of the runtime, or else the last one.
function lastWords(logFile: string): string {
  // A broker may end long after its folder was removed.
  if (!existsSync(logFile)) return 'its log is gone';
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-30);
  const line = lines.findLast((text) => /Error:|"level":"error"/.test(text)) ?? lines.at(-1) ?? 'it said nothing';
  return line.trim().slice(0, 300);
}

function brokerEnvironment(configDir: string): Record<string, string> {
  const env: Record<string, string> = { CONDUCTOR_CONFIG_DIR: configDir };
  for (const name of kept) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  if (process.versions['electron'] !== undefined || process.env['ELECTRON_RUN_AS_NODE'] !== undefined) env['ELECTRON_RUN_AS_NODE'] = '1';
  return env;
}
