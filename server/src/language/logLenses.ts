/** What stands above the lines of an opened log: how far it was verified, signed and anchored, and where it is broken. */
import { damageWord } from '../../../protocol/src/audit/damageWords';
import type { Finding, VerificationReport } from '../../../protocol/src/audit/report';
import type { LogFacts } from './logFile';

/** The last verification and when it was made, in milliseconds since 1970. */
export type LastVerification = Readonly<{ report: VerificationReport; at: number }>;

/** Words above a line, counted from 0. */
export type LogLens = Readonly<{ line: number; title: string; tooltip: string }>;

const click = 'Verifies the whole log again.';
/** Most places that are told of in one file. */
const mostPlaces = 60;

/** The lenses of one file; `file` is undefined for the one in use, else its name as findings have it. */
export function logLenses(file: string | undefined, facts: LogFacts, last: LastVerification | undefined): LogLens[] {
  if (last === undefined) return [{ line: 0, title: '$(unverified) Not verified since the broker started. Verify now', tooltip: click }];
  const { report, at } = last;
  const head: LogLens = { line: 0, title: `${headTitle(report, facts, file)} · ${clockText(at)}`, tooltip: `${report.trust?.words ?? report.message}\n${click}` };
  const own = report.findings.filter((one) => (one.file ?? undefined) === file && one.line !== null).sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return [head, ...(report.verdict === 'intact' ? reached(report, facts) : []), ...(own.length > 0 ? broken(own.slice(0, mostPlaces), facts) : [])];
}

function headTitle(report: VerificationReport, facts: LogFacts, file: string | undefined): string {
  switch (report.verdict) {
    case 'intact':
      return `$(verified-filled) ${levelTitle(report)}${sinceTitle(report, facts, file)}`;
    case 'tampered':
      return `$(error) Log broken: ${damageWord({ class: report.class ?? 'corrupt', message: report.message })}${report.line === null ? '' : ` at line ${String(report.line)}${report.file === file ? '' : ` of ${report.file ?? 'audit.log'}`}`}${report.findingCount > 1 ? `, ${String(report.findingCount)} findings` : ''}`;
    case 'torn':
      return `$(warning) Torn by a crash after #${String(lastOf(report))}; the broker repairs this when it starts`;
    case 'unverifiable':
      return '$(unverified) Could not be verified';
  }
}

/** Nothing beyond what was shown: verified, then signed, then anchored outside. */
function levelTitle(report: VerificationReport): string {
  const { signedTo, anchors, place } = report.trust ?? { signedTo: null, anchors: [], place: null };
  const [anchor] = anchors;
  const signed = signedTo === null ? 'not signed' : `signed to #${String(signedTo)}${place === 'file' ? ' by the key file' : ''}`;
  const anchored = anchor === undefined ? 'not anchored outside' : `anchored outside to #${String(anchor.entries)}`;
  return `Verified to #${String(lastOf(report))} · ${signed} · ${anchored}`;
}

function sinceTitle(report: VerificationReport, { firstSeq, lines }: LogFacts, file: string | undefined): string {
  const since = file !== undefined || firstSeq === undefined ? 0 : firstSeq + lines - 1 - lastOf(report);
  return since <= 0 ? '' : ` · ${String(since)} newer`;
}

/** The lines up to which the log is verified, signed and anchored, where they stand in this file below its first line. */
function reached(report: VerificationReport, facts: LogFacts): LogLens[] {
  const { signedTo = null, signedAt = null, place = null, anchors = [] } = report.trust ?? {};
  const how = place === 'file' ? 'by the key file, which who can write the log can use' : "by this editor's key";
  const places: readonly (readonly [number | null, string, string])[] = [
    [lastOf(report), 'Verified to here', report.message],
    [signedTo, 'Signed to here', `Signed ${how}${signedAt === null ? '' : `, ${signedAt}`}.`],
    ...anchors.slice(0, 5).map((anchor) => [anchor.entries, `Anchored outside to here (${anchor.place})`, anchor.at === null ? anchor.place : `${anchor.place}, ${anchor.at}`] as const),
  ];
  return places.flatMap(([seq, title, tooltip]) => {
    const line = lineOf(seq, facts);
    return line === undefined || line === 0 ? [] : [{ line, title: `$(check) ${title} · #${String(seq)}`, tooltip: `${tooltip}\n${click}` }];
  });
}

/** Each broken line, and the last line of each stretch that is sound: up to the first break it is verified, after it only its lines fit each other. */
function broken(findings: readonly Finding[], { firstSeq, lines }: LogFacts): LogLens[] {
  const lenses: LogLens[] = [];
  let from = 0;
  for (const one of findings) {
    const line = Math.max(0, (one.line ?? 1) - 1);
    if (line > from) lenses.push(sound(from, line - 1, firstSeq));
    const differ = one.expected === null && one.found === null ? '' : `: expected ${short(one.expected)}, found ${short(one.found)}`;
    lenses.push({ line, title: `$(error) ${damageWord(one).toUpperCase()}${differ}`, tooltip: `${one.message}\n${click}` });
    from = line + 1;
  }
  if (from < lines) lenses.push(sound(from, lines - 1, firstSeq));
  return lenses;
}

function sound(from: number, to: number, firstSeq: number | undefined): LogLens {
  if (from === 0) return { line: to, title: firstSeq === undefined ? '$(check) Verified to here' : `$(check) Verified to #${String(firstSeq + to)}`, tooltip: `Every line up to this one is as it was written.\n${click}` };
  return { line: to, title: `$(question) Lines ${String(from + 1)} to ${String(to + 1)} fit each other, after a break`, tooltip: `After a break the chain shows only that these lines belong together.\n${click}` };
}

function lineOf(seq: number | null, { firstSeq, lines }: LogFacts): number | undefined {
  if (seq === null || firstSeq === undefined) return undefined;
  const line = seq - firstSeq;
  return line >= 0 && line < lines ? line : undefined;
}

function lastOf({ from, entries }: VerificationReport): number {
  return from + entries - 1;
}

function short(hash: string | null): string {
  return hash === null ? 'nothing' : hash.replace(/^(sha256:[0-9a-f]{8})[0-9a-f]{56}$/, '$1…');
}

function clockText(at: number): string {
  return new Date(at).toTimeString().slice(0, 5);
}
