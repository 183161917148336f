/** Says how far an intact log is vouched for: by its chain alone, by signed checkpoints, by places outside; and what contradicts them. */
import { noteHash, originOf, type Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import { rootsOver } from '../../../../protocol/src/audit/merkle';
import { cosignedAt, type VerifierKey } from '../../../../protocol/src/audit/note';
import type { AnchorFound, DamageClass, Finding, SignedLate, TrustReport, VerificationReport } from '../../../../protocol/src/audit/report';
import { judgeSeries, type SignedTo } from '../../../../protocol/src/audit/series';
import { readTail, tailBytes } from '../../../../protocol/src/audit/bytes';
import { readCheckpoints, type KeptCheckpoints } from './checkpointStore';
import { holdingOf } from './holding';
import type { Disk } from '../files/disk';
import { FilesGone, readLeaves } from './leaves';
import { logIdOf, partsOfLog, within } from './parts';
import { createAuditReader } from '../read/reader';
import { signedLate } from './signedLate';
import { abortedReport } from '../verify/reporting';
import { hashOfLogEntry } from '../verify/verifier';

/** A head that somebody kept outside the log: entries, bare hash of the last of them, where, and when. */
export type OutsideHead = Readonly<{ entries: number; head: string; place: string; at: string | undefined; /** Of which log, where the place says it. */ logId?: string }>;

/** What a verifier knows from elsewhere. Nothing of it may come from the files that are verified. */
export type Policy = Readonly<{
  /** Keys of the log, or of an epoch of it. Given, a log without a checkpoint of one of them fails. */
  pins?: readonly VerifierKey[];
  logId?: string;
  /** Heads kept outside; the log must hold each of them. */
  outside?: readonly OutsideHead[];
  /** Witnesses whose cosignatures count. */
  witnesses?: readonly VerifierKey[];
  /** What is worth saying of places that could not be looked at. */
  warnings?: readonly string[];
  signal?: AbortSignal;
  /** Compute the root of every signed checkpoint anew; that of the newest is always computed when a witness cosigned it. */
  roots?: boolean;
}>;

/** Places of late signatures that are told in sentences, the newest. */
const mostLateTold = 3;

/** Where a log and its checkpoints lie. */
export type Places = Readonly<{ log: string; checkpoints: string; disk: Disk }>;

/** Reads the checkpoints before the log is verified, so that none of them can be ahead only because time passed. */
export function readBefore({ checkpoints, disk }: Places): Promise<KeptCheckpoints> {
  return readCheckpoints(checkpoints, disk);
}

/** Grades a verified log by its checkpoints, as they were read before, and by what is known from elsewhere. Rejects when a file cannot be read. */
export async function gradeLog(report: VerificationReport, before: KeptCheckpoints, places: Places, policy: Policy): Promise<VerificationReport> {
  if (report.verdict !== 'intact' && report.verdict !== 'torn') return { ...report, trust: null };
  const { pins = [], signal } = policy;
  const roots = await rootFindings(before.checkpoints, places, policy);
  if (signal?.aborted === true) return abortedReport;
  const series = judgeSeries(before.checkpoints, pins);
  const findings: Finding[] = [
    ...identityFindings(await logIdOf(places.log, places.disk), before, policy),
    ...(before.damaged ? [finding('signature', null, 'The file of checkpoints holds something that is no checkpoint: it was changed.')] : []),
    ...series.problems.map(({ message }) => finding('signature', null, message)),
    ...(await contradictions(before.checkpoints, report, places)),
    ...(await outsideFindings(policy.outside ?? [], report, places)),
    ...(await removed(before, places)),
    ...(pins.length > 0 && series.signed.length === 0 ? [finding('unsigned', null, 'The log should be signed by the key that you gave, and there is no checkpoint of that key.')] : []),
    ...roots.findings,
  ];
  if (findings.length > 0) return worsened(report, findings);
  if (report.verdict === 'torn') return { ...report, trust: null };
  const logId = await logIdOf(places.log, places.disk);
  const counted = before.checkpoints.filter(({ logKey }) => series.signed.some(({ checkpoint }) => checkpoint.logKey.equals(logKey)));
  const late = await signedLate(counted, places, signal);
  const trust = trustOf(report, series.signed, late, anchorsOf(before.checkpoints, { ...policy, outside: (policy.outside ?? []).filter((head) => head.logId === undefined || head.logId === logId) }));
  const notes = [...report.notes, ...(policy.warnings ?? []), ...series.warnings.map(({ message }) => message), ...roots.notes, ...lateNotes(late)];
  return { ...report, level: trust.anchors.length > 0 ? 'anchored' : trust.signedTo === null ? 'chain intact' : 'signed', trust, notes };
}

/** Number of the last entry; earlier files may have been removed. */
function lastOf({ from, entries }: VerificationReport): number {
  return from + entries - 1;
}

function finding(kind: DamageClass, line: number | null, message: string): Finding {
  return { class: kind, line, offset: null, expected: null, found: null, message };
}

function worsened(report: VerificationReport, findings: readonly Finding[]): VerificationReport {
  const all = [...findings, ...report.findings].slice(0, 100);
  const [first] = all;
  return { ...report, ...first, verdict: 'tampered', level: null, trust: null, findings: all, findingCount: report.findingCount + findings.length };
}

function identityFindings(logId: string | undefined, { checkpoints }: KeptCheckpoints, policy: Policy): Finding[] {
  const [first] = checkpoints;
  const found = `found ${logId === undefined ? 'none' : originOf(logId)}`;
  if (policy.logId !== undefined && policy.logId !== logId) return [finding('fork', null, `This is another log than the one you expect: ${found}, expected ${originOf(policy.logId)}.`)];
  if (first !== undefined && first.logId !== logId) return [finding('fork', null, `The checkpoints are of another log (${originOf(first.logId)}, ${found}): the log was replaced.`)];
  return [];
}

/** Compares every checkpoint with the log: a chain that is intact and has the signed hash at its place is the chain that was signed. */
async function contradictions(checkpoints: readonly Checkpoint[], report: VerificationReport, { log, disk }: Places): Promise<Finding[]> {
  const last = lastOf(report);
  const ahead = checkpoints.find(({ size }) => size > last);
  if (ahead !== undefined) {
    const message = `Checkpoint #${ahead.size} is ahead of the log, which ends after #${last}: entries were lost or cut off, or an older copy was put back.`;
    return [{ ...finding('truncation', null, message), expected: `sha256:${ahead.head}`, found: report.head }];
  }
  const parts = new Map((await partsOfLog(log, disk)).map((part) => [part.segment, part]));
  for (const [segment, part] of parts) {
    const own = checkpoints.filter((one) => one.segment === segment);
    const wrong = own.length === 0 ? undefined : await within(part, async (file) => {
      for (const one of own) {
        const tail = Buffer.alloc(tailBytes + 2);
        const length = await file.read(tail, one.bytes - tail.length);
        const found = length === tail.length ? readTail(tail, 0, tail.length - 1)?.hash : undefined;
        if (found !== one.head) return { one, found };
      }
      return undefined;
    });
    if (wrong === undefined) continue;
    const message = `Entry #${wrong.one.size} is not the one that was signed: the log was rewritten after that.`;
    return [{ ...finding('fork', null, message), expected: `sha256:${wrong.one.head}`, found: wrong.found === undefined ? null : `sha256:${wrong.found}` }];
  }
  return [];
}

async function outsideFindings(outside: readonly OutsideHead[], report: VerificationReport, { log, disk }: Places): Promise<Finding[]> {
  const last = lastOf(report);
  const found: Finding[] = [];
  const logId = await logIdOf(log, disk);
  for (const { entries, head, place, logId: of = logId } of outside) {
    if (of !== logId) {
      if (!(await holdingOf(log, disk).isReplacement())) found.push(finding('fork', null, `Another log than this one was noted, with ${entries} entries (${place}): the log was replaced.`));
      continue;
    }
    if (entries > last) {
      found.push({ ...finding('truncation', null, `The log had ${entries} entries when they were noted (${place}) and now ends after #${last}.`), expected: `sha256:${head}`, found: report.head });
      continue;
    }
    // Of files that were removed on record nothing is left to compare.
    if (entries < report.from) continue;
    const hash = entries === last ? report.head : `sha256:${(await hashOfLogEntry(log, disk, entries)) ?? ''}`;
    if (hash !== `sha256:${head}`) found.push({ ...finding('fork', null, `Entry #${entries} is not the one that was noted (${place}): the log was rewritten or replaced.`), expected: `sha256:${head}`, found: hash ?? null });
  }
  return found;
}

/** The newest checkpoint that the log itself tells of must still be there. */
async function removed(before: KeptCheckpoints, { log, checkpoints, disk }: Places): Promise<Finding[]> {
  // An agent can have a refusal recorded under any name; events are the broker's own.
  const { items } = await createAuditReader(log, disk).page({ filter: { tool: 'audit.checkpoint', phase: 'event' }, limit: 1 });
  const previous = items[0]?.entry?.input['previous'];
  if (typeof previous !== 'object' || previous === null || !('sha256' in previous)) return [];
  const isThere = ({ checkpoints: kept }: KeptCheckpoints): boolean => kept.some((one) => `sha256:${noteHash(one)}` === previous.sha256);
  if (isThere(before) || isThere(await readCheckpoints(checkpoints, disk))) return [];
  const size = 'entries' in previous && typeof previous.entries === 'number' ? previous.entries : null;
  return [finding('unsigned', null, `The log tells of a signed checkpoint${size === null ? '' : ` at #${size}`} that is not there: checkpoints were removed.`)];
}

/** Recomputes roots: of all checkpoints when asked, else of those on which a witness's word rests. */
async function rootFindings(checkpoints: readonly Checkpoint[], { log, disk }: Places, policy: Policy): Promise<{ findings: Finding[]; notes: string[] }> {
  const checked = policy.roots === true ? checkpoints : cosigned(checkpoints, policy.witnesses ?? []).map(({ checkpoint }) => checkpoint);
  const largest = Math.max(0, ...checked.map(({ size }) => size));
  const nothing = { findings: [], notes: [] };
  if (largest === 0) return nothing;
  const read = await readLeaves(log, largest, disk, undefined, policy.signal).catch((cause: unknown) => (cause instanceof Error ? cause : new Error(String(cause))));
  if (read instanceof FilesGone) return { findings: [], notes: [`The Merkle roots could not be computed anew: ${read.message}.`] };
  // A log that is shorter than its checkpoints, or damaged, is told of by others.
  if (read instanceof Error) return nothing;
  const rootOf = rootsOver(read.leaves);
  const wrong = checked.find(({ size, root }) => rootOf(0, size).toString('hex') !== root);
  return wrong === undefined ? nothing : { findings: [finding('signature', null, `The Merkle root of checkpoint #${wrong.size} is not that of the log.`)], notes: [] };
}

type Cosigned = Readonly<{ checkpoint: Checkpoint; witness: VerifierKey; seconds: number }>;

/** The newest checkpoint that each witness cosigned. */
function cosigned(checkpoints: readonly Checkpoint[], witnesses: readonly VerifierKey[]): Cosigned[] {
  return witnesses.flatMap((witness) => {
    for (const checkpoint of [...checkpoints].reverse()) {
      const seconds = cosignedAt(checkpoint.note, witness);
      if (seconds !== undefined) return [{ checkpoint, witness, seconds }];
    }
    return [];
  });
}

function anchorsOf(checkpoints: readonly Checkpoint[], { outside = [], witnesses = [] }: Policy): AnchorFound[] {
  const heads = outside.map(({ entries, place, at }) => ({ entries, place, at: at ?? null }));
  const seen = cosigned(checkpoints, witnesses).map(({ checkpoint, witness, seconds }) => ({ entries: checkpoint.size, place: `witness ${witness.name}`, at: new Date(seconds * 1000).toISOString() }));
  return [...heads, ...seen].sort((a, b) => b.entries - a.entries);
}

/** What was signed late, in sentences. */
function lateNotes(late: readonly SignedLate[]): string[] {
  const told = late.slice(-mostLateTold).map(({ from, to, run }) => `${from === to ? `Entry #${from} was` : `Entries #${from} to #${to} were`} not signed when the next run began with #${run}: of a broker that was cut off, or appended by another program. Later signatures show that ${from === to ? 'it' : 'they'} stood there, not who wrote ${from === to ? 'it' : 'them'}.`);
  const more = late.length - told.length;
  return more === 0 ? told : [...told, `The same holds for ${more} earlier ${more === 1 ? 'place' : 'places'} of the log; --json names them.`];
}

function trustOf(report: VerificationReport, signed: readonly SignedTo[], late: readonly SignedLate[], anchors: AnchorFound[]): TrustReport {
  const [newest] = signed;
  const editor = signed.find(({ checkpoint }) => checkpoint.signer === 'editor');
  const facts = {
    signedTo: newest?.checkpoint.size ?? null, signedAt: newest?.checkpoint.time ?? null, key: newest?.key ?? null,
    place: newest?.checkpoint.signer ?? null, pinned: newest?.pinned ?? false, editorTo: editor?.checkpoint.size ?? null, anchors, late: late.slice(-100),
  };
  return { ...facts, words: levelWords(lastOf(report), facts) };
}

/** The level in the words of the design, and nothing beyond what was shown. */
export function levelWords(entries: number, trust: Omit<TrustReport, 'words'>): string {
  const { signedTo, place, pinned, editorTo, anchors, late } = trust;
  const [anchor] = anchors;
  const weaker = place === 'file' ? `with a key file, which who can write the log can use as well${editorTo === null ? '' : `; by the editor's key to #${editorTo}`}` : undefined;
  const named = pinned ? undefined : 'by a key that only the log itself names';
  const [newest] = late.slice(-1);
  const afterwards = newest === undefined ? undefined : `${newest.from === newest.to ? `#${newest.from}` : `#${newest.from}-#${newest.to}`} only afterwards${late.length === 1 ? '' : `, and ${late.length - 1} earlier ${late.length === 2 ? 'place' : 'places'}`}`;
  const how = [weaker, named, afterwards].filter((part) => part !== undefined).join('; ');
  const signed = signedTo === null ? ['chain intact', 'not signed'] : [`signed to #${signedTo}${how === '' ? '' : ` (${how})`}`];
  const anchored = anchor === undefined ? [] : [`anchored outside to #${anchor.entries} (${anchor.place}${anchor.at === null ? '' : `, ${anchor.at}`})`];
  const rest = entries - (anchor?.entries ?? 0);
  const after = anchor === undefined ? ['not anchored outside'] : rest === 0 ? [] : [`${rest} ${rest === 1 ? 'entry' : 'entries'} after #${anchor.entries} intact, not yet anchored`];
  const unsigned = signedTo === null || signedTo === entries ? [] : [`${entries - signedTo} ${entries - signedTo === 1 ? 'entry' : 'entries'} after #${signedTo} intact, not yet signed`];
  return [...signed, ...anchored, ...unsigned, ...after].join('; ');
}
