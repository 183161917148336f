import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { examineBubblewrap } from '../../server/src/tools/shell/sandbox/bubblewrap';

/** Real builds of bubblewrap for tests, sorted by what a trial says of them. */

/** Folders to search `bwrap` in. */
export type Builds = Readonly<{
  sound: string;
  /** One that has the flaw; missing where only sound ones could be had. */
  flawed?: string;
}>;

/** Fetches what is not there yet, which takes some seconds once. Throws when there is no sound build: a sandbox that was never started was never tested. */
export async function findBuilds(): Promise<Builds> {
  const script = resolve(__dirname, '../../scripts/bubblewrap.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 280_000 });
  const folders = [...stdout.matchAll(/^\w+: (\/.*)$/gm)].flatMap((match) => match[1] ?? []);
  let sound: string | undefined;
  let flawed: string | undefined;
  for (const folder of folders) {
    const found = await examineBubblewrap([folder]);
    if (found.kind === 'unusable') throw new Error(`${folder}: ${found.reason}`);
    if (found.sound) sound ??= folder;
    else flawed ??= folder;
  }
  if (sound === undefined) throw new Error(`No sound bubblewrap could be had for these tests.\n${stderr}`);
  if (flawed === undefined) process.stderr.write(`  Only sound builds of bubblewrap could be had, so what needs a flawed one is not tested here.\n${stderr}`);
  return flawed === undefined ? { sound } : { sound, flawed };
}

/** A program that behaves like a flawed build: it makes the files that links of its arguments lead to. */
export function pretendFlawed(folder: string, sound: string): string {
  mkdirSync(folder, { recursive: true });
  const follow = 'for each in "$@"; do to=$(readlink "$each") && case "$to" in /oldroot/*) : >"${to#/oldroot}" 2>/dev/null;; esac; done';
  writeFileSync(join(folder, 'bwrap'), `#!/bin/sh\n${follow}\nexec ${join(sound, 'bwrap')} "$@"\n`, { mode: 0o755 });
  return folder;
}
