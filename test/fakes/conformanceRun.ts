import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Runs the official conformance suite against a server. */

/** What became of each check, by scenario and check. */
export type Verdicts = ReadonlyMap<string, string>;

const suite = resolve(__dirname, '../../node_modules/@modelcontextprotocol/conformance/dist/index.js');
const hooks = pathToFileURL(resolve(__dirname, 'conformanceHooks.mjs')).href;

/** Runs every scenario that a revision requires. Rejects when the suite itself does not come to its end in time. */
export function runConformance(port: number, revision: string, timeoutMs: number): Promise<Verdicts> {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-conformance-'));
  const child = spawn(process.execPath, ['--import', hooks, suite, 'server', '--url', `http://127.0.0.1:${String(port)}/mcp`, '--requirements', revision, '--timeout', '15000', '-o', folder], { stdio: 'ignore', timeout: timeoutMs });
  return new Promise((settle, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      try {
        if (signal !== null) throw new Error(`The suite was ended by ${signal} after ${String(timeoutMs)} ms.`);
        settle(verdictsIn(folder));
      } catch (thrown) {
        reject(thrown instanceof Error ? thrown : new Error(`exit ${String(code)}`));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
}

function verdictsIn(folder: string): Verdicts {
  const verdicts = new Map<string, string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('checks.json'))) {
    const scenario = file.replace(/^server-/, '').replace(/-?\d{4}-\d\d-\d\dT.*$/, '');
    for (const { id, status, errorMessage = '' } of JSON.parse(readFileSync(join(folder, file), 'utf8')) as { id: string; status: string; errorMessage?: string }[]) {
      const key = `${scenario} / ${id}`;
      if (verdicts.get(key)?.startsWith('FAILURE') !== true) verdicts.set(key, status === 'FAILURE' ? `FAILURE ${errorMessage}` : status);
    }
  }
  return verdicts;
}
