import type { Platform } from '../commandPlan';
import { callTies, exactTies, formOf, isMaterial, namesOf, type Form } from './forms';
import type { Grant, Ground, Reason, Scope, Tie, Unit } from './ground';

/**
 * Whether grants cover a call. A grant turns "ask" into "go on" for the reasons that its giver saw and for no other; it is held against
 * a call after everything else was, and has no say where the rules deny.
 */

/** A grant that was given for this very thing, but something that it is tied to is another now. */
export type NearMiss = Readonly<{ grant: Grant; before: readonly Tie[]; after: readonly Tie[] }>;

/** `by`: all grants that it took. `near`: why it asks although something like it was granted. */
export type Coverage = Readonly<{ kind: 'covered'; by: readonly Grant[] }> | Readonly<{ kind: 'open'; near?: NearMiss }>;

/** What is held against each other, and when. */
export type Question = Readonly<{ ground: Ground; platform: Platform; /** Milliseconds since 1970. */ now: number }>;

/** Holds a call that asks against all grants: one that covers the whole of it, or one for each command that asks. */
export function coverageOf(grants: readonly Grant[], question: Question): Coverage {
  const own = grants.filter((grant) => grant.effect === 'allow' && concerns(grant, question));
  const whole = own.find((grant) => coversWhole(grant, question));
  if (whole !== undefined) return { kind: 'covered', by: [whole] };
  const { around, units } = question.ground;
  const asking = units.filter(({ reasons }) => reasons.length > 0);
  const by = asking.map((unit) => own.find((grant) => coversUnit(grant, unit, question)));
  if (around.length === 0 && asking.length > 0 && by.every((grant) => grant !== undefined)) return { kind: 'covered', by: [...new Set(by)] };
  const near = own.map((grant) => nearMiss(grant, question)).find((found) => found !== undefined);
  return near === undefined ? { kind: 'open' } : { kind: 'open', near };
}

/** The first denial that a call meets, whatever the rules say of it. */
export function denialOf(grants: readonly Grant[], question: Question): Grant | undefined {
  return grants.find((grant) => grant.effect === 'deny' && concerns(grant, question) && meets(grant.scope, question));
}

/** Whether a grant is in force, and about this tool, project and agent. A clock that was set back ends what has an end. */
export function concerns(grant: Grant, { ground, now }: Question): boolean {
  const inTime = grant.expiresAt === undefined || (now < grant.expiresAt && now >= grant.createdAt - clockSlack);
  const sameAgent = grant.session === undefined ? (grant.effect === 'deny' && grant.agent === '') || grant.agent === ground.agent : grant.session === ground.session;
  return inTime && sameAgent && grant.project === ground.project && (grant.tool === ground.tool || (grant.scope.kind === 'file' && fileTools.has(ground.tool) && fileTools.has(grant.tool)));
}

/** Milliseconds that a clock may be set back, as time services do, without ending grants. */
const clockSlack = 60_000;

const fileTools: ReadonlySet<string> = new Set(['filesystem.write', 'filesystem.edit']);

function coversWhole(grant: Grant, { ground, platform }: Question): boolean {
  if (!sameRules(grant, ground) || !seen(ground.reasons, grant.reasons)) return false;
  switch (grant.scope.kind) {
    case 'call':
      return sameTies(grant.scope.ties, callTies(ground, platform));
    case 'file':
      return grant.scope.path === ground.file;
    case 'unit':
    case 'form':
    case 'name':
    case 'any':
      return false;
  }
}

/** The same settings, and a tool that says the same of itself; writing and editing one file are granted together. */
function sameRules(grant: Grant, ground: Ground): boolean {
  return grant.policy === ground.policy && (grant.pin === ground.pin || (grant.scope.kind === 'file' && grant.tool !== ground.tool));
}

function coversUnit(grant: Grant, unit: Unit, { ground, platform }: Question): boolean {
  if (!sameRules(grant, ground) || !unit.plain || !seen(unit.reasons, grant.reasons)) return false;
  switch (grant.scope.kind) {
    case 'unit':
      return (!unit.shaky || isMaterial(unit, platform)) && sameWords(grant.scope.argv, unit.argv) && sameTies(grant.scope.ties, exactTies(unit, platform));
    case 'form':
      return fits(grant.scope, formOf(unit.argv, platform)) && sameTies(grant.scope.ties, unit.standing);
    case 'call':
    case 'file':
    case 'name':
    case 'any':
      return false;
  }
}

/** The grant would cover the call, or the only command of it that asks, but for what it is tied to. */
function nearMiss(grant: Grant, { ground, platform }: Question): NearMiss | undefined {
  const { scope } = grant;
  const asking = ground.units.filter(({ reasons }) => reasons.length > 0);
  const told = (before: readonly Tie[], after: readonly Tie[]): NearMiss => ({ grant, before: [...before, ...more(grant)], after: [...after, ...more(ground)] });
  if (scope.kind === 'call') return sameLists(scope.argvs, ground.units.map(({ argv }) => argv)) && ground.units.length > 0 ? told(scope.ties, callTies(ground, platform)) : undefined;
  const [unit, another] = asking;
  if (unit === undefined || another !== undefined) return undefined;
  if (scope.kind === 'unit' && sameWords(scope.argv, unit.argv)) return told(scope.ties, exactTies(unit, platform));
  return scope.kind === 'form' && fits(scope, formOf(unit.argv, platform)) ? told(scope.ties, unit.standing) : undefined;
}

/** Settings, tool and reasons as ties, so that a change of them is told like every other. */
function more({ policy, pin, reasons }: Pick<Ground, 'policy' | 'pin' | 'reasons'>): readonly Tie[] {
  return [{ label: 'Settings', key: '', value: policy }, { label: 'Tool', key: '', value: pin }, ...reasons.map(({ rule, reason }): Tie => ({ label: 'Why', key: rule, value: reason }))];
}

function meets(scope: Scope, { ground, platform }: Question): boolean {
  switch (scope.kind) {
    case 'name':
      return ground.units.some(({ argv }) => namesOf(argv, platform).some((names) => names.program === scope.program && (scope.subcommand === undefined || scope.subcommand === names.subcommand)));
    case 'unit':
      return ground.units.some(({ argv }) => sameWords(argv, scope.argv));
    case 'call':
      return ground.units.length > 0 && sameLists(scope.argvs, ground.units.map(({ argv }) => argv));
    case 'file':
      return scope.path === ground.file;
    case 'form':
      return ground.units.some(({ argv }) => fits(scope, formOf(argv, platform)));
    case 'any':
      return true;
  }
}

/** Whether a form is one that a grant names. */
export function fits(scope: Extract<Scope, { kind: 'form' }>, form: Form | undefined): boolean {
  if (form === undefined || form.program !== scope.program || form.subcommand !== scope.subcommand) return false;
  return scope.options === undefined || sameWords(scope.options, form.options);
}

/** Every reason was among those that were shown, with the same words. */
function seen(now: readonly Reason[], shown: readonly Reason[]): boolean {
  return now.every(({ rule, reason }) => shown.some((other) => other.rule === rule && other.reason === reason));
}

/** Whether two lists of ties say the same, in any order. */
export function sameTies(one: readonly Tie[], other: readonly Tie[]): boolean {
  return sameWords(written(one), written(other));
}

function written(ties: readonly Tie[]): readonly string[] {
  return ties.map(({ label, key, value }) => JSON.stringify([label, key, value])).sort();
}

/** Whether two lists of words are the same. */
export function sameWords(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, index) => word === other[index]);
}

/** Whether two lists of argument lists are the same. */
export function sameLists(one: readonly (readonly string[])[], other: readonly (readonly string[])[]): boolean {
  return one.length === other.length && one.every((words, index) => sameWords(words, other[index] ?? []));
}
