import assert from 'node:assert/strict';
import { createRegexWorker, regexThreads } from './regexWorker';

describe('filesystem.search: expressions that do not stop', function () {
  this.timeout(120_000);

  it('T19 waits for none whose compiler hears no order to end, and starts only few of them', async () => {
    const pattern = { source: `(?:${'a|'.repeat(450)}b){3}$`, regex: true, ignoreCase: true };
    const content = Buffer.from(`${'a'.repeat(60)}!\n`);
    const workers = Array.from({ length: 8 }, () => createRegexWorker(pattern, 50));
    const found = await Promise.all(workers.map((worker) => worker.hits(content, 1)));
    assert.ok(found.every((each) => each === 'tooLong'), JSON.stringify(found));
    assert.ok(regexThreads() <= 3, String(regexThreads()));
    for (const worker of workers) assert.equal(await worker.hits(content, 1), 'tooLong');
    await Promise.all(workers.map((worker) => worker.close()));
  });

  it('counts threads that have ended no more', async () => {
    while (regexThreads() > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    const worker = createRegexWorker({ source: 'b+', regex: true, ignoreCase: false });
    assert.deepEqual(await worker.hits(Buffer.from('a\nbb\n'), 5), [{ line: 2, at: 0 }]);
    await worker.close();
    while (regexThreads() > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  });
});
