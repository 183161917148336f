/** Reads and drives one window of the workbench from outside, as eyes and hands do; see product.mjs for opening one. */
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 100;
/** How long anything waits for what it needs, in milliseconds. */
export const patienceMs = 20_000;

/** @typedef {import('../../scripts/editorHost/page.mjs').Page} Page */
/** @typedef {import('../../scripts/editorHost/page.mjs').Locator} Locator */

/**
 * Answers the question whether the authors of the folder are trusted, waiting for it.
 * @param {Page} page
 * @param {'grant' | 'refuse'} answer
 * @returns {Promise<void>}
 */
export async function answerTrust(page, answer) {
  await pressDialogButton(page, answer === 'grant' ? /^Yes, I trust/ : /^No, I don't trust/);
}

/**
 * Reads again and again until the result is as wanted; throws what was read last when it never is.
 * @template T
 * @param {() => Promise<T>} read
 * @param {(value: T) => boolean} isWanted
 * @param {string} what named in the error
 * @param {number} [timeoutMs] default 20000
 * @returns {Promise<T>}
 */
export async function until(read, isWanted, what, timeoutMs = patienceMs) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (isWanted(value)) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}. Last seen: ${JSON.stringify(value)}`);
    await sleep(pollMs);
  }
}

/**
 * Asks a broker to end and waits until it has; then removes the folder in which it kept its files.
 * @param {number | undefined} pid undefined when there is none
 * @param {string} folder
 * @returns {Promise<void>}
 */
export async function endBroker(pid, folder) {
  if (pid !== undefined && isThere(pid)) {
    process.kill(pid, 'SIGTERM');
    await until(() => Promise.resolve(isThere(pid)), (there) => !there, 'the broker to end');
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

/**
 * Presses a key until what it should do is done: a busy workbench loses one now and then, and a list that has just changed takes none for a moment.
 * @param {Page} page
 * @param {string} key
 * @param {() => Promise<boolean>} isDone
 * @param {string} what named in the error
 * @returns {Promise<void>}
 */
export async function pressUntil(page, key, isDone, what) {
  for (let tries = 1; ; tries += 1) {
    await page.keyboard.press(key);
    try {
      await until(isDone, (done) => done, what, 4000);
      return;
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
}

/** @param {number} pid */
function isThere(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * Runs a command from the palette by its exact title, category included, as in `Conductor: Verify Audit Log`.
 * @param {Page} page
 * @param {string} title
 * @returns {Promise<void>}
 */
export async function runCommand(page, title) {
  const input = page.locator('.quick-input-widget:visible input[type="text"]');
  // A notification that appears, or a window that is still busy, can close the palette again; a person would ask once more.
  for (let tries = 1; ; tries += 1) {
    try {
      await page.keyboard.press('F1');
      await input.waitFor({ timeout: 5000 });
      await input.fill(`>${title}`);
      return await rowLabelled(page, title).click({ timeout: 5000 });
    } catch (error) {
      if (tries === 3) throw error;
      await page.keyboard.press('Escape');
    }
  }
}

/**
 * Picks an item of the open quick pick by its exact label.
 * @param {Page} page
 * @param {string} label
 * @returns {Promise<void>}
 */
export async function pick(page, label) {
  await rowLabelled(page, label).click();
}

/**
 * @param {Page} page
 * @param {string} label icons left out
 * @returns {Locator}
 */
function rowLabelled(page, label) {
  const exactly = new RegExp(`^\\s*${label.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}\\s*$`);
  const name = page.locator('.quick-input-list-label .label-name').filter({ hasText: exactly });
  return page.locator('.quick-input-list .monaco-list-row').filter({ has: name }).first();
}

/**
 * The open quick pick or input box; undefined when there is none.
 * @param {Page} page
 * @returns {Promise<{ title: string, placeholder: string, value: string, message: string, items: { label: string, description: string, isActive: boolean }[] } | undefined>}
 */
export async function quickInput(page) {
  return await page.evaluate(() => {
    const widget = document.querySelector('.quick-input-widget');
    if (widget === null || !widget.checkVisibility()) return undefined;
    const text = (/** @type {Element | null} */ element) => element?.textContent?.trim() ?? '';
    const input = widget.querySelector('input[type="text"]');
    return {
      title: text(widget.querySelector('.quick-input-title')),
      placeholder: input?.getAttribute('placeholder') ?? '',
      value: input instanceof HTMLInputElement ? input.value : '',
      message: text(widget.querySelector('.quick-input-message')),
      items: [...widget.querySelectorAll('.quick-input-list .monaco-list-row')].map((row) => ({
        label: text(row.querySelector('.label-name')),
        description: text(row.querySelector('.label-description')),
        isActive: row.classList.contains('focused'),
      })),
    };
  });
}

/**
 * The toasts on the screen, newest first.
 * @param {Page} page
 * @returns {Promise<{ message: string, buttons: string[] }[]>}
 */
export async function toasts(page) {
  return await page.$$eval('.notifications-toasts .notification-list-item', (found) =>
    found
      .filter((toast) => toast.checkVisibility())
      .map((toast) => ({
        message: toast.querySelector('.notification-list-item-message')?.textContent?.trim() ?? '',
        buttons: [...toast.querySelectorAll('.notification-list-item-buttons-container .monaco-button')].map((button) => button.textContent?.trim() ?? ''),
      })),
  );
}

/**
 * Presses a button of a toast, waiting for it.
 * @param {Page} page
 * @param {string} label
 * @returns {Promise<void>}
 */
export async function pressToastButton(page, label) {
  await page.locator('.notifications-toasts .monaco-button').filter({ hasText: label }).first().click();
}

/**
 * The visible items of the status bar, from left to right.
 * @param {Page} page
 * @returns {Promise<{ id: string, text: string, ariaLabel: string, isWarning: boolean, isError: boolean }[]>}
 */
export async function statusItems(page) {
  return await page.$$eval('.statusbar-item', (found) =>
    found
      .filter((item) => item.checkVisibility())
      .map((item) => ({
        id: item.id,
        text: item.textContent?.trim() ?? '',
        ariaLabel: item.getAttribute('aria-label') ?? item.querySelector('[aria-label]')?.getAttribute('aria-label') ?? '',
        isWarning: item.classList.contains('warning-kind'),
        isError: item.classList.contains('error-kind'),
      })),
  );
}

/**
 * Clicks the status bar item whose text contains what is given, waiting for it.
 * @param {Page} page
 * @param {string} text
 * @returns {Promise<void>}
 */
export async function clickStatusItem(page, text) {
  await page.locator('.statusbar-item a').filter({ hasText: text }).first().click();
}

/**
 * Shows a view container by the beginning of its label in the activity bar, which may go on with a badge's words.
 * @param {Page} page
 * @param {string} label
 * @returns {Promise<void>}
 */
export async function openContainer(page, label) {
  const entry = container(page, label);
  await entry.waitFor();
  // A click on the container that is open already would hide it.
  if ((await entry.getAttribute('aria-expanded')) !== 'true') await entry.click();
}

/**
 * The whole label of a container in the activity bar: its name and, with a badge, what the badge says.
 * @param {Page} page
 * @param {string} label its beginning
 * @returns {Promise<string>}
 */
export async function containerLabel(page, label) {
  return (await container(page, label).locator('.action-label').getAttribute('aria-label')) ?? '';
}

/**
 * @param {Page} page
 * @param {string} label
 */
function container(page, label) {
  const name = page.locator(`.action-label[aria-label^="${label}"]`);
  return page.locator('.activitybar .action-item').filter({ has: name }).first();
}

/**
 * The rendered rows of the tree in one view of the side bar, from top to bottom; of all its views without a name.
 * @param {Page} page
 * @param {string} [view] its name, as its header says
 * @returns {Promise<{ text: string, ariaLabel: string, level: number, isExpanded: boolean | undefined }[]>} level: from 1; isExpanded: undefined for leaves
 */
export async function treeRows(page, view) {
  const rows = pane(page, view).locator('.monaco-list-row:visible');
  return await rows.evaluateAll((found) =>
    found
      .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)
      .map((row) => ({
        text: row.textContent?.trim() ?? '',
        ariaLabel: row.getAttribute('aria-label') ?? '',
        level: Number(row.getAttribute('aria-level') ?? 1),
        isExpanded: row.hasAttribute('aria-expanded') ? row.getAttribute('aria-expanded') === 'true' : undefined,
      })),
  );
}

/**
 * Clicks a row of a tree by a part of its text; with an action, the inline button of that name instead, such as `Deny`.
 * @param {Page} page
 * @param {{ view?: string, row: string, action?: string }} target
 * @returns {Promise<void>}
 */
export async function clickTreeRow(page, { view, row, action }) {
  const found = pane(page, view).locator('.monaco-list-row').filter({ hasText: row }).first();
  if (action === undefined) return await found.click();
  await found.hover();
  await found.locator(`.action-label[aria-label^="${action}"]`).first().click();
}

/**
 * @param {Page} page
 * @param {string} [view]
 */
function pane(page, view) {
  const all = page.locator('.sidebar .pane');
  return view === undefined ? all : all.filter({ has: page.locator(`.pane-header[aria-label^="${view}"]`) });
}

/**
 * The open modal dialog; undefined when there is none.
 * @param {Page} page
 * @returns {Promise<{ message: string, detail: string, buttons: string[] } | undefined>}
 */
export async function dialog(page) {
  return await page.evaluate(() => {
    const box = document.querySelector('.monaco-dialog-box');
    if (box === null) return undefined;
    const text = (/** @type {Element | null} */ element) => element?.textContent?.trim() ?? '';
    return {
      message: text(box.querySelector('.dialog-message-text')),
      detail: [...box.querySelectorAll('.dialog-message-detail, .dialog-message-body')].map(text).join('\n').trim(),
      buttons: [...box.querySelectorAll('.dialog-buttons .monaco-button')].map(text),
    };
  });
}

/**
 * Presses a button of the modal dialog, waiting for both, and resolves when the dialog is gone.
 * @param {Page} page
 * @param {string | RegExp} label
 * @returns {Promise<void>}
 */
export async function pressDialogButton(page, label) {
  const box = page.locator('.monaco-dialog-box');
  await box.locator('.monaco-button').filter({ hasText: label }).first().click();
  await box.waitFor({ state: 'detached' });
}

/**
 * Takes a picture of the window, as a PNG file; makes its folder when missing.
 * @param {Page} page
 * @param {string} file
 * @returns {Promise<void>}
 */
export async function screenshot(page, file) {
  await mkdir(dirname(file), { recursive: true });
  await page.screenshot({ path: file });
}
