import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShellProject } from '../../../../test/fakes/shellProject';

describe('notes that a program would keep in the home folder', () => {
  let bin: string;
  beforeEach(() => (bin = mkdtempSync(join(tmpdir(), 'conductor-wget-'))));
  afterEach(() => rmSync(bin, { recursive: true, force: true }));

  /** What a program called wget, that says what it was given, was given for each line. */
  async function givenTo(lines: readonly string[]): Promise<readonly string[]> {
    const ground = new ShellProject(['wget', 'timeout', 'nice'], [], {}, [bin]);
    try {
      const given: string[] = [];
      for (const line of lines) given.push((await ground.silent(line)).trim());
      return given;
    } finally {
      ground.remove();
    }
  }

  const lines = ['wget -qO- https://example.com', 'timeout 9 nice wget --spider https://example.com'];

  it('T24 wget keeps none outside the project', async () => {
    writeFileSync(join(bin, 'wget'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
    assert.deepEqual(await givenTo(lines), ['--no-hsts -qO- https://example.com', '--no-hsts --spider https://example.com']);
  });

  it('a small version that keeps none is given nothing more', async () => {
    writeFileSync(join(bin, 'smallbox'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
    symlinkSync('smallbox', join(bin, 'wget'));
    assert.deepEqual(await givenTo(lines), ['-qO- https://example.com', '--spider https://example.com']);
  });
});
