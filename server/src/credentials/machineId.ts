import { runChildren } from '../base/childProcess';
import { readSmallFile } from '../base/smallFile';

/** The id that this machine keeps from start to start; undefined where there is none (some containers). Every program here can read it: it binds, and hides nothing. */
export async function machineId(platform: NodeJS.Platform = process.platform): Promise<string | undefined> {
  switch (platform) {
    case 'darwin':
      return /"IOPlatformUUID" = "([0-9A-Fa-f-]{36})"/.exec(await said('/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']))?.[1];
    case 'win32':
      return /MachineGuid\s+REG_SZ\s+([0-9A-Fa-f-]{36})/.exec(await said(`${process.env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\reg.exe`, ['query', 'HKLM\\SOFTWARE\\Microsoft\\Cryptography', '/v', 'MachineGuid']))?.[1];
    default:
      // Not the boot id, with which upstream made do: it is another one after each start.
      return idIn('/etc/machine-id') ?? idIn('/var/lib/dbus/machine-id');
  }
}

function idIn(path: string): string | undefined {
  const text = readSmallFile(path, 256)?.trim();
  return text !== undefined && /^[0-9a-f]{32}$/.test(text) ? text : undefined;
}

async function said(file: string, args: readonly string[]): Promise<string> {
  const run = await runChildren([{ file, args, cwd: process.cwd(), environment: {}, input: 'nothing', output: 'stdout', errors: 'nowhere' }], { timeoutMs: 5_000 });
  return run.kind === 'ended' ? run.stdout.head.toString('utf8') : '';
}
