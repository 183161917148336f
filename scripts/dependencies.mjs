// Installs what the project's own lock file names, when it is not there yet. Uses nothing but Node.js and npm.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs the dependencies unless the lock file is the one they were installed from. */
export function ensureDependencies() {
  const stamp = join(root, 'node_modules', '.conductor-installed');
  const wanted = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  runOrExit('Installing dependencies', npm(), ['ci', '--no-audit', '--no-fund'], { shell: process.platform === 'win32' });
  writeFileSync(stamp, wanted);
}

/** Runs a program with its output shown; ends this process with its exit code when it fails. */
export function runOrExit(title, program, args, options = {}) {
  const started = Date.now();
  console.log(`\n== ${title}`);
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  if (error !== undefined) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
  console.log(`   ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function npm() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}
