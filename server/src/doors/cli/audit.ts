import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import type { KnownHead } from '../../../../protocol/src/audit/chain';
import type { AuditFilter } from '../../../../protocol/src/audit/query';
import { exitCodeOf, type VerificationReport } from '../../../../protocol/src/audit/report';
import { createAuditReader, type AuditItem } from '../../audit/reader';
import { outsideHeads, witnessKeysOf } from '../../anchors/places';
import { gradeLog, readBefore, type Policy } from '../../audit/grading';
import { readConfigFile } from '../../config/file';
import { parseConfig } from '../../config/parse';
import { verifyAuditLog } from '../../audit/verifier';
import { createAuditView, rowOf } from '../../audit/view';
import { confirmed, requirePerson, withBroker } from './approvals';
import { addAuditExport } from './auditExport';
import { addAuditRemoved } from './auditRemoved';
import { addAuditShow } from './auditShow';
import { openRunningBroker } from './brokerClient';
import { configFileIn } from './config';
import { addProofs, placesOf, policyOf, withPolicy, type PolicyOptions } from './proofs';
import { note, print, printTable, run, safe } from './terminal';

/** `conductor audit`: read and verify the log. It reads the file itself, so that it works without a broker. */
export function addAudit(program: Command, configDir: () => string): void {
  const audit = program.command('audit').description('Read and verify the audit log');
  const logFile = (given: string | undefined): string => (given === undefined ? join(configDir(), 'audit.log') : resolve(given));

  withFilters(audit.command('list').description('List entries, newest first'))
    .option('-n, --limit <count>', 'how many at most', count, 100)
    .option('--json', 'print the entries as they stand in the log, one a line')
    .option('--file <file>', 'another log than the one in use')
    .action((options: ListOptions) => run(() => list(logFile(options.file), options)));

  withPolicy(audit.command('verify').description('Verify the chain, its signatures and what is noted elsewhere; exit 0 intact, 1 tampered, 3 torn by a crash and repairable, 2 could not verify'))
    .option('--deep', 'read every line, also of closed files')
    .option('--strict', 'also check what every line says: schema, double members, decisions and their outcomes')
    .option('--json', 'print JSON')
    .option('--file <file>', 'another log than the one in use')
    .action((options: VerifyFlags) => run(() => verify(logFile(options.file), options, options.file === undefined ? configDir() : undefined)));

  addProofs(audit, logFile);
  addAuditExport(audit, logFile, withFilters);
  addAuditShow(audit, logFile, configDir);
  addAuditRemoved(audit, logFile);

  audit
    .command('start-new')
    .description('Set a damaged log aside and begin a new one; asks at this terminal first')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action((options: { reason: string }) => run(() => startNew(configDir(), options.reason)));

  audit
    .command('tail')
    .description('Show the latest entries and those that follow, until Ctrl+C')
    .option('-n, --lines <count>', 'how many to begin with', count, 20)
    .option('--json', 'print the entries as they stand in the log')
    .option('--no-follow', 'end after the latest entries')
    .option('--file <file>', 'another log than the one in use')
    .action((options: { lines: number; json?: boolean; follow: boolean; file?: string }) => run(() => tail(logFile(options.file), options)));
}

type ListOptions = Readonly<{ limit: number; json?: boolean; file?: string }> & AuditFilter;

function withFilters(command: Command): Command {
  return command
    .option('--tool <name>', 'dotted tool name, or a group such as "filesystem"')
    .option('--result <result>', 'success, error, denied, timeout, …')
    .option('--actor <text>', "part of the client's name")
    .option('--call <id>', 'one call')
    .option('--text <text>', 'any part of the entry')
    .option('--since <time>', 'ISO time, or for instance 24h or 7d ago', time)
    .option('--until <time>', 'ISO time, or for instance 1h ago', time);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000_000) throw new InvalidArgumentError('Write a whole number from 1 to 1000000.');
  return value;
}

function time(text: string): string {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return new Date(Date.now() - Number(ago[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[ago[2] as 's' | 'm' | 'h' | 'd'] * 1000).toISOString();
  const value = Date.parse(text);
  if (Number.isNaN(value)) throw new InvalidArgumentError('Write an ISO time such as 2026-11-21T10:00:00Z, or a span such as 24h.');
  return new Date(value).toISOString();
}

async function list(file: string, options: ListOptions): Promise<number> {
  const { limit, json } = options;
  const filter = filterOf(options);
  const view = createAuditView(createAuditReader(file));
  const shown: string[][] = [];
  let left = limit;
  let before: number | undefined;
  do {
    const page = await view.page({ filter, limit: Math.min(left, 1000), ...(before === undefined ? {} : { before }) });
    for (const row of page.rows) {
      if (json === true) print((await view.line(row.seq)) ?? '');
      else shown.push([String(row.seq), row.timestamp, row.phase, row.tool, row.result, row.client ?? '-', row.summary]);
    }
    left -= page.rows.length;
    before = page.next;
  } while (before !== undefined && left > 0);
  if (json !== true && shown.length === 0) note('No entries.');
  else if (json !== true) printTable([['#', 'TIME', 'PHASE', 'TOOL', 'RESULT', 'CLIENT', 'INPUT'], ...shown]);
  return 0;
}

function filterOf({ tool, result, actor, call, text, since, until }: AuditFilter): AuditFilter {
  return Object.fromEntries(Object.entries({ tool, result, actor, call, text, since, until }).filter(([, value]) => value !== undefined));
}

type VerifyFlags = Readonly<{ deep?: boolean; strict?: boolean; json?: boolean; file?: string }> & PolicyOptions;

async function verify(file: string, options: VerifyFlags, configDir: string | undefined): Promise<number> {
  const policy = policyOf(options);
  const known = configDir === undefined ? undefined : await headOfBroker(configDir);
  const places = placesOf(file, options.checkpoints);
  const kept = await readBefore(places);
  const anchored = configDir === undefined ? {} : await anchorPolicy(configDir);
  const depth = options.strict === true ? 'strict' : options.deep === true ? 'deep' : 'default';
  const bar = progressBar();
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  const chain = await verifyAuditLog(file, { depth, signal: stop.signal, ...(known && { known }), ...(bar && { onProgress: bar.show }) });
  bar?.clear();
  const report = await gradeLog(chain, kept, places, { ...policy, signal: stop.signal, ...anchored, witnesses: [...(policy.witnesses ?? []), ...(anchored.witnesses ?? [])], outside: [...(policy.outside ?? []), ...(anchored.outside ?? [])] });
  process.removeListener('SIGINT', interrupt);
  if (options.json === true) print(JSON.stringify(report));
  else print(describe(file, report));
  return exitCodeOf(report);
}

// The places outside that the configuration names. One that cannot be used as it stands names none, which the doctor tells.
async function anchorPolicy(configDir: string): Promise<Policy> {
  const content = await readConfigFile(configFileIn(configDir));
  const parsed = content.kind === 'bytes' ? parseConfig(content.bytes) : undefined;
  if (parsed?.kind !== 'config') return {};
  const { anchors } = parsed.config.audit;
  const { heads, warnings } = await outsideHeads(anchors, configDir);
  return { witnesses: witnessKeysOf(anchors), outside: heads, warnings };
}

// A running broker remembers how far it wrote, so that a log that was cut behind its back is not called intact. None is started for it.
async function headOfBroker(configDir: string): Promise<KnownHead | undefined> {
  try {
    const broker = await openRunningBroker(configDir);
    const { audit } = await broker.request('conductor/status', {});
    broker.close();
    return audit.head === '' ? undefined : { entries: audit.entries, head: audit.head.replace(/^sha256:/, '') };
  } catch {
    return undefined;
  }
}

// An agent must not be able to put the evidence aside by running this command (T40).
async function startNew(configDir: string, reason: string): Promise<number> {
  requirePerson();
  if (!(await confirmed('The present log is kept in audit/ and a new one begins. Type "yes" to do so: '))) {
    note('Nothing was changed.');
    return 1;
  }
  return await withBroker(configDir, async (broker) => {
    const { movedTo } = await broker.request('audit/startNew', { reason });
    print(`A new audit log begins. The earlier one is kept at ${movedTo}.`);
    return 0;
  });
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

function describe(file: string, report: VerificationReport): string {
  const { verdict, level, trust, entries, line, offset, expected, found, message, notes } = report;
  const head = { intact: `Intact (${trust?.words ?? level ?? 'unknown level'}): ${String(entries)} entries in ${file}`, tampered: `TAMPERED: ${file}`, torn: `Torn by a crash, repairable: ${file}`, unverifiable: `Could not verify ${file}` }[verdict];
  const place = line === null ? [] : [`  at line ${String(line)}, byte ${String(offset ?? 0)}`];
  const hashes = expected === null && found === null ? [] : [`  expected ${expected ?? '-'}`, `  found    ${found ?? '-'}`];
  const limits = notes.map((one) => `  ${one}`);
  return [head, ...limits, ...(message === null || verdict === 'intact' ? [] : [`  ${message}`]), ...place, ...hashes].map(safe).join('\n');
}

async function tail(file: string, { lines, json, follow }: { lines: number; json?: boolean; follow: boolean }): Promise<number> {
  const reader = createAuditReader(file);
  const end = await reader.size();
  const { items } = await reader.page({ limit: Math.min(lines, 1000) });
  const show = (item: AuditItem): void => print(json === true ? item.raw : lineOf(item));
  for (const item of [...items].reverse()) show(item);
  if (!follow) return 0;
  const latest = items[0];
  const from = latest === undefined ? 0 : Math.max(end, latest.offset + Buffer.byteLength(latest.raw) + 1);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  for await (const item of reader.follow(from, { signal: abort.signal })) show(item);
  await sleep(0);
  return 0;
}

function lineOf(item: AuditItem): string {
  const row = rowOf(item);
  return safe([String(row.seq), row.timestamp, row.phase.padEnd(7), row.tool, row.result, row.summary].join('  '));
}
