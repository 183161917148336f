/** Something to say about a place in the configuration file. Errors keep the file from being used; the rest is advice. */
export type Finding = Readonly<{
  /** Stable id, for instance `config.unknownKey`. */
  code: string;
  severity: 'error' | 'warning' | 'information';
  message: string;
  /** Where in the value, for instance `plugins.shell.allowedCommands[0]`; empty for the whole file. */
  path: string;
  /** Counted from 1; columns in UTF-16 units. */
  line: number;
  column: number;
  /** The marked text, in UTF-16 units from the start of the file. */
  offset: number;
  length: number;
  /** A change that would correct it. */
  fix?: Fix;
}>;

/** Replaces `length` UTF-16 units at `offset` by `newText`. */
export type Fix = Readonly<{ title: string; offset: number; length: number; newText: string }>;

/** A piece of the text, in UTF-16 units. */
export type Span = Readonly<{ offset: number; length: number }>;

/** Finds line and column (from 1) of offsets in a text; lines end with LF, CRLF or CR. */
export function createLocator(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (const ending of text.matchAll(/\r\n|\r|\n/g)) starts.push(ending.index + ending[0].length);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** Writes a path into a JSON value as people read it: `plugins.shell.allowedCommands[0]`, `circuitBreaker.overrides["shell.exec"]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${String(part)}]`;
      const key = String(part);
      if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join('');
}
