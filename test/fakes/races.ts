import type { ChildProcess } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptorPins } from '../../server/src/base/pin';
import { createFilesystemTools } from '../../server/src/tools/filesystem/tools';
import { fileConfig, makeTree, pictureOf, type Tree } from '../vectors/paths/tree';
import { startSwapping } from './swapping';

/** Races of the file tools against a process that swaps a folder or a file with a link to the outside (T27). */

const lines = [
  ['folder', 'ws'], ['folder', 'cfg'], ['folder', 'secret/sub'], ['file', 'secret/f', 'SECRET'], ['file', 'secret/sub/f', 'SECRET'], ['file', 'secret/SECRET', ''],
  ['folder', 'ws/d/sub'], ['file', 'ws/d/f', 'inside'], ['file', 'ws/d/sub/f', 'inside'], ['file', 'ws/file', 'inside'],
] as const;

/** One race: what is swapped, and which call is made meanwhile. */
export type Race = Readonly<{ about: string; swap: 'd' | 'file'; tool: string; input: Record<string, unknown> }>;

/** All of them. */
export const races: readonly Race[] = [
  { about: 'read through a swapped folder', swap: 'd', tool: 'filesystem.read', input: { path: 'd/f' } },
  { about: 'read of a swapped file', swap: 'file', tool: 'filesystem.read', input: { path: 'file' } },
  { about: 'list of a swapped folder', swap: 'd', tool: 'filesystem.list', input: { path: 'd', recursive: true } },
  { about: 'search in a swapped folder', swap: 'd', tool: 'filesystem.search', input: { path: 'd', pattern: 'e', ignoreCase: true } },
  { about: 'write through a swapped folder', swap: 'd', tool: 'filesystem.write', input: { path: 'd/f', content: 'written' } },
  { about: 'new file in new folders below a swapped folder', swap: 'd', tool: 'filesystem.write', input: { path: 'd/new/g', content: 'written' } },
  { about: 'write of a swapped file', swap: 'file', tool: 'filesystem.write', input: { path: 'file', content: 'written' } },
  { about: 'edit through a swapped folder', swap: 'd', tool: 'filesystem.edit', input: { path: 'd/f', edits: [{ oldText: 'inside', newText: 'edited' }] } },
  { about: 'delete through a swapped folder', swap: 'd', tool: 'filesystem.delete', input: { path: 'd/f' } },
  { about: 'delete of a folder below a swapped folder', swap: 'd', tool: 'filesystem.delete', input: { path: 'd/sub', recursive: true } },
  { about: 'delete of a swapped file', swap: 'file', tool: 'filesystem.delete', input: { path: 'file' } },
];

/** A tree for one race; memory-backed where there is such a place, so that waiting for a disk does not take the place of tries. */
export function plantTree(): Tree {
  return makeTree(lines, existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
}

/** Starts to swap what the race is about with a link to the secret. */
export function startSwap(tree: Tree, swap: Race['swap'], program?: string): Promise<ChildProcess> {
  return startSwapping(join(tree.project, swap), swap === 'file' ? '../secret/f' : '../secret', swap === 'file' ? 'file' : 'folder', program);
}

/** What must not change outside: content, and the times that any entry made or removed there would move, even for a moment. */
export function outsideOf(tree: Tree): string {
  const times = ['secret', 'secret/sub', 'secret/f'].map((path) => statSync(join(tree.root, path), { bigint: true }).ctimeNs);
  return [pictureOf(join(tree.root, 'secret')), ...times].join('\n');
}

/** How often the call succeeded, how often it did not, and how often an answer held something from outside. */
export type Tally = { success: number; other: number; seen: number };

/** Makes the call of a race again and again until `isEnough`. */
export async function runRace(tree: Tree, race: Race, isEnough: (tally: Readonly<Tally>) => boolean): Promise<Tally> {
  const tool = createFilesystemTools(descriptorPins).find((each) => each.name === race.tool);
  if (tool === undefined) throw new Error(`there is no tool ${race.tool}`);
  const signal = new AbortController().signal;
  const context = { project: tree.project, configDir: tree.config, config: fileConfig(), signal };
  const tally: Tally = { success: 0, other: 0, seen: 0 };
  while (!isEnough(tally)) {
    const prepared = await tool.prepare(race.input, context);
    const outcome = prepared.verdict.verdict === 'allow' ? await prepared.run(signal, () => undefined) : undefined;
    prepared.release?.();
    if (JSON.stringify(outcome ?? '').includes('SECRET')) tally.seen += 1;
    tally[outcome?.kind === 'success' ? 'success' : 'other'] += 1;
  }
  return tally;
}
