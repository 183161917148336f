/** The shape of an argument rule: data that says in which forms a listed program does nothing but its own work. */

/**
 * What an argument is, and so what may stand there without asking:
 * `text` anything · `number` digits with an optional sign and unit · `read` a path that is read, inside the project · `write` a path
 * that is changed, inside the project and no control file · `rev` a revision or a path inside · `remote` the name of a known remote ·
 * `url` an http or https address · `name` a plain word without separators · `format` a git format that asks no other program.
 */
export type Kind = 'text' | 'number' | 'read' | 'write' | 'rev' | 'remote' | 'url' | 'name' | 'format';

/** Options with values, by the kind of the value; each entry lists exact spellings divided by blanks. */
export type Spellings = Readonly<Partial<Record<Kind, string>>>;

/** How one program, or one subcommand of it, may be called without asking. Whatever is not listed asks. */
export type ArgumentRule = Readonly<{
  /** Options that take no value. Single letters may be written together. */
  flags?: string;
  /** Options that take a value, joined (`-n5`, `--lines=5`) or as the next argument. */
  values?: Spellings;
  /** Options whose value can only be joined, or be missing (`--color`, `--color=auto`). */
  optional?: Spellings;
  /** Options that take two further arguments. */
  pairs?: Spellings;
  /** Kinds of the operands in order; the last one repeats. Without this, any operand asks. */
  operands?: readonly Kind[];
  /** Kind of the last operand, when it differs and there are at least two. */
  last?: Kind;
  /** Operands that are words of the program's own language. */
  words?: string;
  /** Fewest operands; with fewer the program would read orders from elsewhere, or open an editor. */
  least?: number;
  most?: number;
  /** Options that bring what the first operand otherwise is (a pattern); then all operands are of the last kind. */
  replaceFirst?: string;
  /** `-5` is a number here. */
  digits?: boolean;
  /** The first operand ends the options; what follows belongs to it. */
  stopAtOperand?: boolean;
  /** Long options begin with one dash and never stand together (find, java). */
  singleDash?: boolean;
  /** At least one of these options must be there. */
  needs?: string;
  /** Looks at the whole, where a list is not enough. Returns why it asks. */
  check?: (seen: Seen) => string | undefined;
}>;

/** The arguments as read by a rule. */
export type Seen = Readonly<{
  options: readonly Readonly<{ name: string; value?: string; second?: string }>[];
  operands: readonly string[];
  /** How many operands stood before `--`. */
  beforeDashes: number;
}>;

/** A reading, or why the arguments are not known to be harmless. */
export type Reading = Readonly<{ seen: Seen; typed: readonly Readonly<{ kind: Kind; text: string }>[] }> | Readonly<{ unknown: string }>;

type Entry = Readonly<{ takes: 'nothing' | 'value' | 'optional' | 'pair'; kind: Kind }>;
type State = { index: number; args: readonly string[]; options: { name: string; value?: string; second?: string }[]; operands: string[]; typed: { kind: Kind; text: string }[]; beforeDashes: number };

const compiled = new WeakMap<ArgumentRule, ReadonlyMap<string, Entry>>();

/** Reads arguments (without the program's name) by a rule. Only exact, listed spellings are taken: an abbreviation is unknown. */
export function readArguments(rule: ArgumentRule, args: readonly string[]): Reading {
  const table = compile(rule);
  const state: State = { index: 0, args, options: [], operands: [], typed: [], beforeDashes: -1 };
  while (state.index < args.length) {
    const word = args[state.index] ?? '';
    state.index += 1;
    if (state.beforeDashes >= 0 || word === '-' || !word.startsWith('-')) {
      state.operands.push(word);
      if (rule.stopAtOperand === true) break;
    } else if (word === '--') state.beforeDashes = state.operands.length;
    else {
      const unknown = readOption(rule, table, word, state);
      if (unknown !== undefined) return { unknown };
    }
  }
  if (rule.stopAtOperand === true) state.operands.push(...args.slice(state.index));
  return finish(rule, state);
}

function finish(rule: ArgumentRule, state: State): Reading {
  const { options, operands } = state;
  const seen: Seen = { options, operands, beforeDashes: state.beforeDashes < 0 ? operands.length : state.beforeDashes };
  if (operands.length < (rule.least ?? 0)) return { unknown: 'without more arguments it takes its orders from elsewhere' };
  if (operands.length > (rule.most ?? Infinity)) return { unknown: `the argument ${quote(operands.at(-1))} changes what it does` };
  if (rule.needs !== undefined && !spellings(rule.needs).some((name) => hasOption(seen, name))) return { unknown: `it is harmless only with ${rule.needs.split(' ').join(' or ')}` };
  const flaw = typeOperands(rule, seen, state);
  if (flaw !== undefined) return { unknown: flaw };
  const reason = rule.check?.(seen);
  return reason === undefined ? { seen, typed: state.typed } : { unknown: reason };
}

function typeOperands(rule: ArgumentRule, seen: Seen, state: State): string | undefined {
  const kinds = rule.operands ?? [];
  const replaced = rule.replaceFirst !== undefined && spellings(rule.replaceFirst).some((name) => hasOption(seen, name));
  const words = spellings(rule.words ?? '');
  for (const [index, text] of seen.operands.entries()) {
    if (words.includes(text)) continue;
    const isLast = rule.last !== undefined && index > 0 && index === seen.operands.length - 1;
    const kind = isLast ? rule.last : kinds[Math.min(replaced ? index + 1 : index, kinds.length - 1)];
    if (kind === undefined) return `the argument ${quote(text)} is not known to be harmless`;
    state.typed.push({ kind, text });
  }
  return undefined;
}

/** Whether an option was given. */
export function hasOption(seen: Seen, name: string): boolean {
  return seen.options.some((option) => option.name === name);
}

function readOption(rule: ArgumentRule, table: ReadonlyMap<string, Entry>, word: string, state: State): string | undefined {
  if (rule.digits === true && /^-[0-9]+$/.test(word)) return undefined;
  if (rule.singleDash === true || word.startsWith('--')) return readLong(table, word, state);
  return readCluster(table, word, state);
}

function readLong(table: ReadonlyMap<string, Entry>, word: string, state: State): string | undefined {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const entry = table.get(name);
  if (entry === undefined) return unknownOption(name);
  if (equals < 0) return entry.takes === 'value' || entry.takes === 'pair' ? takeNext(entry, name, state) : add(state, entry, name);
  if (entry.takes === 'nothing' || entry.takes === 'pair') return unknownOption(word);
  return add(state, entry, name, word.slice(equals + 1));
}

function readCluster(table: ReadonlyMap<string, Entry>, word: string, state: State): string | undefined {
  for (let at = 1; at < word.length; at += 1) {
    const name = `-${word.charAt(at)}`;
    const entry = table.get(name);
    if (entry === undefined) return unknownOption(name);
    const rest = word.slice(at + 1);
    if (entry.takes === 'nothing') add(state, entry, name);
    else if (entry.takes === 'optional') return add(state, entry, name, rest === '' ? undefined : rest);
    else return rest === '' ? takeNext(entry, name, state) : entry.takes === 'pair' ? unknownOption(word) : add(state, entry, name, rest);
  }
  return undefined;
}

function takeNext(entry: Entry, name: string, state: State): string | undefined {
  const value = state.args[state.index];
  if (value === undefined) return `${name} lacks its value`;
  state.index += 1;
  if (entry.takes !== 'pair') return add(state, entry, name, value);
  const second = state.args[state.index];
  if (second === undefined) return `${name} lacks its second value`;
  state.index += 1;
  state.options.push({ name, value, second });
  state.typed.push({ kind: entry.kind, text: second });
  return undefined;
}

function add(state: State, entry: Entry, name: string, value?: string): undefined {
  state.options.push(value === undefined ? { name } : { name, value });
  if (value !== undefined) state.typed.push({ kind: entry.kind, text: value });
}

function unknownOption(name: string): string {
  return `${quote(name)} is not among the options known to be harmless`;
}

function quote(text: string | undefined): string {
  return `"${(text ?? '').slice(0, 60)}"`;
}

function spellings(list: string): readonly string[] {
  return list.split(' ').filter((name) => name !== '');
}

function compile(rule: ArgumentRule): ReadonlyMap<string, Entry> {
  const known = compiled.get(rule);
  if (known !== undefined) return known;
  const table = new Map<string, Entry>();
  for (const name of spellings(rule.flags ?? '')) table.set(name, { takes: 'nothing', kind: 'text' });
  addAll(table, rule.values, 'value');
  addAll(table, rule.optional, 'optional');
  addAll(table, rule.pairs, 'pair');
  compiled.set(rule, table);
  return table;
}

function addAll(table: Map<string, Entry>, lists: Spellings | undefined, takes: Entry['takes']): void {
  const kinds: readonly Kind[] = ['text', 'number', 'read', 'write', 'rev', 'remote', 'url', 'name', 'format'];
  for (const kind of kinds) for (const name of spellings(lists?.[kind] ?? '')) table.set(name, { takes, kind });
}
