import { z } from 'zod';
import { LineCutter } from '../../../../link/src/lines';
import { runChildren } from '../../base/childProcess';
import { isUnchanged, type Binary } from '../shell/resolve';
import { closedFolders } from './left';
import type { Pattern } from './pattern';

/** Starts ripgrep and reads what it says. It only points at lines: nothing of its output is shown before the line was read anew. */

/** A program that was found on the trusted search path, and the folders it was found in. */
export type Ripgrep = Readonly<{ binary: Binary; folders: readonly string[]; environment: Readonly<Record<string, string>> }>;

/** A line that ripgrep points at. */
export type Pointed = Readonly<{ line: number; at: number; bytes: Buffer }>;

/** How to search. */
export type Order = Readonly<{
  pattern: Pattern;
  /** A path that leads to the held folder. */
  folder: string;
  /** Lines of one file at most. */
  perFile: number;
  maxBytes: number;
  gitignore: boolean;
  timeoutMs: number;
  signal: AbortSignal;
  /** Told of each file with its lines, in order of the paths. */
  onFile(path: string, lines: readonly Pointed[]): void;
}>;

/** How it ended. `failed`: it did not understand the pattern or could not start, so that another way must be taken. */
export type Searched = Readonly<{ kind: 'done' | 'time' | 'stopped' | 'failed'; files: number }>;

/** Longest message of ripgrep that is read: a whole file in one line, escaped. */
const maxMessage = 32 * 1_048_576;

/** Runs one search in a held folder. Never rejects. */
export async function runRipgrep({ binary, folders, environment }: Ripgrep, order: Order): Promise<Searched> {
  if (!isUnchanged(binary, folders)) return { kind: 'failed', files: 0 };
  const reader = new Reader(order.onFile);
  const child = { file: binary.path, argv0: binary.name, args: argumentsFor(order), cwd: order.folder, environment, input: 'nothing', output: 'stdout', errors: 'nowhere' } as const;
  const limits = { timeoutMs: order.timeoutMs, keepBytes: 0, floodBytes: Number.MAX_SAFE_INTEGER, graceMs: 200 };
  const run = await runChildren([child], limits, { signal: order.signal, onOutput: (_, chunk) => reader.take(chunk) });
  const files = reader.files;
  if (run.kind === 'notStarted') return { kind: order.signal.aborted ? 'stopped' : 'failed', files };
  if (run.stopped !== undefined) return { kind: run.stopped === 'timeout' ? 'time' : 'stopped', files };
  // 0: found, 1: nothing found, 2: trouble, which is none when it only could not read some files.
  const code = run.exits[0]?.code ?? null;
  return { kind: code === 0 || code === 1 || (code === 2 && reader.ended) ? 'done' : 'failed', files };
}

/** Nothing from configuration files or the environment; no program before it (`--pre`), no archives, no links, no other file system's surprises. */
export function argumentsFor({ pattern, perFile, maxBytes, gitignore }: Pick<Order, 'pattern' | 'perFile' | 'maxBytes' | 'gitignore'>): readonly string[] {
  const rules = gitignore ? ['--no-ignore-parent', '--no-ignore-global', '--no-ignore-exclude', '--no-ignore-dot', '--no-require-git'] : ['--no-ignore'];
  return [
    '--no-config', '--json', '--no-messages', '--no-follow', '--no-pre', '--no-search-zip', '--no-mmap', '--one-file-system', '--hidden', '--text', '--encoding=none', '--crlf', '--sort=path', ...rules,
    ...closedFolders.map((name) => `--glob=!${name}/`), `--max-count=${perFile}`, `--max-filesize=${maxBytes}`,
    ...(pattern.ignoreCase ? ['--ignore-case'] : ['--case-sensitive']), ...(pattern.regex ? [] : ['--fixed-strings']), `--regexp=${pattern.source}`, '--', './',
  ];
}

const text = z.union([z.object({ text: z.string() }).transform(({ text: plain }) => Buffer.from(plain)), z.object({ bytes: z.base64() }).transform(({ bytes }) => Buffer.from(bytes, 'base64'))]);
const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('begin') }),
  z.object({ type: z.literal('match'), data: z.object({ lines: text, line_number: z.number().int().min(1), submatches: z.array(z.object({ start: z.number().int().min(0) })) }) }),
  z.object({ type: z.literal('end'), data: z.object({ path: text }) }),
  z.object({ type: z.literal('summary'), data: z.object({ stats: z.object({ searches: z.number().int().min(0) }) }) }),
]);

class Reader {
  private readonly cutter = new LineCutter(maxMessage);
  private lines: Pointed[] = [];
  files = 0;
  ended = false;

  constructor(private readonly onFile: Order['onFile']) {}

  take(chunk: Buffer): void {
    for (const framed of this.cutter.push(chunk)) if (framed.kind === 'line') this.read(framed.line);
  }

  /** What is no known message is left out: then a line is missing, and never a wrong one shown. */
  private read(line: Buffer): void {
    const parsed = message.safeParse(parse(line));
    if (!parsed.success) return;
    const said = parsed.data;
    switch (said.type) {
      case 'begin':
        this.lines = [];
        return;
      case 'match':
        this.lines.push({ line: said.data.line_number, at: said.data.submatches[0]?.start ?? 0, bytes: said.data.lines });
        return;
      case 'end':
        this.files += 1;
        return this.onFile(said.data.path.toString('utf8'), this.lines);
      case 'summary':
        this.files = said.data.stats.searches;
        this.ended = true;
    }
  }
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}
