import type { Backend as Profile } from '../../../../protocol/src/backends';
import { ConductorError, toConductorError } from '../../../../protocol/src/errors';
import { isRecord } from '../../base/frames';
import { Connection, type OpenTransport } from './connection';
import { Kept } from './kept';
import type { Listener } from './peer';
import { isSaid, saidInstructions, saidPrompts } from './said';

/**
 * One backend: its connections, its tools, and when it is tried again. One connection serves all clients; a client whose own abilities the
 * backend may use gets a connection of its own (docs/decisions/026-shared-connections.md).
 */

/** A tool as a backend describes it, raw. */
export type Descriptor = Readonly<{ name: string } & Record<string, unknown>>;

/** How the connection that serves all stands. */
export type BackendState =
  | Readonly<{ kind: 'stopped' }>
  | Readonly<{ kind: 'starting' }>
  | Readonly<{ kind: 'ready'; connection: Connection; since: number }>
  | Readonly<{ kind: 'failed'; why: string; /** Monotonic milliseconds from which it is tried again. */ retryAt: number }>;

/** What a backend needs of others. */
export type BackendNeeds = Readonly<{
  /** Why it must not be started, be it for now; undefined when it may. */
  quarantined(): ConductorError | undefined;
  /** The way to it. `key` tells its connections apart. */
  open(profile: Profile, key: string): OpenTransport;
  /** What the policy lets it use of clients: some servers show a tool only to clients that can do what it needs. */
  lendable(): Readonly<Record<string, unknown>>;
  /** Whether the policy lets anybody use its prompts, so that they are listed and held against what was approved. */
  prompts(): boolean;
  /** Hears the tools each time they were listed, and what it says besides (`said.ts`). */
  listed(tools: readonly Descriptor[], said: readonly Descriptor[]): void;
  /** Hears what the shared connection tells by itself. */
  told(method: string, params: Readonly<Record<string, unknown>>): void;
  /** Hears that its state is another. */
  changed(): void;
  now(): number;
}>;

/** Milliseconds of the first pause after a failed start; each further one is twice as long, up to a minute. */
const firstPauseMs = 1000;
const longestPauseMs = 60_000;
/** A connection that ends sooner than this counts as a failed start. */
const shortLifeMs = 10_000;
/** Milliseconds for which its tools wait for the list of its prompts; without it every prompt waits for approval. */
const promptsMs = 5000;
/** Milliseconds from the word that a list changed to the next listing; after so many within a minute each pause is twice as long, up to ten seconds. */
const firstRelistMs = 50;
const freeRelistings = 20;
const calmMs = 60_000;
/** Most tools of one backend. */
const mostTools = 1000;

/** A connection for one client alone: what it declares, and who answers what the backend asks. */
export type Own = Readonly<{ key: string; declared: Readonly<Record<string, unknown>>; listener: Pick<Listener, 'asked' | 'told'> }>;

/** One backend under one profile; another profile is another object. */
export class Backend {
  #state: BackendState = { kind: 'stopped' };
  #opening: Promise<Connection> | undefined;
  #failures = 0;
  #older = false;
  #closed = false;
  #tools: readonly Descriptor[] | undefined;
  #listedWith = '';
  #relisting = false;
  #relisted = { count: 0, at: -Infinity };
  #announced: Readonly<Record<string, unknown>> | undefined;
  readonly #own = new Map<string, Promise<Connection>>();
  readonly #ownTools = new Map<string, Promise<readonly Descriptor[]>>();

  /** What it does not remember of its clients, where it has no sessions. */
  readonly kept = new Kept();

  constructor(readonly name: string, readonly profile: Profile, readonly needs: BackendNeeds) {}

  get state(): BackendState {
    return this.#state;
  }

  /** What it announced when it was last introduced to; undefined before that. */
  get announced(): Readonly<Record<string, unknown>> | undefined {
    return this.#announced;
  }

  /** The tools as last listed; undefined before that. */
  get tools(): readonly Descriptor[] | undefined {
    return this.#tools;
  }

  /** Milliseconds that its last answer took; undefined before the first. */
  latencyMs: number | undefined;

  /** Ends the connection for all, or forgets the last failure and the pause after it; the next use starts it again. Whether there was a connection. */
  async rest(): Promise<boolean> {
    const connection = this.#state.kind === 'ready' ? this.#state.connection : undefined;
    if (this.#state.kind === 'starting') return false;
    this.#failures = 0;
    this.#move({ kind: 'stopped' });
    await connection?.end('A person stopped the server.');
    return connection !== undefined;
  }

  /** The connection for all, started when there is none. Rejects with BACKEND_UNAVAILABLE, BACKEND_QUARANTINED, TIMEOUT or INCOMPATIBLE. */
  async shared(): Promise<Connection> {
    if (this.#state.kind === 'ready') return this.#state.connection;
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) throw obstacle;
    this.#opening ??= this.#start().finally(() => { this.#opening = undefined; });
    return await this.#opening;
  }

  /** The connection of one client alone, kept until `leave` or its end. */
  async own(own: Own): Promise<Connection> {
    const known = this.#own.get(own.key);
    if (known !== undefined) return await known;
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) throw obstacle;
    const told: Listener['told'] = (method, params) => {
      if (method === 'notifications/tools/list_changed') this.#ownTools.delete(own.key);
      own.listener.told(method, params);
    };
    const ended = (): void => {
      this.#own.delete(own.key);
      this.#ownTools.delete(own.key);
    };
    const opening = this.#connect(own.key, own.declared, { ...own.listener, told, ended });
    this.#own.set(own.key, opening);
    opening.catch(() => this.#own.delete(own.key));
    return await opening;
  }

  /** The policy may be another: a server may show other tools to clients that it may now use. */
  policyChanged(): void {
    if (this.#state.kind === 'ready' && this.#listedWith !== this.#permitted()) this.#listAgain();
  }

  /** Whether a client has a connection of its own. */
  hasOwn(key: string): Promise<Connection> | undefined {
    return this.#own.get(key);
  }

  /** The tools as the connection of one client alone shows them, listed once and again when they change: it may be told other words than the connection for all. */
  ownTools(key: string, connection: Connection): Promise<readonly Descriptor[]> {
    const known = this.#ownTools.get(key);
    if (known !== undefined) return known;
    const listing = this.#toolsOf(connection).then(descriptorsIn);
    this.#ownTools.set(key, listing);
    listing.catch(() => this.#ownTools.delete(key));
    return listing;
  }

  /** A client left. */
  leave(key: string): void {
    this.kept.forget(key);
    const own = this.#own.get(key);
    this.#own.delete(key);
    own?.then((connection) => connection.end('The client left.'), () => undefined);
  }

  /** Ends every connection; it is not started again. */
  async close(): Promise<void> {
    this.#closed = true;
    const { connection } = this.#state.kind === 'ready' ? this.#state : {};
    const opening = this.#opening;
    this.#move({ kind: 'stopped' });
    const all = [connection, opening, ...this.#own.values()].filter((one) => one !== undefined);
    this.#own.clear();
    await Promise.all(all.map(async (one) => (await one).end('The server is stopped.')).map((ending) => ending.catch(() => undefined)));
  }

  #obstacle(): ConductorError | undefined {
    if (this.#closed) return new ConductorError('BACKEND_UNAVAILABLE', `The server ${this.name} is stopped.`);
    const quarantined = this.needs.quarantined();
    if (quarantined !== undefined) return quarantined;
    const left = this.#state.kind === 'failed' ? Math.ceil(this.#state.retryAt - this.needs.now()) : 0;
    if (left <= 0 || this.#state.kind !== 'failed') return undefined;
    return new ConductorError('BACKEND_UNAVAILABLE', `The server ${this.name} is not there: ${this.#state.why}`, { data: { retryAfterMs: left } });
  }

  async #start(): Promise<Connection> {
    this.#move({ kind: 'starting' });
    try {
      const connection = await this.#connect('shared', {}, {
        asked: () => Promise.resolve({ kind: 'error', error: { code: -32601, message: 'Method not found' } }),
        told: (method, params) => this.#told(method, params),
        ended: (why) => this.#ended(why),
      });
      if (this.#closed) {
        await connection.end('The server is stopped.');
        throw new ConductorError('BACKEND_UNAVAILABLE', `The server ${this.name} is stopped.`);
      }
      this.#announced = connection.server.capabilities;
      this.#move({ kind: 'ready', connection, since: this.needs.now() });
      if (connection.server.era === 'stateless') connection.listen({ toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }, (method, params) => this.#told(method, params));
      await this.#list(connection);
      return connection;
    } catch (thrown) {
      const error = toConductorError(thrown, 'BACKEND_UNAVAILABLE');
      if (this.#state.kind === 'ready') void this.#state.connection.end('It could not be used.');
      this.#failed(error.message);
      throw error;
    }
  }

  async #connect(key: string, declared: Own['declared'], listener: Listener): Promise<Connection> {
    const beginning = { open: this.needs.open(this.profile, key), declared, timeoutMs: this.profile.preflight.timeout_ms, now: this.needs.now, listener };
    let died = false;
    try {
      return await Connection.open({ ...beginning, older: this.#older, listener: { ...listener, ended: (why) => { died = true; listener.ended(why); } } });
    } catch (thrown) {
      // One that ends over the question which only newer ones know is started once more and not asked it again.
      if (this.#older || !died) throw thrown;
      this.#older = true;
      return await Connection.open({ ...beginning, older: true });
    }
  }

  async #list(connection: Connection): Promise<void> {
    const { capabilities, era, instructions } = connection.server;
    const lendable = era === 'session' ? this.needs.lendable() : {};
    this.#listedWith = this.#permitted();
    const listed = !isRecord(capabilities['tools']) ? [] : Object.keys(lendable).length === 0 ? await this.#toolsOf(connection) : await this.#toolsLent(lendable);
    const prompts = isRecord(capabilities['prompts']) && this.needs.prompts() ? await connection.list('prompts/list', 'prompts', Math.min(promptsMs, this.profile.preflight.timeout_ms), mostTools).catch(() => []) : [];
    this.#tools = descriptorsIn(listed);
    this.needs.listed(this.#tools, [...saidInstructions(instructions), ...saidPrompts(prompts)]);
  }

  /** What of the policy decides what is listed. */
  #permitted(): string {
    return JSON.stringify([this.needs.lendable(), this.needs.prompts()]);
  }

  #toolsOf(connection: Connection): Promise<readonly unknown[]> {
    return connection.list('tools/list', 'tools', this.profile.preflight.timeout_ms, mostTools);
  }

  /** The tools that a client sees which can do all that the policy lists. No client is behind this connection, so nobody is asked. */
  async #toolsLent(lendable: Own['declared']): Promise<readonly unknown[]> {
    const nobody: Listener = { asked: () => Promise.resolve({ kind: 'error', error: { code: -32601, message: 'Method not found' } }), told: () => undefined, ended: () => undefined };
    const connection = await this.#connect('listing', lendable, nobody);
    try {
      return await this.#toolsOf(connection);
    } finally {
      await connection.end('The tools are listed.');
    }
  }

  #told(method: string, params: Readonly<Record<string, unknown>>): void {
    if (method === 'notifications/tools/list_changed' || method === 'notifications/prompts/list_changed') this.#listAgain();
    if (method !== 'notifications/tools/list_changed') this.needs.told(method, params);
  }

  // However often it says so, one listing runs at a time and one more follows; who says so all the time is asked ever more rarely, since changes go into the log.
  #listAgain(): void {
    if (this.#state.kind !== 'ready' || this.#relisting) return;
    this.#relisting = true;
    const { connection } = this.#state;
    const now = this.needs.now();
    this.#relisted = { count: now - this.#relisted.at < calmMs ? this.#relisted.count + 1 : 0, at: now };
    setTimeout(() => {
      this.#relisting = false;
      this.#list(connection).catch(() => undefined);
    }, Math.min(calmMs / 6, firstRelistMs * 2 ** Math.max(0, this.#relisted.count - freeRelistings))).unref();
  }

  #ended(why: string): void {
    if (this.#state.kind !== 'ready' || this.#closed) return;
    if (this.needs.now() - this.#state.since < shortLifeMs) return this.#failed(why);
    this.#failures = 0;
    this.#move({ kind: 'stopped' });
  }

  #failed(why: string): void {
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#move({ kind: 'failed', why: why.slice(0, 500), retryAt: this.needs.now() + pause });
  }

  #move(state: BackendState): void {
    if (this.#closed && state.kind !== 'stopped') return;
    this.#state = state;
    this.needs.changed();
  }
}

function descriptorsIn(listed: readonly unknown[]): readonly Descriptor[] {
  return listed.filter((tool): tool is Descriptor => isRecord(tool) && typeof tool['name'] === 'string' && !isSaid(tool['name']));
}
