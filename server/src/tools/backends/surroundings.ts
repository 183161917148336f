import { tmpdir, userInfo } from 'node:os';

/** What the program of a backend sees of the world besides what its profile declares. Nothing else of Conductor's own environment reaches it. */

/** Names that are handed on where they are set. A test pins them. */
export const handedOn: readonly string[] = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'XDG_RUNTIME_DIR', 'SystemRoot', 'windir', 'ComSpec', 'PATHEXT', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'ProgramData', 'ProgramFiles'];

/** The environment of a backend: the basic names, those that its profile lets through, and what the profile sets. The later wins. */
export function backendEnvironment(own: Readonly<Record<string, string | undefined>>, passed: readonly string[], declared: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const basic = { USER: userInfo().username, TMPDIR: tmpdir(), TERM: 'dumb', NO_COLOR: '1', ...(process.platform === 'win32' ? { TEMP: tmpdir(), TMP: tmpdir() } : {}) };
  const given = [...handedOn, ...passed].flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]] as const]));
  return { ...basic, ...Object.fromEntries(given), ...declared };
}
