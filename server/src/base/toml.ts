/** Reads TOML as configuration files of other programs use it: tables, dotted and quoted keys, text, numbers, booleans, lists, inline tables. Dates stay text. */

/** A TOML table as a plain object without inherited members. */
export type TomlTable = { [key: string]: unknown };

/** Reads a text. Throws SyntaxError with the line for what it does not know: nothing is guessed. */
export function parseToml(text: string): TomlTable {
  return new Reader(text).document();
}

class Reader {
  #at = 0;

  constructor(readonly text: string) {}

  document(): TomlTable {
    const root = table();
    let here = root;
    for (this.#skip(true); this.#at < this.text.length; this.#skip(true)) {
      if (this.text[this.#at] === '[') here = this.#header(root);
      else this.#pair(here);
      this.#endOfLine();
    }
    return root;
  }

  #header(root: TomlTable): TomlTable {
    const list = this.text.startsWith('[[', this.#at);
    this.#at += list ? 2 : 1;
    const path = this.#path();
    this.#expect(list ? ']]' : ']');
    if (!list) return this.#inside(root, path);
    const [last = ''] = path.slice(-1);
    const parent = this.#inside(root, path.slice(0, -1));
    const items: unknown = (parent[last] ??= []);
    if (!Array.isArray(items)) throw this.#error('This name is no list');
    const made = table();
    items.push(made);
    return made;
  }

  #inside(from: TomlTable, path: readonly string[]): TomlTable {
    return path.reduce<TomlTable>((here, key) => {
      const found: unknown = (here[key] ??= table());
      const last: unknown = Array.isArray(found) ? found.at(-1) : found;
      if (typeof last !== 'object' || last === null || Array.isArray(last)) throw this.#error('This name is a value already');
      return last as TomlTable;
    }, from);
  }

  #pair(here: TomlTable): void {
    const path = this.#path();
    this.#expect('=');
    const [last = ''] = path.slice(-1);
    const parent = this.#inside(here, path.slice(0, -1));
    if (last in parent) throw this.#error('This name stands here twice');
    parent[last] = this.#value(0);
  }

  #path(): string[] {
    const path: string[] = [];
    do {
      this.#skip(false);
      const bare = this.#take(/[A-Za-z0-9_-]+/y);
      path.push(bare ?? this.#string());
      this.#skip(false);
    } while (this.#take(/\./y) !== undefined);
    return path;
  }

  #value(depth: number): unknown {
    if (depth > 32) throw this.#error('This nests too deep');
    this.#skip(false);
    const first = this.text[this.#at];
    if (first === '"' || first === "'") return this.#string();
    if (first === '[') return this.#list(depth);
    if (first === '{') return this.#inline(depth);
    const word = this.#take(/[A-Za-z0-9_+.:-]+/y);
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === undefined) throw this.#error('A value is expected');
    const number = Number(word.replace(/(?<=\d)_(?=\d)/g, ''));
    return Number.isNaN(number) ? word : number;
  }

  #list(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#expect('[');
    for (this.#skip(true); this.text[this.#at] !== ']'; this.#skip(true)) {
      items.push(this.#value(depth + 1));
      this.#skip(true);
      if (this.text[this.#at] !== ']') this.#expect(',');
    }
    this.#expect(']');
    return items;
  }

  #inline(depth: number): TomlTable {
    const made = table();
    this.#expect('{');
    for (this.#skip(false); this.text[this.#at] !== '}'; this.#skip(false)) {
      if (depth > 32) throw this.#error('This nests too deep');
      this.#pair(made);
      this.#skip(false);
      if (this.text[this.#at] !== '}') this.#expect(',');
    }
    this.#expect('}');
    return made;
  }

  #string(): string {
    for (const quote of ['"""', "'''", '"', "'"]) {
      if (!this.text.startsWith(quote, this.#at)) continue;
      const from = this.#at + quote.length;
      let end = from;
      while (end < this.text.length && !this.text.startsWith(quote, end)) end += quote.startsWith('"') && this.text[end] === '\\' ? 2 : 1;
      const body = this.text.slice(from, end);
      if (end >= this.text.length || (quote.length === 1 && body.includes('\n'))) throw this.#error('This text is not closed');
      this.#at = end + quote.length;
      const whole = quote.length === 3 ? body.replace(/^\r?\n/, '') : body;
      return quote.startsWith('"') ? this.#unescaped(whole) : whole;
    }
    throw this.#error('A name or text is expected');
  }

  #unescaped(text: string): string {
    const plain: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b', '"': '"', '\\': '\\' };
    return text.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(\s*\n\s*)|(.))/g, (_, short: string | undefined, long: string | undefined, ending: string | undefined, letter: string | undefined) => {
      if (ending !== undefined) return '';
      const code = short ?? long;
      const character = code === undefined ? plain[letter ?? ''] : Number.parseInt(code, 16) <= 0x10ffff ? String.fromCodePoint(Number.parseInt(code, 16)) : undefined;
      if (character === undefined) throw this.#error('This escape is unknown');
      return character;
    });
  }

  /** Blanks and, where lines may end, line ends and comments. */
  #skip(lines: boolean): void {
    this.#take(lines ? /(?:[ \t\r\n]|#[^\n]*)+/y : /[ \t]+/y);
  }

  #endOfLine(): void {
    this.#skip(false);
    this.#take(/#[^\n]*/y);
    if (this.#at < this.text.length && this.#take(/\r?\n/y) === undefined) throw this.#error('The line should end here');
  }

  #expect(mark: string): void {
    this.#skip(false);
    if (!this.text.startsWith(mark, this.#at)) throw this.#error(`${mark} is expected`);
    this.#at += mark.length;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #error(message: string): SyntaxError {
    return new SyntaxError(`Line ${String(this.text.slice(0, this.#at).split('\n').length)}: ${message}.`);
  }
}

function table(): TomlTable {
  return Object.create(null) as TomlTable;
}
