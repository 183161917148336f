import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import vectors from '../../../../test/vectors/paths/places.json';
import { fileConfig, makeTree, pictureOf, type Tree } from '../../../../test/vectors/paths/tree';
import type { FileAction } from '../../rules/scope';
import { descriptorPins, pathPins, type Pins } from '../../base/pin';
import type { PrepareContext, Prepared } from '../tool';
import { createFilesystemTools } from './tools';

type Case = Readonly<{
  id: string; tool: string; path: string; verdict: string; rule: string; about?: string; outcome?: string; recursive?: boolean; pattern?: string;
  text?: string; lacks?: string; present?: string; absent?: string; allowed?: readonly string[]; config?: string; asks?: readonly FileAction[];
}>;

function inputOf(test: Case, tree: Tree): Record<string, unknown> {
  const path = tree.fill(test.path);
  if (test.tool === 'write') return { path, content: 'new content\n' };
  if (test.tool === 'search') return { path, pattern: test.pattern ?? 'needle' };
  return test.recursive === true ? { path, recursive: true } : { path };
}

function contextOf(test: Case, tree: Tree): PrepareContext {
  const config = fileConfig({ allowedPaths: (test.allowed ?? []).map(tree.fill), requireApproval: [...(test.asks ?? [])] });
  return { project: tree.project, configDir: test.config === undefined ? tree.config : tree.fill(test.config), config, signal: new AbortController().signal };
}

async function prepare(test: Case, tree: Tree, pins: Pins): Promise<Prepared> {
  const tool = createFilesystemTools(pins).find((each) => each.name === `filesystem.${test.tool}`);
  assert.ok(tool);
  return tool.prepare(inputOf(test, tree), contextOf(test, tree));
}

async function check(test: Case, tree: Tree, pins: Pins): Promise<void> {
  const outside = (): string => pictureOf(tree.root, ['ws']);
  const before = { outside: outside(), inside: pictureOf(tree.project), descriptors: readdirSync('/proc/self/fd').length };
  const prepared = await prepare(test, tree, pins);
  assert.equal(pictureOf(tree.project), before.inside, 'preparing changes nothing');
  assert.deepEqual([prepared.verdict.verdict, prepared.verdict.rule], [test.verdict, test.rule], prepared.verdict.reason);
  assert.ok(prepared.facts.length > 0);
  const outcome = await prepared.run(new AbortController().signal, () => undefined);
  prepared.release?.();
  const kind = outcome.kind === 'failure' ? outcome.error.code : outcome.kind === 'refused' ? outcome.code : 'success';
  assert.equal(kind, test.verdict === 'deny' ? 'DENIED' : test.outcome, JSON.stringify(outcome));
  const text = outcome.kind === 'success' ? outcome.text : outcome.kind === 'failure' ? outcome.error.message : outcome.reason;
  if (test.text !== undefined) assert.ok(text.includes(test.text), text);
  if (test.lacks !== undefined) assert.ok(!text.includes(test.lacks), text);
  if (test.verdict === 'deny') assert.ok(!text.includes('top secret') && pictureOf(tree.project) === before.inside);
  if (test.present !== undefined) assert.ok(existsSync(join(tree.project, test.present)));
  if (test.absent !== undefined) assert.equal(lstatSync(join(tree.project, test.absent), { throwIfNoEntry: false }), undefined);
  if (test.allowed === undefined) assert.equal(outside(), before.outside, 'nothing outside changed');
  assert.equal(readdirSync('/proc/self/fd').length, before.descriptors, 'every descriptor is closed');
}

/** Memory-backed where there is one: the tree is built anew for every case. */
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

for (const [level, pins] of [['descriptor', descriptorPins], ['bestEffort', pathPins]] as const) {
  describe(`file tools on a real tree, held by ${level}`, () => {
    for (const test of vectors.cases as readonly Case[]) {
      it(`${test.id} ${test.tool} ${JSON.stringify(test.path).slice(0, 60)}: ${test.verdict} ${test.rule} ${test.about ?? ''}`, async () => {
        // Making a pipe takes a process, so only the cases about it have one.
        const tree = makeTree(vectors.tree.filter(([kind]) => kind !== 'pipe' || test.path === 'pipe'), memory);
        try {
          await check(test, tree, pins);
        } finally {
          tree.remove();
        }
      });
    }
  });
}
