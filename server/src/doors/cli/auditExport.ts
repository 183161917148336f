import { once } from 'node:events';
import { Option, type Command } from 'commander';
import type { AuditFilter } from '../../../../protocol/src/audit/query';
import { exporterOf, exportFormats, type ExportFormat } from '../../audit/read/exporting';
import { matcher, type AuditItem } from '../../audit/read/filter';
import { createAuditReader, type AuditReader } from '../../audit/read/reader';
import { filterOfReader } from '../../audit/read/view';
import { version } from '../../base/version';
import { note, print, printTable, run } from './terminal';

/** `conductor audit export` and `conductor audit stats`: all entries that a filter lets through, oldest first. */
export function addAuditExport(audit: Command, logFile: (given: string | undefined) => string, withFilters: (command: Command) => Command): void {
  withFilters(audit.command('export').description('Write entries for other programs, oldest first'))
    .addOption(new Option('--format <format>', 'verbatim lines, a JSON array, CEF, or OpenTelemetry logs as JSON lines').choices(exportFormats).default('jsonl'))
    .option('--file <file>', 'another log than the one in use')
    .action((options: AuditFilter & { format: ExportFormat; file?: string }) => run(() => exportEntries(logFile(options.file), options.format, options)));

  withFilters(audit.command('stats').description('Count entries by result, tool, client and day'))
    .option('--json', 'print JSON')
    .option('--file <file>', 'another log than the one in use')
    .action((options: AuditFilter & { json?: boolean; file?: string }) => run(() => stats(logFile(options.file), options, options.json === true)));
}

/** Entries that are read at a time. */
const atOnce = 1_000;

async function* matching(reader: AuditReader, filter: AuditFilter): AsyncGenerator<readonly AuditItem[], void, undefined> {
  const match = matcher(filterOfReader(filter));
  let at = 0;
  for (;;) {
    const { items, next } = await reader.since(at, atOnce);
    if (items.length === 0) return;
    yield items.filter(({ raw, offset }) => {
      const bytes = Buffer.from(raw);
      return match(bytes, 0, bytes.length, offset) !== undefined;
    });
    at = next;
  }
}

async function exportEntries(file: string, format: ExportFormat, filter: AuditFilter): Promise<number> {
  const exporter = exporterOf(format, version);
  let first = true;
  await write(exporter.before);
  for await (const items of matching(createAuditReader(file), filter)) {
    const records = exporter.records(items);
    if (records.length === 0) continue;
    await write((first ? '' : exporter.between) + records.join(exporter.between));
    first = false;
  }
  if (!first || exporter.before !== '') await write(exporter.after);
  return 0;
}

async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

type Counts = Readonly<Record<'results' | 'tools' | 'clients' | 'days', Map<string, number>>>;

async function stats(file: string, filter: AuditFilter, json: boolean): Promise<number> {
  const reader = createAuditReader(file);
  const counts: Counts = { results: new Map(), tools: new Map(), clients: new Map(), days: new Map() };
  const calls = { admitted: 0, refused: 0 };
  let entries = 0;
  let damaged = 0;
  for await (const items of matching(reader, filter)) {
    for (const { entry } of items) {
      entries += 1;
      if (entry === undefined) damaged += 1;
      else countEntry(counts, entry);
      if (entry?.phase === 'intent') calls.admitted += 1;
      if (entry?.phase === 'denied') calls.refused += 1;
    }
  }
  const bytes = await reader.size();
  if (json) print(JSON.stringify({ entries, damaged, bytes, calls, ...Object.fromEntries(Object.entries(counts).map(([name, map]) => [name, Object.fromEntries(sorted(name, map))])) }));
  else if (entries === 0) note('No entries.');
  else {
    print(`${String(entries)} entries, ${String(calls.admitted)} calls admitted, ${String(calls.refused)} refused${damaged === 0 ? '' : `, ${String(damaged)} damaged lines`}`);
    for (const [name, map] of Object.entries(counts)) {
      if (map.size === 0) continue;
      print('');
      printTable([[name.toUpperCase(), 'ENTRIES'], ...sorted(name, map).slice(0, 20).map(([key, count]) => [key, String(count)])]);
    }
  }
  return 0;
}

function countEntry(counts: Counts, { result, tool, actor, timestamp }: Readonly<{ result: string; tool: string; actor?: { client?: string | undefined } | undefined; timestamp: string }>): void {
  const add = (map: Map<string, number>, key: string | undefined): void => {
    if (key !== undefined) map.set(key, (map.get(key) ?? 0) + 1);
  };
  add(counts.results, result);
  add(counts.tools, tool);
  add(counts.clients, actor?.client);
  add(counts.days, timestamp.slice(0, 10));
}

/** Days newest first, everything else by count. */
function sorted(name: string, map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].sort(([a, m], [b, n]) => (name === 'days' ? b.localeCompare(a) : n - m || a.localeCompare(b)));
}
