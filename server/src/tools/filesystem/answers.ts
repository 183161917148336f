import type { Outcome, Verdict } from '../../../../protocol/src/call';
import { ConductorError, type ErrorCode } from '../../../../protocol/src/errors';
import { codeOf } from '../../base/descriptorWalk';
import type { Pin } from '../../base/pin';
import type { Fact } from '../fact';
import type { PrepareContext, Shown, Prepared } from '../tool';

/** What the file tools say: the same words for the same trouble in all of them. */

/** What identifies the state of an object: any change of place, kind, rights, size or content gives another text. */
export function stateOf(pin: Pin): string {
  const { dev, ino, mode, size, mtimeNs, ctimeNs } = pin.stat;
  return `${size} bytes, device ${dev}, number ${ino}, mode ${mode.toString(8)}, modified ${mtimeNs}, changed ${ctimeNs}`;
}

/** Which object lies at the path: another one at the same place gives another fact. */
export function identityFact(label: string, path: string, pin: Pin): Fact {
  return { label, key: path, value: `device ${pin.stat.dev}, number ${pin.stat.ino}` };
}

/** A fact of which there is only one. */
export function fact(label: string, value: string): Fact {
  return { label, key: '', value };
}

/** A call that the rules refuse; nothing is held. */
export function refusedCall(show: Shown, verdict: Verdict, readOnly: boolean): Prepared {
  const outcome: Outcome = { kind: 'refused', code: 'DENIED', rule: verdict.rule, reason: verdict.reason };
  return { verdict, show, readOnly, facts: [fact('Refused', show.raw)], run: () => Promise.resolve(outcome) };
}

/** A call that is within the rules but cannot work, for instance because the file is missing; running it only says so. */
export function failingCall(show: Shown, verdict: Verdict, error: ConductorError): Prepared {
  const outcome: Outcome = { kind: 'failure', error };
  return { verdict, show, readOnly: true, facts: [fact('Cannot work', `${error.code}: ${error.message}`)], run: () => Promise.resolve(outcome) };
}

/** The verdict on a change that cannot work: asking a person about it would waste a prompt. */
export const impossible: Verdict = { verdict: 'allow', rule: 'filesystem.impossible', reason: 'Nothing will be changed: the call only reports why it cannot work.' };

/** The verdict while the plugin is switched off. */
export { filesystemOff as switchedOff } from '../../rules/scope';

/** What lay at the path changed between the verdict and the run (T41). */
export function staleOutcome(path: string): Outcome {
  return { kind: 'refused', code: 'APPROVAL_STALE', rule: 'path.changed', reason: `${path} changed after it was judged, so nothing was done.` };
}

/** Runs a step and turns whatever the system throws into an outcome about `path`. */
export async function settle(path: string, signal: AbortSignal, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    if (signal.aborted) return { kind: 'failure', error: new ConductorError('CANCELLED', 'The call was withdrawn before it ended.') };
    if (codeOf(error) === 'ESTALE') return staleOutcome(path);
    return { kind: 'failure', error: error instanceof ConductorError ? error : systemError(codeOf(error), path, error) };
  }
}

/** A failure that is the caller's to correct; it never counts for the breaker. */
export function wrongInput(message: string): ConductorError {
  return new ConductorError('INVALID_INPUT', message);
}

type Explained = readonly [code: ErrorCode, message: (path: string) => string];

const known: ReadonlyMap<string, Explained> = new Map<string, Explained>([
  ['ENOENT', ['NOT_FOUND', (path) => `There is no file or folder ${path}.`]],
  ['ENOTDIR', ['INVALID_INPUT', (path) => `${path} is not a folder, so nothing can lie in it.`]],
  ['EISDIR', ['INVALID_INPUT', (path) => `${path} is a folder.`]],
  ['ELOOP', ['INVALID_INPUT', (path) => `${path} leads in a circle of links.`]],
  ['ENAMETOOLONG', ['INVALID_INPUT', (path) => `A name in ${path} is longer than the file system allows.`]],
  ['EILSEQ', ['INVALID_INPUT', (path) => `A name in ${path} has characters that the file system does not allow.`]],
  ['EINVAL', ['INVALID_INPUT', (path) => `The file system does not accept ${path}.`]],
  ['EACCES', ['TOOL_FAILED', (path) => `The operating system denies access to ${path}: the user who runs Conductor has no permission.`]],
  ['EPERM', ['TOOL_FAILED', (path) => `The operating system does not permit this on ${path}.`]],
  ['EROFS', ['TOOL_FAILED', (path) => `${path} lies on a file system that cannot be written.`]],
  ['ENOSPC', ['TOOL_FAILED', (path) => `There is no space left to write ${path}.`]],
  ['EMFILE', ['TOOL_FAILED', () => 'Too many files are open at this moment.']],
]);

/** Turns an error code of the system into a failure with a sentence about `path`. */
export function systemError(code: string, path: string, cause?: unknown): ConductorError {
  const [errorCode, message] = known.get(code) ?? ['TOOL_FAILED', (at: string) => `The system refused with ${code} at ${at}.`];
  return new ConductorError(errorCode, message(path), { cause, data: { errno: code } });
}

/** Permission is a matter of the one file, not of the tool: only failures of the machine itself open the breaker. */
export function countsAsFailure(outcome: Outcome): boolean {
  if (outcome.kind !== 'failure') return false;
  if (outcome.error.code === 'TIMEOUT') return true;
  return outcome.error.code === 'TOOL_FAILED' && !['EACCES', 'EPERM', 'EROFS'].includes(String(outcome.error.data['errno']));
}

/** The frame of what a person is shown. */
export function shownFor(title: string, raw: string, context: PrepareContext, details: Shown['details']): Shown {
  return { title, raw, cwd: context.project, details };
}

/** What an object is, in words. */
export function kindOf(pin: Pin): string {
  const { stat } = pin;
  if (stat.isFile()) return 'a file';
  if (stat.isDirectory()) return 'a folder';
  if (stat.isSymbolicLink()) return 'a link';
  if (stat.isFIFO()) return 'a named pipe';
  if (stat.isSocket()) return 'a socket';
  return 'a device';
}
