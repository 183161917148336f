import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SymbolKind, type CodeLens, type DocumentSymbol, type FoldingRange, type Hover, type Position, type Range } from 'vscode-languageserver';
import type { Finding, VerificationReport } from '../../../protocol/src/audit/report';
import { revealLine } from '../../../protocol/src/display';
import { realDisk, type Disk } from '../audit/files/disk';
import { entryHover } from './entryHover';
import { LogFileLines, type LogFacts } from './logFile';
import { logLenses, type LastVerification } from './logLenses';

/** What the language of the audit log needs to know. */
export type AuditLogOptions = Readonly<{
  /** Absolute path of the log in use; its closed files stand in the folder `audit` beside it. */
  log: string;
  /** The last verification; undefined before the first. */
  verified(): LastVerification | undefined;
  disk?: Disk;
}>;

/** What an editor asks about an opened file of the log. Reads the file itself, by the line: its text never crosses. */
export type AuditLogLanguage = Readonly<{
  /** Whether this document is a file of this log. */
  owns(uri: string): boolean;
  hover(uri: string, position: Position, signal?: AbortSignal): Promise<Hover | null>;
  folding(uri: string, signal?: AbortSignal): Promise<FoldingRange[]>;
  lenses(uri: string, signal?: AbortSignal): Promise<CodeLens[]>;
  symbols(uri: string, signal?: AbortSignal): Promise<DocumentSymbol[]>;
}>;

/** The command that lenses run: the editor verifies, since it knows what the broker cannot. */
const verifyCommand = 'conductor.audit.verify';
/** Files that are looked at at one time; the others are read again when they are asked for. */
const mostFiles = 6;

/** Makes the language of the audit log. */
export function createAuditLogLanguage({ log, verified, disk = realDisk }: AuditLogOptions): AuditLogLanguage {
  const files = new Map<string, LogFileLines>();
  const pathOf = (uri: string): string | undefined => ownPath(uri, log);
  const linesOf = (path: string): LogFileLines => {
    const known = files.get(path) ?? new LogFileLines(path, disk);
    files.delete(path);
    files.set(path, known);
    const [oldest] = files.keys();
    if (files.size > mostFiles && oldest !== undefined) files.delete(oldest);
    return known;
  };
  const factsOf = async (uri: string, signal: AbortSignal | undefined): Promise<LogFacts | undefined> => {
    const path = pathOf(uri);
    return path === undefined ? undefined : await linesOf(path).facts(signal);
  };
  return {
    owns: (uri) => pathOf(uri) !== undefined,
    async hover(uri, position, signal) {
      const path = pathOf(uri);
      const text = path === undefined ? undefined : await linesOf(path).line(position.line, signal);
      if (path === undefined || text === undefined) return null;
      const found = findingAt(verified()?.report, nameIn(path, log), position.line);
      return { contents: { kind: 'markdown', value: entryHover(text, found) }, range: wholeLine(position.line, text) };
    },
    async folding(uri, signal) {
      const facts = await factsOf(uri, signal);
      return facts === undefined ? [] : foldings(facts);
    },
    async lenses(uri, signal) {
      const [path, facts] = [pathOf(uri), await factsOf(uri, signal)];
      if (path === undefined || facts === undefined) return [];
      return logLenses(nameIn(path, log), facts, verified()).map(({ line, title, tooltip }) => ({ range: { start: { line, character: 0 }, end: { line, character: 0 } }, command: { title: revealLine(title, 300), tooltip, command: verifyCommand, arguments: [] } }));
    },
    async symbols(uri, signal) {
      const facts = await factsOf(uri, signal);
      return facts === undefined ? [] : days(facts);
    },
  };
}

/** The path of a file of the log, closed ones included; undefined for any other document. Compressed files are none: no editor shows them as text. */
function ownPath(uri: string, log: string): string | undefined {
  let path: string;
  try {
    path = normalize(fileURLToPath(uri));
  } catch {
    return undefined; // No file on this machine.
  }
  const folds = process.platform === 'win32' || process.platform === 'darwin';
  const same = (one: string, other: string): boolean => (folds ? one.toLowerCase() === other.toLowerCase() : one === other);
  if (same(path, normalize(log))) return path;
  return same(dirname(path), normalize(join(dirname(log), 'audit'))) && path.endsWith('.log') ? path : undefined;
}

/** The name that findings give a file; undefined for the one in use. */
function nameIn(path: string, log: string): string | undefined {
  return normalize(path) === normalize(log) ? undefined : `audit/${path.slice(dirname(path).length + 1)}`;
}

function findingAt(report: VerificationReport | undefined, file: string | undefined, line: number): Finding | undefined {
  return report?.findings.find((one) => (one.file ?? undefined) === file && one.line === line + 1);
}

function wholeLine(line: number, { length }: string): Range {
  return { start: { line, character: 0 }, end: { line, character: length } };
}

/** Days, and the hours in them. */
function foldings(facts: LogFacts): FoldingRange[] {
  return days(facts).flatMap((day) => [day, ...(day.children ?? [])]).flatMap(({ range }) => (range.end.line > range.start.line ? [{ startLine: range.start.line, endLine: range.end.line }] : []));
}

/** Lines of one day that follow each other, with the hours among them. */
function days({ hours }: LogFacts): DocumentSymbol[] {
  const found: { day: string; hours: DocumentSymbol[] }[] = [];
  for (const { hour, first, last } of hours) {
    const day = hour.slice(0, 10);
    const symbol = symbolOf(`${hour.slice(11)}:00`, `${String(last - first + 1)} lines`, first, last);
    const open = found.at(-1);
    if (open?.day === day) open.hours.push(symbol);
    else found.push({ day, hours: [symbol] });
  }
  return found.map(({ day, hours: own }) => ({ ...symbolOf(`${revealLine(day, 20)} (UTC)`, '', own[0]?.range.start.line ?? 0, own.at(-1)?.range.end.line ?? 0), children: own }));
}

function symbolOf(name: string, detail: string, first: number, last: number): DocumentSymbol {
  const range: Range = { start: { line: first, character: 0 }, end: { line: last, character: 0 } };
  return { name: name === '' ? '(no time)' : name, detail, kind: SymbolKind.Event, range, selectionRange: { start: range.start, end: range.start } };
}
