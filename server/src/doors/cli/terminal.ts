import { homedir } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { configDirOf } from '../../../../link/src/address';
import { reveal, revealLine } from '../../../../protocol/src/display';
import { ConductorError, toConductorError } from '../../../../protocol/src/errors';

/** How the command speaks: results on standard output, everything else on standard error. */

/** Writes one line of result. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes one line for people that is no result. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Writes columns aligned; every cell is made safe to show. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const shown = rows.map((row) => row.map((cell) => revealLine(cell, 120)));
  const widths = (shown[0] ?? []).map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)));
  for (const row of shown) print(row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd());
}

/** Text of an agent, safe to show on a terminal. */
export function safe(text: string): string {
  return reveal(text).text;
}

/** Text of an agent on one line, safe to show on a terminal. */
export function line(text: string): string {
  return revealLine(text, 4000);
}

/** Columns of this terminal. */
export function columns(): number {
  return Math.max(40, process.stdout.columns || 80);
}

/**
 * Rows for a text that was made safe: each begins with `head`, and none is so wide that the terminal would break it by itself, since what it
 * carries over begins at the left edge and could look like words of ours. Whatever may be wide counts as two columns.
 */
export function rowsOf(head: string, text: string, width = columns()): string[] {
  return text.split('\n').flatMap((whole) => {
    const rows = [head];
    let used = head.length;
    for (const point of whole.replaceAll('\t', '    ')) {
      const wide = point > '\u02ff' ? 2 : 1;
      if (used + wide >= width) {
        rows.push(`${head}  `);
        used = head.length + 2;
      }
      rows[rows.length - 1] += point;
      used += wide;
    }
    return rows;
  });
}

/** Writes a text as rows of this terminal. */
export function put(head: string, text: string): void {
  for (const row of rowsOf(head, text)) print(row);
}

/** Runs one command's work and turns its failure into a sentence, the next step, and exit code 2 (or 1 where the command says so). */
export async function run(work: () => Promise<number> | number): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (thrown) {
    const error = thrown instanceof ConductorError ? thrown : toConductorError(thrown);
    note(`conductor: ${error.message}`);
    note(error.next);
    process.exitCode = 2;
    if (error.data['needsPerson'] === true) await tellRefused();
  }
}

/** A program that stands in for a person is worth knowing of (T40). A broker that does not run is not started for it. */
async function tellRefused(): Promise<void> {
  const command = process.argv.slice(2, 4).filter((word) => /^[a-z-]{1,20}$/.test(word)).join(' ');
  try {
    const { openRunningTerminal } = await import('./brokerClient');
    const broker = await openRunningTerminal(configDirOf(process.env, homedir()));
    await broker.request('cli/refused', { command }).finally(() => broker.close());
  } catch {
    // The refusal itself does not depend on it.
  }
}

/** Whether a person sits at this terminal: both ends are one. */
export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY;
}

/** Asks at this terminal for one line; "" when the terminal was closed. */
export async function askShown(question: string): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
  const closed = new Promise<string>((resolve) => prompt.once('close', () => resolve('')));
  const typed = await Promise.race([prompt.question(question).catch(() => ''), closed]);
  prompt.close();
  return typed;
}

/** Milliseconds in which the rest of what was pasted comes. */
const pasteMs = 60;

/** Asks at this terminal for one line that is not shown while it is typed. Throws INVALID_INPUT when several were pasted: the rest would go to the shell. */
export async function askHidden(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  // The line that answers is no event; those after it are.
  let more = 0;
  prompt.on('line', () => { more += 1; });
  // Only now: until the prompt stands, the terminal itself would show what is typed.
  process.stderr.write(question);
  const closed = new Promise<string>((resolve) => prompt.once('close', () => resolve('')));
  const typed = await Promise.race([prompt.question('').catch(() => ''), closed]);
  for (let seen = -1; seen !== more; await sleep(pasteMs)) seen = more;
  prompt.close();
  process.stderr.write('\n');
  if (more > 0) throw new ConductorError('INVALID_INPUT', 'Several lines were pasted, so nothing was taken.', { next: 'Send text of several lines through standard input, from a file: < FILE' });
  return typed;
}
