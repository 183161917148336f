import type { NewEvent } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';
import { ConductorError } from '../../../protocol/src/errors';
import type { GrantsState, Ladder, RungName } from '../../../protocol/src/grants';
import type { Platform } from '../rules/commandPlan';
import { concerns, coverageOf, denialOf, type NearMiss } from '../rules/grants/coverage';
import type { Grant, Ground } from '../rules/grants/ground';
import { ladderOf, scopeOf, sessionRungs, type Terms } from '../rules/grants/rungs';
import { withoutTexts, type GrantFile, type GrantsAt, type KeptGrant } from './grantFile';
import { upToDate, type LoggedGrants } from './grantHistory';
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
  /** What the log knows of earlier changes. Default: nothing. */
  logged?: LoggedGrants;
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
  /** Ends what was granted to an agent that left. */
  endSession(connection: number): void;
  state(): GrantsState;
  /** Number of the last change of what lasts, 0 before the first. The log has each under its number, and the start of each run says which was the last. */
  change(): number;
  /** Writes what is not on the disk yet. */
  close(): void;
}>;

/** Most grants that are kept at a time; with more the oldest that allows ends. */
export const mostGrants = 500;

/** Opens the keeper with what the file holds, as far as the log agrees. What cannot be trusted, and what had to be mended, is recorded and told. */
export async function openGrants(options: GrantsOptions): Promise<Grants> {
  const found = options.file.read();
  const ignored = 'trouble' in found ? found.trouble : undefined;
  const { kept, change, mended } = await upToDate('trouble' in found ? { kept: [], change: 0 } : found, options.logged ?? nothingLogged, options.wallNow());
  const trouble = [ignored, mended?.says].filter((part) => part !== undefined).join(' ');
  const keeper = new Keeper(options, { kept, change }, trouble === '' ? undefined : trouble);
  const tell = (tool: string, input: NewEvent['input']): Promise<unknown> => options.record({ phase: 'event', tool, input, result: 'error', actor: options.self }).catch(() => undefined);
  if (ignored !== undefined) await tell('grant.ignored', { why: ignored });
  if (mended === undefined) return keeper;
  await tell('grant.restored', { why: mended.says, restored: mended.restored, dropped: mended.dropped });
  keeper.save();
  return keeper;
}

const nothingLogged: LoggedGrants = { change: 0, since: () => Promise.resolve([]) };

class Keeper implements Grants {
  readonly #grants = new Map<string, Grant>();
  readonly #uses = new Map<string, Use>();
  /** What covered calls that have not started yet. */
  readonly #covered = new Map<string, Ground>();
  /** What people were asked about. */
  readonly #asked = new Map<string, Ground>();
  #trouble: string | undefined;
  #unsaved = false;
  #change: number;
  /** Number that the file bears. */
  #saved: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(readonly options: GrantsOptions, { kept, change }: GrantsAt, trouble: string | undefined) {
    this.#trouble = trouble;
    this.#change = this.#saved = change;
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
    const grant = this.#grantOf(ground, kept, terms);
    if (!this.options.heard(kept.call, kept.rung)) throw new ConductorError('UNAUTHORIZED', 'No window or terminal was heard to choose this, so nothing was granted. Please report this.');
    await this.#inTurn(() => this.#keep(grant, { ...this.options.self, ...kept.by }));
    this.#changed();
    if (grant.effect === 'deny') this.options.onForbidden();
  }

  async undo(id: string, by: Actor): Promise<boolean> {
    const grant = this.#grants.get(id);
    if (grant === undefined) return false;
    // What no longer allows ends at once, whatever becomes of the log; what no longer forbids must stand in it first.
    if (grant.effect === 'allow') this.#drop(id);
    try {
      await this.#inTurn(() => this.#next(grant.session === undefined, async (number) => {
        if (grant.effect === 'allow') this.save();
        await this.options.record({ phase: 'event', tool: 'grant.undone', input: { id, effect: grant.effect, rung: grant.rung, title: grant.title, ...number }, result: 'ok', project: grant.project, actor: by });
        this.#drop(id);
        this.save();
      }));
    } finally {
      this.#changed();
    }
    return true;
  }

  async #keep(grant: Grant, actor: Actor): Promise<void> {
    this.#trim();
    const ended = this.#tooMany();
    await this.#next(grant.session === undefined || ended.length > 0, async (number) => {
      await this.options.record({ phase: 'event', tool: grant.effect === 'allow' ? 'grant.created' : 'grant.forbidden', input: { ...told(grant), ...number, ...(ended.length === 0 ? {} : { ended }) }, result: 'ok', project: grant.project, actor });
      this.#grants.set(grant.id, grant);
      this.#trim();
      if ('change' in number) this.save();
    });
  }

  /** One change after the other, so that the file never bears the number of one that it does not hold. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(work);
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /** Makes a change, under the next number where it is one of the file; the number is given back when the log cannot take it and no file bears it. */
  async #next(ofFile: boolean, make: (number: { change?: number }) => Promise<void>): Promise<void> {
    const before = this.#change;
    if (ofFile) this.#change += 1;
    try {
      await make(ofFile ? { change: this.#change } : {});
    } catch (thrown) {
      if (this.#saved < this.#change) this.#change = before;
      throw thrown;
    }
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
    if (this.#unsaved) this.save();
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

  change(): number {
    return this.#change;
  }

  /** What ran out goes, and of too many the oldest that allow. */
  #trim(): void {
    const now = this.options.wallNow();
    for (const { id, expiresAt } of [...this.#grants.values()]) if (expiresAt !== undefined && now >= expiresAt) this.#drop(id);
    for (const id of this.#surplus(this.#grants.size)) this.#drop(id);
  }

  /** Those of lasting ones that must go for another: the log names them, so that no older file brings them back. */
  #tooMany(): readonly string[] {
    return this.#surplus(this.#grants.size + 1).filter((id) => this.#grants.get(id)?.session === undefined);
  }

  #surplus(size: number): readonly string[] {
    const allowing = [...this.#grants.values()].filter(({ effect }) => effect === 'allow');
    return allowing.slice(0, Math.max(0, size - mostGrants)).map(({ id }) => id);
  }

  #drop(id: string): void {
    this.#grants.delete(id);
    this.#uses.delete(id);
  }

  /** What cannot be written holds for as long as the broker lives, and people are told so. */
  save(): void {
    this.#unsaved = false;
    this.#saved = this.#change;
    const kept = [...this.#grants.values()].filter(({ session }) => session === undefined).map((grant): KeptGrant => ({ grant, use: this.#uses.get(grant.id) ?? { uses: 0 } }));
    const trouble = this.options.file.write({ kept, change: this.#change });
    if (trouble !== undefined) this.#trouble = trouble;
  }

  #changed(): void {
    this.options.onChange(this.state());
  }

  #question(ground: Ground): Parameters<typeof concerns>[1] {
    return { ground, platform: this.options.platform, now: this.options.wallNow() };
  }
}

/** What the log keeps of a new grant; of a denial all, so that it can be restored from there. */
function told(grant: Grant): NewEvent['input'] {
  const { id, effect, rung, title, covers, tool, agent, call, reasons, session, expiresAt } = grant;
  return {
    id, effect, rung, title, covers, of: tool, agent, call, reasons: reasons.map(({ reason }) => reason), ...(session === undefined ? {} : { session }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }), ...(effect === 'deny' ? whole(grant) : {}),
  };
}

/** Characters of a grant up to which the log keeps it; a longer input would stand there as a hash only, and not even its number could be read. */
const mostLogged = 32_768;

function whole(grant: Grant): { grant?: Grant } {
  const kept = withoutTexts(grant);
  return JSON.stringify(kept).length <= mostLogged ? { grant: kept } : {};
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
