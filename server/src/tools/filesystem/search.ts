import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import { revealLine } from '../../../../protocol/src/display';
import { tour } from '../../base/folderTree';
import { readSlice } from '../../base/heldFile';
import { createLease } from '../../base/lease';
import { createPace } from '../../base/pace';
import type { Pin } from '../../base/pin';
import { readGlob } from '../../rules/glob';
import { judgeFile } from '../../rules/scope';
import { countsAsFailure, fact, failingCall, identityFact, kindOf, refusedCall, settle, shownFor, staleOutcome, switchedOff, systemError, wrongInput } from './answers';
import { strays } from './confirm';
import { Left } from './left';
import { matchesIn, readNeedle, type Match, type Needle } from './needle';
import { closePlace, isStillThere, type FoundPlace, type Places } from './places';
import type { PrepareContext, Tool, Prepared } from '../tool';

/** Files larger than this many bytes are left out, and counted. */
export const maxSearchedBytes = 4 * 1_048_576;

/** Milliseconds after which a search answers with what it has. */
const maxDuration = 20_000;

const input = z.strictObject({
  path: z.string().min(1).max(4096).optional().describe('Folder or file to search: relative to the project, or absolute inside it. Default: the project.'),
  pattern: z.string().min(1).max(1000).describe('Text to find within a line, taken literally: no wildcards, no regular expressions.'),
  glob: z.string().min(1).max(500).optional().describe('Only files whose path below the searched folder fits, for instance *.ts or src/**/*.{ts,tsx}.'),
  ignoreCase: z.boolean().optional().describe('Whether upper and lower case are the same. Default: false.'),
  limit: z.number().int().min(1).max(1000).optional().describe('Matching lines in the answer, 1 to 1000. Default: 100.'),
});

type SearchInput = z.infer<typeof input>;

/** `filesystem.search`: lines that contain a text. Literal only, so that no pattern can run for ever (T19). */
export function createSearch(places: Places): Tool<SearchInput> {
  return {
    name: 'filesystem.search',
    title: 'Search in files',
    description: 'Find lines that contain a literal text in the files of the project. Leaves out .git, node_modules, binary files, files over 4 MiB, hard-linked files and whatever links lead to; the answer says what was left out.',
    input,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => Promise.resolve(prepareSearch(places, given, context)),
    countsAsFailure,
  };
}

type Plan = Readonly<{ needle: Needle; fits: (segments: readonly string[]) => boolean; limit: number }>;

function prepareSearch(places: Places, given: SearchInput, context: PrepareContext): Prepared {
  const path = given.path ?? '.';
  const settings = context.config.plugins.filesystem;
  const raw = `search ${path} for ${JSON.stringify(given.pattern)}${given.glob === undefined ? '' : ` in ${given.glob}`}`;
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
    return stale ? staleOutcome(place.path) : (strays(place.target, place.path, context) ?? (await search(places, place, plan, signal)));
  };
  return {
    verdict, readOnly: true,
    facts: [identityFact('Path', place.absolute, place.target), fact('Search', JSON.stringify([given.pattern, given.glob ?? null, given.ignoreCase === true, plan.limit]))],
    show,
    run: (signal) => lease.use(() => settle(place.path, signal, () => work(signal))),
    release: lease.release,
  };
}

function planOf(given: SearchInput, place: FoundPlace): Plan | ReturnType<typeof wrongInput> {
  if (!place.target.stat.isFile() && !place.target.stat.isDirectory()) return wrongInput(`${place.path} is ${kindOf(place.target)}. Only files and folders can be searched.`);
  if (/[\r\n]/.test(given.pattern)) return wrongInput('The pattern spans several lines; search looks at one line at a time.');
  const glob = given.glob === undefined ? undefined : readGlob(given.glob);
  if (glob?.kind === 'flawed') return wrongInput(glob.reason);
  return { needle: readNeedle(given.pattern, given.ignoreCase === true), fits: glob === undefined ? () => true : glob.matches, limit: given.limit ?? 100 };
}

function isShared(pin: Pin): boolean {
  return pin.stat.isFile() && pin.stat.nlink > 1n;
}

type Found = Match & Readonly<{ path: string }>;

type Tally = { matches: Found[]; files: number; binary: number; large: number; shared: number; end: 'all' | 'limit' | 'time' };

async function search(places: Places, place: FoundPlace, plan: Plan, signal: AbortSignal): Promise<Outcome> {
  const tally: Tally = { matches: [], files: 0, binary: 0, large: 0, shared: 0, end: 'all' };
  const left = new Left();
  if (place.target.stat.isFile()) await look(places, place.target, place.path, plan, tally);
  else await lookAround(places, place, plan, tally, left, signal);
  return answer(place, plan, tally, left);
}

async function lookAround(places: Places, place: FoundPlace, plan: Plan, tally: Tally, left: Left, signal: AbortSignal): Promise<void> {
  const began = performance.now();
  const enter = (segments: readonly string[]): boolean => !left.isClosed(segments);
  const mayHoldShared = place.names.every((names) => names.includes('node_modules'));
  for await (const { segments, pin } of tour(place.target, { enter, avoid: place.avoid, pace: createPace(signal) }, left.add, places.pins)) {
    if (performance.now() - began > maxDuration) tally.end = 'time';
    if (tally.end !== 'all') return;
    if (!pin.stat.isFile() || !plan.fits(segments)) continue;
    if (isShared(pin) && !mayHoldShared) tally.shared += 1;
    else await look(places, pin, place.path === '.' ? segments.join('/') : `${place.path}/${segments.join('/')}`, plan, tally);
  }
}

async function look(places: Places, pin: Pin, path: string, plan: Plan, tally: Tally): Promise<void> {
  if (pin.stat.size > BigInt(maxSearchedBytes)) {
    tally.large += 1;
    return;
  }
  const bytes = await readOrSkip(places, pin);
  if (bytes === undefined) return;
  tally.files += 1;
  if (bytes.subarray(0, 8192).includes(0)) {
    tally.binary += 1;
    return;
  }
  for (const match of matchesIn(bytes, plan.needle)) {
    if (tally.matches.length >= plan.limit) {
      tally.end = 'limit';
      return;
    }
    tally.matches.push({ path, ...match });
  }
}

/** A file that may not be read, or that vanished, is no reason to end the search. */
async function readOrSkip(places: Places, pin: Pin): Promise<Buffer | undefined> {
  try {
    return (await readSlice(pin, 0, maxSearchedBytes, places.pins))?.bytes;
  } catch {
    return undefined;
  }
}

function answer(place: FoundPlace, plan: Plan, tally: Tally, left: Left): Outcome {
  const notes = [...left.notes(), ...notesOf(tally, plan)];
  const lines = tally.matches.map((match) => `${revealLine(match.path, 4096)}:${match.line}: ${revealLine(match.text, 400)}`);
  const head = tally.matches.length === 0 ? [`No match in ${tally.files} files.`] : [];
  const structured = { path: place.path, matches: tally.matches, files: tally.files, notes };
  return { kind: 'success', text: [...head, ...lines, ...notes.map((note) => `[${note}]`)].join('\n'), structured, truncated: tally.end !== 'all' };
}

function notesOf(tally: Tally, plan: Plan): readonly string[] {
  return [
    ...(tally.binary > 0 ? [`${tally.binary} binary files were left out`] : []),
    ...(tally.large > 0 ? [`${tally.large} files over 4 MiB were left out`] : []),
    ...(tally.shared > 0 ? [`${tally.shared} hard-linked files were left out; read them one by one`] : []),
    ...(tally.end === 'limit' ? [`Only the first ${plan.limit} matches are shown; narrow the search or raise limit`] : []),
    ...(tally.end === 'time' ? ['The search took too long and was ended; narrow it with path or glob'] : []),
  ];
}
