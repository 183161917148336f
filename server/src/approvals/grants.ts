import type { NewEvent } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';
import { ConductorError } from '../../../protocol/src/errors';
import type { GrantsState, Ladder, RungName } from '../../../protocol/src/grants';
import type { Platform } from '../rules/commandPlan';
import { concerns, coverageOf, denialOf, type NearMiss } from '../rules/grants/coverage';
import type { Grant, Ground } from '../rules/grants/ground';
import { ladderOf, scopeOf, sessionRungs, type Terms } from '../rules/grants/rungs';
import type { GrantFile, KeptGrant } from './grantFile';
import { viewOf, type Use } from './grantView';
import type { Decider } from './question';

/** Keeps what people allowed and forbade for more than one call: gives it, counts its uses, ends it. */

/** What the keeper needs from outside. */
export type GrantsOptions = Readonly<{
  platform: Platform;
  /** Milliseconds since 1970. */
  wallNow(): number;
  /** Makes the random part of an id: a ULID. */
  newUlid(): string;
  /** Writes an event into the log; rejects when it cannot. */
  record(event: NewEvent): Promise<unknown>;
  file: GrantFile;
  /** Whether a door heard a person choose this rung for this call; each choice is given out once. */
  heard(call: string, rung: RungName): boolean;
  /** Whether only signed answers count: then nothing is covered by what an unsigned one gave. Default: never. */
  requireSigned?(): boolean;
  self: Actor;
  onChange(state: GrantsState): void;
  /** Something was forbidden for good: what waits may be denied by it. */
  onForbidden(): void;
}>;

/** An answer to keep: how far it reaches, who gave it, and from which call's prompt. */
export type Kept = Readonly<{ effect: 'allow' | 'deny'; rung: RungName; by: Decider; call: string; /** Whether the answer was signed with a registered key. */ signed?: boolean }>;

/** Everything that was granted or forbidden for more than one call. */
export type Grants = Readonly<{
  /** The denial that a call in this project meets; `ground` is made only when there is any. */
  denies(project: string, ground: () => Ground): Grant | undefined;
  /** The grants that cover a call, all of them; a use of each is counted. Undefined: somebody must be asked. */
  cover(call: string, ground: Ground): readonly Grant[] | undefined;
  /** The second look, right before the start: whether what covered the call still does. Each cover is given out once. */
  stillCovers(call: string, ground: (of: Ground) => Ground): 'covered' | 'withdrawn' | 'never';
  /** A grant for this very thing that no longer holds, and why. */
  near(ground: Ground): NearMiss | undefined;
  /** What a call's prompt offers; the call is remembered, so that its rungs can be weighed. */
  ladder(call: string, ground: Ground, terms: Terms): Ladder;
  /** A call that was asked about lately. */
  asked(call: string): Ground | undefined;
  /** Keeps a person's lasting answer, once the log has it. Throws when no door heard the choice, or the log cannot take it. */
  keep(ground: Ground, kept: Kept, terms: Terms): Promise<void>;
  /** Takes one back; false when there is none of this id. Rejects when the log cannot take it; then it is taken back all the same. */
  undo(id: string, by: Actor): Promise<boolean>;
  /** Drops what the log says was taken back: an older copy of the file brought it back. Gives the ids, having recorded them. */
  dropUndone(undone: ReadonlySet<string>): Promise<readonly string[]>;
  /** Ends what was granted to an agent that left. */
  endSession(connection: number): void;
  state(): GrantsState;
  /** Writes what is not on the disk yet. */
  close(): void;
}>;

/** Most grants that are kept at a time; with more the oldest that allows ends. */
export const mostGrants = 500;

/** Opens the keeper with what the file holds. A file that cannot be trusted holds nothing, and that is recorded. */
export async function openGrants(options: GrantsOptions): Promise<Grants> {
  const found = options.file.read();
  const trouble = 'trouble' in found ? found.trouble : undefined;
  const keeper = new Keeper(options, 'kept' in found ? found.kept : [], trouble);
  if (trouble !== undefined) await options.record({ phase: 'event', tool: 'grant.ignored', input: { why: trouble }, result: 'error', actor: options.self }).catch(() => undefined);
  return keeper;
}

class Keeper implements Grants {
  readonly #grants = new Map<string, Grant>();
  readonly #uses = new Map<string, Use>();
  /** What covered calls that have not started yet. */
  readonly #covered = new Map<string, Ground>();
  /** What people were asked about. */
  readonly #asked = new Map<string, Ground>();
  #trouble: string | undefined;
  #unsaved = false;

  constructor(readonly options: GrantsOptions, kept: readonly KeptGrant[], trouble: string | undefined) {
    this.#trouble = trouble;
    for (const { grant, use } of kept) {
      this.#grants.set(grant.id, grant);
      this.#uses.set(grant.id, use);
    }
  }

  denies(project: string, ground: () => Ground): Grant | undefined {
    const denials = [...this.#grants.values()].filter((grant) => grant.effect === 'deny' && grant.project === project);
    return denials.length === 0 ? undefined : denialOf(denials, this.#question(ground()));
  }

  cover(call: string, ground: Ground): readonly Grant[] | undefined {
    const coverage = coverageOf(this.#counting(), this.#question(ground));
    if (coverage.kind === 'open') return undefined;
    remember(this.#covered, call, ground);
    const lastUsedAt = this.options.wallNow();
    for (const { id } of coverage.by) this.#uses.set(id, { uses: (this.#uses.get(id)?.uses ?? 0) + 1, lastUsedAt });
    this.#unsaved = true;
    this.#changed();
    return coverage.by;
  }

  stillCovers(call: string, ground: (of: Ground) => Ground): 'covered' | 'withdrawn' | 'never' {
    const of = this.#covered.get(call);
    this.#covered.delete(call);
    if (of === undefined) return 'never';
    return coverageOf(this.#counting(), this.#question(ground(of))).kind === 'covered' ? 'covered' : 'withdrawn';
  }

  near(ground: Ground): NearMiss | undefined {
    const coverage = coverageOf(this.#counting(), this.#question(ground));
    return coverage.kind === 'open' ? coverage.near : undefined;
  }

  ladder(call: string, ground: Ground, terms: Terms): Ladder {
    remember(this.#asked, call, ground);
    return ladderOf(ground, terms, this.options.platform);
  }

  asked(call: string): Ground | undefined {
    return this.#asked.get(call);
  }

  async keep(ground: Ground, kept: Kept, terms: Terms): Promise<void> {
    const { options } = this;
    const grant = this.#grantOf(ground, kept, terms);
    if (!options.heard(kept.call, kept.rung)) throw new ConductorError('UNAUTHORIZED', 'No window or terminal was heard to choose this, so nothing was granted. Please report this.');
    const { id, effect, rung, title, covers, project, agent, session, expiresAt, call, reasons } = grant;
    const input = { id, effect, rung, title, covers, agent, call, reasons: reasons.map(({ reason }) => reason), ...(session === undefined ? {} : { session }), ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }) };
    await options.record({ phase: 'event', tool: effect === 'allow' ? 'grant.created' : 'grant.forbidden', input, result: 'ok', project, actor: { ...options.self, ...kept.by } });
    this.#grants.set(id, grant);
    this.#trim();
    if (session === undefined) this.#save();
    this.#changed();
    if (effect === 'deny') options.onForbidden();
  }

  async undo(id: string, by: Actor): Promise<boolean> {
    const grant = this.#grants.get(id);
    if (grant === undefined) return false;
    this.#drop(id);
    this.#save();
    this.#changed();
    await this.options.record({ phase: 'event', tool: 'grant.undone', input: { id, effect: grant.effect, rung: grant.rung, title: grant.title }, result: 'ok', project: grant.project, actor: by });
    return true;
  }

  async dropUndone(undone: ReadonlySet<string>): Promise<readonly string[]> {
    const ids = [...this.#grants.keys()].filter((id) => undone.has(id));
    if (ids.length === 0) return ids;
    for (const id of ids) this.#drop(id);
    this.#trouble = `The file of grants held ${String(ids.length)} that you had taken back: an older copy of it was put in its place. They do not count.`;
    this.#save();
    this.#changed();
    await this.options.record({ phase: 'event', tool: 'grant.ignored', input: { why: this.#trouble, ids }, result: 'error', actor: this.options.self }).catch(() => undefined);
    return ids;
  }

  endSession(connection: number): void {
    const ended = [...this.#grants.values()].filter(({ session }) => session === connection);
    for (const { id } of ended) this.#drop(id);
    if (ended.length > 0) this.#changed();
  }

  /** What counts under the rules of this moment; denials are not asked for their signature. */
  #counting(): readonly Grant[] {
    const all = [...this.#grants.values()];
    return this.options.requireSigned?.() === true ? all.filter(({ signed }) => signed === true) : all;
  }

  state(): GrantsState {
    const now = this.options.wallNow();
    const grants = [...this.#grants.values()].filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt).map((grant) => viewOf(grant, this.#uses.get(grant.id)));
    return { grants, ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }) };
  }

  close(): void {
    if (this.#unsaved) this.#save();
  }

  #grantOf(ground: Ground, { effect, rung, by, call, signed }: Kept, terms: Terms): Grant {
    const { platform, wallNow, newUlid } = this.options;
    const scope = scopeOf(ground, effect, rung, platform);
    const offered = ladderOf(ground, terms, platform)[effect].find((offer) => offer.rung === rung);
    if (scope === undefined || offered === undefined || rung === 'once') throw new ConductorError('UNAUTHORIZED', 'This call does not offer what was chosen, so nothing was granted.');
    const createdAt = wallNow();
    const forSession = effect === 'allow' && sessionRungs.has(rung);
    const ms = forSession ? terms.sessionHours * 3_600_000 : terms.lastingDays * 86_400_000;
    return {
      id: `grant_${newUlid()}`, effect, rung, tool: ground.tool, project: ground.project, policy: ground.policy, pin: ground.pin, reasons: ground.reasons, scope, createdAt, call,
      agent: effect === 'allow' ? ground.agent : '', title: offered.title, covers: offered.covers, by: [by.role, by.client].filter((part) => part !== undefined).join(' '),
      ...(signed === true ? { signed } : {}), ...(forSession ? { session: ground.session } : {}), ...(effect === 'allow' ? { expiresAt: createdAt + ms } : {}),
    };
  }

  /** What ran out goes, and of too many the oldest that allow. */
  #trim(): void {
    const now = this.options.wallNow();
    for (const { id, expiresAt } of [...this.#grants.values()]) if (expiresAt !== undefined && now >= expiresAt) this.#drop(id);
    const allowing = [...this.#grants.values()].filter(({ effect }) => effect === 'allow');
    for (const { id } of allowing.slice(0, Math.max(0, this.#grants.size - mostGrants))) this.#drop(id);
  }

  #drop(id: string): void {
    this.#grants.delete(id);
    this.#uses.delete(id);
  }

  /** What cannot be written holds for as long as the broker lives, and people are told so. */
  #save(): void {
    this.#unsaved = false;
    const kept = [...this.#grants.values()].filter(({ session }) => session === undefined).map((grant): KeptGrant => ({ grant, use: this.#uses.get(grant.id) ?? { uses: 0 } }));
    const trouble = this.options.file.write(kept);
    if (trouble !== undefined) this.#trouble = trouble;
  }

  #changed(): void {
    this.options.onChange(this.state());
  }

  #question(ground: Ground): Parameters<typeof concerns>[1] {
    return { ground, platform: this.options.platform, now: this.options.wallNow() };
  }
}

/** More calls than these never wait at a time. */
const mostRemembered = 600;

function remember(calls: Map<string, Ground>, call: string, ground: Ground): void {
  calls.set(call, ground);
  const [oldest] = calls.keys();
  if (calls.size > mostRemembered && oldest !== undefined) calls.delete(oldest);
}

/** A keeper that grants and forbids nothing. */
export const noGrants: Pick<Grants, 'denies' | 'cover' | 'near' | 'ladder' | 'keep'> = {
  denies: () => undefined,
  cover: () => undefined,
  near: () => undefined,
  ladder: () => ({ allow: [], deny: [] }),
  keep: () => Promise.reject(new ConductorError('UNAUTHORIZED', 'Nothing is granted here.')),
};
