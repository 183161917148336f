/** Writes entries for other programs. Each format has its own escapes; what an agent wrote can never become a line, a field or a record of its own. */
import { reveal } from '../../../../protocol/src/display';
import type { StoredEntry } from '../../../../protocol/src/audit/entry';
import type { AuditItem } from './filter';

/** Formats of an export: verbatim lines, one JSON array, ArcSight CEF, or OpenTelemetry logs as JSON lines. */
export const exportFormats = ['jsonl', 'json', 'cef', 'otlp'] as const;
/** One of `exportFormats`. */
export type ExportFormat = (typeof exportFormats)[number];

/** What stands before, between and after the records, and how a batch of entries is written as records. */
export type Exporter = Readonly<{ before: string; between: string; after: string; records(items: readonly AuditItem[]): readonly string[] }>;

/** Makes the exporter of a format; `version` is that of this program. */
export function exporterOf(format: ExportFormat, version: string): Exporter {
  switch (format) {
    case 'jsonl':
      return { before: '', between: '\n', after: '\n', records: (items) => items.map(({ raw }) => raw) };
    case 'json':
      // The bytes of an entry are what is hashed, so they stay as they are; a damaged line could break the array and becomes a string.
      return { before: '[\n', between: ',\n', after: '\n]\n', records: (items) => items.map(({ raw, entry }) => (entry === undefined ? JSON.stringify({ damaged: raw }) : raw)) };
    case 'cef':
      return { before: '', between: '\n', after: '\n', records: (items) => items.map((item) => cefLine(item, version)) };
    case 'otlp':
      return { before: '', between: '\n', after: '\n', records: (items) => (items.length === 0 ? [] : [otlpRequest(items, version)]) };
  }
}

const severities: Readonly<Record<string, number>> = { success: 1, ok: 1, admitted: 2, cancelled: 3, timeout: 5, error: 6, denied: 6, unknown: 7 };

function cefLine(item: AuditItem, version: string): string {
  const { entry } = item;
  if (entry === undefined) return cef(version, 'damaged', 'damaged line', 10, { msg: item.problem, cs6Label: 'line', cs6: item.raw.slice(0, 1_000) });
  const { tool, phase, result, seq, id, call, timestamp, actor, verdict, approval, project, hash, inputHash, input, durationMs } = entry;
  return cef(version, tool, `${phase} ${result}`, severities[result] ?? 5, {
    rt: String(Date.parse(timestamp)), externalId: id, cat: phase, outcome: result, cn1Label: 'seq', cn1: String(seq),
    suser: actor?.user, sproc: actor?.client, spriv: actor?.role, cs1Label: 'call', cs1: call, cs2Label: 'rule', cs2: verdict?.rule, reason: verdict?.reason,
    cs3Label: 'hash', cs3: hash, cs4Label: 'policyHash', cs4: verdict?.policyHash, cs5Label: 'approval', cs5: approval === undefined ? undefined : `${approval.decision} by ${approval.by}`, cs6Label: 'window', cs6: actor?.window,
    filePath: project, fileHash: inputHash, cn2Label: 'durationMs', cn2: durationMs === undefined ? undefined : String(Math.round(durationMs)), msg: JSON.stringify(input).slice(0, 4_000),
  });
}

/** One line of CEF version 0: seven header fields, in which backslash and pipe are escaped, and extensions, in which backslash and equals sign are. */
function cef(version: string, signature: string, name: string, severity: number, extension: Readonly<Record<string, string | undefined>>): string {
  const header = ['CEF:0', 'Conductor', 'Conductor', version, signature, name, String(severity)].map((field) => reveal(field).text.replace(/[\\|]/g, '\\$&').replace(/\n/g, ' '));
  const present = Object.entries(extension).filter(([key, value]) => value !== undefined && (!key.endsWith('Label') || extension[key.slice(0, -5)] !== undefined));
  return `${header.join('|')}|${present.map(([key, value = '']) => `${key}=${extensionValue(value)}`).join(' ')}`;
}

/** A value on one line, in which nothing acts on a screen: what cannot be seen becomes a visible escape, and line ends the two letters that CEF has for them. */
function extensionValue(text: string): string {
  return reveal(text).text.replace(/[\\=]/g, '\\$&').replace(/\n/g, '\\n');
}

/** Half a surrogate pair is no text to a receiver that reads UTF-8. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** One ExportLogsServiceRequest of the OpenTelemetry protocol in its JSON form. */
function otlpRequest(items: readonly AuditItem[], version: string): string {
  const resource = { attributes: [attribute('service.name', 'conductor')] };
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'conductor.audit', version }, logRecords: items.map(otlpRecord) }] }] });
}

function otlpRecord(item: AuditItem): Readonly<Record<string, unknown>> {
  const { entry, raw } = item;
  if (entry === undefined) return { severityNumber: 17, severityText: 'ERROR', body: { stringValue: wellFormed(raw) }, attributes: [attribute('conductor.damaged', item.problem)] };
  const bad = entry.result === 'denied' || entry.result === 'error' || entry.result === 'unknown';
  return {
    timeUnixNano: `${Date.parse(entry.timestamp)}000000`,
    severityNumber: bad ? 13 : 9,
    severityText: bad ? 'WARN' : 'INFO',
    body: { stringValue: raw },
    attributes: otlpAttributes(entry),
  };
}

function otlpAttributes({ seq, id, call, phase, tool, result, actor, verdict, project, hash, durationMs }: StoredEntry): object[] {
  const texts = {
    'conductor.id': id, 'conductor.call': call, 'conductor.phase': phase, 'conductor.tool': tool, 'conductor.result': result, 'conductor.hash': hash,
    'conductor.rule': verdict?.rule, 'conductor.policy_hash': verdict?.policyHash, 'conductor.project': project,
    'conductor.client': actor?.client, 'conductor.role': actor?.role, 'conductor.window': actor?.window, 'user.name': actor?.user,
  };
  const numbers = [{ key: 'conductor.seq', value: { intValue: String(seq) } }, ...(durationMs === undefined ? [] : [{ key: 'conductor.duration_ms', value: { doubleValue: durationMs } }])];
  return [...Object.entries(texts).flatMap(([key, value]) => (value === undefined ? [] : [attribute(key, value)])), ...numbers];
}

function attribute(key: string, value: string): object {
  return { key, value: { stringValue: wellFormed(value) } };
}
