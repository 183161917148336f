import type { Verdict } from '../../../protocol/src/call';
import type { filesystemActions } from '../../../protocol/src/config';
import { controlNameIn } from './controlNames';

/** One of the five things that agents can do with files. */
export type FileAction = (typeof filesystemActions)[number];

/** What is known of a file call after its path was read and walked. All paths are names below a root. */
export type FileFacts = Readonly<{
  action: FileAction;
  /** The actions that ask first, from `plugins.filesystem.requireApproval`. */
  asks: readonly FileAction[];
  /** Every way by which the target was named: as given, through links, and where it really lies. */
  names: readonly (readonly string[])[];
  /** True when the file has further names (hard links) that may lie outside the project. */
  sharedContent: boolean;
  /** A control name inside a folder that would be deleted whole, when there is one. */
  controlNameWithin?: string;
  /** True when a folder to delete holds more than could be looked through. */
  tooManyToList?: boolean;
}>;

/** The verdict on a file call inside the allowed folders: the strictest of the settings, the control names and the hard-link rule. */
export function judgeFile(facts: FileFacts): Verdict {
  const changes = facts.action === 'write' || facts.action === 'delete';
  const control = facts.controlNameWithin ?? facts.names.map(controlNameIn).find((name) => name !== undefined);
  if (changes && control !== undefined) {
    return ask('path.control', `${control} can decide which programs run or what agents may do, so changing it always asks.`);
  }
  if (facts.tooManyToList === true) return ask('path.unlisted', 'The folder holds more than Conductor can look through, so deleting it always asks.');
  const reads = facts.action === 'read' || facts.action === 'search';
  if (reads && facts.sharedContent && !insidePackages(facts.names)) {
    return ask('path.hardLink', 'The file has another name (a hard link) that may lie outside the project, so reading it asks.');
  }
  // A search shows content, so it is no way round a setting that makes reading ask.
  const asked = facts.asks.includes(facts.action) ? facts.action : reads && facts.asks.includes('read') ? 'read' : undefined;
  if (asked !== undefined) return ask('filesystem.asks', `Your settings let files be ${participle[asked]} only after you approve.`);
  return { verdict: 'allow', rule: 'filesystem.inside', reason: 'The path lies inside the allowed folders.' };
}

/** The verdict on a path that leads out of every allowed folder; `through` names the link that does, if one does. */
export function refuseOutside(through?: string): Verdict {
  const how = through === undefined ? 'The path leads' : `The path leads through the link ${through}`;
  return refuse('path.outside', `${how} outside the project. Use a path inside the project, or ask the user to add the folder to plugins.filesystem.allowedPaths.`);
}

/** The verdict on anything in Conductor's own folder: no tool reads or changes the rules that judge it. */
export function refuseOwnFolder(): Verdict {
  return refuse('path.conductor', "This is Conductor's own folder. No tool may look into it or change it; ask the user to do it.");
}

/** The verdict on deleting the project folder, another allowed folder, or a folder that holds one. */
export function refuseRoot(): Verdict {
  return refuse('path.root', 'This is the project folder or another allowed folder, or it holds one. It is never deleted as a whole; name what to delete inside it.');
}

/** The verdict on every file call while the settings switch the tools off. */
export const filesystemOff: Verdict = { verdict: 'deny', rule: 'filesystem.disabled', reason: 'The file tools are switched off (plugins.filesystem.enabled is false).' };

/** A refusal with its rule. */
export function refuse(rule: string, reason: string): Verdict {
  return { verdict: 'deny', rule, reason };
}

const participle: Record<FileAction, string> = { read: 'read', write: 'written', list: 'listed', search: 'searched', delete: 'deleted' };

function ask(rule: string, reason: string): Verdict {
  return { verdict: 'approve', rule, reason };
}

/** Whether names lead into package stores: those link every file twice or more, so that asking there would nag without end. */
export function insidePackages(names: readonly (readonly string[])[]): boolean {
  return names.every((segments) => segments.includes('node_modules'));
}
