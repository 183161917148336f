/** Makes reports that a person and a program can read. */
import type { ChainResult, KnownHead } from '../../../../protocol/src/audit/chain';
import type { DamageClass, Finding, VerificationReport } from '../../../../protocol/src/audit/report';
import type { Pass } from './pass';

/** Orphans and findings that a report lists; it counts them all. */
const listed = 100;

/** Makes the report of one pass over one file. */
export function reportOf(pass: Pass): VerificationReport {
  return reportOfFiles([{ ...pass, name: undefined }], { depth: 'default', notes: [] });
}

/** A pass, and the name of its file when it is not the one in use. */
export type NamedPass = Pass & Readonly<{ name: string | undefined }>;

/** Makes the report of the files of a log, the oldest first. */
export function reportOfFiles(passes: readonly NamedPass[], { depth, notes }: Pick<VerificationReport, 'depth' | 'notes'>): VerificationReport {
  const [first] = passes;
  const last = passes.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('a report needs at least one file');
  const findings = passes.flatMap(({ chain, start, name }) => chain.findings.map((one) => inItsFile(one, start.seq, name)));
  const [worst] = findings;
  const verdict = passes.some(({ chain }) => chain.verdict === 'tampered') ? 'tampered' : last.chain.verdict;
  const entries = passes.reduce((sum, { chain }) => sum + chain.entries, 0);
  const none = { class: null, line: null, offset: null, expected: null, found: null, message: intactMessage(entries, last.chain, first.start.seq) };
  return {
    verdict,
    level: verdict === 'intact' ? 'chain intact' : null,
    depth,
    files: passes.length,
    from: first.start.seq,
    notes,
    entries,
    bytes: passes.reduce((sum, { bytes }) => sum + bytes, 0),
    head: last.chain.seq === 0 ? null : `sha256:${last.chain.head}`,
    firstTimestamp: first.chain.firstTimestamp ?? null,
    lastTimestamp: last.chain.lastTimestamp ?? null,
    ...(worst ?? none),
    ...(verdict === 'torn' ? { class: 'crash' as const } : {}),
    findings: findings.slice(0, listed),
    findingCount: passes.reduce((sum, { chain }) => sum + chain.findingCount, 0),
    orphans: last.chain.orphans.slice(0, listed),
    orphanCount: last.chain.orphans.length,
    warnings: passes.flatMap(({ chain }) => chain.warnings).slice(0, 20),
  };
}

/** A finding with the name of its file, where that is not the one in use, and the number of its entry, where that is not the line's. */
function inItsFile(one: Finding, firstSeq: number, name: string | undefined): Finding {
  const numbered = one.line === null || firstSeq === 1 ? one : { ...one, entry: firstSeq + Math.max(1, one.line) - 1 };
  return name === undefined ? numbered : { ...numbered, file: name, message: `${name}: ${one.message}` };
}

function intactMessage(entries: number, { orphans }: ChainResult, from: number): string {
  const open = orphans.length === 0 ? '' : ` ${orphans.length} admitted without a recorded outcome (running, or cut off).`;
  return `Chain intact${from === 1 ? '' : ` from #${from} on`}: ${entries} ${entries === 1 ? 'entry' : 'entries'}.${open}`;
}

/** The report when there is no file at `path`. `before` names a closed file that came before it, when there is one. */
export function missingReport(path: string, known: KnownHead | undefined, before: string | undefined): VerificationReport {
  if (known !== undefined) {
    const message = `The log had ${known.entries} entries and is gone: there is no file at ${path}.`;
    return { ...withoutChain('tampered', 'truncation', message), expected: `sha256:${known.head}` };
  }
  if (before === undefined) return withoutChain('unverifiable', 'missing', `There is no audit log at ${path}.`);
  return withoutChain('tampered', 'truncation', `The log is gone: there is no file at ${path}, although ${before}, which came before it, is there.`);
}

/** The report of a verification that was stopped. */
export const abortedReport: VerificationReport = withoutChain('unverifiable', 'aborted', 'The verification was stopped before its end.');

/** A report that tells nothing of a chain. */
export function withoutChain(verdict: 'unverifiable' | 'tampered', kind: DamageClass, message: string): VerificationReport {
  const finding: Finding = { class: kind, line: null, offset: null, expected: null, found: null, message };
  const nothing = { depth: 'default', files: 0, from: 1, notes: [], entries: 0, bytes: 0, head: null, firstTimestamp: null, lastTimestamp: null, level: null } as const;
  return { verdict, ...nothing, notes: [], ...finding, class: kind, findings: [finding], findingCount: 1, orphans: [], orphanCount: 0, warnings: [] };
}
