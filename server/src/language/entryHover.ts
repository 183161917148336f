/** One line of the audit log as a hover. What agents wrote stands in fenced blocks, where nothing is markup. */
import { describeEntry, type Fact } from '../../../protocol/src/audit/description';
import type { Finding } from '../../../protocol/src/audit/report';
import { reveal, revealLine } from '../../../protocol/src/display';
import { damageWord } from '../../../protocol/src/audit/damageWords';

/** Longest value that a hover shows whole, in characters; the entry's own document shows all. */
const mostValue = 600;
const mostFacts = 24;

/** The hover of a line, as Markdown; `finding` is what a verification found there. */
export function entryHover(line: string, finding: Finding | undefined): string {
  const wrong = finding === undefined ? [] : [`**${damageWord(finding)}**`, fenced([finding.message, ...differing(finding)])];
  const described = describeEntry(line, clockHere);
  if (described === undefined) return [...wrong, 'This line is no entry of an audit log.'].join('\n\n');
  const { seq, title, facts, input } = described;
  const hidden = reveal(line).count + escapedInvisible(line);
  return [
    ...wrong,
    `**#${seq === undefined ? '?' : String(seq)}**${seq === undefined ? '' : ` · [Open Entry](command:conductor.audit.openEntry?${encodeURIComponent(JSON.stringify([seq]))})`}`,
    fenced([revealLine(title, 200), ...columns(input.slice(0, mostFacts))]),
    fenced(columns(facts.filter(([label]) => label !== 'Entry').slice(0, mostFacts))),
    ...(hidden === 0 ? [] : [`${String(hidden)} hidden ${hidden === 1 ? 'character, written' : 'characters, written'} here as \\\\u{...}`]),
  ].join('\n\n');
}

/** Invisible characters stand in the log as escapes; what they stand for is what the agent wrote. */
function escapedInvisible(line: string): number {
  const escapes = line.match(/(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}/g) ?? [];
  return escapes.filter((escape) => reveal(String.fromCharCode(Number.parseInt(escape.slice(-4), 16))).count > 0).length;
}

function differing({ expected, found }: Finding): string[] {
  return [...(expected === null ? [] : [`expected ${expected}`]), ...(found === null ? [] : [`found    ${found}`])];
}

/** Labels padded to one width; values of several lines, and long ones, below their label. */
function columns(facts: readonly Fact[]): string[] {
  const width = Math.min(16, Math.max(0, ...facts.map(([label]) => label.length)));
  return facts.flatMap(([label, value]) => {
    const shown = cut(reveal(value).text);
    const name = revealLine(label, 60);
    if (name === '') return [shown];
    return shown.includes('\n') ? [name, ...shown.split('\n').map((part) => `    ${part}`)] : [`${name.padEnd(width)}  ${shown}`];
  });
}

function cut(text: string): string {
  return text.length <= mostValue ? text : `${text.slice(0, mostValue)}… (${text.length.toLocaleString('en-US')} characters; open the entry to see all)`;
}

/** A fence longer than any run of backticks inside cannot be closed from inside. */
function fenced(lines: readonly string[]): string {
  const text = lines.join('\n');
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

/** A moment on this machine's clock, with the offset of its zone. */
function clockHere(moment: Date): string {
  const [, time = '', zone = ''] = /(\d\d:\d\d:\d\d) GMT([+-]\d{4})/.exec(moment.toString()) ?? [];
  return `${time} (UTC${zone.slice(0, 3)}:${zone.slice(3)})`;
}
