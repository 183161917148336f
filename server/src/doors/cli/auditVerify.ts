import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { brokerAddress } from '../../../../link/src/address';
import type { KnownHead } from '../../../../protocol/src/audit/chain';
import { runtimeFlaw } from '../../../../protocol/src/audit/kernelSoundness';
import { exitCodeOf, type VerificationReport } from '../../../../protocol/src/audit/report';
import { ConductorError } from '../../../../protocol/src/errors';
import { gradeLog, readBefore, type Policy } from '../../audit/checkpoints/grading';
import { verifySince } from '../../audit/verify/incremental';
import { keepLastVerified, lastVerifiedFileOf, readLastVerified, type LastVerified } from '../../audit/verify/lastVerified';
import { usualThreads } from '../../audit/verify/threads';
import { verifyAuditLog } from '../../audit/verify/verifier';
import { configFileIn, readConfigFile } from '../../config/file';
import { placesOf, policyOf, withPolicy, type PolicyOptions } from './proofs';
import { note, print, run, safe } from './terminal';

/** `conductor audit verify`. It reads the files itself, so that it works without a broker. */
export function addVerify(audit: Command, configDir: () => string): void {
  withPolicy(audit.command('verify').description('Verify the chain, its signatures and what is noted elsewhere; exit 0 intact, 1 tampered, 3 torn by a crash and repairable, 2 could not verify'))
    .option('--deep', 'read every line, also of closed files')
    .option('--strict', 'also check what every line says: schema, double members, decisions and their outcomes')
    .option('--incremental', 'read only what came after the last verification by this command, which audit.verified beside the log remembers, and say so; everything when that cannot be')
    .option('--threads <count>', 'threads that read a long log with --deep or --strict, 1 to 16; default: 2 where there are so many processors', threadCount)
    .option('--json', 'print JSON')
    .option('--file <file>', 'another log than the one in use')
    .action((options: VerifyFlags) => run(() => verify(logFileOf(options.file, configDir), options, options.file === undefined ? configDir() : undefined)));
}

/** The log that is meant: the one in use, or another. */
export function logFileOf(given: string | undefined, configDir: () => string): string {
  return given === undefined ? join(configDir(), 'audit.log') : resolve(given);
}

type VerifyFlags = Readonly<{ deep?: boolean; strict?: boolean; threads?: number; incremental?: boolean; json?: boolean; file?: string }> & PolicyOptions;

function threadCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 16) throw new InvalidArgumentError('Write a whole number from 1 to 16.');
  return value;
}

async function verify(file: string, options: VerifyFlags, configDir: string | undefined): Promise<number> {
  refuseOthersWith(options);
  expectSound();
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  const report = await (options.incremental === true && configDir !== undefined ? verifyNew(file, configDir, stop.signal) : verifyAll(file, options, configDir, stop.signal));
  process.removeListener('SIGINT', interrupt);
  if (options.json === true) print(JSON.stringify(report));
  else print(describe(file, report));
  return exitCodeOf(report);
}

// Half an answer must not look like the whole one that was asked for.
function refuseOthersWith({ incremental, json: _json, ...others }: VerifyFlags): void {
  if (incremental !== true || Object.values(others).every((value) => value === undefined)) return;
  throw new ConductorError('INVALID_INPUT', '--incremental follows the chain of the log in use and looks at nothing else.', { next: 'Leave out the other options, or --incremental.' });
}

// A wrong hash would call a good log damaged, or a damaged one good.
function expectSound(): void {
  const flaw = runtimeFlaw();
  if (flaw !== undefined) throw new ConductorError('AUDIT_UNAVAILABLE', `${flaw} Nothing can be verified with it.`, { next: 'Use another version of Node.js.' });
}

/** What is new; everything, signatures too, when there is nothing to go on from or anything is odd. */
async function verifyNew(file: string, configDir: string, signal: AbortSignal): Promise<VerificationReport> {
  const memory = lastVerifiedFileOf(file);
  const last = await readLastVerified(memory);
  if (last === undefined) return await verifyAll(file, {}, configDir, signal);
  const [own, { outside = [] }] = [await headOfBroker(configDir), await anchorPolicy(configDir)];
  let come: LastVerified | undefined;
  const known = [...(own === undefined ? [] : [own]), ...outside];
  const report = await verifySince(file, last, { signal, known, onIntact: (one) => { come = one; } });
  if (report === undefined) return await verifyAll(file, {}, configDir, signal);
  await keep(memory, come);
  return report;
}

async function verifyAll(file: string, options: VerifyFlags, configDir: string | undefined, signal: AbortSignal): Promise<VerificationReport> {
  const policy = policyOf(options);
  const known = configDir === undefined ? undefined : await headOfBroker(configDir);
  const places = placesOf(file, options.checkpoints);
  const kept = await readBefore(places);
  const anchored = configDir === undefined ? {} : await anchorPolicy(configDir);
  const depth = options.strict === true ? 'strict' : options.deep === true ? 'deep' : 'default';
  const bar = progressBar();
  let come: LastVerified | undefined;
  const chain = await verifyAuditLog(file, { depth, signal, threads: options.threads ?? usualThreads(), onIntact: (one) => { come = one; }, ...(known && { known }), ...(bar && { onProgress: bar.show }) });
  bar?.clear();
  const report = await gradeLog(chain, kept, places, { ...policy, ...anchored, signal, witnesses: [...(policy.witnesses ?? []), ...(anchored.witnesses ?? [])], outside: [...(policy.outside ?? []), ...(anchored.outside ?? [])] });
  if (report.verdict === 'intact' && configDir !== undefined) await keep(lastVerifiedFileOf(file), come);
  return report;
}

// Without it the next one reads everything, which is no harm.
async function keep(memory: string, come: LastVerified | undefined): Promise<void> {
  if (come === undefined) return;
  await keepLastVerified(memory, come).catch((cause: unknown) => note(`Where this verification came to could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`));
}

// The places outside that the configuration names. What reads a configuration takes more memory than most verifications, so it stays away where there is no need.
async function anchorPolicy(configDir: string): Promise<Policy> {
  const content = await readConfigFile(configFileIn(configDir));
  if (content.kind !== 'bytes' || !/anchors|\\u/.test(Buffer.from(content.bytes).toString('latin1'))) return {};
  const { anchorsIn } = await import('./anchorPolicy');
  return await anchorsIn(content.bytes, configDir);
}

// A running broker remembers how far it wrote, so that a log that was cut behind its back is not called intact. None is started for it.
async function headOfBroker(configDir: string): Promise<KnownHead | undefined> {
  // Without a socket no broker runs, and what talks to one need not be loaded.
  if (process.platform !== 'win32' && !existsSync(brokerAddress(configDir))) return undefined;
  try {
    const { openRunningBroker } = await import('./brokerClient');
    const broker = await openRunningBroker(configDir);
    const { audit } = await broker.request('conductor/status', {});
    broker.close();
    return audit.head === '' ? undefined : { entries: audit.entries, head: audit.head.replace(/^sha256:/, '') };
  } catch {
    return undefined;
  }
}

/** A bar on standard error while a person waits at a terminal; undefined elsewhere. */
function progressBar(): { show(done: number, total: number): void; clear(): void } | undefined {
  if (!process.stderr.isTTY) return undefined;
  let shown = -1;
  return {
    show: (done, total) => {
      const percent = total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
      if (percent === shown) return;
      shown = percent;
      process.stderr.write(`\r${'#'.repeat(Math.floor(percent / 4)).padEnd(25, '.')} ${String(percent)} %`);
    },
    clear: () => {
      if (shown >= 0) process.stderr.write('\r\u001b[K');
    },
  };
}

/** Warnings that a terminal shows; `--json` has all that are kept. */
const mostWarnings = 5;

function describe(file: string, report: VerificationReport): string {
  const { verdict, level, trust, since, entries, line, offset, expected, found, message, notes, warnings } = report;
  const words = since === undefined ? `Intact (${trust?.words ?? level ?? 'unknown level'}): ${String(entries)} entries` : `Intact since the last full verification at #${String(since.entries)} (chain only): ${String(entries)} new entries`;
  const head = { intact: `${words} in ${file}`, tampered: `TAMPERED: ${file}`, torn: `Torn by a crash, repairable: ${file}`, unverifiable: `Could not verify ${file}` }[verdict];
  const place = line === null ? [] : [`  at line ${String(line)}, byte ${String(offset ?? 0)}`];
  const hashes = expected === null && found === null ? [] : [`  expected ${expected ?? '-'}`, `  found    ${found ?? '-'}`];
  const limits = notes.map((one) => `  ${one}`);
  const odd = warnings.slice(0, mostWarnings).map((one) => `  line ${String(one.line)}: ${one.message}`);
  return [head, ...limits, ...odd, ...(message === null || verdict === 'intact' ? [] : [`  ${message}`]), ...place, ...hashes].map(safe).join('\n');
}

