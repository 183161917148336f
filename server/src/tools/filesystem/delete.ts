import { createHash } from 'node:crypto';
import { basename, join, sep } from 'node:path';
import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import type { ConductorError } from '../../../../protocol/src/errors';
import { removeTree, tour } from '../../base/folderTree';
import { createPace } from '../../base/pace';
import { controlNameIn } from '../../rules/controlNames';
import { repositoriesAmong } from '../../rules/gitLayout';
import { judgeFile, refuseOwnFolder, refuseRoot } from '../../rules/scope';
import { countsAsFailure, fact, failingCall, impossible, kindOf, refusedCall, settle, shownFor, staleOutcome, stateOf, switchedOff, systemError, wrongInput } from './answers';
import { strays } from './confirm';
import { closePlace, type FoundPlace, type Places } from './places';
import { digestOfFacts, type Fact } from '../fact';
import { scopeRefusal } from './writable';
import type { PrepareContext, Shown, Tool, Prepared } from '../tool';

const input = z.strictObject({
  path: z.string().min(1).max(4096).describe('Path to delete: relative to the project, or absolute inside it. A link itself is deleted, never what it leads to.'),
  recursive: z.boolean().optional().describe('Whether a folder may be deleted with all that it holds. Default: false.'),
});

type DeleteInput = z.infer<typeof input>;

/** `filesystem.delete`: a file, a link, or a folder inside the allowed folders; never an allowed folder itself. */
export function createDelete(places: Places): Tool<DeleteInput> {
  return {
    name: 'filesystem.delete',
    title: 'Delete a file or folder',
    description: 'Delete a file, a link or a folder inside the project; a folder that is not empty needs recursive: true. There is no undo. A person may have to approve.',
    input,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    prepare: (given, context) => prepareDelete(places, given, context),
    countsAsFailure,
  };
}

async function prepareDelete(places: Places, given: DeleteInput, context: PrepareContext): Promise<Prepared> {
  const show = shownFor('Delete a file or folder', `delete ${given.path}${given.recursive === true ? ' with all that it holds' : ''}`, context, []);
  if (!context.config.plugins.filesystem.enabled) return refusedCall(show, switchedOff, false);
  const place = places.find(given.path, context, false);
  try {
    if (place.kind === 'refused') return refusedCall(show, place.verdict, false);
    if (place.holdsRoot) return refusedCall(show, refuseRoot(), false);
    if (place.holdsOwnFolder) return refusedCall(show, refuseOwnFolder(), false);
    if (place.kind !== 'found') return failingCall(show, impossible, systemError(place.kind === 'missing' ? 'ENOENT' : place.code, place.path));
    const census = await takeCensus(places, place, context.signal);
    if (census.protected) return refusedCall(show, refuseOwnFolder(), false);
    const outOfScope = scopeRefusal(context, census.complete ? [place.absolute, ...census.places] : [place.absolute, '/']);
    if (outOfScope !== undefined) return refusedCall(show, outOfScope, false);
    const error = flawOf(place, given, census);
    return error === undefined ? ready(places, given, context, { place, census, show }) : failingCall(show, impossible, error);
  } finally {
    closePlace(place);
  }
}

function ready(places: Places, given: DeleteInput, context: PrepareContext, found: { place: FoundPlace; census: Census; show: Shown }): Prepared {
  const { place, census } = found;
  const verdict = judgeFile({
    action: 'delete', asks: context.config.plugins.filesystem.requireApproval, names: place.names, sharedContent: false, tooManyToList: !census.complete,
    ...(census.control === undefined ? {} : { controlNameWithin: census.control }),
  });
  const facts = factsOf(place, census, given);
  return {
    verdict, facts, readOnly: false,
    show: { ...found.show, details: detailsOf(place, census) },
    run: (signal, progress) => settle(place.path, signal, () => remove(places, given, context, { digest: digestOfFacts(facts), signal, progress })),
  };
}

function flawOf(place: FoundPlace, given: DeleteInput, census: Census): ConductorError | undefined {
  const needsMore = place.target.stat.isDirectory() && given.recursive !== true && census.files + census.folders > 0;
  return needsMore ? wrongInput(`${place.path} is a folder that is not empty. Pass recursive: true to delete it with all that it holds.`) : undefined;
}

function factsOf(place: FoundPlace, census: Census, given: DeleteInput): readonly Fact[] {
  const within = place.target.stat.isDirectory() ? [fact('All that it holds', `${census.files} files, ${census.folders} folders, names and states sha256:${census.hash}`)] : [];
  return [{ label: 'Path', key: place.absolute, value: stateOf(place.target) }, fact('Recursive', given.recursive === true ? 'yes' : 'no'), ...within];
}

/** What lies in a folder: enough to show it, and a hash that any change to it changes. */
type Census = Readonly<{ files: number; folders: number; bytes: bigint; sample: readonly string[]; control: string | undefined; protected: boolean; complete: boolean; hash: string; /** Absolute places of everything in it. */ places: readonly string[] }>;

/** Entries that a census looks at; a folder with more always asks. */
const maxEntries = 20_000;

/** Entries that a person is shown by name. */
const maxSample = 50;

async function takeCensus(places: Places, place: FoundPlace, signal: AbortSignal): Promise<Census> {
  const census = { files: 0, folders: 0, bytes: 0n, sample: [] as string[], control: undefined as string | undefined, protected: false, complete: true, places: [] as string[] };
  const hash = createHash('sha256');
  if (!place.target.stat.isDirectory()) return { ...census, hash: '' };
  const onSkip = (why: string): void => {
    census.complete = false;
    if (why === 'avoided') census.protected = true;
  };
  for await (const { segments, pin } of tour(place.target, { enter: () => true, avoid: [...place.avoid, ...place.roots], pace: createPace(signal) }, onSkip, places.pins)) {
    if (census.files + census.folders >= maxEntries) {
      census.complete = false;
      break;
    }
    const folder = pin.stat.isDirectory();
    census[folder ? 'folders' : 'files'] += 1;
    if (!folder) census.bytes += pin.stat.size;
    if (census.sample.length < maxSample) census.sample.push(`${segments.join('/')}${folder ? '/' : ''}`);
    census.places.push(join(place.absolute, ...segments));
    census.control ??= controlNameIn([basename(place.absolute), ...segments]);
    hash.update(JSON.stringify([...segments, stateOf(pin)]));
  }
  const [repository] = repositoriesAmong(census.places.map((path) => path.split(sep).join('/')));
  if (repository !== undefined) census.control ??= basename(repository);
  return { ...census, hash: hash.digest('hex') };
}

function detailsOf(place: FoundPlace, census: Census): Shown['details'] {
  const { stat } = place.target;
  const atLeast = census.complete ? '' : 'more than ';
  const more = census.files + census.folders > census.sample.length || !census.complete ? ['…'] : [];
  return [
    ['Kind', stat.isFile() ? `a file of ${stat.size} bytes` : stat.isSymbolicLink() ? 'a link; what it leads to stays' : kindOf(place.target)],
    ...(stat.isDirectory() ? [['Holds', `${atLeast}${census.files} files, ${census.folders} folders, ${census.bytes} bytes`] as const] : []),
    ...(census.sample.length > 0 ? [['What will go', [...census.sample, ...more].join('\n')] as const] : []),
  ];
}

type Order = Readonly<{ digest: string; signal: AbortSignal; progress: (message: string) => void }>;

async function remove(places: Places, given: DeleteInput, context: PrepareContext, order: Order): Promise<Outcome> {
  const place = places.find(given.path, context, false);
  try {
    if (place.kind !== 'found' || place.parent === undefined || place.holdsRoot || place.holdsOwnFolder) return staleOutcome(given.path);
    const census = await takeCensus(places, place, order.signal);
    if (digestOfFacts(factsOf(place, census, given)) !== order.digest) return staleOutcome(place.path);
    const strayed = strays(place.parent, place.path, context);
    if (strayed !== undefined) return strayed;
    if (census.files + census.folders > 1000) order.progress(`Deleting ${census.files + census.folders} entries of ${place.path}`);
    const removed = await removeTree(place.parent, basename(place.absolute), place.target.stat, [...place.avoid, ...place.roots], createPace(order.signal), places.pins);
    return answerOf(place, removed);
  } finally {
    closePlace(place);
  }
}

function answerOf(place: FoundPlace, removed: Awaited<ReturnType<typeof removeTree>>): Outcome {
  const structured = { path: place.path, files: removed.files, folders: removed.folders };
  const counts = `${removed.files} files and ${removed.folders} folders`;
  switch (removed.kind) {
    case 'done': {
      const text = place.target.stat.isDirectory() ? `Deleted ${place.path}: ${counts}.` : `Deleted ${place.path}.`;
      return { kind: 'success', text, structured, truncated: false };
    }
    case 'changed':
      if (removed.files + removed.folders === 0) return staleOutcome(place.path);
      return { kind: 'failure', error: wrongInput(`${place.path} changed while it was being deleted; ${counts} are gone, the rest is untouched.`), structured };
    case 'avoided':
      return { kind: 'failure', error: wrongInput(`${place.path} holds a protected folder, so deleting stopped; ${counts} are gone.`), structured };
    case 'tooDeep':
      return { kind: 'failure', error: wrongInput(`${place.path} is nested too deeply to delete in one step; ${counts} are gone. Delete inner folders first.`), structured };
  }
}
