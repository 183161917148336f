import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { configDirOf } from '../../../../link/src/address';
import { connectToBroker } from '../../../../link/src/connect';
import { LineCutter } from '../../../../link/src/lines';
import { ConductorError, toConductorError } from '../../../../protocol/src/errors';
import { windowId } from '../../../../protocol/src/hello';
import { frameLimit } from '../frameLimit';
import { version } from '../../base/version';

/**
 * `conductor mcp start`: a pipe from an agent's stdio into the broker. It judges nothing; it only knows which requests wait for an
 * answer, so that a broker that dies leaves clear errors behind instead of silence, and the agent goes on with the next broker.
 */

// Milliseconds that open requests may still take after the agent closed its end.
const farewell = 2000;
const newline = Buffer.from('\n');

type Waiting = { line: Buffer; method: string };
type Session = { protocolVersion: string; client: string };

/** Runs until standard input ends. Exit code 0. */
export function runPipe(project: string): void {
  new Pipe(project).start();
}

class Pipe {
  #socket: Socket | undefined;
  #connecting = false;
  #ending = false;
  #session: Session | undefined;
  #introducing: Readonly<{ id: string; client: string }> | undefined;
  readonly #waiting = new Map<string, Waiting>();
  readonly #unsent: Buffer[] = [];

  constructor(readonly project: string) {}

  start(): void {
    const cutter = new LineCutter(frameLimit);
    process.stdin.on('data', (chunk: Buffer) => {
      for (const framed of cutter.push(chunk)) {
        if (framed.kind === 'line') this.#fromAgent(framed.line);
        else this.#toAgent({ jsonrpc: '2.0', id: null, error: { code: -32600, message: `A message is at most ${String(frameLimit)} bytes long; this one was dropped.` } });
      }
    });
    process.stdin.on('end', () => this.#farewell());
    process.stdout.on('error', () => process.exit(0));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(0));
    void this.#connect();
  }

  #fromAgent(line: Buffer): void {
    this.#remember(line);
    if (this.#socket === undefined) {
      this.#unsent.push(line);
      void this.#connect();
    } else this.#write(this.#socket, line);
  }

  #write(socket: Socket, line: Buffer): void {
    if (socket.write(Buffer.concat([line, newline])) || process.stdin.isPaused()) return;
    process.stdin.pause();
    socket.once('drain', () => process.stdin.resume());
  }

  // What cannot be read here is left to the broker, which answers it.
  #remember(line: Buffer): void {
    const message = parse(line);
    if (typeof message?.['method'] !== 'string' || message['id'] === undefined) return;
    const id = JSON.stringify(message['id']);
    this.#waiting.set(id, { line, method: message['method'] });
    if (message['method'] === 'initialize') this.#introducing = { id, client: clientOf(message['params']) };
  }

  async #connect(): Promise<void> {
    if (this.#connecting) return;
    this.#connecting = true;
    try {
      const { socket } = await connectToBroker({
        configDir: configDirOf(process.env, homedir()),
        who: { role: 'agent', version, project: this.project, ...windowOf(process.env['CONDUCTOR_WINDOW']), ...(this.#session === undefined ? {} : { session: this.#session }) },
        program: { execPath: process.execPath, script: join(__dirname, 'broker.js') },
      });
      this.#attach(socket);
    } catch (thrown) {
      this.#unsent.length = 0;
      this.#failAll(toConductorError(thrown, 'BROKER_UNAVAILABLE'));
    } finally {
      this.#connecting = false;
    }
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    const cutter = new LineCutter(4 * frameLimit);
    socket.on('data', (chunk: Buffer) => {
      // Whole lines only: what a dying broker left half written must not run into our own error message.
      const lines: Buffer[] = [];
      for (const framed of cutter.push(chunk)) if (framed.kind === 'line') lines.push(framed.line, newline);
      if (!process.stdout.write(Buffer.concat(lines))) {
        socket.pause();
        process.stdout.once('drain', () => socket.resume());
      }
      for (const line of lines) if (line !== newline) this.#fromBroker(line);
    });
    socket.once('close', () => this.#lost());
    for (const line of this.#unsent.splice(0)) this.#write(socket, line);
  }

  // The broker writes the id at a fixed place, so that large answers need not be parsed twice.
  #fromBroker(line: Buffer): void {
    const id = /^\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)[,}]/.exec(line.subarray(0, 512).toString('utf8'))?.[1];
    if (id === undefined) return;
    this.#waiting.delete(id);
    if (this.#introducing?.id === id) this.#introduced(line, this.#introducing.client);
    if (this.#ending && this.#waiting.size === 0) this.#leave();
  }

  #introduced(line: Buffer, client: string): void {
    this.#introducing = undefined;
    const result = parse(line)?.['result'];
    const negotiated = isObject(result) ? result['protocolVersion'] : undefined;
    if (typeof negotiated === 'string') this.#session = { protocolVersion: negotiated, client };
  }

  // Requests that only look are sent again; a tool call may already have done something, so it fails and says so.
  #lost(): void {
    this.#socket = undefined;
    if (this.#ending) return this.#leave();
    for (const [id, { line, method }] of this.#waiting) {
      if (method === 'tools/call') this.#fail(id, new ConductorError('BROKER_GONE', 'The Conductor broker ended while this call ran.'));
      else this.#unsent.push(line);
    }
    void this.#connect();
  }

  #failAll(error: ConductorError): void {
    for (const id of this.#waiting.keys()) this.#fail(id, error);
    if (this.#ending) this.#leave();
  }

  #fail(id: string, error: ConductorError): void {
    this.#waiting.delete(id);
    this.#toAgent({ jsonrpc: '2.0', id: JSON.parse(id), error: { code: -32000, message: `${error.message} ${error.next}`, data: { code: error.code, next: error.next } } });
  }

  #toAgent(message: object): void {
    process.stdout.write(`${JSON.stringify(message)}\n`);
  }

  #farewell(): void {
    this.#ending = true;
    if (this.#waiting.size === 0 && !this.#connecting) return this.#leave();
    setTimeout(() => this.#leave(), farewell).unref();
  }

  #leave(): void {
    this.#socket?.end();
    process.stdout.write('', () => process.exit(0));
  }
}

/** The window whose editor started this agent, as its environment says. */
function windowOf(given: string | undefined): { window?: string } {
  return given !== undefined && windowId.test(given) ? { window: given } : {};
}

function parse(line: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function clientOf(params: unknown): string {
  const info = isObject(params) ? params['clientInfo'] : undefined;
  if (!isObject(info) || typeof info['name'] !== 'string') return 'unnamed client';
  return `${info['name']} ${typeof info['version'] === 'string' ? info['version'] : ''}`.trim().slice(0, 200);
}
