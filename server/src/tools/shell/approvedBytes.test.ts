import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import { ShellProject } from '../../../../test/fakes/shellProject';
import { stopSwapping } from '../../../../test/fakes/swapping';
import { digestOfFacts } from '../fact';

/** Another process exchanges an approved script for another one and back, by rename and by writing into it, as fast as it can. */

const good = 'echo GOOD\n';
const swapper = `
  const fs = require('node:fs');
  const [path] = process.argv.slice(1);
  const wait = (most) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * most);
  const put = (text) => { fs.writeFileSync(path + '.aside', text); fs.renameSync(path + '.aside', path); };
  process.stdout.write('go');
  for (;;) {
    put(${JSON.stringify(good)}); wait(12);
    put('echo EVIL\\n'); wait(3);
    put(${JSON.stringify(good)}); wait(12);
    fs.writeFileSync(path, 'echo EVIL\\n'); wait(3);
  }
`;

function startExchanging(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', swapper, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', () => resolve(child));
  });
}

describe('T16 T41 races for an approved script', function () {
  this.timeout(120_000);
  let ground: ShellProject;
  let exchanging: ChildProcess | undefined;
  beforeEach(() => {
    ground = new ShellProject([], ['bash']);
  });
  afterEach(async () => {
    if (exchanging !== undefined) await stopSwapping(exchanging);
    exchanging = undefined;
    ground.remove();
  });

  function outputOf(outcome: Outcome): string {
    return outcome.kind === 'success' ? String(outcome.structured?.['stdout']) : '';
  }

  /** Tries as the pipeline does it: what a person saw and approved, prepared again, compared, and run. */
  async function race(line: string, tries: number): Promise<Readonly<{ good: number; evil: number; refused: number }>> {
    const file = ground.put('s.sh', good);
    const approved = digestOfFacts((await ground.prepare(line)).facts.filter(({ label }) => label !== 'File')) + ` ${good}`;
    exchanging = await startExchanging(file);
    const counts = { good: 0, evil: 0, refused: 0 };
    for (let tried = 0; tried < tries; tried += 1) {
      const now = await ground.prepare(line);
      const text = now.facts.find(({ label, key }) => label === 'File' && key === join(ground.project, 's.sh'))?.text;
      if (`${digestOfFacts(now.facts.filter(({ label }) => label !== 'File'))} ${text ?? ''}` !== approved) {
        counts.refused += 1;
        continue;
      }
      const output = outputOf(await ground.start(now));
      counts[output === 'GOOD\n' ? 'good' : output === '' ? 'refused' : 'evil'] += 1;
    }
    return counts;
  }

  it('T16 T41 a script that is read from a redirection never runs with other bytes', async () => {
    const counts = await race('bash < s.sh', 400);
    assert.equal(counts.evil, 0);
    assert.ok(counts.good > 0 && counts.refused > 0, `the race took place: ${JSON.stringify(counts)}`);
  });
});
