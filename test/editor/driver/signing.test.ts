/** The log signed in the real extension host, with a key in the real secret storage. */
import * as assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import type { SigningState } from '../../../protocol/src/audit/signing';
import { ask, configDir, configure, connected, eventually, files, shell, toolName } from '../workbench';

async function signedBeyond(entries: number): Promise<SigningState> {
  return await eventually('a signature of this window', async () => {
    const { signing } = await ask('conductor/status', {});
    return signing.signedTo !== null && signing.signedTo > entries && signing.place === 'editor' && signing;
  }, 40_000);
}

async function verify(): Promise<VerificationReport> {
  const report = await vscode.commands.executeCommand<VerificationReport | undefined>('conductor.audit.verify');
  assert.ok(report);
  return report;
}

describe('the signed log', function () {
  this.timeout(120_000);
  before(async () => {
    await connected();
    await configure({ plugins: { shell: { allowedCommands: ['ls', 'pwd', 'date'] } } });
    await toolName('shell_exec');
  });

  it('is signed with a key of this window, which outlives the connection and the broker, and verifies against it', async () => {
    await shell('ls');
    const first = await signedBeyond(0);
    const report = await verify();
    assert.deepEqual([report.verdict, report.level, report.trust?.pinned], ['intact', 'anchored', true], JSON.stringify(report));
    assert.match(report.trust?.words ?? '', /^signed to #\d+; anchored outside to #\d+ \(this editor's secret storage, /);
    const { pid } = await ask('conductor/status', {});
    process.kill(pid, 'SIGKILL');
    await eventually('another broker', async () => {
      const status = await ask('conductor/status', {});
      return status.pid !== pid && status.connections.editor > 0;
    });
    await shell('ls');
    const second = await signedBeyond(first.signedTo ?? 0);
    assert.equal(second.publicKey, first.publicKey);
    assert.equal((await verify()).verdict, 'intact');
    const secrets = ['audit.checkpoints', 'audit.log', 'broker.log'].map((name) => join(configDir, name)).filter((path) => existsSync(path));
    for (const path of secrets) assert.doesNotMatch(await readFile(path, 'utf8'), /"next":"[0-9a-f]{64}"/);
  });

  it('fails when the checkpoints are gone, since this window knows that it signed', async () => {
    const file = join(configDir, 'audit.checkpoints');
    const kept = await readFile(file);
    await rm(file);
    try {
      const report = await verify();
      assert.deepEqual([report.verdict, report.class], ['tampered', 'unsigned'], JSON.stringify(report));
    } finally {
      await writeFile(file, kept, { mode: 0o600 });
    }
    assert.equal((await verify()).verdict, 'intact');
    assert.ok(existsSync(files.log));
  });
});
