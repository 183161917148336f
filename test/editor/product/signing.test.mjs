/** The key that signs the audit log, in a window as people have it: it outlives a reload. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workbenchReady } from '../../../scripts/editorHost/page.mjs';
import { packagePath } from '../../../scripts/package.mjs';
import { endBroker, openWorkbench, runCommand, toasts, until } from '../product.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const command = join(root, 'dist', 'conductor.js');

describe('the signed log of the installed package', function () {
  this.timeout(180_000);

  it('product:signed: a window signs with a key that outlives its reload, and the log verifies with it from outside', async () => {
    const base = mkdtempSync(join(tmpdir(), 'conductor-signed-'));
    const [project, configDir] = [join(base, 'sample'), join(base, 'config')];
    cpSync(join(root, 'scripts', 'demo', 'sample'), project, { recursive: true });
    mkdirSync(configDir, { mode: 0o700 });
    const env = { ...process.env, CONDUCTOR_CONFIG_DIR: configDir };
    const conductor = (...args) => spawnSync(process.execPath, [command, ...args], { env, encoding: 'utf8', cwd: project });
    const status = () => JSON.parse(conductor('doctor', '--json').stdout).status;
    const signedBeyond = (entries) => until(async () => status().signing, ({ place, signedTo }) => place === 'editor' && signedTo > entries, 'a signature of the window', 60_000);
    const window = await openWorkbench({ folder: project, vsix: packagePath(), configDir });
    let pid;
    try {
      const first = await signedBeyond(0);
      pid = status().pid;
      await window.page.reload();
      await workbenchReady(window.page);
      await until(async () => status().connections.editor, (count) => count === 1, 'the window to come back');
      // A broker that starts records it, which is something new to sign.
      process.kill(pid, 'SIGKILL');
      await until(async () => { pid = status().pid; return status().connections.editor; }, (count) => count === 1, 'the window at the next broker', 60_000);
      const second = await signedBeyond(first.signedTo);
      assert.equal(second.publicKey, first.publicKey);
      assert.equal(conductor('audit', 'verify', '--public-key', first.publicKey).status, 0);
      await runCommand(window.page, 'Conductor: Verify Audit Log');
      await until(() => toasts(window.page), (all) => all.some(({ message }) => /Level: signed to #\d+; anchored outside to #\d+ \(this editor's secret storage/.test(message)), 'the result');
    } finally {
      await window.close();
      await endBroker(pid, base);
    }
  });
});
