/** A page of the workbench: opens it, and leaves it in a way that lets extensions deactivate. */
import { setTimeout as sleep } from 'node:timers/promises';

const leavePatienceMs = 3000;

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */
/** @typedef {import('playwright-core').Browser} Browser */

/**
 * How a page looks.
 * @typedef {object} PageOptions
 * @property {{ width: number, height: number }} [viewport] in CSS pixels; default 1360 x 860
 * @property {number} [deviceScaleFactor] picture pixels per CSS pixel; default 1, and 2 for pictures in documents
 */

/**
 * Opens an empty page in a context of its own, so that no state of another window is seen.
 * @param {Browser} browser
 * @param {PageOptions} [options]
 * @returns {Promise<Page>}
 */
export async function openPage(browser, { viewport = { width: 1360, height: 860 }, deviceScaleFactor = 1 } = {}) {
  const context = await browser.newContext({ viewport, deviceScaleFactor });
  return await context.newPage();
}

/**
 * Waits until the workbench shows its status bar and no longer connects, at most a minute.
 * @param {Page} page
 * @returns {Promise<void>}
 */
export async function workbenchReady(page) {
  await page.waitForSelector('.monaco-workbench .statusbar-item', { timeout: 60_000 });
  await page.waitForFunction("!document.querySelector('#status\\\\.host')?.textContent.includes('Opening')", undefined, { timeout: 60_000 });
}

/**
 * Leaves the workbench as a closed window does: extensions deactivate and write what they have to.
 * @param {Page} page
 * @returns {Promise<void>}
 */
export async function leavePage(page) {
  await Promise.race([page.goto('about:blank').catch(() => undefined), sleep(leavePatienceMs, undefined, { ref: false })]);
}

/**
 * Closes a browser, or gives up after three seconds: closing sometimes never ends, and the browser ends with this process.
 * @param {Browser} browser
 * @returns {Promise<void>}
 */
export async function closeBrowser(browser) {
  await Promise.race([browser.close().catch(() => undefined), sleep(leavePatienceMs, undefined, { ref: false })]);
}
