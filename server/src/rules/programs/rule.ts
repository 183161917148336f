/** The shape of an argument rule: data that says in which forms a listed program does nothing but its own work. */

/**
 * What an argument is, and so what may stand there without asking:
 * `text` anything · `number` digits with an optional sign and unit · `read` a path that is read, inside the project · `write` a path
 * that is changed, inside the project and no control file · `program` a path whose content is run, inside the project and no control
 * file · `entry` a `program` that is a file under this very name ·
 * `file` a path that is no folder, where a folder's links would be followed · `fresh` a path at which nothing lies yet ·
 * `tree` a path that goes elsewhere with all that lies in it ·
 * `rev` a revision or a path inside · `remote` the name of a known remote · `url` an http or https address · `name` a plain word
 * without separators · `format` a git format that asks no other program.
 */
export type Kind = (typeof kinds)[number];

const kinds = ['text', 'number', 'read', 'write', 'program', 'entry', 'file', 'fresh', 'tree', 'rev', 'remote', 'url', 'name', 'format'] as const;

/** A text with what it is. */
export type Typed = Readonly<{ kind: Kind; text: string }>;

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
  /** Options whose value is known to all versions only when it is joined with "="; alone they ask, since some versions take the next word and some do not. */
  joined?: Spellings;
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
  /** The first operand ends the options; what follows are operands, whatever they look like. */
  stopAtOperand?: boolean;
  /** Some versions end the options at the first operand, so that the value of a later option may be taken for a file. */
  mayStop?: boolean;
  /** A value never joins its short option (`-L2`): the program reads such a word letter by letter. */
  apart?: boolean;
  /** `--` does not simply end the options: the program skips it, or takes what follows in another way. Then it asks, and so it does with `singleDash`. */
  unsureDashes?: boolean;
  /** Options with which the program follows links inside folders, and so leaves the project. They ask. */
  follows?: string;
  /** How many operands must stand in the line itself before any number of further ones are only read. Without it, operands from elsewhere (xargs) ask. */
  fed?: number;
  /** Paths that are no arguments themselves but follow from them. */
  derive?: (seen: Seen) => readonly Typed[];
  /** Another rule, for arguments that begin with options among which is this one. */
  otherwise?: Readonly<{ when: string; rule: ArgumentRule }>;
  /** Long options begin with one dash and never stand together (find, java). */
  singleDash?: boolean;
  /** At least one of these options must be there. */
  needs?: string;
  /** What is changed are names, not what lies under them: further names of a file (hard links) keep it as it is. */
  changesNames?: true;
  /** Looks at the whole, where a list is not enough. Returns why it asks. */
  check?: (seen: Seen) => string | undefined;
}>;

type Option = Readonly<{ name: string; value?: string; second?: string; late?: true }>;

/** The arguments as read by a rule. */
export type Seen = Readonly<{
  /** In order; `late` when the option stands after an operand. */
  options: readonly Option[];
  operands: readonly string[];
  /** How many operands stood before `--`. */
  beforeDashes: number;
  /** Whether `--` stood there at all, also with nothing behind it. */
  dashed: boolean;
}>;

/** A reading, or why the arguments are not known to be harmless. */
export type Reading = Readonly<{ seen: Seen; typed: readonly Typed[] }> | Readonly<{ unknown: string }>;

/** Kinds of values that lead somewhere. */
const pathKinds: ReadonlySet<Kind> = new Set<Kind>(['read', 'write', 'program', 'entry', 'file', 'fresh', 'tree', 'rev']);

type Entry = Readonly<{ takes: 'nothing' | 'value' | 'optional' | 'joined' | 'pair'; kind: Kind }>;
type State = { index: number; args: readonly string[]; options: Option[]; operands: string[]; typed: Typed[]; beforeDashes: number };

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
    } else if (word === '--') {
      if (rule.singleDash === true || rule.unsureDashes === true) return { unknown: 'it has its own way with "--"' };
      state.beforeDashes = state.operands.length;
    } else {
      const unknown = readOption(rule, table, word, state);
      if (unknown !== undefined) return { unknown };
    }
  }
  if (rule.stopAtOperand === true) state.operands.push(...args.slice(state.index));
  return finish(rule, state);
}

function finish(rule: ArgumentRule, state: State): Reading {
  const { options, operands } = state;
  const seen: Seen = { options, operands, beforeDashes: state.beforeDashes < 0 ? operands.length : state.beforeDashes, dashed: state.beforeDashes >= 0 };
  if (operands.length === 0 && options.length === 1 && ['--version', '--help'].includes(options[0]?.name ?? '')) return { seen, typed: [] };
  if (operands.length < (rule.least ?? 0)) return { unknown: 'without more arguments it takes its orders from elsewhere' };
  if (operands.length > (rule.most ?? Infinity)) return { unknown: `the argument ${quote(operands.at(-1))} changes what it does` };
  if (rule.needs !== undefined && !spellings(rule.needs).some((name) => hasOption(seen, name))) return { unknown: `it is harmless only with ${rule.needs.split(' ').join(' or ')}` };
  const link = options.find((option) => spellings(rule.follows ?? '').includes(option.name));
  if (link !== undefined) return { unknown: `${link.name} follows links, which may lead out of the project` };
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
    // Some versions of some programs obey options wherever they stand, behind "--" as well.
    if (pathKinds.has(kind) && /^-./.test(text)) return `${quote(text)} may be an option itself; written with "./" before it, it need not ask`;
    state.typed.push({ kind, text });
  }
  return undefined;
}

/** The first value that looks like an option. A program that reads words in its own way may not take it for a value. */
export function dashedValue(seen: Seen): string | undefined {
  const found = seen.options.find((option) => option.value?.startsWith('-') === true);
  return found === undefined ? undefined : `the value ${quote(found.value)} may be an option itself`;
}

/** Whether an option was given. */
export function hasOption(seen: Seen, name: string): boolean {
  return seen.options.some((option) => option.name === name);
}

function readOption(rule: ArgumentRule, table: ReadonlyMap<string, Entry>, word: string, state: State): string | undefined {
  if (rule.digits === true && /^-[0-9]+$/.test(word)) return undefined;
  if (rule.singleDash === true || word.startsWith('--')) return readLong(table, word, state, rule);
  return readCluster(table, word, state, rule);
}

function readLong(table: ReadonlyMap<string, Entry>, word: string, state: State, rule: ArgumentRule): string | undefined {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const entry = table.get(name);
  if (entry === undefined) return unknownOption(name);
  if (equals < 0 && entry.takes === 'joined') return `${quote(name)} is read in different ways without "="; joined to its value it need not ask`;
  if (equals < 0) return entry.takes === 'value' || entry.takes === 'pair' ? takeNext(entry, name, state, rule) : add(state, entry, name);
  if (entry.takes === 'nothing' || entry.takes === 'pair') return unknownOption(word);
  return add(state, entry, name, word.slice(equals + 1));
}

/** Most letters that stand together behind one dash before one of them takes the rest as its value. */
const maxCluster = 40;

function readCluster(table: ReadonlyMap<string, Entry>, word: string, state: State, rule: ArgumentRule): string | undefined {
  for (let at = 1; at < word.length; at += 1) {
    if (at > maxCluster) return `${quote(word)} has more letters than any honest option`;
    const name = `-${word.charAt(at)}`;
    const entry = table.get(name);
    if (entry === undefined) return unknownOption(name);
    const rest = word.slice(at + 1);
    if (entry.takes === 'nothing') add(state, entry, name);
    // Some programs take `-f=x` for `-f x`, others for the file `=x`.
    else if (rest.startsWith('=') && pathKinds.has(entry.kind)) return unknownOption(word);
    else if (entry.takes === 'optional') return add(state, entry, name, rest === '' ? undefined : rest);
    else return rest === '' ? takeNext(entry, name, state, rule) : entry.takes === 'pair' || rule.apart === true ? unknownOption(word) : add(state, entry, name, rest);
  }
  return undefined;
}

/** Options behind which every version of every program takes a word with a dash for a pattern, an expression or a message. */
const takesDashes: ReadonlySet<string> = new Set(['-e', '--regexp', '--expression', '-m', '--message']);

/** A version that takes no value here, or a table that is wrong about one option, would obey such a word. */
function mayBeOption(word: string): boolean {
  return /^-(?![0-9]+$)./.test(word);
}

function takeNext(entry: Entry, name: string, state: State, rule: ArgumentRule): string | undefined {
  const value = state.args[state.index];
  if (value === undefined) return `${name} lacks its value`;
  if (mayBeOption(value) && !takesDashes.has(name)) return `the value ${quote(value)} may be an option itself; joined to ${name} it need not ask`;
  state.index += 1;
  // A lone slash is a folder, which no program prints; as a delimiter it is common.
  if (rule.mayStop === true && state.operands.length > 0 && value !== '/') state.typed.push({ kind: 'read', text: value });
  if (entry.takes !== 'pair') return add(state, entry, name, value);
  const second = state.args[state.index];
  if (second === undefined || mayBeOption(second)) return second === undefined ? `${name} lacks its second value` : `the value ${quote(second)} may be an option itself`;
  state.index += 1;
  state.options.push({ name, value, second });
  state.typed.push({ kind: entry.kind, text: second });
  return undefined;
}

function add(state: State, entry: Entry, name: string, value?: string): undefined {
  state.options.push({ name, ...(value === undefined ? {} : { value }), ...(state.operands.length > 0 ? { late: true } : {}) });
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
  for (const name of spellings(`${rule.flags ?? ''} ${rule.follows ?? ''}`)) table.set(name, { takes: 'nothing', kind: 'text' });
  addAll(table, rule.values, 'value');
  addAll(table, rule.optional, 'optional');
  addAll(table, rule.joined, 'joined');
  addAll(table, rule.pairs, 'pair');
  compiled.set(rule, table);
  return table;
}

function addAll(table: Map<string, Entry>, lists: Spellings | undefined, takes: Entry['takes']): void {
  for (const kind of kinds) for (const name of spellings(lists?.[kind] ?? '')) table.set(name, { takes, kind });
}
