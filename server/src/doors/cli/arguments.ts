import type { ArgumentRow, CallArguments } from '../../../../protocol/src/callArguments';
import { revealLine } from '../../../../protocol/src/display';
import { line, put } from './terminal';

/** Rows of arguments that are shown before somebody asks for all of it, those that do not fit first. */
const mostRows = 12;
/** Characters of each then: what stands below the action must not push it out of sight. */
const mostCharacters = 160;

const words = { fits: '', missing: 'MISSING ', unknown: 'UNKNOWN ', wrong: 'WRONG ', unchecked: '' } as const satisfies Record<ArgumentRow['mark'], string>;

/** Shows the arguments of a call to an external server by the schema of its tool. Each keeps to its rows, whatever is in it (T45). */
export function showArguments({ rows, left }: CallArguments, whole: boolean): void {
  const flawed = rows.filter(({ mark }) => mark !== 'fits' && mark !== 'unchecked');
  const shown = whole || rows.length <= mostRows ? rows : [...flawed, ...rows.filter((row) => !flawed.includes(row))].slice(0, mostRows);
  put('  ', flawed.length === 0 ? 'arguments, by the schema of the tool:' : `arguments, by the schema of the tool: ${String(flawed.length)} ${flawed.length === 1 ? 'does' : 'do'} not fit`);
  for (const row of shown) put('      ', whole ? wordsOf(row) : revealLine(wordsOf(row), mostCharacters));
  const more = rows.length - shown.length;
  if (more > 0) put('      ', `… and ${String(more)} more, which d shows`);
  if (left !== undefined) put('      ', `… and ${String(left.rows)} more${left.flawed === 0 ? '' : `, ${String(left.flawed)} of which do not fit`}: they stand in the action above`);
}

function wordsOf({ path, value, mark, required, expected, says }: ArgumentRow): string {
  const about = [...(required === true ? ['required'] : []), ...(expected === undefined ? [] : [line(expected)])].join(', ');
  const given = value === null ? '' : `: ${line(value)}`;
  return `${words[mark]}${path === '' ? 'all of it' : line(path)}${given}${about === '' ? '' : ` (${about})`}${says === undefined ? '' : ` ${line(says)}`}`;
}

/** What is another than in the last call of this tool that was approved here, in one sentence; the changes are shown after it. */
export function sinceApproved({ at, changes }: NonNullable<CallArguments['lastApproved']>): string {
  return changes.length === 0 ? `the very arguments of the last call of this tool that was approved here (${at})` : `other than in the last call of this tool that was approved here (${at}):`;
}
