import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import type { AuditFilter } from '../../../../protocol/src/audit/query';
import { matcher } from '../../audit/read/filter';
import { createAuditReader, type AuditFilter as ReaderFilter, type AuditItem, type AuditReader } from '../../audit/read/reader';
import { createAuditView, filterOfReader, rowOf } from '../../audit/read/view';
import { confirmed, requirePerson, withBroker } from './approvals';
import { addAuditExport } from './auditExport';
import { addAuditRemoved } from './auditRemoved';
import { addAuditShow } from './auditShow';
import { addVerify, logFileOf } from './auditVerify';
import { addProofs } from './proofs';
import { note, print, printTable, run, safe } from './terminal';

/** `conductor audit`: read and verify the log. It reads the file itself, so that it works without a broker. */
export function addAudit(program: Command, configDir: () => string): void {
  const audit = program.command('audit').description('Read and verify the audit log');
  const logFile = (given: string | undefined): string => logFileOf(given, configDir);

  withFilters(audit.command('list').description('List entries, newest first'))
    .option('-n, --limit <count>', 'how many at most', count, 100)
    .option('--json', 'print the entries as they stand in the log, one a line')
    .option('--file <file>', 'another log than the one in use')
    .action((options: ListOptions) => run(() => list(logFile(options.file), options)));

  addVerify(audit, configDir);
  addProofs(audit, logFile);
  addAuditExport(audit, logFile, withFilters);
  addAuditShow(audit, logFile, configDir);
  addAuditRemoved(audit, logFile);

  audit
    .command('start-new')
    .description('Set a damaged log aside and begin a new one; asks at this terminal first')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action((options: { reason: string }) => run(() => startNew(configDir(), options.reason)));

  withFilters(audit.command('tail').description('Show the latest entries and those that follow, until Ctrl+C'))
    .option('-n, --lines <count>', 'how many to begin with', count, 20)
    .option('--json', 'print the entries as they stand in the log')
    .option('--no-follow', 'end after the latest entries')
    .option('--file <file>', 'another log than the one in use')
    .action((options: TailOptions) => run(() => tail(logFile(options.file), options)));
}

type TailOptions = Readonly<{ lines: number; json?: boolean; follow: boolean; file?: string }> & AuditFilter;
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

async function tail(file: string, { lines, json, follow, ...options }: TailOptions): Promise<number> {
  const reader = createAuditReader(file);
  const filter = filterOfReader(filterOf(options));
  const end = await reader.size();
  const items = await newest(reader, filter, lines);
  const show = (item: AuditItem): void => print(json === true ? item.raw : lineOf(item));
  for (const item of [...items].reverse()) show(item);
  if (!follow) return 0;
  const latest = items[0];
  const from = latest === undefined ? end : Math.max(end, latest.offset + Buffer.byteLength(latest.raw) + 1);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const match = matcher(filter);
  for await (const item of reader.follow(from, { signal: abort.signal })) {
    const bytes = Buffer.from(item.raw);
    if (match(bytes, 0, bytes.length, item.offset) !== undefined) show(item);
  }
  await sleep(0);
  return 0;
}

/** The newest entries that a filter lets through, newest first. */
async function newest(reader: AuditReader, filter: ReaderFilter, most: number): Promise<readonly AuditItem[]> {
  const items: AuditItem[] = [];
  let before: number | undefined;
  do {
    const page = await reader.page({ filter, limit: Math.min(most - items.length, 1000), ...(before === undefined ? {} : { before }) });
    items.push(...page.items);
    before = page.next;
  } while (before !== undefined && items.length < most);
  return items;
}

function lineOf(item: AuditItem): string {
  const row = rowOf(item);
  return safe([String(row.seq), row.timestamp, row.phase.padEnd(7), row.tool, row.result, row.summary].join('  '));
}
