import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** For tests: another process that swaps a folder or a file with a link, as fast as it can, until it is stopped. */

const swapper = `
  const fs = require('node:fs');
  const [path, target, kind] = process.argv.slice(1);
  const aside = path + '.aside';
  const attempt = (step) => { try { step(); } catch {} };
  const spin = () => { for (let i = Math.random() * 4000; i > 0; i -= 1); };
  const make = () => { if (kind === 'file') return fs.writeFileSync(aside, 'inside'); fs.mkdirSync(aside + '/sub', { recursive: true }); fs.writeFileSync(aside + '/f', 'inside'); fs.writeFileSync(aside + '/sub/f', 'inside'); };
  const clear = () => { if (fs.lstatSync(path).isDirectory()) fs.rmSync(path, { recursive: true, force: true }); else fs.unlinkSync(path); };
  process.stdout.write('go');
  for (;;) {
    attempt(() => fs.renameSync(path, aside));
    attempt(make);
    attempt(() => fs.symlinkSync(target, path));
    spin();
    attempt(clear);
    attempt(() => fs.renameSync(aside, path));
    spin();
  }
`;

/** Exchanges both names in one call of the kernel, some hundred thousand times a second: only where a compiler is at hand. */
const exchanger = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static const char *path, *target; static char aside[4096]; static int folder = -1, isFile;
static int kind(const char *name) { struct stat s; return lstat(name, &s) ? 0 : S_ISLNK(s.st_mode) ? 2 : 1; }
static void fill(int at, const char *name) { int f = openat(at, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0644); if (f >= 0) { if (write(f, "inside", 6)) {} close(f); } }
static void make(const char *name) { if (isFile) fill(AT_FDCWD, name); else mkdir(name, 0755); }
static void plant(const char *name) { if (symlink(target, name)) {} }
static void refill(void) {
  if (folder < 0) return;
  fill(folder, "f");
  mkdirat(folder, "sub", 0755);
  int sub = openat(folder, "sub", O_DIRECTORY | O_NOFOLLOW);
  if (sub >= 0) { fill(sub, "f"); close(sub); }
}
int main(int count, char **words) {
  if (count < 4) return 1;
  path = words[1]; target = words[2]; isFile = !strcmp(words[3], "file");
  snprintf(aside, sizeof aside, "%s.aside", path);
  if (!isFile) folder = open(path, O_DIRECTORY | O_NOFOLLOW);
  plant(aside);
  if (write(1, "go", 2)) {}
  for (unsigned turn = 0;; turn += 1) {
    if (syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, aside, 2)) {
      int here = kind(path), there = kind(aside);
      if (!here) { if (there == 1) plant(path); else make(path); }
      if (!there) { if (here == 2) make(aside); else plant(aside); }
    } else if (turn % 16 == 0 && isFile && kind(path) == 1 && kind(aside) == 1) { unlink(aside); plant(aside); }
    if (turn % 8 == 0) refill();
    for (volatile unsigned wait = turn * 2654435761u % 3000; wait; wait -= 1) {}
  }
}
`;

/** Builds the fast swapper in a folder and returns its path; undefined without a C compiler. */
export function buildExchanger(folder: string): string | undefined {
  const [source, program] = [join(folder, 'exchanger.c'), join(folder, 'exchanger')];
  writeFileSync(source, exchanger);
  return spawnSync('cc', ['-O2', '-o', program, source], { stdio: 'ignore' }).status === 0 ? program : undefined;
}

/** Begins to swap `path`, a folder or a file as `kind` says, with a link to `target`; by `program` where one was built. */
export function startSwapping(path: string, target: string, kind: 'folder' | 'file', program?: string): Promise<ChildProcess> {
  const [file, first] = program === undefined ? [process.execPath, ['-e', swapper]] : [program, []];
  const child = spawn(file, [...first, path, target, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', () => resolve(child));
  });
}

/** Ends it, and resolves when it is gone. */
export function stopSwapping(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
