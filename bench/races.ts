import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outsideOf, plantTree, races, runRace, startSwap, type Race } from '../test/fakes/races';
import { buildExchanger, stopSwapping } from '../test/fakes/swapping';
import type { Figure } from './figures';

/** Escapes of the file tools in races against a process that swaps links in; and of a check that is known to lose, for comparison. */

const tries = 8000;

/** Runs every race 8,000 times. Linux only. */
export async function measureRaces(): Promise<Figure[]> {
  if (process.platform !== 'linux') return [];
  const folder = mkdtempSync(join(tmpdir(), 'conductor-races-'));
  try {
    const program = buildExchanger(folder);
    const swapper = program === undefined ? 'renames in Node.js' : 'RENAME_EXCHANGE';
    const fooled = await foolResolving(program);
    const figures: Figure[] = [];
    for (const race of races) figures.push(await measureRace(race, program, `realpath, then read, against ${swapper}: ${fooled} escapes`));
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureRace(race: Race, program: string | undefined, baseline: string): Promise<Figure> {
  const tree = plantTree();
  const before = outsideOf(tree);
  const swapper = await startSwap(tree, race.swap, program);
  const tally = await runRace(tree, race, ({ success, other }) => success + other >= tries);
  await stopSwapping(swapper);
  const escapes = tally.seen + (outsideOf(tree) === before ? 0 : 1);
  tree.remove();
  return { what: `race: ${race.about}`, baseline, value: `${String(escapes)} escapes in ${String(tries)} tries, ${String(tally.success)} done inside`, goal: 'no escape', met: escapes === 0 && tally.success > 0 && tally.other > 0 };
}

/** How often checking the resolved path and then reading is led outside by the same swapping. */
async function foolResolving(program: string | undefined): Promise<number> {
  const tree = plantTree();
  const swapper = await startSwap(tree, 'd', program);
  const path = join(tree.project, 'd/f');
  let escapes = 0;
  for (let turn = 0; turn < tries; turn += 1) {
    try {
      if (realpathSync(path).startsWith(`${tree.project}/`) && readFileSync(path, 'utf8') === 'SECRET') escapes += 1;
    } catch {
      // The moment between two renames.
    }
  }
  await stopSwapping(swapper);
  tree.remove();
  return escapes;
}
