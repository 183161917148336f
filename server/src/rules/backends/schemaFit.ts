/**
 * Holds a value against a JSON Schema as far as a person needs it: kinds, names, choices and limits. It is for showing and decides nothing. The
 * schema comes from an external server: its patterns are never run, references lead nowhere but into itself, and steps are counted.
 */

/** What a schema says of one place. */
export type Schema = Readonly<Record<string, unknown>> | boolean;

/** A schema with what its references, parts and alternatives add for one value. */
export type Shape = Readonly<{
  /** What must hold all at once: the schema itself, and what it stands for. */
  parts: readonly Readonly<Record<string, unknown>>[];
  properties: ReadonlyMap<string, Schema>;
  required: ReadonlySet<string>;
  /** Names that it does not list are forbidden. */
  closed: boolean;
  /** What it says of names that it does not list. */
  others: Schema | undefined;
  /** What it says of the items of a list. */
  item(index: number): Schema | undefined;
  /** A reason why the value does not fit here, whatever its members are. */
  flaw: string | undefined;
}>;

/** References, parts and alternatives inside of each other, steps in all, and choices of one place, at most; of more choices nothing is said. */
const most = { depth: 16, steps: 50_000, choices: 1000 } as const;

/** One look at one call. `tooMuch` once there were too many steps: nothing is known of what comes after. */
export class SchemaFit {
  #steps = 0;

  constructor(readonly root: Schema) {}

  get tooMuch(): boolean {
    return this.#steps > most.steps;
  }

  /** What a schema says of this very value. */
  shape(value: unknown, schema: Schema, depth = 0): Shape {
    const parts: Readonly<Record<string, unknown>>[] = [];
    const flaws: string[] = [];
    this.#collect(value, schema, depth, parts, flaws);
    const properties = new Map<string, Schema>();
    for (const part of parts) for (const [name, one] of Object.entries(recordOf(part['properties']))) if (!properties.has(name) && isSchema(one)) properties.set(name, one);
    const others = parts.map((part) => part['additionalProperties'] ?? part['unevaluatedProperties']).filter((one) => one !== undefined);
    return {
      parts, properties,
      required: new Set(parts.flatMap((part) => listOf(part['required']).filter((name) => typeof name === 'string'))),
      // Patterns of names are not run, so that nothing is known to be forbidden beside them.
      closed: others.includes(false) && !parts.some((part) => 'patternProperties' in part),
      others: others.find((one): one is Schema => isSchema(one) && typeof one === 'object'),
      item: (index) => itemSchema(parts, index),
      flaw: flaws[0] ?? parts.map((part) => flawOf(value, part)).find((one) => one !== undefined),
    };
  }

  /** Whether a value fits with all that is in it. */
  fits(value: unknown, schema: Schema, depth = 0): boolean {
    if (this.#spent(depth)) return true;
    const shape = this.shape(value, schema, depth + 1);
    if (shape.flaw !== undefined) return false;
    if (Array.isArray(value)) return value.every((item, index) => this.#memberFits(item, shape.item(index), depth));
    if (!isRecord(value)) return true;
    if ([...shape.required].some((name) => !Object.hasOwn(value, name))) return false;
    return Object.entries(value).every(([name, one]) => {
      const known = shape.properties.get(name);
      return known === undefined ? !shape.closed && this.#memberFits(one, shape.others, depth) : this.fits(one, known, depth + 1);
    });
  }

  #memberFits(value: unknown, schema: Schema | undefined, depth: number): boolean {
    return schema === undefined || this.fits(value, schema, depth + 1);
  }

  #spent(depth: number): boolean {
    this.#steps += 1;
    return depth > most.depth || this.#steps > most.steps;
  }

  #collect(value: unknown, schema: Schema, depth: number, parts: Readonly<Record<string, unknown>>[], flaws: string[]): void {
    if (this.#spent(depth)) return;
    if (typeof schema === 'boolean') return void (schema ? undefined : flaws.push('The schema allows nothing here.'));
    // Each name is looked at.
    this.#steps += Object.keys(recordOf(schema['properties'])).length;
    if (this.tooMuch) return;
    parts.push(schema);
    const reference = schema['$ref'];
    const meant = typeof reference === 'string' ? this.#resolve(reference) : undefined;
    for (const part of [...(meant === undefined ? [] : [meant]), ...schemasOf(schema['allOf'])]) this.#collect(value, part, depth + 1, parts, flaws);
    for (const choices of [schemasOf(schema['anyOf']), schemasOf(schema['oneOf'])]) {
      if (choices.length === 0) continue;
      const chosen = choices.find((choice) => this.fits(value, choice, depth + 1));
      if (chosen === undefined) flaws.push(`It fits none of the ${String(choices.length)} forms that the schema allows.`);
      else this.#collect(value, chosen, depth + 1, parts, flaws);
    }
  }

  /** A reference into the same document. */
  #resolve(reference: string): Schema | undefined {
    if (reference !== '#' && !reference.startsWith('#/')) return undefined;
    const names = reference.split('/').slice(1).map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
    const found = names.reduce<unknown>((at, name) => (typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Readonly<Record<string, unknown>>)[name] : undefined), this.root);
    return isSchema(found) ? found : undefined;
  }
}

/** What a schema asks for at one place, in a few words; undefined where it says nothing. */
export function expectedBy(parts: readonly Readonly<Record<string, unknown>>[]): string | undefined {
  const words = parts.flatMap((part) => {
    const types = listOf(part['type'] ?? []).filter((type) => typeof type === 'string');
    const choices = 'const' in part ? [part['const']] : Array.isArray(part['enum']) ? part['enum'] : [];
    const named = choices.slice(0, 8).map((choice) => cut(JSON.stringify(choice), 60)).join(', ');
    return [...(types.length === 0 ? [] : [types.join(' or ')]), ...(choices.length === 0 ? [] : [`one of ${named}${choices.length > 8 ? ` and ${String(choices.length - 8)} more` : ''}`]), ...rangesOf(part)];
  });
  return words.length === 0 ? undefined : cut([...new Set(words)].join(', '), 300);
}

function rangesOf(part: Readonly<Record<string, unknown>>): string[] {
  return [['minimum', 'at least'], ['maximum', 'at most'], ['minLength', 'characters, at least'], ['maxLength', 'characters, at most'], ['minItems', 'items, at least'], ['maxItems', 'items, at most']].flatMap(([name = '', says = '']) => (typeof part[name] === 'number' ? [`${says} ${String(part[name])}`] : []));
}

/** Why a value does not fit one schema, its members left aside. */
function flawOf(value: unknown, part: Readonly<Record<string, unknown>>): string | undefined {
  if (value === null && part['nullable'] === true) return undefined;
  const types = listOf(part['type'] ?? []).filter((type) => typeof type === 'string');
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) return `It is ${article(kindOf(value))}, and the schema wants ${types.map((type) => cut(type, 30)).map(article).join(' or ')}.`;
  if ('const' in part && !same(value, part['const'])) return 'It is not the one value that the schema allows.';
  if (Array.isArray(part['enum']) && part['enum'].length <= most.choices && !part['enum'].some((choice) => same(value, choice))) return 'It is none of the values that the schema allows.';
  const size = typeof value === 'number' ? (['minimum', 'maximum'] as const) : typeof value === 'string' ? (['minLength', 'maxLength'] as const) : Array.isArray(value) ? (['minItems', 'maxItems'] as const) : undefined;
  if (size === undefined) return undefined;
  const measured = typeof value === 'number' ? value : typeof value === 'string' ? [...value].length : (value as readonly unknown[]).length;
  const [least, largest] = size.map((name) => part[name]);
  if (typeof least === 'number' && measured < least) return `The schema wants at least ${String(least)}${typeof value === 'number' ? '' : typeof value === 'string' ? ' characters' : ' items'}.`;
  if (typeof largest === 'number' && measured > largest) return `The schema wants at most ${String(largest)}${typeof value === 'number' ? '' : typeof value === 'string' ? ' characters' : ' items'}.`;
  return undefined;
}

function itemSchema(parts: readonly Readonly<Record<string, unknown>>[], index: number): Schema | undefined {
  for (const part of parts) {
    const first = part['prefixItems'] ?? (Array.isArray(part['items']) ? part['items'] : undefined);
    const own: unknown = Array.isArray(first) && index < first.length ? first[index] : Array.isArray(part['items']) ? part['additionalItems'] : part['items'];
    if (isSchema(own)) return own;
  }
  return undefined;
}

/** The kinds that there are; of another nobody knows what it means. */
const kinds: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'null', 'array', 'object']);

function isOfType(value: unknown, type: string): boolean {
  if (!kinds.has(type)) return true;
  return type === kindOf(value) || (type === 'number' && typeof value === 'number');
}

/** The kind of a value in the words of JSON Schema. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value;
}

function article(kind: string): string {
  return kind === 'null' ? kind : `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether something can be a schema. */
export function isSchema(value: unknown): value is Schema {
  return typeof value === 'boolean' || isRecord(value);
}

/** Whether something is an object and no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function schemasOf(value: unknown): readonly Schema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
