/** Walks over the members of a JSON object in a line without parsing their values. */

/** Where a member stands: its name without quotes, and its raw value. Reused from call to call. */
export type MemberSpan = { nameFrom: number; nameTo: number; from: number; to: number };

const quote = 0x22;
const backslash = 0x5c;
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const [comma, colon] = [0x2c, 0x3a];

/**
 * Reads the member that begins at `at`, where the `{` or the `,` before it stands, and puts its place into `found`. False at the end of
 * the object, and where there is no member without white space around its parts: our writer leaves none.
 */
export function memberAt(bytes: Buffer, at: number, end: number, found: MemberSpan): boolean {
  if ((bytes[at] !== comma && bytes[at] !== openBrace) || bytes[at + 1] !== quote) return false;
  const nameEnd = afterString(bytes, at + 1, end);
  if (nameEnd === -1 || bytes[nameEnd] !== colon) return false;
  const valueEnd = afterValue(bytes, nameEnd + 1, end);
  if (valueEnd === -1) return false;
  found.nameFrom = at + 2;
  found.nameTo = nameEnd - 1;
  found.from = nameEnd + 1;
  found.to = valueEnd;
  return true;
}

/** Whether a member has this name. */
export function isMember(bytes: Buffer, { nameFrom, nameTo }: MemberSpan, name: Buffer): boolean {
  if (nameTo - nameFrom !== name.length) return false;
  for (let i = 0; i < name.length; i += 1) if (bytes[nameFrom + i] !== name[i]) return false;
  return true;
}

/** The place after the string that begins at `at`; -1 when it does not end before `end`. */
function afterString(bytes: Buffer, at: number, end: number): number {
  for (let i = at + 1; i < end; i += 1) {
    const byte = bytes[i];
    if (byte === backslash) i += 1;
    else if (byte === quote) return i + 1;
  }
  return -1;
}

/** The place after the value that begins at `at`; -1 when it does not end before `end`. */
function afterValue(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] === quote) return afterString(bytes, at, end);
  let depth = 0;
  for (let i = at; i < end; i += 1) {
    const byte = bytes[i];
    if (byte === quote) {
      const next = afterString(bytes, i, end);
      if (next === -1) return -1;
      i = next - 1;
    } else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      // A number or a word ends where the object around it does.
      if (depth === 0) return i;
      depth -= 1;
      if (depth === 0) return i + 1;
    } else if (byte === comma && depth === 0) return i;
  }
  return -1;
}
