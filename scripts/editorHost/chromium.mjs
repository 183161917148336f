/** Finds a Chromium: the one named by CHROMIUM_PATH, the system's, or the one that came from npm. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

const folder = dirname(fileURLToPath(import.meta.url));
const modules = join(folder, 'node_modules');
const packed = join(modules, '@sparticuz', 'chromium', 'bin');
const unpacked = join(modules, '.cache', 'chromium');
const systemPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const decompress = promisify(brotliDecompress);

/** Enough for software rendering as root in a container, where Chromium has no sandbox of its own. */
const chromiumArguments = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--force-color-profile=srgb'];

/** @typedef {{ executable: string, env: Record<string, string> }} Chromium */

/**
 * Unpacks the bundled Chromium (204 MB, about four seconds) unless it is there already or another one is used.
 * @param {(line: string) => void} report told before it takes long
 * @returns {Promise<void>}
 */
export async function prepareChromium(report) {
  if (otherChromium() !== undefined || existsSync(unpacked)) return;
  report('Unpacking Chromium (only this once)...');
  await mkdir(dirname(unpacked), { recursive: true });
  const fresh = await mkdtemp(`${unpacked}-`);
  try {
    await fill(fresh);
    await rename(fresh, unpacked);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/**
 * Starts a headless Chromium under Playwright; call `prepareChromium` or `ensureEditorHost` first.
 * @returns {Promise<import('playwright-core').Browser>}
 */
export async function launchChromium() {
  const { chromium } = /** @type {typeof import('playwright-core')} */ (createRequire(join(folder, 'package.json'))('playwright-core'));
  const { executable, env } = otherChromium() ?? bundledChromium();
  return await chromium.launch({ executablePath: executable, env: { ...inheritedEnv(), ...env }, args: chromiumArguments });
}

/** @returns {Chromium | undefined} */
function otherChromium() {
  const { CHROMIUM_PATH: named, BUNDLED_CHROMIUM: forced } = process.env;
  if (named) return { executable: named, env: {} };
  if (forced) return undefined;
  const executable = systemPaths.find((path) => existsSync(path));
  return executable === undefined ? undefined : { executable, env: {} };
}

/** @returns {Chromium} */
function bundledChromium() {
  const env = { LD_LIBRARY_PATH: join(unpacked, 'lib'), FONTCONFIG_FILE: join(unpacked, 'editor-fonts.conf') };
  return { executable: join(unpacked, 'chromium'), env };
}

/** A browser that wrote V8 coverage would fill the folder of the program under test. */
function inheritedEnv() {
  /** @type {Record<string, string>} */
  const env = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined && name !== 'NODE_V8_COVERAGE') env[name] = value;
  return env;
}

/** @param {string} target */
async function fill(target) {
  await Promise.all([untar('al2023', target), untar('fonts', target), unpackProgram(target)]);
  await writeFile(join(target, 'editor-fonts.conf'), fontsConf());
}

/** @param {string} target */
async function unpackProgram(target) {
  await writeFile(join(target, 'chromium'), await decompress(await readFile(join(packed, 'chromium.br'))), { mode: 0o755 });
}

/**
 * @param {string} name
 * @param {string} target
 */
async function untar(name, target) {
  const archive = await decompress(await readFile(join(packed, `${name}.tar.br`)));
  const child = spawn('tar', ['xf', '-', '-C', target], { stdio: ['pipe', 'ignore', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(undefined) : reject(new Error(`tar could not unpack ${name} and ended with code ${code}.`))));
    child.stdin.once('error', reject);
    child.stdin.end(archive);
  });
}

/** Only fonts that came from npm, so that pictures look the same on every machine. */
function fontsConf() {
  const prefer = (/** @type {string} */ generic, /** @type {string} */ family) =>
    `<alias binding="strong"><family>${generic}</family><prefer><family>${family}</family></prefer></alias>`;
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>${join(unpacked, 'fonts')}</dir>
<dir>${join(modules, 'dejavu-fonts-ttf', 'ttf')}</dir>
<cachedir>${join(unpacked, 'fontcache')}</cachedir>
${prefer('system-ui', 'Open Sans')}
${prefer('sans-serif', 'Open Sans')}
${prefer('serif', 'DejaVu Serif')}
${prefer('monospace', 'DejaVu Sans Mono')}
</fontconfig>
`;
}
