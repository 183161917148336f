import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import { revealLine } from '../../../../protocol/src/display';
import { patternFits, patternWork } from './pattern';

/**
 * Whether arguments fit the JSON Schema that a server gives for its tool (https://json-schema.org/draft/2020-12; older drafts where they
 * differ little). The schema is hostile text: nothing is fetched, steps and depth are bounded, and what is not known here is left to the server.
 */

/** What is wrong at one place of the arguments. */
export type SchemaFlaw = Readonly<{ /** Such as `options.path` or `items[3]`; empty for all of it. */ path: string; says: string }>;

type Members = Readonly<Record<string, unknown>>;

/** Steps of one comparison and of its patterns, how deep schema and arguments may nest together, and flaws that are told, at most. */
const most = { steps: 200_000, patterns: 20_000_000, depth: 200, flaws: 5 } as const;

/** Members of a schema that say something which is not worked out here. */
const left = ['format', 'unevaluatedProperties', 'unevaluatedItems', 'dependentSchemas', 'dependencies', 'maxContains', '$dynamicRef', '$recursiveRef'] as const;

/** What keeps the arguments from fitting the schema, at most five; empty where nothing does. */
export function schemaFlaws(schema: unknown, value: unknown): readonly SchemaFlaw[] {
  const look = new Look(schema);
  try {
    return look.at(schema, value, '', 0).slice(0, most.flaws);
  } catch (thrown) {
    if (thrown instanceof TooMuch) return [{ path: '', says: 'cannot be held against the schema of the server, which is too large or too deep for that' }];
    throw thrown;
  }
}

/** Flaws in one line, for whoever sent the arguments. */
export function flawWords(flaws: readonly SchemaFlaw[]): string {
  return flaws.map(({ path, says }) => `${path === '' ? 'The whole' : revealLine(path, 200)} ${says}`).join('; ');
}

class TooMuch extends Error {}

/** One comparison. `unsure` counts places of which nothing could be said; a schema that forbids something says nothing by them. */
class Look {
  #steps = 0;
  #patterns = 0;
  #unsure = 0;
  readonly #texts = new WeakMap<object, string>();

  constructor(readonly root: unknown) {}

  at(schema: unknown, value: unknown, path: string, depth: number): SchemaFlaw[] {
    this.#step(depth);
    if (schema === false) return [{ path, says: 'must not be there' }];
    if (!isMembers(schema) || (value === null && own(schema, 'nullable') === true)) return [];
    if (left.some((name) => Object.hasOwn(schema, name))) this.#unsure += 1;
    const found = [...this.#typed(schema, value, path), ...this.#combined(schema, value, path, depth)];
    if (found.length > 0) return found;
    if (Array.isArray(value)) return this.#list(schema, value, path, depth);
    if (isMembers(value)) return this.#object(schema, value, path, depth);
    return this.#scalar(schema, value, path);
  }

  #step(depth: number, steps = 1): void {
    this.#steps += steps;
    if (this.#steps > most.steps || depth > most.depth) throw new TooMuch();
  }

  #typed(schema: Members, value: unknown, path: string): SchemaFlaw[] {
    const types = own(schema, 'type');
    const names = (Array.isArray(types) ? types : [types]).filter((one) => typeof one === 'string');
    if (names.length > 0 && !names.some((name) => isOfType(name, value))) return [{ path, says: `must be ${names.join(' or ').slice(0, 100)}, and is ${typeName(value)}` }];
    const choices = own(schema, 'enum');
    if (Array.isArray(choices) && !choices.some((one) => this.#same(one, value))) return [{ path, says: `must be one of ${words(choices)}` }];
    const constant = own(schema, 'const');
    return Object.hasOwn(schema, 'const') && !this.#same(constant, value) ? [{ path, says: `must be ${words(constant)}` }] : [];
  }

  #combined(schema: Members, value: unknown, path: string, depth: number): SchemaFlaw[] {
    const reference = own(schema, '$ref');
    const found = typeof reference === 'string' ? this.at(this.#resolved(reference), value, path, depth + 1) : [];
    for (const one of listAt(schema, 'allOf')) found.push(...this.at(one, value, path, depth + 1));
    found.push(...this.#anyOf(schema, value, path, depth), ...this.#oneOf(schema, value, path, depth));
    if (Object.hasOwn(schema, 'not') && this.#judged(own(schema, 'not'), value, path, depth) === 'fits') found.push({ path, says: 'has a form that the schema forbids' });
    if (!Object.hasOwn(schema, 'if')) return found;
    const condition = this.#judged(own(schema, 'if'), value, path, depth);
    const branch = condition === 'unsure' ? undefined : own(schema, condition === 'fits' ? 'then' : 'else');
    return [...found, ...(branch === undefined ? [] : this.at(branch, value, path, depth + 1))];
  }

  #anyOf(schema: Members, value: unknown, path: string, depth: number): SchemaFlaw[] {
    const choices = listAt(schema, 'anyOf').map((one) => this.at(one, value, path, depth + 1));
    return choices.length === 0 || choices.some(({ length }) => length === 0) ? [] : nearest(choices, path);
  }

  #oneOf(schema: Members, value: unknown, path: string, depth: number): SchemaFlaw[] {
    const before = this.#unsure;
    const choices = listAt(schema, 'oneOf').map((one) => this.at(one, value, path, depth + 1));
    const fitting = choices.filter(({ length }) => length === 0).length;
    if (choices.length === 0 || fitting === 1 || (fitting > 1 && this.#unsure > before)) return [];
    return fitting === 0 ? nearest(choices, path) : [{ path, says: 'has more than one of the forms of which it must have exactly one' }];
  }

  #judged(schema: unknown, value: unknown, path: string, depth: number): 'fits' | 'fails' | 'unsure' {
    const before = this.#unsure;
    const fits = this.at(schema, value, path, depth + 1).length === 0;
    return !fits ? 'fails' : this.#unsure > before ? 'unsure' : 'fits';
  }

  /** What a reference within the schema leads to. One that leads out of it is not followed, and says nothing. */
  #resolved(reference: string): unknown {
    const pointer = /^#(?:\/|$)/.test(reference) ? reference.slice(2) : undefined;
    if (pointer === undefined) return this.#dunno();
    const steps = pointer === '' ? [] : pointer.split('/').map((step) => decoded(step).replaceAll('~1', '/').replaceAll('~0', '~'));
    let found: unknown = this.root;
    for (const step of steps) found = typeof found === 'object' && found !== null && Object.hasOwn(found, step) ? (found as Members)[step] : this.#dunno();
    return found;
  }

  #dunno(): undefined {
    this.#unsure += 1;
    return undefined;
  }

  #list(schema: Members, value: readonly unknown[], path: string, depth: number): SchemaFlaw[] {
    const found = bounds(schema, 'Items', value.length, path, 'items');
    const fixed = listAt(schema, Array.isArray(own(schema, 'items')) ? 'items' : 'prefixItems');
    const rest = Array.isArray(own(schema, 'items')) ? own(schema, 'additionalItems') : own(schema, 'items');
    for (const [index, item] of value.entries()) {
      if (found.length >= most.flaws) return found;
      found.push(...this.at(index < fixed.length ? fixed[index] : rest, item, `${path}[${String(index)}]`, depth + 1));
    }
    if (own(schema, 'uniqueItems') === true && new Set(value.map((item) => this.#text(item))).size < value.length) found.push({ path, says: 'holds one item twice' });
    if (Object.hasOwn(schema, 'contains') && own(schema, 'minContains') !== 0 && !value.some((item) => this.#judged(own(schema, 'contains'), item, path, depth) !== 'fails')) found.push({ path, says: 'lacks an item of the form that it must hold' });
    return found;
  }

  #object(schema: Members, value: Members, path: string, depth: number): SchemaFlaw[] {
    const names = Object.keys(value);
    const required = listAt(schema, 'required');
    this.#step(depth, (names.length + required.length) / 8);
    const found = bounds(schema, 'Properties', names.length, path, 'members');
    for (const name of required) if (typeof name === 'string' && !Object.hasOwn(value, name)) found.push({ path: joined(path, name), says: 'is missing' });
    for (const name of names) {
      if (found.length >= most.flaws) return found;
      found.push(...this.#member(schema, value, name, path, depth));
    }
    const dependent = own(schema, 'dependentRequired');
    if (!isMembers(dependent)) return found;
    for (const [name, needed] of Object.entries(dependent)) {
      this.#step(depth, Array.isArray(needed) ? needed.length : 1);
      if (Object.hasOwn(value, name) && Array.isArray(needed)) for (const other of needed) if (typeof other === 'string' && !Object.hasOwn(value, other)) found.push({ path: joined(path, other), says: `is missing beside ${name.slice(0, 100)}` });
    }
    return found;
  }

  #member(schema: Members, value: Members, name: string, path: string, depth: number): SchemaFlaw[] {
    const [known, patterns] = [own(schema, 'properties'), own(schema, 'patternProperties')];
    const matching = isMembers(patterns) ? Object.entries(patterns).map(([pattern, one]) => [this.#matches(pattern, name), one] as const).filter(([fits]) => fits !== false) : [];
    const schemas = [...(isMembers(known) && Object.hasOwn(known, name) ? [own(known, name)] : []), ...matching.map(([fits, one]) => (fits === true ? one : true))];
    const given = Object.hasOwn(schema, 'propertyNames') ? this.at(own(schema, 'propertyNames'), name, joined(path, name), depth + 1) : [];
    const present = value[name];
    if (schemas.length > 0) return [...given, ...schemas.flatMap((one) => this.at(one, present, joined(path, name), depth + 1))];
    const others = own(schema, 'additionalProperties');
    if (others === false) return [...given, { path: joined(path, name), says: 'is no argument that the schema knows' }];
    return [...given, ...this.at(others, present, joined(path, name), depth + 1)];
  }

  #scalar(schema: Members, value: unknown, path: string): SchemaFlaw[] {
    if (typeof value === 'string') {
      const pattern = own(schema, 'pattern');
      const length = Object.hasOwn(schema, 'minLength') || Object.hasOwn(schema, 'maxLength') ? this.#lengthOf(value) : 0;
      const found = bounds(schema, 'Length', length, path, 'characters');
      return typeof pattern === 'string' && this.#matches(pattern, value) === false ? [...found, { path, says: `must fit the pattern ${words(pattern)}` }] : found;
    }
    return typeof value === 'number' ? numberFlaws(schema, value, path) : [];
  }

  #matches(pattern: string, text: string): boolean | undefined {
    this.#step(0, 1 + pattern.length / 16);
    const work = patternWork(pattern, text.length);
    if (work === undefined || this.#patterns + work > most.patterns) return this.#dunno();
    this.#patterns += work;
    return patternFits(pattern, text) ?? this.#dunno();
  }

  #same(one: unknown, other: unknown): boolean {
    this.#step(0);
    if (typeof one !== 'object' || one === null) return one === other;
    return typeof other === 'object' && other !== null && this.#text(one) === this.#text(other);
  }

  #lengthOf(text: string): number {
    this.#step(0, text.length / 64);
    return [...text].length;
  }

  /** Canonical JSON of a value; that of an object is made once. */
  #text(value: unknown): string {
    const known = typeof value === 'object' && value !== null ? this.#texts.get(value) : undefined;
    const text = known ?? canonicalJson(value).text;
    this.#step(0, known === undefined ? 1 + text.length / 64 : 1);
    if (typeof value === 'object' && value !== null) this.#texts.set(value, text);
    return text;
  }
}

function numberFlaws(schema: Members, value: number, path: string): SchemaFlaw[] {
  const limits = [['minimum', (bound: number) => value >= bound, 'at least'], ['maximum', (bound: number) => value <= bound, 'at most'], ['exclusiveMinimum', (bound: number) => value > bound, 'more than'], ['exclusiveMaximum', (bound: number) => value < bound, 'less than']] as const;
  const found = limits.flatMap(([name, holds, says]) => {
    const bound = own(schema, name);
    return typeof bound === 'number' && !holds(bound) ? [{ path, says: `must be ${says} ${String(bound)}` }] : [];
  });
  const step = own(schema, 'multipleOf');
  if (typeof step !== 'number' || step <= 0) return found;
  const times = value / step;
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times)) ? found : [...found, { path, says: `must be a multiple of ${String(step)}` }];
}

function bounds(schema: Members, kind: 'Items' | 'Properties' | 'Length', count: number, path: string, what: string): SchemaFlaw[] {
  const [least, greatest] = [own(schema, `min${kind}`), own(schema, `max${kind}`)];
  if (typeof least === 'number' && count < least) return [{ path, says: `must have at least ${String(least)} ${what}` }];
  return typeof greatest === 'number' && count > greatest ? [{ path, says: `must have at most ${String(greatest)} ${what}` }] : [];
}

/** Of several forms the one that the value comes nearest to tells what to correct. */
function nearest(choices: readonly SchemaFlaw[][], path: string): SchemaFlaw[] {
  const best = choices.reduce((least, one) => (deepest(one) > deepest(least) ? one : least));
  return deepest(best) > path.length ? best : [{ path, says: `has none of the forms that it may have (${best[0]?.says ?? ''})` }];
}

function deepest(flaws: readonly SchemaFlaw[]): number {
  return Math.max(0, ...flaws.map(({ path }) => path.length));
}

function isOfType(name: string, value: unknown): boolean {
  if (name === 'integer') return Number.isInteger(value);
  const known = ['string', 'number', 'boolean', 'null', 'array', 'object'].includes(name);
  return !known || typeName(value) === name;
}

function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

function own(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

function listAt(schema: Members, name: string): readonly unknown[] {
  const list = own(schema, name);
  return Array.isArray(list) ? list : [];
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function joined(path: string, name: string): string {
  return path === '' ? name.slice(0, 100) : `${path}.${name.slice(0, 100)}`;
}

function words(value: unknown): string {
  return revealLine(canonicalJson(value).text, 200);
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
