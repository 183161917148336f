import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { strictest, type Outcome, type Verdict } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { replaceFile } from '../../base/atomicFile';
import { readSlice } from '../../base/heldFile';
import { judgeFile } from '../../rules/scope';
import type { Reason } from '../../rules/grants/ground';
import { digestOfFacts, type Fact } from '../fact';
import { reasonsOf } from '../ties';
import type { PrepareContext, Prepared, PreparedFile, Shown, Tool } from '../tool';
import { countsAsFailure, fact, failingCall, identityFact, impossible, kindOf, refusedCall, settle, shownFor, staleOutcome, stateOf, switchedOff, systemError, wrongInput } from './answers';
import { strays } from './confirm';
import { differenceOf, type Difference } from './difference';
import { decodeText, encodeText, scriptOf, textEncodings, type Script } from './encoding';
import { closePlace, type FoundPlace, type Places } from './places';
import { contentOf as shownContent } from './shownContent';
import { lineEndingsOf, replaceIn, type Edit, type LineEndings } from './replacing';
import { scopeRefusal } from './writable';
import { temporaryMark } from './write';

/** Largest file that is edited, in bytes. */
const maxEdited = 8 * 1_048_576;

const input = z.strictObject({
  path: z.string().min(1).max(4096).describe('Path of the file: relative to the project, or absolute inside it.'),
  edits: z
    .array(
      z.strictObject({
        oldText: z.string().min(1).max(1_048_576).describe('Text that stands in the file, exactly as filesystem.read gives it. It must occur once, unless replaceAll is set.'),
        newText: z.string().max(4 * 1_048_576).describe('Text that takes its place; empty to remove it.'),
        replaceAll: z.boolean().optional().describe('Replace every occurrence. Default: false.'),
      }),
    )
    .min(1)
    .max(100)
    .describe('Replacements, made in this order, all of them or none.'),
  expectedSha256: z.string().regex(/^[0-9a-f]{64}$/).optional().describe('SHA-256 of the file as it was read (hex); when it is another now, nothing is changed.'),
  encoding: z.enum(textEncodings).optional().describe('Encoding of the file. Default: by the byte order mark, else utf8.'),
});

type EditInput = z.infer<typeof input>;

/** `filesystem.edit`: replaces exact texts in a file, in one step. Counts as `write` for what asks. */
export function createEdit(places: Places): Tool<EditInput> {
  return {
    name: 'filesystem.edit',
    title: 'Edit a file',
    description: 'Replace exact texts in a text file inside the project, in one step: all edits or none. Encoding, byte order mark and permissions stay; in a file whose lines end with CR LF, a line feed in an edit stands for that ending. A person may have to approve, and sees the difference.',
    input,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    prepare: (given, context) => prepareEdit(places, given, context),
    countsAsFailure,
  };
}

async function prepareEdit(places: Places, given: EditInput, context: PrepareContext): Promise<Prepared> {
  const settings = context.config.plugins.filesystem;
  const show = shownFor('Edit a file', `edit ${given.path}\n${given.edits.map(rawEdit).join('\n')}`, context, []);
  if (!settings.enabled) return refusedCall(show, switchedOff, false);
  const place = places.find(given.path, context, true);
  try {
    if (place.kind === 'refused') return refusedCall(show, place.verdict, false);
    if (place.kind !== 'found') return failingCall(show, impossible, systemError(place.kind === 'missing' ? 'ENOENT' : place.code, place.path));
    if (!place.target.stat.isFile()) return failingCall(show, impossible, wrongInput(`${place.path} is ${kindOf(place.target)}. Only regular files can be edited.`));
    const outOfScope = scopeRefusal(context, [place.absolute]);
    if (outOfScope !== undefined) return refusedCall(show, outOfScope, false);
    // Whether a text occurs tells what the file holds, and so does the difference: where reading asks, editing asks.
    const reading = judgeFile({ action: 'read', asks: settings.requireApproval, names: place.names, sharedContent: place.target.stat.nlink > 1n });
    const writing = judgeFile({ action: 'write', asks: settings.requireApproval, names: place.names, sharedContent: false });
    const change = await changeOf(places, place, given);
    if (change instanceof ConductorError) return failingCall(show, reading.verdict === 'allow' ? impossible : reading, change);
    return ready(places, given, context, { place, change, show, verdict: strictest([writing, reading]), reasons: reasonsOf([writing, reading]) });
  } finally {
    closePlace(place);
  }
}

function rawEdit({ oldText, newText, replaceAll }: Edit): string {
  return `replace${replaceAll === true ? ' every' : ''}\n${oldText}\nwith\n${newText}`;
}

/** What an edit makes of a file. */
type Change = Readonly<{ before: Buffer; after: Buffer; texts: readonly [before: string, after: string]; places: number; script: Script; endings: LineEndings }>;

async function changeOf(places: Places, place: FoundPlace, given: EditInput): Promise<Change | ConductorError> {
  const slice = await readSlice(place.target, 0, maxEdited + 1, places.pins);
  if (slice === undefined) return new ConductorError('CONFLICT', `${place.path} was replaced while it was being read.`);
  const before = slice.bytes;
  if (before.length > maxEdited) return new ConductorError('TOO_LARGE', `${place.path} has ${slice.stat.size} bytes, more than the ${maxEdited} that are edited.`);
  const found = sha256Of(before);
  if (given.expectedSha256 !== undefined && given.expectedSha256 !== found) return new ConductorError('CONFLICT', `${place.path} is not the file that was expected: its SHA-256 is ${found}. Read it again.`);
  const script = scriptOf(before.subarray(0, 4), given.encoding);
  try {
    const text = decodeText(before.subarray(script.mark), script.encoding, { path: place.path, size: before.length, start: script.mark, head: before.subarray(0, 512) });
    const replaced = replaceIn(text, given.edits, place.path);
    if (replaced instanceof ConductorError) return replaced;
    const bytes = encodeText(replaced.text, script.encoding);
    if (bytes instanceof ConductorError) return bytes;
    return { before, after: Buffer.concat([before.subarray(0, script.mark), bytes]), texts: [text, replaced.text], places: replaced.places, script, endings: lineEndingsOf(text) };
  } catch (error) {
    if (error instanceof ConductorError) return error;
    throw error;
  }
}

type Found = Readonly<{ place: FoundPlace; change: Change; show: Shown; verdict: Verdict; reasons: readonly Reason[] }>;

function ready(places: Places, given: EditInput, context: PrepareContext, { place, change, show, verdict, reasons }: Found): Prepared {
  const facts = factsOf(place, change);
  const difference = differenceOf(place.path, ...change.texts);
  const raw = difference === undefined ? show.raw : `edit ${given.path}\n${difference.text}`;
  return {
    verdict, facts, readOnly: false, reach: () => ({ kind: 'file', path: place.absolute, reasons }), files: [fileOf(place, given, change)],
    show: { ...show, raw, details: detailsOf(place, change, difference) },
    run: (signal) => settle(place.path, signal, () => edit(places, given, context, { facts, change, counts: difference })),
  };
}

/** What the edit makes of the file. A part of it is one edit of the whole text, bound to the file as it is now. */
function fileOf(place: FoundPlace, given: EditInput, { before, after, texts }: Change): PreparedFile {
  const sha256 = sha256Of(before);
  const whole = { path: given.path, expectedSha256: sha256, ...(given.encoding === undefined ? {} : { encoding: given.encoding }) };
  return {
    path: place.absolute,
    before: shownContent({ text: texts[0], bytes: before.length, sha256 }),
    after: shownContent({ text: texts[1], bytes: after.length, sha256: sha256Of(after) }),
    withText: (text) => ({ ...whole, edits: [{ oldText: texts[0], newText: text }] }),
  };
}

function factsOf(place: FoundPlace, change: Change): readonly Fact[] {
  const folder = place.parent === undefined ? [] : [identityFact('Folder', dirname(place.absolute), place.parent)];
  return [
    { label: 'Path', key: place.absolute, value: stateOf(place.target) },
    ...folder,
    { ...fact('Content now', contentOf(change.before)), ...(change.before.length <= maxShownText ? { text: change.texts[0] } : {}) },
    fact('Content afterwards', contentOf(change.after)),
  ];
}

/** Bytes up to which the content is kept beside its hash, to show what changed when it has. */
const maxShownText = 65_536;

function contentOf(bytes: Buffer): string {
  return `${bytes.length} bytes sha256:${sha256Of(bytes)}`;
}

function detailsOf(place: FoundPlace, { places, script, endings }: Change, difference: Difference | undefined): Shown['details'] {
  const lines = difference === undefined ? 'the texts differ too much to compare them here' : `adds ${difference.added} and removes ${difference.removed} lines`;
  const mark = script.mark > 0 ? ' with a byte order mark' : '';
  return [
    ['Effect', `changes ${places} ${places === 1 ? 'place' : 'places'}: ${lines}`],
    ['Text', `${script.encoding}${mark}, line endings ${endings}`],
    ...(place.target.stat.nlink > 1n ? [['Hard links', 'other names of this file keep the old content'] as const] : []),
  ];
}

type Order = Readonly<{ facts: readonly Fact[]; change: Change; counts: Difference | undefined }>;

/** Everything is looked at once more: the place, the object and its bytes. */
async function edit(places: Places, given: EditInput, context: PrepareContext, { facts, change, counts }: Order): Promise<Outcome> {
  const place = places.find(given.path, context, true);
  try {
    if (place.kind !== 'found' || place.parent === undefined || !place.target.stat.isFile()) return staleOutcome(given.path);
    const now = await changeOf(places, place, given);
    if (now instanceof ConductorError || digestOfFacts(factsOf(place, now)) !== digestOfFacts(facts)) return staleOutcome(place.path);
    const strayed = strays(place.parent, place.path, context);
    if (strayed !== undefined) return strayed;
    const done = await replaceFile(place.parent, basename(place.absolute), change.after, place.target.stat, temporaryMark, places.pins);
    if (done !== 'done') return staleOutcome(place.path);
    const sha256 = sha256Of(change.after);
    const structured = { path: place.path, bytes: change.after.length, places: change.places, sha256, encoding: change.script.encoding, lineEndings: change.endings, ...(counts === undefined ? {} : { added: counts.added, removed: counts.removed }) };
    const lines = counts === undefined ? '' : `: ${counts.added} lines added, ${counts.removed} removed`;
    return { kind: 'success', text: `Changed ${change.places} ${change.places === 1 ? 'place' : 'places'} in ${place.path}${lines}.`, structured, truncated: false };
  } finally {
    closePlace(place);
  }
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
