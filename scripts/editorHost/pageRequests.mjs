/**
 * Lets a test that runs inside the extension host see and touch the page around it, by files in one folder:
 *
 * | the test writes        | with this content     | and finds           | holding                                    |
 * |------------------------|-----------------------|---------------------|--------------------------------------------|
 * | `<name>.request`       | anything              | `<name>.png`        | a picture of the page                      |
 * | `<name>.dom.request`   | a CSS selector        | `<name>.dom.json`   | `[{ text, ariaLabel }]` of what is visible |
 * | `<name>.key.request`   | key names, one a line | `<name>.key.done`   | nothing                                    |
 * | `<name>.click.request` | a CSS selector        | `<name>.click.done` | nothing                                    |
 *
 * An answer appears whole or not at all, and then the request is gone, which is what the test waits for. What cannot be
 * answered leaves `<name>.error`, with the reason, instead.
 */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 100;
const clickPatienceMs = 5000;

/** @typedef {import('./page.mjs').Page} Page */
/** @typedef {{ extension: string, needsContent: boolean, make: (page: Page, content: string) => Promise<string | Uint8Array> }} Answer */

/** Longest ending first: each ends in `.request`. @type {readonly (readonly [string, Answer])[]} */
const answers = [
  ['.dom.request', { extension: '.dom.json', needsContent: true, make: visibleElements }],
  ['.key.request', { extension: '.key.done', needsContent: true, make: pressKeys }],
  ['.click.request', { extension: '.click.done', needsContent: true, make: click }],
  ['.request', { extension: '.png', needsContent: false, make: (page) => page.screenshot() }],
];

/**
 * Answers the requests in a folder, one after the other, until told to stop.
 * @param {Page} page
 * @param {string} folder exists
 * @param {AbortSignal} stop
 * @returns {Promise<void>} resolves after the stop
 */
export async function answerRequests(page, folder, stop) {
  while (!stop.aborted) {
    for (const name of await pendingRequests(folder)) await answer(page, folder, name);
    await sleep(pollMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** @param {string} folder */
async function pendingRequests(folder) {
  return (await readdir(folder)).filter((name) => name.endsWith('.request')).sort();
}

/**
 * @param {Page} page
 * @param {string} folder
 * @param {string} name of the request's file
 */
async function answer(page, folder, name) {
  const [ending, kind] = answers.find(([suffix]) => name.endsWith(suffix)) ?? [];
  if (ending === undefined || kind === undefined) return;
  const content = (await readFile(join(folder, name), 'utf8')).trim();
  // Made, but not written yet.
  if (kind.needsContent && content === '') return;
  const stem = join(folder, name.slice(0, -ending.length));
  for (const old of [stem + kind.extension, `${stem}.error`]) await rm(old, { force: true });
  try {
    await writeWhole(stem + kind.extension, await kind.make(page, content));
  } catch (error) {
    await writeWhole(`${stem}.error`, String(error));
  }
  await rm(join(folder, name), { force: true });
}

/**
 * @param {string} file
 * @param {string | Uint8Array} content
 */
async function writeWhole(file, content) {
  await writeFile(`${file}.partial`, content);
  await rename(`${file}.partial`, file);
}

/**
 * @param {Page} page
 * @param {string} selector
 */
async function visibleElements(page, selector) {
  const found = await page.$$eval(selector, (elements) =>
    elements
      .filter((element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }))
      .map((element) => ({ text: /** @type {HTMLElement} */ (element).innerText ?? element.textContent ?? '', ariaLabel: element.getAttribute('aria-label') })),
  );
  return JSON.stringify(found);
}

/**
 * @param {Page} page
 * @param {string} keys in Playwright's spelling, such as `Control+Shift+P`
 */
async function pressKeys(page, keys) {
  for (const key of keys.split('\n')) await page.keyboard.press(key.trim());
  return '';
}

/**
 * @param {Page} page
 * @param {string} selector
 */
async function click(page, selector) {
  await page.click(selector, { timeout: clickPatienceMs });
  return '';
}
