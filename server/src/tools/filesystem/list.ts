import { readlinkSync } from 'node:fs';
import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import { revealLine } from '../../../../protocol/src/display';
import { tour, type Entry } from '../../base/folderTree';
import { createLease } from '../../base/lease';
import { createPace } from '../../base/pace';
import { judgeFile } from '../../rules/scope';
import { countsAsFailure, fact, failingCall, identityFact, kindOf, refusedCall, settle, shownFor, staleOutcome, switchedOff, systemError, wrongInput } from './answers';
import { strays } from './confirm';
import { Left } from './left';
import { closePlace, isStillThere, type FoundPlace, type Places } from './places';
import type { PrepareContext, Tool, Prepared } from '../tool';

/** Entries in one answer. */
export const maxListed = 1000;

const input = z.strictObject({
  path: z.string().min(1).max(4096).optional().describe('Folder to list: relative to the project, or absolute inside it. Default: the project.'),
  recursive: z.boolean().optional().describe('Whether to list what is in its folders too; .git and node_modules are named but not opened. Default: false.'),
});

type ListInput = z.infer<typeof input>;

/** `filesystem.list`: what a folder holds, with kinds and sizes; links are shown, never followed. */
export function createList(places: Places): Tool<ListInput> {
  return {
    name: 'filesystem.list',
    title: 'List a folder',
    description: `List a folder inside the project, at most ${maxListed} entries. Folders end in "/", files carry their size in bytes, links show where they point and are not followed.`,
    input,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => Promise.resolve(prepareList(places, given, context)),
    countsAsFailure,
  };
}

function prepareList(places: Places, given: ListInput, context: PrepareContext): Prepared {
  const path = given.path ?? '.';
  const recursive = given.recursive === true;
  const settings = context.config.plugins.filesystem;
  const show = shownFor('List a folder', `list ${path}${recursive ? ' and what is below it' : ''}`, context, []);
  if (!settings.enabled) return refusedCall(show, switchedOff, true);
  const place = places.find(path, context, true);
  if (place.kind === 'refused') return refusedCall(show, place.verdict, true);
  const verdict = judgeFile({ action: 'list', asks: settings.requireApproval, names: place.names, sharedContent: false });
  if (place.kind !== 'found' || !place.target.stat.isDirectory()) {
    closePlace(place);
    if (place.kind === 'found') return failingCall(show, verdict, wrongInput(`${place.path} is ${kindOf(place.target)}, not a folder. Use filesystem.read for files.`));
    return failingCall(show, verdict, systemError(place.kind === 'missing' ? 'ENOENT' : place.code, place.path));
  }
  place.parent?.close();
  const lease = createLease(() => place.target.close());
  const work = async (signal: AbortSignal): Promise<Outcome> => {
    const stale = verdict.verdict !== 'allow' && !isStillThere(places, path, context, place);
    return stale ? staleOutcome(place.path) : (strays(place.target, place.path, context) ?? (await list(places, place, recursive, signal)));
  };
  return {
    verdict, readOnly: true,
    facts: [identityFact('Path', place.absolute, place.target), fact('Listing', recursive ? 'what is below it too' : 'this folder only')],
    show,
    run: (signal) => lease.use(() => settle(place.path, signal, () => work(signal))),
    release: lease.release,
  };
}

type Listed = Readonly<{ path: string; kind: 'file' | 'folder' | 'link' | 'other'; size?: number; target?: string }>;

async function list(places: Places, place: FoundPlace, recursive: boolean, signal: AbortSignal): Promise<Outcome> {
  const entries: Listed[] = [];
  const left = new Left();
  const enter = (segments: readonly string[]): boolean => recursive && !left.isClosed(segments);
  let more = false;
  for await (const entry of tour(place.target, { enter, avoid: place.avoid, pace: createPace(signal) }, left.add, places.pins)) {
    more = entries.length >= maxListed;
    if (more) break;
    entries.push(describe(entry));
  }
  const notes = [...left.notes(), ...(more ? [`Only the first ${maxListed} entries are shown; list a folder below.`] : [])];
  const lines = [...entries.map(lineOf), ...(entries.length === 0 ? ['(empty)'] : []), ...notes.map((note) => `[${note}]`)];
  return { kind: 'success', text: lines.join('\n'), structured: { path: place.path, entries, notes }, truncated: more };
}

function describe({ segments, parent, pin }: Entry): Listed {
  const path = segments.join('/');
  if (pin.stat.isDirectory()) return { path, kind: 'folder' };
  if (pin.stat.isFile()) return { path, kind: 'file', size: Number(pin.stat.size) };
  if (!pin.stat.isSymbolicLink()) return { path, kind: 'other' };
  try {
    return { path, kind: 'link', target: readlinkSync(parent.at(segments.at(-1) ?? '')) };
  } catch {
    // It was swapped since it was listed; that it was a link is all there is to say.
    return { path, kind: 'link' };
  }
}

function lineOf(entry: Listed): string {
  const path = revealLine(entry.path, 4096);
  switch (entry.kind) {
    case 'folder': return `${path}/`;
    case 'file': return `${path}  ${entry.size ?? 0}`;
    case 'link': return `${path} -> ${revealLine(entry.target ?? '?', 1000)}`;
    case 'other': return `${path}  (not a regular file)`;
  }
}
