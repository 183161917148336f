import { randomBytes } from 'node:crypto';
import { lstat, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateFolder } from '../../../link/src/privateFolder';

/** A small program at a place that outlives updates of the extension, for the configuration of agents outside VS Code. */
export type Launcher = Readonly<{ folder: string; file: string; text: string }>;

/** What the launcher starts: a runtime, and the script of the `conductor` command. */
export type Target = Readonly<{
  configDir: string;
  execPath: string;
  script: string;
  /** Whether the runtime is an Electron that must be told to be Node.js. */
  electron: boolean;
  platform: NodeJS.Platform;
}>;

const about = 'Written by the Conductor extension, and anew when it moves. Changes made here are lost.';
const moved = 'Conductor is not where it was. Open VS Code once, so that the extension writes this launcher anew.';

/** The launcher of a configuration folder: `bin/conductor`, on Windows `bin\conductor.cmd`. */
export function launcherFor(target: Target): Launcher {
  const folder = join(target.configDir, 'bin');
  const windows = target.platform === 'win32';
  return { folder, file: join(folder, windows ? 'conductor.cmd' : 'conductor'), text: windows ? batchText(target) : shellText(target) };
}

/** Writes the launcher when it is not there just so, with mode 0700; never leaves half of one. */
export async function refreshLauncher({ folder, file, text }: Launcher, configDir: string): Promise<'kept' | 'written'> {
  if (await isCurrent(file, text)) return 'kept';
  for (const path of [configDir, folder]) ensurePrivateFolder(path);
  const fresh = `${file}.${randomBytes(6).toString('hex')}.new`;
  try {
    await writeFile(fresh, text, { flag: 'wx', mode: 0o700 });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
  return 'written';
}

async function isCurrent(file: string, text: string): Promise<boolean> {
  try {
    const found = await lstat(file);
    const closed = process.platform === 'win32' || (found.mode & 0o777) === 0o700;
    return found.isFile() && closed && (await readFile(file, 'utf8')) === text;
  } catch {
    return false;
  }
}

function shellText({ execPath, script, electron }: Target): string {
  const lines = [
    '#!/bin/sh',
    `# ${about}`,
    `if [ ! -f ${quoted(script)} ] || [ ! -x ${quoted(execPath)} ]; then echo ${quoted(moved)} >&2; exit 127; fi`,
    ...(electron ? ['ELECTRON_RUN_AS_NODE=1', 'export ELECTRON_RUN_AS_NODE'] : []),
    `exec ${quoted(execPath)} ${quoted(script)} "$@"`,
  ];
  return `${lines.join('\n')}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function batchText({ execPath, script, electron }: Target): string {
  const [runtime, program] = [execPath, script].map((path) => `"${path.replaceAll('%', '%%')}"`);
  const lines = [
    '@echo off',
    `rem ${about}`,
    `if not exist ${program ?? ''} (echo ${moved} 1>&2 & exit /b 127)`,
    ...(electron ? ['set "ELECTRON_RUN_AS_NODE=1"'] : []),
    `${runtime ?? ''} ${program ?? ''} %*`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}
