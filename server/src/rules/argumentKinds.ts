import type { Verdict } from '../../../protocol/src/call';
import type { CommandFacts, GitFacts } from './places';
import type { Kind } from './programs/rule';
import { insidePackages } from './scope';

/** Judges single arguments by their kind, and gives the rules their words. */

/** Where a path text is judged from. */
export type PathScope = Readonly<{ facts: CommandFacts; folder: string; /** Whether what is changed is what lies there, under all its names. */ writesThrough?: boolean }>;

/** The verdict on one typed argument, or undefined when it is harmless. */
export function judgeTyped(name: string, kind: Kind, text: string, scope: PathScope, git?: GitFacts): Verdict | undefined {
  switch (kind) {
    case 'text':
      return undefined;
    case 'number':
      return /^[-+]?[0-9.]+[A-Za-z]*$/.test(text) ? undefined : unclear(name, `"${text.slice(0, 60)}" is no number`);
    case 'name':
      return /^[A-Za-z0-9_][A-Za-z0-9_.:@+-]*$/.test(text) ? undefined : unclear(name, `"${text.slice(0, 60)}" is no plain name`);
    case 'url':
      return /^https?:\/\/[^\s\\]+$/i.test(text) ? undefined : unclear(name, 'only http and https addresses are known to be harmless');
    case 'format':
      return /%[-+ ]?G|signature/i.test(text) ? unclear(name, 'the format asks another program to check signatures') : undefined;
    case 'remote':
      return judgeRemote(text, git);
    case 'rev':
      return isRevision(text) ? undefined : judgePath(name, 'read', text, scope);
    case 'read':
    case 'write':
      return text === '-' ? undefined : judgePath(name, kind, text, scope);
    case 'program':
      return judgeProgram(name, text, scope);
    case 'entry':
      return judgeProgram(name, text, scope) ?? judgeEntry(name, text, scope);
    case 'file':
      return text === '-' ? undefined : judgeFile(name, text, scope);
    case 'fresh':
      return judgeFresh(name, text, scope);
    case 'tree':
      return judgeTree(name, text, scope);
  }
}

/** `HEAD:src/x` names a file in history; a drive letter or a network name does not. */
function isRevision(text: string): boolean {
  return /^[A-Za-z0-9_@^~][^\\/:]+:(?![\\/])/.test(text) && !text.includes('\\');
}

function judgeRemote(text: string, git: GitFacts | undefined): Verdict | undefined {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(text)) return unclear('git', 'an address or a folder in place of a remote can name a program');
  const known = git?.remotes === undefined || git.remotes.includes(text);
  return known ? undefined : unclear('git', `the repository knows no remote "${text.slice(0, 60)}"`);
}

/** A file that is run is code, whatever the program that runs it calls it, and what lies in control folders was never meant as code. */
function judgeProgram(name: string, text: string, scope: PathScope): Verdict | undefined {
  const shown = text.slice(0, 120);
  if (/^[A-Za-z][A-Za-z0-9+.-]+:/.test(text)) return unclear(name, `"${shown}" is an address, not a file`);
  return scope.facts.place(scope.folder, text) === 'control' ? ask('shell.controlFile', `${name} would run ${shown}, which lies among the files that steer other programs.`) : judgePath(name, 'read', text, scope);
}

/** Interpreters complete a name (`x` to `x.js`, a folder to what its `package.json` says), and nobody has looked where that leads. */
function judgeEntry(name: string, text: string, scope: PathScope): Verdict | undefined {
  return scope.facts.isFile?.(scope.folder, text) === false ? unclear(name, `"${text.slice(0, 120)}" is no file, and ${name} may run another one in its place. Name the file itself`) : undefined;
}

function judgeFile(name: string, text: string, scope: PathScope): Verdict | undefined {
  const outside = judgePath(name, 'read', text, scope);
  if (outside !== undefined) return outside;
  const entry = scope.facts.entry?.(scope.folder, text) ?? 'unknown';
  return entry === 'file' || entry === 'missing' ? undefined : unclear(name, `"${text.slice(0, 120)}" ${entry === 'folder' ? 'is' : 'may be'} a folder, in which links would be followed`);
}

function judgeFresh(name: string, text: string, scope: PathScope): Verdict | undefined {
  const fresh = scope.facts.entry?.(scope.folder, text) === 'missing';
  return fresh ? undefined : unclear(name, `something may already lie at "${text.slice(0, 120)}", and links in it would be followed`);
}

/** What a folder brings along arrives under names that nobody has held against the write scope, and its links may lead out of the project from there. */
function judgeTree(name: string, text: string, scope: PathScope): Verdict | undefined {
  const carried = scope.facts.carries?.(scope.folder, text);
  const moved = carried === undefined ? undefined : ask('shell.carriedLink', `${name} would carry links along that can lead elsewhere from a new place: ${carried}.`);
  if (scope.facts.inScope === undefined || scope.facts.entry?.(scope.folder, text) === 'file') return moved;
  return deny('shell.writeScope', `${name} would carry the folder "${text.slice(0, 120)}" with everything in it, which cannot be held against plugins.filesystem.writeScope name by name. Name single files instead.`);
}

/** The verdict on a path, or undefined when it lies inside and may be read or changed. */
export function judgePath(name: string, kind: 'read' | 'write', text: string, scope: PathScope): Verdict | undefined {
  const shown = text.slice(0, 120);
  const place = scope.facts.place(scope.folder, text);
  if (kind === 'write' && (place === 'inside' || place === 'control') && scope.facts.inScope?.(scope.folder, text) === false) return outOfScope(shown);
  switch (place) {
    case 'inside':
      if (kind === 'write' && scope.facts.steersGit?.(scope.folder, text) === 'below') return ask('shell.controlFile', `Below "${shown}" lies what git takes hooks or settings from, so changing it asks.`);
      return judgeLinked(name, kind, text, scope);
    case 'sink':
      return undefined;
    case 'control':
      return kind === 'read' ? undefined : ask('shell.controlFile', `${shown} decides which programs run or what agents may do, so changing it asks.`);
    case 'outside':
      return ask('shell.outside', `${name} would ${kind === 'read' ? 'read' : 'change'} "${shown}", which is outside the project.`);
    case 'own':
      return deny('shell.ownFolder', "This is Conductor's own folder. No command may look into it or change it.");
    case 'forbidden':
      return deny('shell.forbiddenPath', `"${shown}" is a named pipe, a socket, a device or a network name.`);
  }
}

/** A file with further names may be one from outside; stores of packages are made of such files. */
export function judgeLinked(name: string, kind: 'read' | 'write', text: string, scope: PathScope): Verdict | undefined {
  const matters = kind === 'write' ? scope.writesThrough === true : !packaged(`${scope.folder}/${text}`.split(/[\\/]/));
  if (!matters || scope.facts.sharesContent?.(scope.folder, text) !== true) return undefined;
  const shown = text.slice(0, 120);
  return ask('shell.hardLink', `"${shown}" has another name (a hard link) that may lie outside the project${kind === 'read' ? ', so reading it asks.' : `, and ${name} would change what lies there too.`}`);
}

function packaged(segments: readonly string[]): boolean {
  return insidePackages([segments]) && !segments.includes('..');
}

/** The refusal of a change outside the write scope. */
export function outOfScope(shown: string): Verdict {
  return deny('shell.writeScope', `"${shown}" is outside what agents may change here (plugins.filesystem.writeScope).`);
}

/** A form that need not ask. */
export function allowed(what: string): Verdict {
  return { verdict: 'allow', rule: 'shell.allowed', reason: `${what} is allowed in this form.` };
}

/** A form that is not known to be harmless. */
export function unclear(name: string, why: string, advice = ''): Verdict {
  return ask('shell.arguments', `${name} asks in this form: ${why}.${advice}`);
}

/** An approval with its rule. */
export function ask(rule: string, reason: string): Verdict {
  return { verdict: 'approve', rule, reason };
}

/** A refusal with its rule. */
export function deny(rule: string, reason: string): Verdict {
  return { verdict: 'deny', rule, reason };
}
