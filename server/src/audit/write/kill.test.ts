import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { verifyAuditLog } from '../verify/verifier';
import { openAuditWriter } from './writer';

/** Appends for ever from 20 callers and prints every id that was acknowledged. */
const program = `
import { openAuditWriter } from ${JSON.stringify(join(__dirname, 'writer.ts'))};
const writer = await openAuditWriter({ path: process.argv[2], createdBy: 'test' });
for (let caller = 0; caller < 20; caller += 1) void (async () => {
  for (let n = 0; ; n += 1) {
    const { id } = await writer.append({ phase: 'event', tool: 'x.y', input: { caller, n }, result: 'ok' });
    process.stdout.write(id + '\\n');
  }
})();
`;

describe('audit log of a killed process', () => {
  it('audit:kill T83 keeps every acknowledged entry over several kills, and the chain goes on', async function () {
    this.timeout(60_000);
    const folder = await mkdtemp(join(tmpdir(), 'conductor-kill-'));
    const path = join(folder, 'audit.log');
    await writeFile(join(folder, 'append.mts'), program);
    const acked = new Set<string>();
    for (let kill = 0; kill < 3; kill += 1) {
      const child = spawn(process.execPath, ['--import', pathToFileURL(createRequire(__filename).resolve('tsx')).href, join(folder, 'append.mts'), path], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(child, 'exit');
      let text = '';
      const before = acked.size;
      for await (const chunk of child.stdout) {
        text += String(chunk);
        if (text.length > 31 * 400 * (kill + 1)) child.kill('SIGKILL');
      }
      await exited;
      for (const id of text.split('\n').slice(0, -1)) acked.add(id);
      assert.ok(acked.size > before + 100, 'the child appended nothing');
    }
    const writer = await openAuditWriter({ path, createdBy: 'test' });
    assert.equal(writer.state().health.state, 'healthy');
    await writer.close();
    const log = await readFile(path, 'utf8');
    for (const id of acked) assert.ok(log.includes(`"id":"${id}"`), `${id} is lost`);
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
    await rm(folder, { recursive: true });
  });
});
