// `npm run bench`: measures what is claimed about speed on bundled code, as it ships; a loader of TypeScript makes every import a look-up.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './dependencies.mjs';

// Where its sources are, so that it finds the same files beside it.
const outfile = join(root, 'bench', 'bundle.cjs');
await build({ entryPoints: [join(root, 'bench', 'run.ts')], outfile, bundle: true, platform: 'node', format: 'cjs', target: 'node20', packages: 'external', logLevel: 'warning' });
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
rmSync(outfile);
process.exit(status ?? 1);
