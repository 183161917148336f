// Checks the types of every program, each under its own tsconfig, so that protocol cannot see Node.js and server cannot see vscode.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const programs = ['protocol', 'link', 'server', 'client', 'test', 'bench'];

const failed = programs.filter((program) => spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', program, '--incremental', '--tsBuildInfoFile', join(root, 'out', 'types', `${program}.tsbuildinfo`)], { cwd: root, stdio: 'inherit' }).status !== 0);
if (failed.length > 0) {
  console.error(`Type errors in: ${failed.join(', ')}`);
  process.exit(1);
}
