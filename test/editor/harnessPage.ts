/**
 * What a suite inside the extension host can ask of the page around it. Only the VS Code from npm answers
 * (scripts/editorHost/pageRequests.mjs); in a desktop VS Code, suites skip what needs the page.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 50;
const patienceMs = 15_000;
const folder = process.env['CONDUCTOR_SHOT_DIR'];

/** One visible element of the page. */
export type Shown = { readonly text: string; readonly ariaLabel: string | null };

/** Whether somebody answers; where not, the functions below throw. */
export const isPageReachable = folder !== undefined;

/** Takes a picture into the pictures folder as `<name>.png`; `name` is made of letters, digits and dashes. */
export async function takePicture(name: string): Promise<void> {
  await request(`${name}.request`, 'picture', `${name}.error`);
}

/** The visible elements that a CSS selector finds, in the order of the document. */
export async function shown(selector: string): Promise<readonly Shown[]> {
  const name = randomUUID();
  await request(`${name}.dom.request`, selector, `${name}.error`);
  const answer = inFolder(`${name}.dom.json`);
  const elements = JSON.parse(await readFile(answer, 'utf8')) as readonly Shown[];
  await rm(answer);
  return elements;
}

/** Presses keys one after the other, in Playwright's spelling: `Enter`, `ArrowDown`, `Control+Alt+Y`. */
export async function press(...keys: readonly string[]): Promise<void> {
  const name = randomUUID();
  await request(`${name}.key.request`, keys.join('\n'), `${name}.error`);
  await rm(inFolder(`${name}.key.done`));
}

/** Clicks the first element that a CSS selector finds, waiting up to five seconds for it. */
export async function click(selector: string): Promise<void> {
  const name = randomUUID();
  await request(`${name}.click.request`, selector, `${name}.error`);
  await rm(inFolder(`${name}.click.done`));
}

/** Resolves when the request is gone, at most 15 seconds later; throws what the host wrote as an error. */
async function request(file: string, content: string, errorFile: string): Promise<void> {
  await writeFile(inFolder(`${file}.new`), content);
  await rename(inFolder(`${file}.new`), inFolder(file));
  const deadline = performance.now() + patienceMs;
  while (existsSync(inFolder(file))) {
    if (performance.now() > deadline) throw new Error(`Nobody answered ${file} within ${String(patienceMs)} ms.`);
    await sleep(pollMs);
  }
  if (!existsSync(inFolder(errorFile))) return;
  const reason = await readFile(inFolder(errorFile), 'utf8');
  await rm(inFolder(errorFile));
  throw new Error(reason);
}

function inFolder(name: string): string {
  if (folder === undefined) throw new Error('This VS Code lets no test see its page; check isPageReachable and skip.');
  return join(folder, name);
}
