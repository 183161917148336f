/** Starts, fills and stops the VS Code server that came from npm. Call `ensureServer` or `ensureEditorHost` first. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { editorHost } from './install.mjs';

const startPatienceMs = 60_000;
const stopPatienceMs = 3000;
/** A Linux socket path has at most 107 bytes, and the longest name that VS Code makes has 53. */
const longestSocketFolder = 50;
const installPatienceMs = 120_000;
/** The registry of extensions is out of reach: a test must not depend on the network, nor ask it anything. */
const noGallery = { EXTENSIONS_GALLERY: '{}' };
const inServer = fileURLToPath(new URL('./inServer.mjs', import.meta.url));

/**
 * What a server is started with. Folders are absolute and made when missing.
 * @typedef {object} ServerOptions
 * @property {string} dataDir user settings, logs and state
 * @property {string} extensionsDir where extensions are installed
 * @property {number} [port] on 127.0.0.1; default: a free one
 * @property {string} [token] secret that the address carries; letters, digits, `-` and `_`; default: 32 random ones
 * @property {boolean} [driver] honours extensionDevelopmentPath and extensionTestsPath in the address, and never shows a toast; default false
 * @property {boolean} [workspaceTrust] asks before a folder is trusted; default true
 * @property {NodeJS.ProcessEnv} [env] for the server and thus the extension host, on top of this process's own; `undefined` removes a name
 */

/**
 * A running server.
 * @typedef {object} Server
 * @property {number} port
 * @property {number} pid
 * @property {string} authority host and port, as in the address
 * @property {string} logFile everything the server printed
 * @property {(folder?: string, payload?: readonly (readonly [string, string])[]) => string} url the address that opens a folder, token included
 * @property {Promise<number | null>} exited its exit code, or null after a signal
 * @property {() => Promise<void>} stop ends the server and every process it started; resolves when they are gone
 */

/**
 * Starts a server on loopback and resolves once it accepts connections, at most a minute later.
 * Throws an Error with the end of its output when it does not come up.
 * @param {ServerOptions} options
 * @returns {Promise<Server>}
 */
export async function startServer(options) {
  const token = options.token ?? randomBytes(16).toString('hex');
  const logFile = join(options.dataDir, 'server.log');
  await makeFolders(options);
  const tokenFile = join(options.dataDir, 'connection-token');
  await writeFile(tokenFile, token, { mode: 0o600 });
  const child = spawnServer(options, serverArguments(options, tokenFile), logFile);
  const exited = exitOf(child);
  const stop = () => stopServer(child, exited);
  try {
    const port = await listeningPort(exited, logFile);
    const authority = `127.0.0.1:${port}`;
    return { port, pid: pidOf(child), authority, logFile, exited, stop, url: (folder, payload) => address(authority, token, folder, payload) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Installs an extension file into an extensions folder, replacing an older one; about two seconds.
 * @param {Pick<ServerOptions, 'dataDir' | 'extensionsDir' | 'env'>} options
 * @param {string} vsix path of the file
 * @returns {Promise<void>}
 */
export async function installVsix(options, vsix) {
  await makeFolders(options);
  const logFile = join(options.dataDir, 'install.log');
  const child = spawnServer(options, [...folderArguments(options), '--install-extension', vsix, '--force'], logFile);
  const code = await withTimeout(exitOf(child), installPatienceMs);
  if (code === 0) return;
  child.kill('SIGKILL');
  throw new Error(`Installing ${vsix} did not succeed (code ${code}).\n${await tail(logFile)}`);
}

/**
 * Writes the user settings that the next window reads.
 * @param {string} dataDir as given to `startServer`
 * @param {Record<string, unknown>} settings replace whatever was there
 * @returns {Promise<void>}
 */
export async function writeUserSettings(dataDir, settings) {
  const folder = join(dataDir, 'data', 'User');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'settings.json'), JSON.stringify(settings, null, 2));
}

/** @param {Pick<ServerOptions, 'dataDir' | 'extensionsDir'>} options */
async function makeFolders({ dataDir, extensionsDir }) {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await mkdir(extensionsDir, { recursive: true });
}

/** @param {Pick<ServerOptions, 'dataDir' | 'extensionsDir'>} options */
function folderArguments({ dataDir, extensionsDir }) {
  return ['--accept-server-license-terms', '--server-data-dir', dataDir, '--extensions-dir', extensionsDir];
}

/**
 * @param {ServerOptions} options
 * @param {string} tokenFile the token itself would show in the list of processes
 */
function serverArguments(options, tokenFile) {
  const { port = 0, driver = false, workspaceTrust = true } = options;
  return [
    ...folderArguments(options),
    ...['--host', '127.0.0.1', '--port', String(port), '--connection-token-file', tokenFile, '--disable-telemetry'],
    ...(driver ? ['--enable-smoke-test-driver'] : []),
    ...(workspaceTrust ? [] : ['--disable-workspace-trust']),
  ];
}

/**
 * @param {Pick<ServerOptions, 'dataDir' | 'env'>} options
 * @param {string[]} args
 * @param {string} logFile
 */
function spawnServer({ dataDir, env = {} }, args, logFile) {
  const log = openSync(logFile, 'w', 0o600);
  try {
    // Its own process group, so that what it leaves behind can be found and ended.
    return spawn(editorHost.node, ['--import', inServer, editorHost.serverMain, ...args], {
      stdio: ['ignore', log, log],
      env: withoutForeign({ ...process.env, ...socketEnv(dataDir), ...noGallery, ...env }),
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/**
 * VS Code forgets to remove its sockets, so they go where the other passing things are, if the path is short enough for one.
 * @param {string} dataDir
 */
function socketEnv(dataDir) {
  return dataDir.length < longestSocketFolder ? { XDG_RUNTIME_DIR: dataDir } : {};
}

/**
 * Leaves out what a VS Code around us tells its own children, which would confuse ours; a test run's own options stay.
 * @param {NodeJS.ProcessEnv} env
 */
function withoutForeign(env) {
  const isForeign = (/** @type {string} */ name) => /^(NODE_OPTIONS$|ELECTRON_|VSCODE_(?!TEST_OPTIONS$))/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isForeign(name)));
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number | null>}
 */
function exitOf(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code));
  });
}

/**
 * @param {Promise<number | null>} exited
 * @param {string} logFile
 */
async function listeningPort(exited, logFile) {
  const gone = exited.then((code) => ({ code }));
  const deadline = Date.now() + startPatienceMs;
  while (Date.now() < deadline) {
    const port = /Extension host agent listening on (\d+)/.exec(await readFile(logFile, 'utf8'))?.[1];
    if (port !== undefined) return Number(port);
    const ended = await Promise.race([gone, sleep(50)]);
    if (ended !== undefined) throw new Error(`The VS Code server ended at once (code ${ended.code}).\n${await tail(logFile)}`);
  }
  throw new Error(`The VS Code server did not listen within a minute.\n${await tail(logFile)}`);
}

/**
 * @param {string} authority
 * @param {string} token
 * @param {string} [folder]
 * @param {readonly (readonly [string, string])[]} [payload]
 */
function address(authority, token, folder, payload) {
  const query = new URLSearchParams({ tkn: token });
  if (folder !== undefined) query.set('folder', folder);
  if (payload !== undefined) query.set('payload', JSON.stringify(payload));
  return `http://${authority}/?${query}`;
}

/**
 * Asks the server, then whoever is left in its process group, then insists.
 * @param {import('node:child_process').ChildProcess} child
 * @param {Promise<number | null>} exited
 */
async function stopServer(child, exited) {
  child.kill('SIGTERM');
  await withTimeout(exited.catch(() => null), stopPatienceMs);
  const deadline = Date.now() + stopPatienceMs;
  while (signalGroup(child, 'SIGTERM') && Date.now() < deadline) await sleep(50);
  signalGroup(child, 'SIGKILL');
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 * @returns {boolean} whether anybody was left to receive it
 */
function signalGroup(child, signal) {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function pidOf(child) {
  if (child.pid === undefined) throw new Error('The VS Code server was not started.');
  return child.pid;
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} ms
 * @returns {Promise<T | undefined>} undefined when time ran out
 */
async function withTimeout(promise, ms) {
  const clock = new AbortController();
  const late = sleep(ms, undefined, { signal: clock.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clock.abort();
  }
}

/** @param {string} file */
async function tail(file) {
  return (await readFile(file, 'utf8')).slice(-2000);
}
