import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import { inCompany } from '../company';
import { ShellProject } from '../../../../test/fakes/shellProject';
import { stopSwapping } from '../../../../test/fakes/swapping';
import { digestOfFacts } from '../fact';

/** Another process exchanges an approved script for another one and back, by rename and by writing into it, as fast as it can. */

const good = 'echo GOOD\n';
const swapper = `
  const fs = require('node:fs');
  const [path, good] = process.argv.slice(1);
  const wait = (most) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * most);
  const put = (text) => { fs.writeFileSync(path + '.aside', text); fs.renameSync(path + '.aside', path); };
  process.stdout.write('go');
  for (;;) {
    put(good); wait(12);
    put('echo EVIL\\n'); wait(3);
    put(good); wait(12);
    fs.writeFileSync(path, 'echo EVIL\\n'); wait(3);
  }
`;

function startExchanging(path: string, script: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', swapper, path, script], { stdio: ['ignore', 'pipe', 'inherit'] });
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
  async function race(line: string, tries: number, script = good): Promise<Readonly<{ good: number; evil: number; refused: number }>> {
    const file = ground.put('s.sh', script);
    const approved = digestOfFacts((await ground.prepare(line)).facts.filter(({ label }) => label !== 'File')) + ` ${script}`;
    exchanging = await startExchanging(file, script);
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

  it('T16 T41 a script of a plain shell that does not ask for its name never runs with other bytes', async () => {
    const counts = await race('bash s.sh', 400);
    assert.equal(counts.evil, 0);
    assert.ok(counts.good > 0 && counts.refused > 0, `the race took place: ${JSON.stringify(counts)}`);
  });

  it('T16 T41 a script that its interpreter opens by name never counts as approved when it was touched meanwhile', async () => {
    const counts = await race('bash ./s.sh', 200, `: "$0"\n${good}`);
    assert.equal(counts.evil, 0);
    assert.ok(counts.refused > 0, `the race took place: ${JSON.stringify(counts)}`);
  });
});

describe('commands:script handed to a plain shell', () => {
  let ground: ShellProject;
  beforeEach(function () {
    if (process.platform !== 'linux') this.skip();
    ground = new ShellProject(['echo', 'timeout'], ['bash', 'sh', 'node']);
  });
  afterEach(() => ground?.remove());

  async function output(line: string): Promise<unknown> {
    const prepared = await ground.prepare(line);
    assert.equal(prepared.verdict.verdict, 'approve');
    const outcome = await ground.start(prepared);
    return outcome.kind === 'refused' ? outcome.reason : [outcome.structured?.['stdout'], outcome.structured?.['stderr']];
  }

  it('means what it means by its name: arguments, folder, input, exit and complaints', async () => {
    ground.put('sub/s.sh', 'echo "$#:$1:$PWD" >&1\ncat\nnoSuchProgram\nexit 3\n');
    for (const shell of ['bash', 'sh']) {
      assert.deepEqual(await output(`echo in | ${shell} -e sub/s.sh 'a b' c`), [`2:a b:${ground.project}\nin\n`, shell === 'bash' ? 'sub/s.sh: line 3: noSuchProgram: command not found\n' : 'sub/s.sh: 3: noSuchProgram: not found\n']);
    }
    assert.deepEqual(await output('timeout 5 bash sub/s.sh x < sub/s.sh'), [`1:x:${ground.project}\necho "$#:$1:$PWD" >&1\ncat\nnoSuchProgram\nexit 3\n`, 'sub/s.sh: line 3: noSuchProgram: command not found\n']);
  });

  it('keeps its name where it asks for it, and other interpreters keep theirs', async () => {
    ground.put('sub/s.sh', 'echo "$(dirname "$0") ${BASH_SOURCE[0]}"\n');
    assert.deepEqual(await output('bash sub/s.sh'), ['sub sub/s.sh\n', '']);
    ground.put('sub/s.js', 'console.log(process.argv[1].endsWith("sub/s.js"), __dirname.endsWith("sub"))');
    assert.deepEqual(await output('node sub/s.js'), ['true true\n', '']);
  });

  it('T16 says so when what an interpreter reads later was exchanged meanwhile', async () => {
    const wait = 'echo begun; while [ ! -e go ]; do sleep 0.02; done';
    ground.settle(['cat'], ['bash', 'node']);
    // More than a pipe holds, so that the next file is still to be opened.
    ground.put('big.sh', `${wait}\n${'# comment\n'.repeat(200_000)}`);
    const lines = ['cat big.sh s.sh | bash', `bash -c '${wait}; . ./s.sh'`, `bash -c '${wait}; bash s.sh'`, `bash -c '${wait}; sub/s.sh'`, "node -e 'console.log(\"begun\"); const fs = require(\"fs\"); while (!fs.existsSync(\"go\")); require(\"./s.js\")'"];
    for (const line of lines) {
      const files = ['s.sh', 'sub/s.sh', 's.js'];
      for (const path of files) ground.put(path, path.endsWith('js') ? 'console.log(1)\n' : '#!/bin/sh\necho 1\n', 0o755);
      rmSync(join(ground.project, 'go'), { force: true });
      const prepared = await ground.prepare(line);
      assert.equal(prepared.verdict.verdict, 'approve', line);
      const outcome = await prepared.run(new AbortController().signal, (message) => {
        if (message !== 'begun') return;
        for (const path of files) ground.put(path, path.endsWith('js') ? 'console.log(2)\n' : '#!/bin/sh\necho 2\n', 0o755);
        ground.put('go', '');
      });
      assert.ok(outcome.kind === 'failure' && outcome.error.code === 'APPROVAL_STALE', `${line}: ${JSON.stringify(outcome)}`);
    }
  });

  it('T16 says so when another call may have exchanged what a program text loads, in whatever spelling', async () => {
    const wait = 'echo begun; while [ ! -e go ]; do sleep 0.02; done';
    ground.settle(['sed', 'cat'], ['bash', 'python3']);
    ground.put('big.sh', `${wait}\n${'# comment\n'.repeat(200_000)}`);
    const lines = ["sed '' big.sh s.sh | bash", `bash -c '${wait}; bash < s.sh'`, `bash -c '${wait}; eval "$(cat s.sh)"'`, `bash -c '${wait}; x=s; cat $x.sh'`, "python3 -uc 'import os, time; print(\"begun\")\nwhile not os.path.exists(\"go\"): time.sleep(0.02)\nfrom s import x'"];
    for (const company of [true, false]) for (const line of lines) {
      for (const path of ['s.sh', 's.py']) ground.put(path, path.endsWith('py') ? 'x = 1\n' : 'echo 1\n');
      rmSync(join(ground.project, 'go'), { force: true });
      const prepared = await ground.prepare(line);
      assert.equal(prepared.verdict.verdict, 'approve', line);
      const change = (): void => {
        for (const path of ['s.sh', 's.py']) ground.put(path, path.endsWith('py') ? 'x = 2\n' : 'echo 2\n');
        ground.put('go', '');
      };
      const outcome = await prepared.run(new AbortController().signal, (message) => {
        if (message === 'begun') void (company ? inCompany(() => Promise.resolve(change())) : change());
      });
      // Alone, it may have been the program itself, unless it said that it would read the file.
      if (company) assert.ok(outcome.kind === 'failure' && outcome.error.code === 'APPROVAL_STALE', `${line}: ${JSON.stringify(outcome)}`);
      else if (line.includes('$x')) assert.equal(outcome.kind, 'success', line);
    }
  });

  it('T16 says so when what a program text loads came to be meanwhile', async () => {
    ground.settle([], ['python3']);
    rmSync(join(ground.project, 'yaml.py'), { force: true });
    const prepared = await ground.prepare("python3 -uc 'import os, time; print(\"begun\")\nwhile not os.path.exists(\"go\"): time.sleep(0.02)\nimport yaml'");
    const outcome = await prepared.run(new AbortController().signal, (message) => {
      if (message === 'begun') void inCompany(() => Promise.resolve(void (ground.put('yaml.py', 'print("EVIL")\n'), ground.put('go', ''))));
    });
    assert.ok(outcome.kind === 'failure' && outcome.error.code === 'APPROVAL_STALE', JSON.stringify(outcome));
  });

  it('says nothing of files that a program writes, or that nobody touched', async () => {
    ground.settle(['cat'], ['bash']);
    ground.put('s.sh', 'echo in\n');
    ground.put('out.log', 'old\n');
    for (const line of ["bash -c '. ./s.sh > out.log'", 'cat s.sh | bash > out.log', "bash -c 'echo x > out.log; cat out.log'"]) assert.equal((await ground.run(line)).kind, 'success', line);
  });

  it('T16 says so when a script was touched while its interpreter began', async () => {
    const file = ground.put('s.js', 'require("node:fs").utimesSync(__filename, 1, 1); console.log(1)');
    const outcome = await ground.start(await ground.prepare(`node ${file}`));
    assert.ok(outcome.kind === 'failure' && outcome.error.code === 'APPROVAL_STALE', JSON.stringify(outcome));
  });
});
