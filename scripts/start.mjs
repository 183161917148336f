// `npm start`: builds Conductor, opens VS Code with it on a sample project, and lets a scripted agent make three calls there.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureDependencies, root, runOrExit } from './dependencies.mjs';

const place = join(root, 'out', 'demo');
const folders = { project: join(place, 'sample'), config: join(place, 'config'), user: join(place, 'user'), extensions: join(place, 'extensions') };
/** How long a newcomer may take to open the address that is printed. */
const patience = 30 * 60_000;

ensureDependencies();
runOrExit('Building and packaging Conductor', process.execPath, [join(root, 'scripts', 'package.mjs')]);
prepareFolders();
const { packagePath } = await import('./package.mjs');
const { runAgent, waitForEditor } = await import('./demo/agent.mjs');
const command = join(root, 'dist', 'conductor.js');
const env = { ...process.env, CONDUCTOR_CONFIG_DIR: folders.config };

const desktop = process.env.CONDUCTOR_DEMO_HOST === 'web' ? undefined : desktopCode();
const close = desktop === undefined ? await openInBrowser() : openDesktop(desktop);
console.log('\nWaiting for the window of VS Code …');
if (!(await waitForEditor({ command, env, timeoutMs: patience }))) await end(1, 'No window of VS Code came. Start again and open the address above in a browser.');
console.log('VS Code is connected. The agent makes its three calls now; one of them waits for you in VS Code.');
await runAgent({ command, project: folders.project, env });
console.log('\nThat was all. Look at the audit log in the Conductor view, run "Conductor: Verify Audit Log" from the palette (F1),');
console.log(`or type: CONDUCTOR_CONFIG_DIR=${folders.config} node dist/conductor.js audit list`);
if (process.env.CONDUCTOR_DEMO_ONCE === '1') await end(0);
console.log('Press Ctrl+C here when you are done.');

/** A fresh sample project and configuration; the log of an earlier run goes with it. */
function prepareFolders() {
  stopBroker();
  rmSync(place, { recursive: true, force: true });
  // What lies around the demonstration is for everybody, as a build leaves it.
  mkdirSync(dirname(place), { recursive: true });
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  cpSync(join(root, 'scripts', 'demo', 'sample'), folders.project, { recursive: true });
  cpSync(join(root, 'scripts', 'demo', 'config.json'), join(folders.config, 'config.json'));
}

/** The broker of an earlier run would go on writing into a log that is no longer there. */
function stopBroker() {
  if (!existsSync(join(folders.config, 'broker.sock'))) return;
  const { stdout } = spawnSync(process.execPath, [join(root, 'dist', 'conductor.js'), 'doctor', '--json'], { env: { ...process.env, CONDUCTOR_CONFIG_DIR: folders.config }, encoding: 'utf8' });
  try {
    process.kill(JSON.parse(stdout).status.pid, 'SIGTERM');
  } catch {
    // Nobody was there.
  }
}

/** The desktop VS Code on the PATH, where a desktop is. */
function desktopCode() {
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return undefined;
  const found = spawnSync(process.platform === 'win32' ? 'where' : 'which', ['code'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.split(/\r?\n/)[0] : undefined;
}

function openDesktop(code) {
  mkdirSync(join(folders.user, 'User'), { recursive: true });
  writeFileSync(join(folders.user, 'User', 'settings.json'), JSON.stringify({ 'workbench.startupEditor': 'readme', 'security.workspace.trust.enabled': false }, null, 2));
  const own = ['--user-data-dir', folders.user, '--extensions-dir', folders.extensions];
  const shell = process.platform === 'win32';
  runOrExit('Installing Conductor into a fresh profile', code, [...own, '--install-extension', packagePath(), '--force'], { shell });
  spawn(code, [...own, '--new-window', folders.project], { env, shell, stdio: 'ignore', detached: true }).unref();
  return () => Promise.resolve();
}

/** Where no desktop VS Code is found: the one from npm, served on loopback. */
async function openInBrowser() {
  const { ensureServer } = await import('./editorHost/install.mjs');
  console.log('\n== No desktop VS Code found: installing one from npm to serve on this machine only');
  await ensureServer((line) => console.log(`   ${line}`));
  const { installVsix, startServer, writeUserSettings } = await import('./editorHost/server.mjs');
  const options = { dataDir: folders.user, extensionsDir: folders.extensions, env, workspaceTrust: false, ...(process.env.CONDUCTOR_DEMO_PORT ? { port: Number(process.env.CONDUCTOR_DEMO_PORT) } : {}) };
  await writeUserSettings(folders.user, demoSettings());
  await installVsix(options, packagePath());
  const server = await startServer(options);
  console.log(`\nOpen this address in a browser on this machine:\n\n    ${server.url(folders.project)}\n`);
  return () => server.stop();
}

function demoSettings() {
  return { 'workbench.startupEditor': 'readme', 'chat.disableAIFeatures': true, 'telemetry.telemetryLevel': 'off', 'git.openRepositoryInParentFolders': 'never', 'workbench.secondarySideBar.defaultVisibility': 'hidden' };
}

async function end(code, message) {
  if (message !== undefined) console.error(message);
  await close();
  stopBroker();
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end(0));
