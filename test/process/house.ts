import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigInput } from '../../protocol/src/config';
import type { Status } from '../../protocol/src/messages';
import { connectToBroker } from '../../link/src/connect';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter, type MessageConnection } from 'vscode-jsonrpc/node';

/** A configuration folder and a project of their own for one test, with the built programs of dist/ running on them. */

/** The built command. */
export const conductor = resolve(__dirname, '../../dist/conductor.js');
const brokerScript = resolve(__dirname, '../../dist/broker.js');

/** A JSON object as it came over a wire. */
export type Json = { [member: string]: unknown };

/** One temporary household; call `close` at the end. */
export class TestHouse {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-process-')));
  readonly configDir = join(this.base, 'config');
  readonly project = join(this.base, 'project');
  readonly log = join(this.configDir, 'audit.log');
  readonly #agents: RawAgent[] = [];
  readonly #controls: MessageConnection[] = [];

  constructor(config: ConfigInput = {}) {
    mkdirSync(this.configDir, { mode: 0o700 });
    mkdirSync(this.project);
    this.configure(config);
  }

  /** Environment of programs that belong to this household. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, CONDUCTOR_CONFIG_DIR: this.configDir };
  }

  configure(config: ConfigInput): void {
    writeFileSync(join(this.configDir, 'config.json'), JSON.stringify(config, null, 2), { mode: 0o600 });
  }

  /** Runs the command to its end. */
  run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [conductor, ...args], { env: this.env, cwd: this.project, encoding: 'utf8', timeout: 60_000 });
    return { status, stdout, stderr };
  }

  /** Starts `conductor mcp start` and speaks raw lines with it. */
  agent(): RawAgent {
    const agent = new RawAgent(spawn(process.execPath, [conductor, 'mcp', 'start', '--project', this.project], { env: this.env, cwd: this.project }));
    this.#agents.push(agent);
    return agent;
  }

  /** Starts an agent that has introduced itself. */
  async introducedAgent(protocolVersion = '2025-06-18'): Promise<RawAgent> {
    const agent = this.agent();
    await agent.request('initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } });
    agent.notify('notifications/initialized');
    return agent;
  }

  /** Connects like a terminal or a window would, with the control key. */
  async control(role: 'cli' | 'viewer' | 'editor' = 'cli', more: { client?: string; window?: string } = {}): Promise<MessageConnection> {
    const { socket } = await connectToBroker({ configDir: this.configDir, who: { role, version: '0.0.0', ...more }, program: { execPath: process.execPath, script: brokerScript } });
    const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    connection.listen();
    this.#controls.push(connection);
    return connection;
  }

  async status(): Promise<Status> {
    const control = await this.control('viewer');
    const status = await control.sendRequest<Status>('conductor/status', {});
    control.end();
    return status;
  }

  /** Every entry of the log, parsed. */
  entries(): Json[] {
    if (!existsSync(this.log)) return [];
    return readFileSync(this.log, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Json);
  }

  /** Entries about calls of agents: what is left without the log's and the broker's own. */
  callEntries(): Json[] {
    return this.entries().filter((entry) => ['intent', 'done', 'denied'].includes(String(entry['phase'])));
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) agent.child.kill('SIGKILL');
    for (const control of this.#controls) control.end();
    if (existsSync(join(this.configDir, 'broker.sock'))) {
      const pid = await this.status().then(({ pid: found }) => found, () => undefined);
      if (pid !== undefined) await endProcess(pid);
    }
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** Ends a process and waits until it is gone. */
export async function endProcess(pid: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    try {
      process.kill(pid, tries === 0 ? signal : tries > 300 ? 'SIGKILL' : 0);
    } catch {
      return;
    }
    await sleep(20);
  }
  throw new Error(`process ${String(pid)} does not end`);
}

/** Waits until something holds; fails with the reason when it never does. */
export async function until<Value>(what: string, look: () => Promise<Value | undefined | false> | Value | undefined | false, timeoutMs = 15_000): Promise<Value> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(20)) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
  }
  throw new Error(`waited in vain until ${what}`);
}

/** An MCP client by hand: it can also say what no decent client would. */
export class RawAgent {
  readonly messages: Json[] = [];
  readonly #waiting = new Map<unknown, (message: Json) => void>();
  #nextId = 1;
  #rest = '';
  stderr = '';

  constructor(readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#take(JSON.parse(line) as Json);
    });
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    child.stdin.on('error', () => undefined);
  }

  #take(message: Json): void {
    this.messages.push(message);
    this.#waiting.get(message['id'])?.(message);
    this.#waiting.delete(message['id']);
  }

  /** Sends a line as it is. */
  line(text: string): void {
    this.child.stdin.write(`${text}\n`);
  }

  notify(method: string, params: Json = {}): void {
    this.line(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** Sends a request and resolves with the whole answer. */
  request(method: string, params: Json = {}): Promise<Json> & { id: number } {
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = this.answerTo(id);
    this.line(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return Object.assign(answer, { id });
  }

  /** Resolves with the answer to an id. */
  answerTo(id: unknown): Promise<Json> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${String(id)}; stderr: ${this.stderr}`)), 20_000);
      this.#waiting.set(id, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
  }

  /** Calls a tool and resolves with its result. */
  async call(name: string, args: Json = {}, more: Json = {}): Promise<ToolResult> {
    const answer = await this.request('tools/call', { name, arguments: args, ...more });
    if (answer['result'] === undefined) throw new Error(JSON.stringify(answer['error']));
    return readResult(answer['result']);
  }
}

/** The parts of a tool result that tests look at. */
export type ToolResult = Readonly<{ text: string; isError: boolean; structured: Json }>;

function readResult(result: unknown): ToolResult {
  const { content, isError, structuredContent, _meta } = result as { content: { text: string }[]; isError?: boolean; structuredContent?: Json; _meta?: Json };
  return { text: content.map(({ text }) => text).join('\n'), isError: isError === true, structured: structuredContent ?? (_meta?.['conductor/outcome'] as Json | undefined) ?? {} };
}
