import { argumentsHeading, argumentWords, flawedRows, leftWords, type CallArguments } from '../../../../protocol/src/callArguments';
import { revealLine } from '../../../../protocol/src/display';
import { line, put } from './terminal';

/** Rows of arguments that are shown before somebody asks for all of it, those that do not fit first. */
const mostRows = 12;
/** Characters of each then: what stands below the action must not push it out of sight. */
const mostCharacters = 160;

/** Shows the arguments of a call to an external server by the schema of its tool. Each keeps to its rows, whatever is in it (T45). */
export function showArguments(all: CallArguments, whole: boolean): void {
  const { rows } = all;
  const flawed = flawedRows(all);
  const shown = whole || rows.length <= mostRows ? rows : [...flawed, ...rows.filter((row) => !flawed.includes(row))].slice(0, mostRows);
  put('  ', argumentsHeading(all));
  for (const row of shown) put('      ', whole ? line(argumentWords(row)) : revealLine(argumentWords(row), mostCharacters));
  if (rows.length > shown.length) put('      ', `… and ${String(rows.length - shown.length)} more, which d shows`);
  const left = leftWords(all);
  if (left !== undefined) put('      ', left);
}
