import { describeEntry, type Fact } from '../../../protocol/src/audit/description';
import { damageWord } from '../../../protocol/src/audit/damageWords';
import type { Finding } from '../../../protocol/src/audit/report';
import { reveal, revealLine } from '../../../protocol/src/display';
import { columnsOf, counted, foldLine } from '../labels';
import { layOut } from './jsonLayout';

/** Widest value that stands beside its label; columns of one line of a value that stands below it. */
const columns = { beside: 84, below: 100 } as const;

// As in the review of a call: what an agent had a say in stands behind four columns that it cannot write into.
const begins = '    ';
const goesOn = '  … ';

/** What the document of an entry leads to. */
export type EntryLinks = Readonly<{ rule: string | undefined; policyHash: string | undefined; metricsHash: string | undefined; questionHash: string | undefined; call: string | undefined }>;

/** One entry as a document to read, and what its lenses lead to; the line itself stands at the end. */
export function entryText(line: string, finding: Finding | undefined): Readonly<{ text: string; links: EntryLinks }> {
  const entry = describeEntry(line, clockHere);
  if (entry === undefined) return { text: ['This line is no entry of the audit log.', '', ...verbatim(line)].join('\n'), links: { rule: undefined, policyHash: undefined, metricsHash: undefined, questionHash: undefined, call: undefined } };
  const { seq, title, facts, input, rule, policyHash, metricsHash, questionHash, call } = entry;
  const text = [
    // Not "#777789", of which the editor makes a colour.
    `Entry ${seq === undefined ? '?' : String(seq)}  ${revealLine(title, 100)}`,
    hiddenNote(line),
    '',
    ...(finding === undefined ? [] : damaged(finding)),
    ...(input.length === 0 ? [] : ['Input', ...input.flatMap(([label, value]) => (label === '' ? block(value) : [...(input.length === 1 && isMain(label) ? [] : [`  ${revealLine(label, 60)}:`]), ...block(value)])), '']),
    ...laidOut(facts),
    '',
    ...verbatim(line),
  ].join('\n');
  return { text, links: { rule, policyHash, metricsHash, questionHash, call } };
}

/** Where a rule stands in the configuration, as names of members from the outside in; undefined when the configuration has no say in it. */
export function placeOfRule(rule: string): readonly string[] | undefined {
  const exact: Readonly<Record<string, readonly string[]>> = {
    'shell.allowed': ['plugins', 'shell', 'allowedCommands'], 'shell.notListed': ['plugins', 'shell', 'allowedCommands'], 'shell.requireApproval': ['plugins', 'shell', 'requireApproval'],
    'shell.sandbox': ['plugins', 'shell', 'sandbox'], 'shell.writeScope': ['plugins', 'filesystem', 'writeScope'], 'path.writeScope': ['plugins', 'filesystem', 'writeScope'],
    'path.outside': ['plugins', 'filesystem', 'allowedPaths'], 'filesystem.asks': ['plugins', 'filesystem', 'requireApproval'], 'git.asks': ['plugins', 'git', 'requireApproval'],
  };
  const rooms: Readonly<Record<string, readonly string[]>> = { shell: ['plugins', 'shell'], filesystem: ['plugins', 'filesystem'], path: ['plugins', 'filesystem'], git: ['plugins', 'git'], breaker: ['circuitBreaker'], grant: ['grants'] };
  return exact[rule] ?? rooms[rule.split('.')[0] ?? ''];
}

function damaged(finding: Finding): string[] {
  return [`THIS LINE IS NOT AS IT WAS WRITTEN: ${damageWord(finding).toUpperCase()}`, ...block(finding.message), ...laidOut([...(finding.expected === null ? [] : [['Expected', finding.expected] as const]), ...(finding.found === null ? [] : [['Found', finding.found] as const])]), ''];
}

function isMain(label: string): boolean {
  return label === 'command' || label === 'path';
}

/** Labels of one width; a long value, or one of several lines, below its label. */
function laidOut(facts: readonly Fact[]): string[] {
  const width = Math.min(20, Math.max(0, ...facts.map(([label]) => label.length)));
  return facts.flatMap(([label, value]) => {
    const shown = reveal(value).text;
    const name = revealLine(label, 60);
    return !shown.includes('\n') && columnsOf(shown) <= columns.beside ? [`${name.padEnd(width)}  ${shown}`] : [`${name}:`, ...block(value)];
  });
}

function block(text: string): string[] {
  return reveal(text)
    .text.split('\n')
    .flatMap((line) => foldLine(line, columns.below).map((piece, index) => (index === 0 ? begins : goesOn) + piece));
}

/** What stands above the line itself. */
const verbatimHeading = 'As it stands in the log';

/** The line of an entry, from its document in either form. */
export function lineIn(document: string): string {
  return document.slice(document.lastIndexOf(`\n${verbatimHeading}\n`) + 1).replace(verbatimHeading, '');
}

/** The line token for token, with the hashes that chain it. */
function verbatim(line: string): string[] {
  return [verbatimHeading, ...layOut(line).trimEnd().split('\n').map((part) => begins + part), ''];
}

function hiddenNote(line: string): string {
  // The log holds them as escapes; what they stand for is what the agent wrote.
  const escapes = line.match(/(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}/g) ?? [];
  const count = reveal(line).count + escapes.filter((escape) => reveal(String.fromCharCode(Number.parseInt(escape.slice(-4), 16))).count > 0).length;
  return count === 0 ? 'No hidden characters.' : `${counted(count, 'HIDDEN CHARACTER', 'HIDDEN CHARACTERS')}, written here as \\u{...}.`;
}

/** A moment on this machine's clock, with the offset of its zone. */
function clockHere(moment: Date): string {
  const [, time = '', zone = ''] = /(\d\d:\d\d:\d\d) GMT([+-]\d{4})/.exec(moment.toString()) ?? [];
  return `${time} (UTC${zone.slice(0, 3)}:${zone.slice(3)})`;
}
