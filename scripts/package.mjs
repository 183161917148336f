// Makes the .vsix from a production build, and says how large it is.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './dependencies.mjs';

/** Path of the package that `npm run package` makes. */
export function packagePath() {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return join(root, `${name}-${version}.vsix`);
}

/** Builds for production and packs. Throws when vsce refuses. */
export function makePackage() {
  run(process.execPath, [join(root, 'scripts', 'build.mjs'), '--production']);
  const vsce = join(dirname(createRequire(import.meta.url).resolve('@vscode/vsce/package.json')), 'vsce');
  run(process.execPath, [vsce, 'package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', packagePath()]);
  console.log(`${packagePath()}: ${(statSync(packagePath()).size / 1024).toFixed(0)} KiB`);
}

/** SHA-256 of the built extension and broker: what an editor suite measures is of this build and of no other. `bench/run.ts` compares. */
export function buildDigest() {
  const digest = createHash('sha256');
  for (const name of ['extension.js', 'server.js']) digest.update(readFileSync(join(root, 'dist', name)));
  return digest.digest('hex');
}

function run(program, args) {
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`"${args[0]}" ended with exit code ${String(status)}.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) makePackage();
