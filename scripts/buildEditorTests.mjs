// Bundles the suites that run inside VS Code's extension host, one file each, into out/test/editor/driver.
import { build } from 'esbuild';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './dependencies.mjs';

const folder = join(root, 'test', 'editor', 'driver');
const outdir = join(root, 'out', 'test', 'editor', 'driver');
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: readdirSync(folder).filter((file) => file.endsWith('.test.ts')).map((file) => join(folder, file)),
  outdir, bundle: true, platform: 'node', target: 'node20', format: 'cjs', mainFields: ['module', 'main'], external: ['vscode', 'mocha'], sourcemap: 'linked', logLevel: 'warning',
});
