import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { makeFolders, replaceFile, sweepTemporaries } from '../../base/atomicFile';
import { codeOf } from '../../base/descriptorWalk';
import { readSlice } from '../../base/heldFile';
import type { Pin } from '../../base/pin';
import { judgeFile } from '../../rules/scope';
import { countsAsFailure, fact, failingCall, identityFact, impossible, kindOf, refusedCall, settle, shownFor, staleOutcome, stateOf, switchedOff, systemError, wrongInput } from './answers';
import { strays } from './confirm';
import { differenceOf } from './difference';
import { contentOf, nothing, tooLong, type KnownText } from './shownContent';
import { closePlace, type FoundPlace, type MissingPlace, type Place, type Places } from './places';
import { digestOfFacts, type Fact } from '../fact';
import { reasonsOf } from '../ties';
import { scopeRefusal } from './writable';
import type { PrepareContext, PreparedFile, Shown, Tool, Prepared } from '../tool';

/** Longest content in UTF-16 units; larger files are no work for an agent's message. */
const maxContent = 8 * 1_048_576;

/** Begins the name of every temporary file, so that those of a killed process can be told from a user's. */
export const temporaryMark = 'conductor';

const input = z.strictObject({
  path: z.string().min(1).max(4096).describe('Path of the file: relative to the project, or absolute inside it. Missing folders are created.'),
  content: z.string().max(maxContent).describe('The whole new content, written as UTF-8.'),
});

type WriteInput = z.infer<typeof input>;

/** `filesystem.write`: creates or replaces a file in one step, so that nobody ever sees half of it. */
export function createWrite(places: Places): Tool<WriteInput> {
  const swept = new Set<string>();
  return {
    name: 'filesystem.write',
    title: 'Write a file',
    description: 'Create a text file inside the project or replace its whole content, in one step. Missing folders are created. A person may have to approve.',
    input,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => prepareWrite({ places, swept }, given, context),
    countsAsFailure,
  };
}

type Writer = Readonly<{ places: Places; swept: Set<string> }>;

type Target = FoundPlace | MissingPlace;

async function prepareWrite(writer: Writer, given: WriteInput, context: PrepareContext): Promise<Prepared> {
  const settings = context.config.plugins.filesystem;
  const show = shownFor('Write a file', `write ${given.path}\n${given.content}`, context, []);
  if (!settings.enabled) return refusedCall(show, switchedOff, false);
  const place = writer.places.find(given.path, context, true);
  const present = place.kind === 'found' ? await presentText(writer.places, place).finally(() => closePlace(place)) : (closePlace(place), undefined);
  if (place.kind === 'refused') return refusedCall(show, place.verdict, false);
  const error = flawOf(place, given);
  if (error !== undefined || place.kind === 'failed') return failingCall(show, impossible, error ?? wrongInput(place.path));
  const outOfScope = scopeRefusal(context, [place.absolute]);
  if (outOfScope !== undefined) return refusedCall(show, outOfScope, false);
  const bytes = Buffer.from(given.content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const verdict = judgeFile({ action: 'write', asks: settings.requireApproval, names: place.names, sharedContent: false });
  const fingerprint = fingerprintOf(place);
  return {
    verdict, readOnly: false, reach: () => ({ kind: 'file', path: place.absolute, reasons: reasonsOf([verdict]) }), files: [fileOf(place, given, present, { bytes: bytes.length, sha256 })],
    facts: [...fingerprint, ...(present === undefined ? [] : [present.fact]), fact('Content', `${bytes.length} bytes sha256:${sha256}`)],
    show: { ...show, details: [...detailsOf(place, given), ...comparison(place.path, present?.text, given.content)] },
    run: (signal) => settle(place.path, signal, () => write(writer, given, context, { bytes, sha256, fingerprint })),
  };
}

/** Bytes up to which the file that is there is compared with what replaces it. */
const maxCompared = 262_144;

/** The text that is there now, for the difference that a person is shown; undefined for what is no text or too long to compare. */
async function presentText(places: Places, place: FoundPlace): Promise<Present | undefined> {
  if (!place.target.stat.isFile() || place.target.stat.size > BigInt(maxCompared)) return undefined;
  try {
    const bytes = (await readSlice(place.target, 0, maxCompared, places.pins))?.bytes;
    if (bytes === undefined || bytes.includes(0) || !isUtf8(bytes)) return undefined;
    const text = bytes.toString('utf8');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { text, bytes: bytes.length, sha256, fact: { ...fact('Content now', `${bytes.length} bytes sha256:${sha256}`), text } };
  } catch {
    // Who may not read a file may still replace it.
    return undefined;
  }
}

type Present = KnownText & Readonly<{ fact: Fact }>;

/** What the write makes of the file; it can be divided where both texts are known. */
function fileOf(place: Target, given: WriteInput, present: Present | undefined, after: Pick<KnownText, 'bytes' | 'sha256'>): PreparedFile {
  const before = place.kind === 'missing' ? nothing : present === undefined ? tooLong(Number(place.target.stat.size), `It is no text in UTF-8, cannot be read, or is longer than ${maxCompared} bytes.`) : contentOf(present);
  const withText = present === undefined ? {} : { withText: (text: string) => ({ path: given.path, content: text }) };
  return { path: place.absolute, before, after: contentOf({ text: given.content, ...after }), ...withText };
}

function comparison(path: string, before: string | undefined, after: string): Shown['details'] {
  const difference = before === undefined ? undefined : differenceOf(path, before, after);
  return difference === undefined ? [] : [['Difference', `adds ${difference.added} and removes ${difference.removed} lines\n${difference.text}`]];
}

/** Why this write cannot work, before anybody is asked about it. */
function flawOf(place: Exclude<Place, { kind: 'refused' }>, given: WriteInput): ConductorError | undefined {
  if (place.kind === 'failed') return systemError(place.code, place.path);
  if (/\p{Surrogate}/u.test(given.content)) return wrongInput('The content contains half of a surrogate pair, which cannot be written as UTF-8.');
  if (place.kind === 'found' && place.target.stat.isDirectory()) return wrongInput(`${place.path} is a folder, so it cannot be written as a file.`);
  if (place.kind === 'found' && !place.target.stat.isFile()) return wrongInput(`${place.path} is ${kindOf(place.target)}. Only regular files can be written.`);
  if (place.kind === 'missing' && /[/\\]$/.test(given.path)) return wrongInput(`${given.path} ends like a folder. Give the path of a file.`);
  return undefined;
}

/** Everything about the place that must be the same when the call runs: where, what lies there, and in which folder. */
function fingerprintOf(place: Target): readonly Fact[] {
  const parent = place.parent === undefined ? [] : [identityFact('Folder', dirname(place.absolute), place.parent)];
  if (place.kind === 'found') return [{ label: 'Path', key: place.absolute, value: stateOf(place.target) }, ...parent];
  return [{ label: 'Path', key: place.absolute, value: `nothing yet, to be made: ${place.missing.join('/')}` }, ...parent];
}

function detailsOf(place: Target, given: WriteInput): Shown['details'] {
  const shared = place.kind === 'found' && place.target.stat.nlink > 1n;
  return [
    ['Effect', place.kind === 'missing' ? 'creates a new file' : `replaces the ${place.target.stat.size} bytes that are there`],
    ...(place.kind === 'missing' && place.missing.length > 1 ? [['New folders', place.missing.slice(0, -1).join('/')] as const] : []),
    ...(shared ? [['Hard links', 'other names of this file keep the old content'] as const] : []),
    ['Lines', String(given.content === '' ? 0 : given.content.split('\n').length - (given.content.endsWith('\n') ? 1 : 0))],
    ['Begins', given.content.split('\n', 5).join('\n').slice(0, 400)],
  ];
}

type Content = Readonly<{ bytes: Buffer; sha256: string; fingerprint: readonly Fact[] }>;

async function write(writer: Writer, given: WriteInput, context: PrepareContext, content: Content): Promise<Outcome> {
  const place = writer.places.find(given.path, context, true);
  try {
    if (place.kind !== 'found' && place.kind !== 'missing') return staleOutcome(given.path);
    const same = digestOfFacts(fingerprintOf(place)) === digestOfFacts(content.fingerprint);
    if (!same || place.parent === undefined) return staleOutcome(place.path);
    const strayed = strays(place.parent, place.path, context);
    if (strayed !== undefined) return strayed;
    const done = place.kind === 'found' ? await replace(writer, place.parent, place, content.bytes) : await create(writer, place, content.bytes);
    if (!done) return staleOutcome(place.path);
    const verb = place.kind === 'found' ? 'Replaced' : 'Created';
    const structured = { path: place.path, bytes: content.bytes.length, created: place.kind === 'missing', sha256: content.sha256 };
    return { kind: 'success', text: `${verb} ${place.path} (${content.bytes.length} bytes).`, structured, truncated: false };
  } finally {
    closePlace(place);
  }
}

async function replace(writer: Writer, parent: Pin, place: FoundPlace, bytes: Buffer): Promise<boolean> {
  sweepOnce(writer, parent);
  return (await replaceFile(parent, basename(place.absolute), bytes, place.target.stat, temporaryMark, writer.places.pins)) === 'done';
}

async function create(writer: Writer, place: MissingPlace, bytes: Buffer): Promise<boolean> {
  const name = place.missing.at(-1) ?? '';
  const made = makeFolders(place.parent, place.missing.slice(0, -1), writer.places.pins);
  if (made === 'changed') return false;
  let done = false;
  try {
    sweepOnce(writer, made.folder);
    done = (await replaceFile(made.folder, name, bytes, 'missing', temporaryMark, writer.places.pins)) === 'done';
    return done;
  } finally {
    if (!done) made.undo();
    made.close();
  }
}

/** Looks for leftovers of a killed process once per folder and process: the look costs a reading of the folder. */
function sweepOnce(writer: Writer, folder: Pin): void {
  const key = `${folder.stat.dev}:${folder.stat.ino}`;
  if (writer.swept.has(key)) return;
  if (writer.swept.size >= 10_000) writer.swept.clear();
  writer.swept.add(key);
  try {
    sweepTemporaries(folder, temporaryMark);
  } catch (error) {
    // A folder that cannot be listed can still be written to.
    if (codeOf(error) === 'UNKNOWN') throw error;
  }
}
