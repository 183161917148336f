import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { TestHouse, type Json } from './house';

/** A program that has a secret, and another one that cuts what it writes into pieces which nobody would know for a secret. */
describe('pieces of secrets', function () {
  this.timeout(60_000);
  const canary = 'cAnary-Sh3ll-9xZq7Lm5vT2';
  let house: TestHouse;
  before(async () => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['printenv', 'cut', 'rev', 'cat', 'sha256sum'], requireApproval: ['node'], secrets: { printenv: { CANARY: '${secret:canary.shell}' }, node: { CANARY: '${secret:canary.shell}' } } } } });
    const window = await house.control('editor', { window: 'one' });
    window.onNotification('approvals/changed', () => void window.sendRequest<{ pending: Json[] }>('approvals/list', {}).then(async ({ pending }) => {
      for (const { id, digest } of pending) await window.sendRequest('approvals/decide', { id, digest, decision: 'approve' }).catch(() => undefined);
    }, () => undefined));
    await window.sendRequest('approvals/attend', { attending: true });
    await window.sendRequest('credentials/set', { name: 'canary.shell', value: canary });
    writeFileSync(join(house.project, 'bytes.cjs'), `const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i)); process.stdout.write(all); process.stdout.write(process.env.CANARY); for (let i = 0; i < 4000; i += 1) process.stdout.write(all);`);
  });
  after(() => house.close());

  it('redaction:cuts: T72: what a program without a secret writes of one says none of it at a cut of long output', async () => {
    const agent = await house.introducedAgent();
    const halves = [canary.slice(0, 4), canary.slice(-4), canary.slice(4, 12), canary.slice(12, 20)];
    const line = `${'x'.repeat(63)}\n`;
    const fill = (length: number): string => line.repeat(Math.ceil(length / line.length)).slice(0, length);
    for (let inside = 1; inside < canary.length; inside += 3) {
      // Kept are the first and the last 256 KiB of a stream, and of several together 272.
      const over = (kept: number): string => `${fill(kept - inside)}${canary}${fill(400_000)}${canary}${fill(kept - inside)}`;
      writeFileSync(join(house.project, 'long.txt'), over(262_144));
      writeFileSync(join(house.project, 'first.txt'), `${fill(278_528 - inside)}${canary}`);
      writeFileSync(join(house.project, 'last.txt'), `${canary}${fill(278_528 - inside)}`);
      for (const command of ['cat long.txt', 'cat first.txt && cat last.txt']) {
        const { text, structured } = await agent.call('shell_exec', { command });
        assert.match(text, /left out/);
        for (const half of halves) assert.ok(!`${text}${String(structured['stdout'])}`.includes(half), `${command}, ${String(inside)}: ${half}`);
      }
    }
  });

  it('redaction:pieces-between: T72: what goes from a program with a secret into another one, or into a file, holds none', async () => {
    const agent = await house.introducedAgent();
    const said = async (command: string): Promise<string> => (await agent.call('shell_exec', { command })).text;
    for (let from = 1; from <= canary.length; from += 6) {
      const piece = canary.slice(from - 1, from + 5);
      const text = await said(`printenv CANARY | cut -c${String(from)}-${String(from + 5)}`);
      assert.ok(text.length > 0 && !text.includes(piece), `${piece} in ${text}`);
    }
    assert.match(await said('printenv CANARY | rev'), />llehs\.yranac terces</);
    await said('printenv CANARY > out.txt');
    assert.equal(readFileSync(join(house.project, 'out.txt'), 'utf8'), '<secret canary.shell>\n');
    await said('printenv CANARY >> out.txt');
    assert.equal(readFileSync(join(house.project, 'out.txt'), 'utf8'), '<secret canary.shell>\n'.repeat(2));
    // What is no text goes on byte for byte.
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const wanted = createHash('sha256').update(Buffer.concat([all, Buffer.from('<secret canary.shell>'), ...Array.from({ length: 4000 }, () => all)])).digest('hex');
    assert.match(await said('node bytes.cjs | sha256sum'), new RegExp(wanted));
    await said('node bytes.cjs > bytes.bin');
    assert.equal(createHash('sha256').update(readFileSync(join(house.project, 'bytes.bin'))).digest('hex'), wanted);
  });
});
