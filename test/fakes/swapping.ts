import { spawn, type ChildProcess } from 'node:child_process';

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

/** Begins to swap `path`, a folder or a file as `kind` says, with a link to `target`. */
export function startSwapping(path: string, target: string, kind: 'folder' | 'file'): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', swapper, path, target, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
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
