/** Verifies the log for whoever asks: against what the asker remembers, what the broker wrote, signatures, and places outside. */
import { dirname } from 'node:path';
import type { z } from 'zod';
import type { KnownHead } from '../../../protocol/src/audit/chain';
import { parseVerifierKey, type VerifierKey } from '../../../protocol/src/audit/note';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { ConductorError } from '../../../protocol/src/errors';
import type { requests } from '../../../protocol/src/messages';
import { outsideHeads, witnessKeysOf } from '../anchors/places';
import { checkpointFileOf, type KeptCheckpoints } from '../audit/checkpoints/checkpointStore';
import { realDisk } from '../audit/files/disk';
import { gradeLog, readBefore, type Places } from '../audit/checkpoints/grading';
import { verifySince } from '../audit/verify/incremental';
import type { LastVerified } from '../audit/verify/lastVerified';
import { usualThreads } from '../audit/verify/threads';
import { verifyAuditLog } from '../audit/verify/verifier';
import type { Asker } from '../doors/requests';
import type { Built } from './rooms';

/** What a request to verify carries. */
export type AskedToVerify = z.output<(typeof requests)['audit/verify']['params']>;

/** Milliseconds between two words of progress. */
const progressMs = 100;

/** Verifies one log for everybody who asks. */
export type Verifying = (asked: AskedToVerify, asker: Asker) => Promise<VerificationReport>;

/** Makes what verifies the log. It remembers where it came to, in memory only, for those who ask for no more than what is new. */
export function createVerifying(log: string, rooms: Built): Verifying {
  let last: LastVerified | undefined;
  return async (asked, asker) => {
    const { since, depth = 'default' } = asked;
    let come: LastVerified | undefined;
    const onIntact = (found: LastVerified): void => { come = found; };
    const options = { known: knownTo(asked, rooms), signal: asker.signal, onProgress: progressTo(asker, asked.progress), onIntact };
    const places = { log, checkpoints: checkpointFileOf(log), disk: realDisk };
    const kept = await readBefore(places);
    const fresh = since === 'last' && depth === 'default' && last !== undefined ? await verifySince(log, last, options) : undefined;
    const report = fresh ?? (await verifyAuditLog(log, { ...options, depth, threads: usualThreads() }));
    if (report.verdict === 'intact') await takeUp(rooms);
    // What is new has been compared with every head that is known; signatures are for those who ask for all.
    const graded = report.since === undefined ? await grade(report, kept, places, rooms, asked, asker) : report;
    // What grading calls damage is no ground to go on from.
    if (come !== undefined && graded.verdict === 'intact') last = come;
    else if (graded.verdict === 'tampered') last = undefined;
    return graded;
  };
}

/** A log must hold what the asker remembers of it, and end where the broker left it. */
function knownTo({ expected, anchor, since }: AskedToVerify, { writer }: Built): KnownHead[] {
  const { entries, head } = writer.state();
  const heads = [expected, head === null ? undefined : { entries, head }, since === undefined ? undefined : anchor];
  return heads.flatMap((one) => (one === undefined ? [] : [bare(one)]));
}

/** Signatures and places outside. */
async function grade(report: VerificationReport, kept: KeptCheckpoints, places: Places, rooms: Built, { anchor, publicKeys = [] }: AskedToVerify, { signal }: Asker): Promise<VerificationReport> {
  const { anchors } = rooms.config.current().config.audit;
  const { heads, warnings } = await outsideHeads(anchors, dirname(places.log));
  const outside = [...(anchor === undefined ? [] : [{ ...bare(anchor), place: anchor.place, at: anchor.at }]), ...heads];
  return await gradeLog(report, kept, places, { pins: pinsOf(publicKeys), outside, witnesses: witnessKeysOf(anchors), warnings, signal });
}

/** Tells the asker how far it is, not too often; nobody when no progress was asked for. */
function progressTo({ notify }: Asker, progress: string | undefined): (done: number, total: number) => void {
  let told = Number.NEGATIVE_INFINITY;
  return (done, total) => {
    if (progress === undefined || performance.now() - told < progressMs) return;
    told = performance.now();
    notify('audit/progress', { progress, done, total });
  };
}

// Whoever put a log back and verifies it need not wait for the next call to see that it is written again.
async function takeUp({ writer, self }: Built): Promise<void> {
  const { state } = writer.state().health;
  if (state === 'healthy' || state === 'closed') return;
  await writer.append({ phase: 'event', tool: 'audit.resumed', input: { after: state }, result: 'ok', actor: self }).catch(() => undefined);
}

function pinsOf(publicKeys: readonly string[]): VerifierKey[] {
  return publicKeys.map((text) => {
    const key = parseVerifierKey(text);
    if (key === undefined) throw new ConductorError('INVALID_INPUT', `This is no verifier key: ${text}`);
    return key;
  });
}

function bare({ entries, head }: KnownHead): KnownHead {
  return { entries, head: head.replace(/^sha256:/, '') };
}
