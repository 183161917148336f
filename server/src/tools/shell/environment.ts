import { delimiter } from 'node:path';

/** What a command sees of the world: a handful of names, none of them taken from the editor's or the broker's environment unseen. */

/** The names on POSIX systems, in order. A test pins them. */
export const posixNames: readonly string[] = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'TERM', 'NO_COLOR', 'PAGER', 'EDITOR', 'npm_config_update_notifier'];

/** The names on Windows, in order. A test pins them. */
export const windowsNames: readonly string[] = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'TERM', 'NO_COLOR', 'PAGER', 'EDITOR', 'npm_config_update_notifier', 'SystemRoot', 'windir', 'ComSpec', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA'];

/** What the environment is made of. */
export type Surroundings = Readonly<{
  platform: NodeJS.Platform;
  folders: readonly string[];
  home: string;
  user: string;
  /** A fresh folder that only this run uses. */
  temporary: string;
  /** The broker's own environment, from which a few harmless names are copied. */
  own: Readonly<Record<string, string | undefined>>;
}>;

/** The environment of one command, built from nothing. */
export function buildEnvironment(from: Surroundings): Readonly<Record<string, string>> {
  const { own, temporary } = from;
  const all: Readonly<Record<string, string | undefined>> = {
    PATH: from.folders.join(from.platform === 'win32' ? ';' : delimiter),
    HOME: from.home,
    USER: from.user,
    LANG: plain(own['LANG']) ?? 'C.UTF-8',
    TZ: plain(own['TZ']),
    TMPDIR: temporary,
    TERM: 'dumb',
    NO_COLOR: '1',
    PAGER: 'cat',
    EDITOR: 'false',
    // Else npm asks its registry for newer versions of itself, whatever it was called for.
    npm_config_update_notifier: 'false',
    SystemRoot: own['SystemRoot'] ?? 'C:\\Windows',
    windir: own['windir'] ?? 'C:\\Windows',
    ComSpec: own['ComSpec'],
    PATHEXT: '.COM;.EXE',
    TEMP: temporary,
    TMP: temporary,
    USERPROFILE: from.home,
    APPDATA: own['APPDATA'],
    LOCALAPPDATA: own['LOCALAPPDATA'],
  };
  const names = from.platform === 'win32' ? windowsNames : posixNames;
  return Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}

/** Locale and time zone names are short words; anything else is left out. */
function plain(value: string | undefined): string | undefined {
  return value !== undefined && /^[A-Za-z0-9_.@:+/-]{1,64}$/.test(value) ? value : undefined;
}

/**
 * How far git is kept from programs that configuration names. `neutral`: from all of them, the user's own included. `personal`: the
 * user's own configuration counts (name, mail address, credentials), the repository's hooks do not. `approved`: a person has seen it
 * and said yes, so that hooks and transport run as configured.
 */
export type GitMode = 'neutral' | 'personal' | 'approved';

/** A format that asks for signatures may stand in the repository's configuration, and each of these starts a program then. */
const signers = ['gpg.program', 'gpg.openpgp.program', 'gpg.x509.program', 'gpg.ssh.program'] as const;

/** The variables that keep git there. They win over every configuration file. */
export function gitEnvironment(mode: GitMode): Readonly<Record<string, string>> {
  const pairs: (readonly [string, string])[] = [
    ['core.fsmonitor', 'false'],
    ['core.pager', 'cat'],
    ['protocol.ext.allow', 'never'],
    ['safe.bareRepository', 'explicit'],
    // Repositories inside are entered only by commands for which their configuration was read.
    ['submodule.recurse', 'false'],
    ['fetch.recurseSubmodules', 'false'],
    ['push.recurseSubmodules', 'no'],
    ['diff.submodule', 'short'],
    ['status.submoduleSummary', 'false'],
    // Else looking at history starts the program that checks signatures.
    ['log.showSignature', 'false'],
    // Files would land under names that no commit holds, and which nobody could list beforehand.
    ['merge.directoryRenames', 'false'],
  ];
  // What would be put away and brought back was not looked at.
  if (mode !== 'approved') pairs.push(['core.hooksPath', '/dev/null'], ['merge.autoStash', 'false'], ['rebase.autoStash', 'false']);
  if (mode === 'neutral') pairs.push(['core.sshCommand', 'false'], ['credential.helper', ''], ...signers.map((key) => [key, 'false'] as const));
  if (mode === 'personal') pairs.push(['core.sshCommand', 'ssh']);
  const counted = pairs.flatMap(([key, value], index) => [[`GIT_CONFIG_KEY_${index}`, key], [`GIT_CONFIG_VALUE_${index}`, value]]);
  const common = { GIT_CONFIG_COUNT: String(pairs.length), GIT_PAGER: 'cat', GIT_EDITOR: 'false', GIT_SEQUENCE_EDITOR: 'false', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', GIT_ATTR_NOSYSTEM: '1', GIT_NO_LAZY_FETCH: '1', GIT_NO_REPLACE_OBJECTS: '1' };
  const ownFiles = mode === 'neutral' ? { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: process.platform === 'win32' ? 'NUL' : '/dev/null' } : {};
  // Over any configuration: a remote that is a folder is a repository whose hooks would run here.
  const transports = mode === 'approved' ? {} : { GIT_ALLOW_PROTOCOL: 'https:ssh' };
  return { ...Object.fromEntries(counted), ...common, ...ownFiles, ...transports };
}
