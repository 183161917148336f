import { once } from 'node:events';
import { ConductorError } from '../../../../protocol/src/errors';
import { LineCutter } from '../../../../link/src/lines';
import { readFrame } from '../../base/frames';
import { encodingOf, messageText } from '../../base/jsonText';
import { openChild, type LastingChild } from '../../base/lastingChild';
import type { Mark } from '../../base/processTree';
import type { Egress } from '../../../../protocol/src/externalServers';
import { attach, type Fenced } from './fence';
import type { Incoming, Message, Transport } from './transport';

/** A backend that is a program of ours: one JSON object a line on its input and output. */

/** What to start, already looked up and with every secret in place. */
export type Program = Readonly<{ file: string; argv0: string; args: readonly string[]; cwd: string; environment: Readonly<Record<string, string>>; mark: Mark; /** Bytes of one line. */ lineLimit: number; /** Opens a channel of Node.js besides. */ channel?: boolean }>;

/** Bytes of its error output that are kept, the last ones. */
const keptErrors = 16 * 1024;
/** Bytes that may wait to be taken by it; a program that does not read is not written to for ever. */
const unreadLimit = 32 * 1024 * 1024;

/** A transport over a child, and what the child wrote to its error output last. */
export type StdioTransport = Transport & Readonly<{ pid: number; complaints(): string }>;

/** Starts the program. Rejects with BACKEND_UNAVAILABLE when that fails. */
export async function openStdio({ program, egress, gate }: Fenced, incoming: Incoming): Promise<StdioTransport> {
  let child: LastingChild;
  try {
    child = await openChild(program, program.mark);
  } catch (thrown) {
    gate?.close();
    throw new ConductorError('BACKEND_UNAVAILABLE', `The program ${program.file} could not be started: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
  const complaints = keepTail(child);
  const remarks = (): string => remarksOn(egress, gate?.refused() ?? []);
  if (gate !== undefined) attach(gate, child.handed);
  read(child, program.lineLimit, incoming);
  void child.exited.then(({ code, signal }) => {
    gate?.close();
    incoming.ended(`The program ended (${signal ?? `code ${String(code)}`}).`);
    // Whatever it started goes with it.
    void child.end(0);
  });
  return {
    pid: child.pid,
    egress, complaints, remarks,
    send: (message) => write(child, message),
    agreed: () => undefined,
    end: () => child.end(),
  };
}

/** What a start may have failed of. */
function remarksOn({ level }: Egress, refused: readonly string[]): string {
  const asked = refused.length === 0 ? '' : ` It asked for ${refused.join(', ')}, which its egress_allowlist does not name.`;
  return asked + (level === 'namespace' ? ' It runs in a network of its own: what needs a host that its egress_allowlist does not name, or takes no proxy, fails there.' : '');
}

function read(child: LastingChild, limit: number, incoming: Incoming): void {
  const cutter = new LineCutter(limit);
  child.output.on('data', (chunk: Buffer) => {
    for (const framed of cutter.push(chunk)) {
      if (framed.kind === 'line') incoming.frame(readFrame(framed.line));
      else incoming.tooLong(framed.head);
    }
  });
  // A program that ends says how a moment later.
  child.output.once('close', () => void setTimeout(() => incoming.ended('The program closed its output.'), 500).unref());
}

async function write({ input }: LastingChild, message: Message): Promise<void> {
  if (!input.writable) throw new ConductorError('BACKEND_UNAVAILABLE', 'The program has closed its input.');
  if (input.writableLength > unreadLimit) throw new ConductorError('BACKEND_UNAVAILABLE', 'The program does not read what it is sent.');
  const line = `${messageText(message)}\n`;
  if (input.write(line, encodingOf(line))) return;
  if (input.listenerCount('drain') < 8) await once(input, 'drain').catch(() => undefined);
}

function keepTail({ errors }: LastingChild): () => string {
  let kept: Buffer = Buffer.alloc(0);
  errors.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-keptErrors);
  });
  return () => kept.toString('utf8').replace(/^�+/, '');
}
