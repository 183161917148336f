import type { ArgumentRow, CallArguments } from '../../../../protocol/src/callArguments';
import { expectedBy, isRecord, isSchema, SchemaFit, type Schema, type Shape } from './schemaFit';

/** Lays out the arguments of a call to an external server for a person: those that the tool's schema names in its order, then the others. */

/** Rows, rows that are looked at, characters of one value, of all values, and objects inside of each other, at most; what is deeper stands as JSON in one row. */
const most = { rows: 200, looked: 2000, value: 2000, all: 65_536, depth: 8 } as const;
/** Values by which two calls are compared one by one; with more the whole is compared. */
const mostLeaves = 5000;

/** The arguments as rows; `schema` is what the tool published, undefined or unusable when it published none. */
export function argumentRows(input: Readonly<Record<string, unknown>>, schema: unknown): Pick<CallArguments, 'rows' | 'left'> {
  const layout = new Layout(isSchema(schema) ? schema : undefined);
  layout.whole(input);
  const { rows } = layout;
  const end = fitting(rows);
  const left = rows.slice(end);
  return { rows: rows.slice(0, end), ...(left.length === 0 ? {} : { left: { rows: left.length, flawed: left.filter(({ mark }) => mark !== 'fits').length } }) };
}

/** Every value that has no members, by its path: two calls differ where these do. */
export function leavesOf(input: Readonly<Record<string, unknown>>): readonly Readonly<{ path: string; value: unknown }>[] {
  const leaves: { path: string; value: unknown }[] = [];
  const walk = (value: unknown, path: string): void => {
    const members = membersOf(value, path);
    if (members.length === 0) leaves.push({ path, value });
    else if (leaves.length <= mostLeaves) for (const member of members) walk(member.value, member.path);
  };
  for (const { path, value } of membersOf(input, '')) walk(value, path);
  return leaves.length <= mostLeaves ? leaves : [{ path: '', value: input }];
}

class Layout {
  readonly rows: ArgumentRow[] = [];
  readonly #fit: SchemaFit;

  constructor(readonly schema: Schema | undefined) {
    this.#fit = new SchemaFit(schema ?? true);
  }

  get #full(): boolean {
    return this.rows.length >= most.looked;
  }

  whole(input: Readonly<Record<string, unknown>>): void {
    if (this.schema === undefined) return this.#members(input, '', undefined, 0);
    const shape = this.#fit.shape(input, this.schema);
    if (shape.flaw !== undefined) this.rows.push({ path: '', value: null, mark: 'wrong', says: shape.flaw });
    this.#members(input, '', shape, 0);
  }

  /** One value; what has members and fits so far is told by its members. */
  #value(value: unknown, path: string, schema: Schema | undefined, more: Pick<ArgumentRow, 'required'>, depth: number): void {
    if (this.#full) return;
    const shape = schema === undefined ? undefined : this.#fit.shape(value, schema);
    const expected = shape === undefined ? undefined : expectedBy(shape.parts);
    const row = { path, value: cut(JSON.stringify(value)), ...more, ...(expected === undefined ? {} : { expected }) };
    if (this.#fit.tooMuch || shape === undefined) this.rows.push({ ...row, mark: 'unchecked' });
    else if (shape.flaw !== undefined) this.rows.push({ ...row, mark: 'wrong', says: shape.flaw });
    else if (depth < most.depth && (membersOf(value, path).length > 0 || shape.required.size > 0) && typeof value === 'object' && value !== null) this.#members(value, path, shape, depth);
    else this.rows.push({ ...row, mark: 'fits' });
  }

  #members(value: object, path: string, shape: Shape | undefined, depth: number): void {
    if (Array.isArray(value)) return value.slice(0, most.looked).forEach((item, index) => this.#value(item, `${path}[${String(index)}]`, shape?.item(index), {}, depth + 1));
    const given = new Map(membersOf(value, path).map((member) => [member.name, member]));
    const named = shape?.properties ?? new Map<string, Schema>();
    const required = shape?.required ?? new Set<string>();
    for (const name of new Set([...named.keys(), ...required])) {
      if (this.#full) return;
      const one = given.get(name);
      const needed = required.has(name) ? ({ required: true } as const) : {};
      const schema = named.get(name);
      if (one !== undefined) this.#value(one.value, one.path, schema ?? true, needed, depth + 1);
      else if (required.has(name)) this.#missing(pathOf(path, name), schema);
    }
    for (const member of given.values()) if (!this.#full && !named.has(member.name) && !required.has(member.name)) this.#unnamed(member, shape, depth);
  }

  #missing(path: string, schema: Schema | undefined): void {
    const expected = isRecord(schema) ? expectedBy([schema]) : undefined;
    this.rows.push({ path, value: null, mark: 'missing', required: true, ...(expected === undefined ? {} : { expected }), says: 'The schema requires it, and it is not there.' });
  }

  #unnamed({ path, value }: Member, shape: Shape | undefined, depth: number): void {
    if (shape === undefined) return this.#value(value, path, undefined, {}, depth + 1);
    if (shape.others !== undefined) return this.#value(value, path, shape.others, {}, depth + 1);
    this.rows.push({ path, value: cut(JSON.stringify(value)), mark: 'unknown', says: shape.closed ? 'The schema does not name it and allows nothing else.' : 'The schema does not name it.' });
  }
}

type Member = Readonly<{ name: string; path: string; value: unknown }>;

function membersOf(value: unknown, path: string): readonly Member[] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => ({ name: String(index), path: `${path}[${String(index)}]`, value: item }));
  return isRecord(value) ? Object.entries(value).map(([name, one]) => ({ name, path: pathOf(path, name), value: one })) : [];
}

/** Names that could be taken for more than one stand as JSON. */
function pathOf(path: string, name: string): string {
  const plain = /^[A-Za-z_$][\w$-]*$/.test(name);
  return plain ? (path === '' ? name : `${path}.${name}`) : `${path}[${JSON.stringify(name)}]`;
}

/** How many rows can be shown. */
function fitting(rows: readonly ArgumentRow[]): number {
  let characters = 0;
  const end = rows.findIndex(({ path, value }) => (characters += path.length + (value?.length ?? 0)) > most.all);
  return Math.min(most.rows, end < 0 ? rows.length : end);
}

function cut(text: string | undefined): string {
  const whole = text ?? 'null';
  return whole.length <= most.value ? whole : `${whole.slice(0, most.value)}… (${String(whole.length - most.value)} more characters)`;
}
