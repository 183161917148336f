import { z } from 'zod';
import type { Outcome } from '../../../../protocol/src/call';
import { createLease } from '../../base/lease';
import { judgeFile } from '../../rules/scope';
import { fact, failingCall, identityFact, kindOf, refusedCall, settle, shownFor, staleOutcome, switchedOff, systemError, wrongInput, countsAsFailure } from './answers';
import { strays } from './confirm';
import { textEncodings } from './encoding';
import { closePlace, isStillThere, type FoundPlace, type Places } from './places';
import type { PrepareContext, Tool, Prepared } from '../tool';
import { maxReadBytes, readRange, type Range } from './textRange';

const input = z.strictObject({
  path: z.string().min(1).max(4096).describe('Path of the file: relative to the project, or absolute inside it.'),
  offset: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().describe('Lines or bytes to skip. Default: 0.'),
  limit: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional().describe('Lines or bytes to read. Default: as many as fit in 1 MiB.'),
  unit: z.enum(['lines', 'bytes']).optional().describe('What offset and limit count; with encoding base64 always bytes. Text by bytes begins and ends between characters. Default: lines.'),
  encoding: z.enum([...textEncodings, 'base64']).optional().describe('How to read the bytes. Default: by the byte order mark, else utf8.'),
});

type ReadInput = z.infer<typeof input>;

/** `filesystem.read`: a regular file inside the allowed folders, in whole or by lines. */
export function createRead(places: Places): Tool<ReadInput> {
  return {
    name: 'filesystem.read',
    title: 'Read a file',
    description: `Read a text file inside the project. At most ${maxReadBytes / 1_048_576} MiB per call; use offset and limit for larger files, and encoding "base64" for binary ones. UTF-8, and UTF-16 with a byte order mark, are recognised; other text needs its encoding.`,
    input,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: (given, context) => Promise.resolve(prepareRead(places, given, context)),
    countsAsFailure,
  };
}

function prepareRead(places: Places, given: ReadInput, context: PrepareContext): Prepared {
  const settings = context.config.plugins.filesystem;
  const range: Range = { encoding: given.encoding, unit: given.encoding === 'base64' ? 'bytes' : (given.unit ?? 'lines'), offset: given.offset ?? 0, limit: given.limit };
  const show = shownFor('Read a file', `read ${given.path}`, context, []);
  if (!settings.enabled) return refusedCall(show, switchedOff, true);
  const place = places.find(given.path, context, true);
  if (place.kind === 'refused') return refusedCall(show, place.verdict, true);
  const sharedContent = place.kind === 'found' && place.target.stat.isFile() && place.target.stat.nlink > 1n;
  const verdict = judgeFile({ action: 'read', asks: settings.requireApproval, names: place.names, sharedContent });
  if (place.kind !== 'found' || !place.target.stat.isFile()) {
    closePlace(place);
    const error = place.kind === 'found' ? wrongKind(place) : systemError(place.kind === 'missing' ? 'ENOENT' : place.code, place.path);
    return failingCall(show, verdict, error);
  }
  place.parent?.close();
  const details = [['Size', `${place.target.stat.size} bytes`]] as const;
  const facts = [identityFact('Path', place.absolute, place.target), fact('Reading', `${range.encoding ?? 'text'} by ${range.unit}, from ${range.offset}, ${range.limit ?? 'no'} limit`)];
  const lease = createLease(() => place.target.close());
  const work = async (signal: AbortSignal): Promise<Outcome> => {
    const stale = verdict.verdict !== 'allow' && !isStillThere(places, given.path, context, place);
    return stale ? staleOutcome(place.path) : (strays(place.target, place.path, context) ?? (await read(places, place, range, signal)));
  };
  const run = (signal: AbortSignal): Promise<Outcome> => lease.use(() => settle(place.path, signal, () => work(signal)));
  return { verdict, facts, readOnly: true, show: { ...show, details }, run, release: lease.release };
}

function wrongKind(place: FoundPlace): ReturnType<typeof wrongInput> {
  if (place.target.stat.isDirectory()) return wrongInput(`${place.path} is a folder. Use filesystem.list to see what is in it.`);
  return wrongInput(`${place.path} is ${kindOf(place.target)}. Only regular files can be read.`);
}

async function read(places: Places, place: FoundPlace, range: Range, signal: AbortSignal): Promise<Outcome> {
  const piece = await readRange(place.target, place.path, range, signal, places.pins);
  if (piece === 'changed') return staleOutcome(place.path);
  const { size, encoding, offset, sha256 } = piece;
  const structured = {
    path: place.path, size, encoding, offset, [range.unit]: piece.count,
    ...(piece.next === undefined ? {} : { nextOffset: piece.next }), ...(piece.mark ? { byteOrderMark: true } : {}), ...(sha256 === undefined ? {} : { sha256 }),
  };
  const unit = range.unit === 'bytes' && encoding !== 'base64' ? ' and unit "bytes"' : '';
  const more = piece.next === undefined ? '' : `\n[The file goes on: ${size} bytes in all. Call again with offset ${piece.next}${unit}.]`;
  const mark = piece.mark && range.offset === 0 ? `\n[The file begins with a byte order mark (${encoding}), which is not shown.]` : '';
  return { kind: 'success', text: `${piece.text}${more}${mark}`, structured, truncated: piece.next !== undefined };
}
