/**
 * The packaged extension in a workbench as people see it: real toasts, dialogs, badges and workspace trust, driven
 * from outside with keys and the mouse, in the VS Code from npm (scripts/editorHost). A library; it holds no tests.
 *
 *   const window = await openWorkbench({ folder, vsix, configDir });
 *   await runCommand(window.page, 'Conductor: Verify Audit Log');
 *   await until(() => toasts(window.page), (all) => all.some(({ message }) => message.includes('intact')), 'the result');
 *   await window.close();
 */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '../../scripts/editorHost/chromium.mjs';
import { ensureEditorHost } from '../../scripts/editorHost/install.mjs';
import { closeBrowser, leavePage, openPage, workbenchReady } from '../../scripts/editorHost/page.mjs';
import { installVsix, startServer, writeUserSettings } from '../../scripts/editorHost/server.mjs';
import { answerTrust, patienceMs } from './productPage.mjs';

export * from './productPage.mjs';

/** Nothing that opens by itself, no telemetry, no agent but ours, and one look for all pictures. */
export const quietSettings = Object.freeze({
  'chat.disableAIFeatures': true,
  'git.openRepositoryInParentFolders': 'never',
  'security.workspace.trust.startupPrompt': 'always',
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.commandCenter': false,
  'window.title': '${rootName}',
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
});

/** @typedef {import('../../scripts/editorHost/page.mjs').Page} Page */
/** @typedef {import('../../scripts/editorHost/server.mjs').Server} Server */

/**
 * @typedef {object} WorkbenchOptions
 * @property {string} folder that the window opens; absolute
 * @property {string} [vsix] the package to install; default: none
 * @property {string} [configDir] CONDUCTOR_CONFIG_DIR of the extension host; default: as in this process
 * @property {string} [home] HOME of the extension host; default: as in this process
 * @property {NodeJS.ProcessEnv} [env] more of its environment
 * @property {Record<string, unknown>} [settings] user settings on top of `quietSettings`
 * @property {'grant' | 'refuse' | 'leave'} [trust] what the first window answers when asked whether the folder is trusted; `leave` leaves the question open; default `grant`
 * @property {{ width: number, height: number }} [viewport] in CSS pixels; default 1360 x 860
 * @property {number} [deviceScaleFactor] picture pixels per CSS pixel; default 1
 */

/**
 * A server with one window, in folders of their own that go with `close`.
 * @typedef {object} Workbench
 * @property {Page} page the window
 * @property {Server} server
 * @property {(folder?: string) => Promise<Page>} openWindow one more window of the same person, with the same secrets and trusted folders; default: on the same folder; answers no question of trust
 * @property {() => Promise<void>} close leaves all windows, so that extensions deactivate, and stops everything
 */

/**
 * Installs what is needed, starts a server and opens a window; resolves when the workbench is ready, which is before
 * extensions are: wait for what they show.
 * @param {WorkbenchOptions} options
 * @returns {Promise<Workbench>}
 */
export async function openWorkbench(options) {
  await ensureEditorHost();
  const temporary = await mkdtemp(join(tmpdir(), 'workbench-'));
  /** @type {(() => Promise<unknown>)[]} */
  const closers = [() => rm(temporary, { recursive: true, force: true, maxRetries: 3 })];
  // A suite that ends without closing must leave no folder behind either.
  const sweep = () => rmSync(temporary, { recursive: true, force: true });
  process.once('exit', sweep);
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
    process.off('exit', sweep);
  };
  try {
    return await openIn(temporary, options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * @param {string} temporary
 * @param {WorkbenchOptions} options
 * @param {(() => Promise<unknown>)[]} closers
 * @param {() => Promise<void>} close
 * @returns {Promise<Workbench>}
 */
async function openIn(temporary, options, closers, close) {
  const host = { dataDir: join(temporary, 'data'), extensionsDir: join(temporary, 'extensions'), env: hostEnv(options) };
  await writeUserSettings(host.dataDir, { ...quietSettings, ...options.settings });
  if (options.vsix !== undefined) await installVsix(host, options.vsix);
  const server = await startServer(host);
  closers.push(server.stop);
  const browser = await launchChromium();
  closers.push(() => closeBrowser(browser));
  const first = await openPage(browser, options);
  const show = async (/** @type {Page} */ page, /** @type {string} */ folder) => {
    page.setDefaultTimeout(patienceMs);
    closers.push(() => leavePage(page));
    await page.goto(server.url(folder));
    await workbenchReady(page);
    return page;
  };
  await show(first, options.folder);
  if (options.trust !== 'leave') await answerTrust(first, options.trust ?? 'grant');
  return { page: first, server, openWindow: async (folder = options.folder) => show(await first.context().newPage(), folder), close };
}

/** @param {WorkbenchOptions} options */
function hostEnv({ home, configDir, env }) {
  return { ...(home === undefined ? {} : { HOME: home }), ...(configDir === undefined ? {} : { CONDUCTOR_CONFIG_DIR: configDir }), ...env };
}
