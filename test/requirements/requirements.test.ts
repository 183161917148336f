import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import requirements from './requirements.json';

/** Holds the list of requirements against the tests that cite them. */

const root = resolve(__dirname, '../..');

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => pattern.test(file) && !file.includes('node_modules'))
    .map((file) => join(root, folder, file));
}

/** Titles of tests, and the text of vectors, whose ids are taken into titles. */
function citations(): string {
  const tests = ['protocol/src', 'link/src', 'server/src', 'client/src', 'test'].flatMap((folder) => filesBelow(folder, /\.test\.(ts|mjs)$/));
  // The title is the first text on the line of a test, or of a row of a table of tests.
  const titles = tests.flatMap((file) => readFileSync(file, 'utf8').split('\n')).filter((line) => /^\s*((it|describe)\(|\[\s*['"`]|\{ title:)/.test(line));
  return [...titles, ...filesBelow('test/vectors', /\.json$/).map((file) => readFileSync(file, 'utf8'))].join('\n');
}

function expand(range: string): string[] {
  const [, from = '', to = from] = /^T(\d+)(?:-T(\d+))?$/.exec(range) ?? [];
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => `T${String(Number(from) + i)}`);
}

describe('requirements', () => {
  const cited = citations();

  it('every threat in scope is cited by a test', () => {
    const missing = requirements.threats.flatMap(expand).filter((id) => !new RegExp(`\\b${id}\\b`).test(cited));
    assert.deepEqual(missing, []);
  });

  it('every behaviour is cited by a test', () => {
    assert.deepEqual(Object.keys(requirements.behaviours).filter((id) => !cited.includes(id)), []);
  });

  it('no test cites a threat that does not exist', () => {
    const unknown = [...cited.matchAll(/\bT(\d+)\b(?=[:, ])/g)].filter(([, number]) => Number(number) < 1 || Number(number) > 92).map(([id]) => id);
    assert.deepEqual(unknown, []);
  });
});
