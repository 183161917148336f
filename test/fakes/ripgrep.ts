import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** For tests: a real ripgrep from npm, of the version that ripgrep/package-lock.json names. */

const folder = join(__dirname, 'ripgrep');

/** The folder that holds `rg`; installs it on first use. Throws when it cannot be had. */
export function ripgrepFolder(): string {
  const program = join(folder, 'node_modules', '@vscode', `ripgrep-${process.platform}-${process.arch}`, 'bin', process.platform === 'win32' ? 'rg.exe' : 'rg');
  if (!existsSync(program)) execFileSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'], { stdio: 'pipe', shell: process.platform === 'win32' });
  if (!existsSync(program)) throw new Error(`npm brought no ripgrep for ${process.platform} ${process.arch}.`);
  return dirname(program);
}
