#!/usr/bin/env node
/**
 * Stands in for the `code` program: takes the flags that `@vscode/test-electron` gives it, and runs the same suites in
 * the VS Code from npm, in a headless Chromium. Ends with 0 when all tests passed, 1 when some failed, 70 when the host
 * itself failed, 130 when it was interrupted.
 *
 * CONDUCTOR_SHOT_DIR     folder for pictures and page requests (see pageRequests.mjs); a failed run leaves `failure.png`
 * VSCODE_HOST_TRUST=1    keeps workspace trust switched on
 * VSCODE_HOST_TIMEOUT    milliseconds for the whole run; default 300000
 * VSCODE_HOST_VERBOSE=1  prints VS Code's own console too, and what tests print without indentation
 */
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, parseArgs, stripVTControlCharacters } from 'node:util';
import { launchChromium } from './chromium.mjs';
import { ensureEditorHost } from './install.mjs';
import { closeBrowser, leavePage, openPage } from './page.mjs';
import { answerRequests } from './pageRequests.mjs';
import { installVsix, startServer } from './server.mjs';

const exit = { hostFailed: 70, interrupted: 130 };
const { CONDUCTOR_SHOT_DIR: shotFolder, VSCODE_HOST_TRUST: trust, VSCODE_HOST_TIMEOUT: patience, VSCODE_HOST_VERBOSE: verbose } = process.env;
const patienceMs = Number(patience ?? 300_000);

/** What has to be undone at the end, last first. @type {(() => Promise<unknown>)[]} */
const closers = [];

/** Only the first call counts. @type {(code: number) => void} */
let end = () => undefined;
let isEnding = false;
/** @type {Promise<number>} */
const ended = new Promise((resolveCode) => (end = resolveCode));

process.exit(await main());

async function main() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(exit.interrupted));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  setTimeout(() => fail(`The run took longer than ${patienceMs} ms (VSCODE_HOST_TIMEOUT).`), patienceMs).unref();
  perform(readRequest(process.argv.slice(2))).catch(fail);
  const code = await ended;
  isEnding = true;
  for (const close of closers.reverse()) await close().catch((error) => process.stderr.write(`${error}\n`));
  return code;
}

/** @param {unknown} reason */
function fail(reason) {
  process.stderr.write(`${reason instanceof Error ? reason.stack : String(reason)}\n`);
  end(exit.hostFailed);
}

/**
 * What the command line asks for; all paths are absolute.
 * @typedef {{ developed: string[], tests: string | undefined, install: string[], extensionsDir: string | undefined,
 *   userDataDir: string | undefined, proposedApi: string | undefined, folder: string | undefined }} HostRequest
 */

/**
 * @param {string[]} argv
 * @returns {HostRequest}
 */
function readRequest(argv) {
  const path = /** @type {const} */ ({ type: 'string' });
  const paths = /** @type {const} */ ({ type: 'string', multiple: true });
  const { values, positionals } = parseArgs({
    args: argv,
    strict: false,
    allowPositionals: true,
    options: {
      extensionDevelopmentPath: paths,
      extensionTestsPath: path,
      'install-extension': paths,
      'extensions-dir': path,
      'user-data-dir': path,
      'enable-proposed-api': path,
      'folder-uri': path,
    },
  });
  const one = (/** @type {unknown} */ value) => (typeof value === 'string' ? resolve(value) : undefined);
  const many = (/** @type {unknown} */ value) => (Array.isArray(value) ? value.map((each) => resolve(String(each))) : []);
  const uri = values['folder-uri'];
  return {
    developed: many(values['extensionDevelopmentPath']),
    tests: one(values['extensionTestsPath']),
    install: many(values['install-extension']),
    extensionsDir: one(values['extensions-dir']),
    userDataDir: one(values['user-data-dir']),
    proposedApi: typeof values['enable-proposed-api'] === 'string' ? values['enable-proposed-api'] : undefined,
    folder: typeof uri === 'string' ? fileURLToPath(uri) : one(positionals[0]),
  };
}

/** @param {HostRequest} request */
async function perform(request) {
  await ensureEditorHost();
  const folders = await makeFolders(request);
  for (const vsix of request.install) await installVsix(folders, vsix);
  if (request.tests === undefined && request.install.length > 0) end(0);
  else await runTests(request, folders);
}

/** @param {HostRequest} request */
async function makeFolders(request) {
  const temporary = await mkdtemp(join(tmpdir(), 'vscode-host-'));
  closers.push(() => rm(temporary, { recursive: true, force: true, maxRetries: 3 }));
  const folders = { dataDir: join(temporary, 'data'), extensionsDir: request.extensionsDir ?? join(temporary, 'extensions') };
  const settings = join(request.userDataDir ?? temporary, 'User', 'settings.json');
  if (!existsSync(settings)) return folders;
  await mkdir(join(folders.dataDir, 'data', 'User'), { recursive: true });
  await copyFile(settings, join(folders.dataDir, 'data', 'User', 'settings.json'));
  return folders;
}

/**
 * @param {HostRequest} request
 * @param {{ dataDir: string, extensionsDir: string }} folders
 */
async function runTests(request, folders) {
  const server = await startServer({ ...folders, driver: true, workspaceTrust: trust === '1' });
  closers.push(server.stop);
  void server.exited.then(async () => {
    if (!isEnding) fail(`The VS Code server ended by itself.\n${await readFile(server.logFile, 'utf8')}`);
  });
  const browser = await launchChromium();
  closers.push(() => closeBrowser(browser));
  const page = await openPage(browser);
  closers.push(() => leavePage(page));
  await connect(page);
  await page.goto(server.url(request.folder, payload(request, server.authority)));
}

/** @param {import('./page.mjs').Page} page */
async function connect(page) {
  page.on('crash', () => fail('The browser page crashed.'));
  await page.exposeFunction('codeAutomationLog', print);
  await page.exposeFunction('codeAutomationExit', async (/** @type {number} */ code) => {
    if (code !== 0) await pictureOfFailure(page);
    end(code);
  });
  if (shotFolder === undefined) return;
  await mkdir(shotFolder, { recursive: true });
  const stop = new AbortController();
  const answering = answerRequests(page, shotFolder, stop.signal);
  answering.catch(fail);
  closers.push(async () => {
    stop.abort();
    await answering;
  });
}

/** @param {import('./page.mjs').Page} page */
async function pictureOfFailure(page) {
  if (shotFolder !== undefined) await page.screenshot({ path: join(shotFolder, 'failure.png') }).catch(() => undefined);
}

/**
 * Prints mocha's report, whose every line is indented; the workbench's own messages come the same way and are not.
 * @param {string} _type of the console function
 * @param {unknown[]} args
 */
function print(_type, args) {
  const text = format(...args);
  if (verbose === '1' || /^(\s|$)/.test(stripVTControlCharacters(text))) process.stdout.write(`${text}\n`);
}

/**
 * What the workbench takes from its address in driver mode.
 * @param {HostRequest} request
 * @param {string} authority
 * @returns {[string, string][]}
 */
function payload({ developed, tests, proposedApi }, authority) {
  const remote = (/** @type {string} */ path) => `vscode-remote://${authority}${path}`;
  /** @type {[string, string][]} */
  const entries = developed.map((path) => ['extensionDevelopmentPath', remote(path)]);
  entries.push(['skipWelcome', 'true']);
  if (tests !== undefined) entries.push(['extensionTestsPath', remote(tests)]);
  if (proposedApi !== undefined) entries.push(['enableProposedApi', proposedApi]);
  return entries;
}
