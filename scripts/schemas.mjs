// Writes schemas/*.json and docs/config.md from the one source in protocol/. With --check it writes nothing and fails when one is stale.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tsImport } from 'tsx/esm/api';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { generatedFiles } = await tsImport('../server/src/config/documents.ts', import.meta.url);
const check = process.argv.includes('--check');

for (const { path, text } of generatedFiles()) {
  const file = join(root, path);
  const present = await readFile(file, 'utf8').catch(() => '');
  if (present === text) {
    process.stdout.write(`${path} is up to date\n`);
  } else if (check) {
    process.stderr.write(`${path} is stale: run node scripts/schemas.mjs and commit what it writes\n`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    process.stdout.write(`${path} written\n`);
  }
}
