// Bundles the suites that run inside VS Code's extension host, one file each, into out/test/editor.
import { build } from 'esbuild';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './dependencies.mjs';

const source = join(root, 'test', 'editor');
const outdir = join(root, 'out', 'test', 'editor');
const suites = ['driver', 'restricted'].flatMap((suite) => readdirSync(join(source, suite)).map((file) => join(source, suite, file)));
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: suites.filter((file) => file.endsWith('.test.ts')),
  outbase: source, outdir, bundle: true, platform: 'node', target: 'node20', format: 'cjs', mainFields: ['module', 'main'], external: ['vscode', 'mocha'], sourcemap: 'linked', logLevel: 'warning',
});
