import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

// What the broker may know of the environment of whoever starts it. Everything else stays outside, so that no token of an editor
// window or a terminal ends up in a process that runs commands for agents.
const kept = ['HOME', 'USER', 'LOGNAME', 'PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'windir', 'ComSpec', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'NODE_V8_COVERAGE'];

/** How to start a broker: the runtime (Node.js, or an Electron that can act as one) and the bundled script. */
export type BrokerProgram = Readonly<{ execPath: string; script: string }>;

/** Starts a detached broker whose own messages go to `broker.log` in the configuration folder. Several may be started at once; the lock lets one live. */
export function startBroker(program: BrokerProgram, configDir: string): void {
  const log = openSync(join(configDir, 'broker.log'), 'a', 0o600);
  try {
    const child = spawn(program.execPath, [program.script], { detached: true, stdio: ['ignore', log, log], cwd: configDir, env: brokerEnvironment(configDir), windowsHide: true });
    // A start that fails shows as a connection that never comes; the caller reports that.
    child.on('error', () => undefined);
    child.unref();
  } finally {
    closeSync(log);
  }
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
