import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import { revealLine } from '../../../../protocol/src/display';
import { ConductorError } from '../../../../protocol/src/errors';
import { createLease } from '../../base/lease';
import { readGlob } from '../../rules/glob';
import { judgeFile } from '../../rules/scope';
import type { Machine } from '../shell/plan';
import { resolveBinary, trustedFolders } from '../shell/resolve';
import { countsAsFailure, fact, failingCall, identityFact, kindOf, refusedCall, settle, shownFor, staleOutcome, switchedOff, systemError, wrongInput } from './answers';
import { strays } from './confirm';
import { Left } from './left';
import { emptyTally, isShared, lookThrough, type Search, type Tally } from './looking';
import { readPattern, type Pattern } from './pattern';
import { closePlace, isStillThere, type FoundPlace, type Places } from './places';
import { pointThrough } from './pointing';
import type { Ripgrep } from './ripgrep';
import type { PrepareContext, Tool, Prepared } from '../tool';

const input = z.strictObject({
  path: z.string().min(1).max(4096).optional().describe('Folder or file to search: relative to the project, or absolute inside it. Default: the project.'),
  pattern: z.string().min(1).max(1000).describe('Text to find within a line, taken literally unless regex is set.'),
  regex: z.boolean().optional().describe('Whether the pattern is a regular expression: classes, groups (?:…), alternatives, repetitions, ^ $ and \\b; no look-around, no references. Default: false.'),
  glob: z.string().min(1).max(500).optional().describe('Only files whose path below the searched folder fits, for instance *.ts or src/**/*.{ts,tsx}.'),
  ignoreCase: z.boolean().optional().describe('Whether upper and lower case are the same. Default: false.'),
  gitignore: z.boolean().optional().describe('Whether to leave out what .gitignore files of the project name. Default: false.'),
  limit: z.number().int().min(1).max(1000).optional().describe('Matching lines in the answer, 1 to 1000. Default: 100.'),
});

type SearchInput = z.infer<typeof input>;

/**
 * `filesystem.search`: lines that contain a text or fit a regular expression. With ripgrep where a trustworthy one is installed, else
 * file by file; no pattern can run for ever (T19).
 */
export function createSearch(places: Places, machine: Machine): Tool<SearchInput> {
  return {
    name: 'filesystem.search',
    title: 'Search in files',
    description: 'Find lines in the files of the project that contain a text, or fit a regular expression. Leaves out .git, node_modules, binary files, files over 4 MiB, hard-linked files and whatever links lead to; the answer says what was left out.',
    input,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => Promise.resolve(prepareSearch({ places, machine }, given, context)),
    countsAsFailure,
  };
}

type Searcher = Readonly<{ places: Places; machine: Machine }>;

type Plan = Readonly<{ pattern: Pattern; fits: (segments: readonly string[]) => boolean; limit: number; gitignore: boolean }>;

function prepareSearch(searcher: Searcher, given: SearchInput, context: PrepareContext): Prepared {
  const { places } = searcher;
  const path = given.path ?? '.';
  const settings = context.config.plugins.filesystem;
  const raw = `search ${path} for ${given.regex === true ? 'the expression ' : ''}${JSON.stringify(given.pattern)}${given.glob === undefined ? '' : ` in ${given.glob}`}`;
  const show = shownFor('Search in files', raw, context, []);
  if (!settings.enabled) return refusedCall(show, switchedOff, true);
  const place = places.find(path, context, true);
  if (place.kind === 'refused') return refusedCall(show, place.verdict, true);
  const sharedContent = place.kind === 'found' && isShared(place.target);
  const verdict = judgeFile({ action: 'search', asks: settings.requireApproval, names: place.names, sharedContent });
  const plan = place.kind === 'found' ? planOf(given, place) : systemError(place.kind === 'missing' ? 'ENOENT' : place.code, place.path);
  if (place.kind !== 'found' || plan instanceof Error) {
    closePlace(place);
    return failingCall(show, verdict, plan instanceof Error ? plan : wrongInput(place.path));
  }
  place.parent?.close();
  const lease = createLease(() => place.target.close());
  const work = async (signal: AbortSignal): Promise<Outcome> => {
    const stale = verdict.verdict !== 'allow' && !isStillThere(places, path, context, place);
    return stale ? staleOutcome(place.path) : (strays(place.target, place.path, context) ?? (await search(searcher, { ...plan, places, context, place, signal })));
  };
  return {
    verdict, readOnly: true,
    facts: [identityFact('Path', place.absolute, place.target), fact('Search', JSON.stringify([given.pattern, given.glob ?? null, given.ignoreCase === true, plan.limit, plan.pattern.regex, plan.gitignore]))],
    show,
    run: (signal) => lease.use(() => settle(place.path, signal, () => work(signal))),
    release: lease.release,
  };
}

function planOf(given: SearchInput, place: FoundPlace): Plan | ReturnType<typeof wrongInput> {
  if (!place.target.stat.isFile() && !place.target.stat.isDirectory()) return wrongInput(`${place.path} is ${kindOf(place.target)}. Only files and folders can be searched.`);
  const pattern = readPattern(given.pattern, given.regex === true, given.ignoreCase === true);
  if (pattern instanceof ConductorError) return pattern;
  const glob = given.glob === undefined ? undefined : readGlob(given.glob);
  if (glob?.kind === 'flawed') return wrongInput(glob.reason);
  return { pattern, fits: glob === undefined ? () => true : glob.matches, limit: given.limit ?? 100, gitignore: given.gitignore === true };
}

async function search(searcher: Searcher, order: Search): Promise<Outcome> {
  const ripgrep = findRipgrep(searcher, order);
  if (ripgrep !== undefined) {
    const [tally, left] = [emptyTally(), new Left()];
    if ((await pointThrough(order, ripgrep, tally, left)) === 'done') return answer(order, 'ripgrep', tally, left);
  }
  const [tally, left] = [emptyTally(), new Left()];
  await lookThrough(order, tally, left);
  return answer(order, 'built in', tally, left);
}

/** Where Conductor's own folder lies below, no other program is let loose. A single file needs none. */
function findRipgrep({ machine }: Searcher, { place, context }: Search): Ripgrep | undefined {
  if (!place.target.stat.isDirectory() || place.holdsOwnFolder) return undefined;
  const folders = trustedFolders(machine.searchPath, context.project);
  const binary = resolveBinary('rg', folders, context.project);
  return 'refused' in binary ? undefined : { binary, folders, environment: machine.environment(folders) };
}

function answer({ place, limit }: Search, engine: 'ripgrep' | 'built in', tally: Tally, left: Left): Outcome {
  const notes = [...left.notes(), ...notesOf(tally, limit)];
  const lines = tally.matches.map((match) => `${revealLine(match.path, 4096)}:${match.line}: ${revealLine(match.text, 400)}`);
  const head = tally.matches.length === 0 ? [`No match in ${tally.files} files.`] : [];
  const truncated = tally.end !== 'all';
  const structured = { path: place.path, matches: tally.matches, files: tally.files, notes, engine, truncated };
  return { kind: 'success', text: [...head, ...lines, ...notes.map((note) => `[${note}]`)].join('\n'), structured, truncated };
}

function notesOf(tally: Tally, limit: number): readonly string[] {
  return [
    ...(tally.ignored ? ['Files that .gitignore names were left out'] : []),
    ...(tally.binary > 0 ? [`${tally.binary} binary files were left out`] : []),
    ...(tally.large > 0 ? [`${tally.large} files over 4 MiB were left out`] : []),
    ...(tally.shared > 0 ? [`${tally.shared} hard-linked files were left out; read them one by one`] : []),
    ...(tally.slow > 0 ? [`In ${tally.slow} files the regular expression took too long; make it simpler`] : []),
    ...(tally.end === 'limit' ? [`Only the first ${limit} matches are shown; narrow the search or raise limit`] : []),
    ...(tally.end === 'time' ? ['The search took too long and was ended; narrow it with path or glob'] : []),
  ];
}
