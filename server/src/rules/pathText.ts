/** Reads the text of a path: what is no honest path is refused before anything touches a disk. Nothing is decoded or expanded. */

/** Whose rules for path texts hold; passed in so that each can be tested anywhere. */
export type PathPlatform = 'linux' | 'darwin' | 'win32';

/** A path text taken apart, or the rule that refuses it. `..` stays in `segments`: only a walk knows what it leads to. */
export type PathText =
  | Readonly<{
      kind: 'path';
      /** `/` or an upper-case drive such as `C:`; empty for a relative path. */
      anchor: string;
      /** The names between the separators, without empty ones and without `.`. */
      segments: readonly string[];
    }>
  | Readonly<{ kind: 'refused'; rule: 'path.malformed' | 'path.windowsForm' | 'path.windowsName'; reason: string }>;

/** Longest path text in bytes of UTF-8; Linux accepts no longer one in a single call. */
export const maxPathBytes = 4096;

/** Takes a path text apart for one platform, or says why it is refused. Pure: looks at no disk. */
export function readPath(input: unknown, platform: PathPlatform): PathText {
  if (typeof input !== 'string') return malformed('A path must be text.');
  if (platform !== 'win32' && plainPosix.test(input)) return readPlain(input);
  const flaw = flawOf(input) ?? foreignForm(input);
  if (flaw !== undefined) return flaw;
  return platform === 'win32' ? readWindows(input) : readPosix(input);
}

/** Folds a name for comparison on a disk that ignores case (macOS, Windows); other platforms compare exact names. */
export function sameName(a: string, b: string, platform: PathPlatform): boolean {
  if (a === b) return true;
  return platform !== 'linux' && a.normalize('NFC').toLowerCase() === b.normalize('NFC').toLowerCase();
}

/**
 * The segments below `root`, or undefined when `path` does not lie under it.
 * Compares whole names, so that `/ws_evil` is not under `/ws`; a `..` in the rest is left for the walk.
 */
export function below(path: Pick<Extract<PathText, { kind: 'path' }>, 'anchor' | 'segments'>, root: Pick<Extract<PathText, { kind: 'path' }>, 'anchor' | 'segments'>, platform: PathPlatform): readonly string[] | undefined {
  if (path.anchor !== root.anchor || path.segments.length < root.segments.length) return undefined;
  const inside = root.segments.every((name, index) => sameName(name, path.segments[index] ?? '', platform));
  return inside ? path.segments.slice(root.segments.length) : undefined;
}

/** Applies `.` and `..` by the text alone; undefined when that leads above the start. Only a walk tells the truth about links. */
export function flatten(segments: readonly string[]): readonly string[] | undefined {
  const flat: string[] = [];
  for (const name of segments) {
    if (name !== '..') flat.push(name);
    else if (flat.pop() === undefined) return undefined;
  }
  return flat;
}

/** Most paths: no flaw is possible, nothing is foreign, and a few hundred characters at most. */
const plainPosix = /^[A-Za-z0-9_./-]{1,500}$/;

function readPlain(text: string): PathText {
  const anchor = text.startsWith('/') ? '/' : '';
  return { kind: 'path', anchor, segments: text.includes('/') ? split(text, '/') : text === '.' ? [] : [text] };
}

function malformed(reason: string): PathText {
  return { kind: 'refused', rule: 'path.malformed', reason };
}

function flawOf(text: string): PathText | undefined {
  if (text === '') return malformed('The path is empty. Use "." for the project folder.');
  if (text.includes('\0')) return malformed('The path contains a NUL character.');
  if (/\p{Surrogate}/u.test(text)) return malformed('The path contains half of a surrogate pair, which is no character.');
  if (Buffer.byteLength(text) > maxPathBytes) return malformed(`The path is longer than ${maxPathBytes} bytes.`);
  if (text === '~' || /^~[/\\]/.test(text)) return malformed('Conductor does not expand "~". Give a path inside the project.');
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return malformed('This is a URL. Give a path inside the project.');
  return undefined;
}

function windowsForm(form: string): PathText {
  return { kind: 'refused', rule: 'path.windowsForm', reason: `${form} Give a path inside the project.` };
}

/** Forms that only Windows reads as paths. An agent that sends one elsewhere is confused or probing, so it is refused everywhere. */
function foreignForm(text: string): PathText | undefined {
  if (/^\\\\[?.]\\|^\\\?\?\\/.test(text)) return windowsForm('Device paths are refused.');
  if (text.startsWith('\\\\')) return windowsForm('Network paths are refused: opening one sends your login to that server.');
  return undefined;
}

function readPosix(text: string): PathText {
  if (/^[A-Za-z]:[\\/]/.test(text)) return windowsForm('Paths with a drive letter mean nothing here.');
  return { kind: 'path', anchor: text.startsWith('/') ? '/' : '', segments: split(text, /\//) };
}

function readWindows(text: string): PathText {
  if (/^[\\/](\?\?|[\\/][?.])[\\/]/.test(text)) return windowsForm('Device paths are refused.');
  if (/^[\\/]{2}/.test(text)) return windowsForm('Network paths are refused: opening one sends your login to that server.');
  if (/^[\\/]/.test(text)) return windowsForm('Paths that begin at the root of the current drive are refused.');
  const drive = /^([A-Za-z]:)(.?)/.exec(text);
  if (drive !== null && !/[\\/]/.test(drive[2] ?? '')) return windowsForm('Paths relative to the current folder of a drive are refused.');
  const segments = split(drive === null ? text : text.slice(2), /[\\/]/);
  const flaw = segments.map(windowsFlaw).find((found) => found !== undefined);
  if (flaw !== undefined) return { kind: 'refused', rule: 'path.windowsName', reason: flaw };
  return { kind: 'path', anchor: (drive?.[1] ?? '').toUpperCase(), segments };
}

function split(text: string, separator: RegExp | string): readonly string[] {
  return text.split(separator).filter((name) => name !== '' && name !== '.');
}

/** Names with or without extension that Windows gives to devices; older systems do so in every folder. */
const reserved = /^(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])$/i;

function windowsFlaw(name: string): string | undefined {
  if (name === '..') return undefined;
  if (name.includes(':')) return 'A ":" inside a name reaches hidden streams and drives.';
  if (/[. ]$/.test(name)) return 'A name that ends in a dot or a blank is another name for Windows.';
  if (/[<>"|?*]|\p{Cc}/u.test(name)) return 'Windows allows none of < > " | ? * and no control characters in names.';
  if (reserved.test(name.split('.', 1)[0]?.trimEnd() ?? '')) return 'This is the name of a device.';
  return undefined;
}
