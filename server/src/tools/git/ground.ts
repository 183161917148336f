import { dirname, relative, sep } from 'node:path';
import type { Outcome, Verdict } from '../../../../protocol/src/call';
import type { Config, gitActions } from '../../../../protocol/src/config';
import { ConductorError } from '../../../../protocol/src/errors';
import { refuse, refuseOutside } from '../../rules/scope';
import { failingCall, refusedCall, settle, systemError } from '../filesystem/answers';
import { closePlace, type Places } from '../filesystem/places';
import type { Asking } from '../shell/gitQuestion';
import { planCommand, type Machine, type Planned } from '../shell/plan';
import { isWithin, resolveBinary, trustedFolders } from '../shell/resolve';
import { runPlan, type Ended } from '../shell/run';
import { markOf } from '../shell/runMark';
import type { Prepared, PrepareContext, Shown } from '../tool';
import { readRepository, type Repository } from './repository';

/** What every git call goes through: the settings, the place, the repository, then the planner and the runner of commands. */

/** What the git tools of one broker share. */
export type GitRoom = Readonly<{ places: Places; machine: Machine }>;

/** One of the things that agents can do with git. */
export type GitAction = (typeof gitActions)[number];

/** A repository that was found, and how much of it the call is about. */
export type Ground = Readonly<{
  /** Absolute folder inside the project in which git runs. */
  folder: string;
  /** Paths below `folder` to which the call is limited; empty for the whole repository. */
  only: readonly string[];
  repository: Repository;
  asking: Asking;
}>;

/** The call ends here, with a refusal or a failure that says why. */
type Stopped = Readonly<{ ended: Prepared }>;

/** Finds the repository of a path. A path is a file or a folder inside the project; links on the way are followed only inside. */
export async function findGround(room: GitRoom, path: string | undefined, context: PrepareContext, show: Shown, readOnly: boolean): Promise<Ground | Stopped> {
  if (!context.config.plugins.git.enabled) return { ended: refusedCall(show, refuse('git.disabled', 'The git tools are switched off (plugins.git.enabled is false).'), readOnly) };
  const where = insideProject(room, path ?? '.', context);
  if ('verdict' in where) return { ended: refusedCall(show, where, readOnly) };
  if (where instanceof ConductorError) return { ended: failed(show, where) };
  const folders = trustedFolders(room.machine.searchPath, context.project);
  const git = resolveBinary('git', folders, context.project);
  if ('refused' in git) return { ended: refusedCall(show, refuse('git.noProgram', `No trustworthy git was found: ${git.refused}.`), readOnly) };
  const asking: Asking = { git, environment: room.machine.environment(folders) };
  const folder = where.isFolder ? where.absolute : dirname(where.absolute);
  const repository = await readRepository(folder, asking);
  if (repository instanceof ConductorError) return { ended: failed(show, repository) };
  // Of a repository that is larger than the project, only what lies in the project.
  const whole = folder === context.project && isWithin(repository.top, context.project);
  return { folder, only: where.isFolder ? (whole || folder === repository.top ? [] : ['.']) : [undashed(relative(folder, where.absolute))], repository, asking };
}

/** A name that git takes for no option, wherever it stands. */
export function undashed(name: string): string {
  return name.startsWith('-') ? `./${name}` : name;
}

type Inside = Readonly<{ absolute: string; isFolder: boolean }>;

/** Where a path of the project leads, missing files included; the other allowed folders of the file tools do not count here. */
export function insideProject(room: GitRoom, path: string, context: PrepareContext): Inside | Verdict | ConductorError {
  const { plugins } = context.config;
  const config: Config = { ...context.config, plugins: { ...plugins, filesystem: { ...plugins.filesystem, allowedPaths: [] } } };
  const place = room.places.find(path, { ...context, config }, false);
  closePlace(place);
  if (place.kind === 'refused') return place.verdict;
  if (place.kind === 'failed') return systemError(place.code, place.path);
  if (!isWithin(place.absolute, context.project)) return refuseOutside();
  if (place.kind === 'missing' && place.missing.length > 1) return { absolute: place.absolute.split(sep).slice(0, -place.missing.length).join(sep), isFolder: true };
  return { absolute: place.absolute, isFolder: place.kind === 'found' && place.target.stat.isDirectory() };
}

/** A call within the rules that cannot work; running it only says so. */
export function failed(show: Shown, error: ConductorError): Prepared {
  return failingCall(show, { verdict: 'allow', rule: 'git.impossible', reason: 'Nothing will be changed: the call only reports why it cannot work.' }, error);
}

/** Plans one git command as a command of the shell tool is planned: neutral, pinned, and asking where the repository names programs. */
export async function planGit(room: GitRoom, action: GitAction, args: readonly string[], ground: Ground, context: PrepareContext): Promise<Planned> {
  const { plugins } = context.config;
  const asks = plugins.git.requireApproval.includes(action);
  const shell = { ...plugins.shell, enabled: true, allowedCommands: ['git'], requireApproval: asks ? ['git'] : [] };
  const planned = await planCommand({ command: 'git', args, cwd: ground.folder }, { ...context, config: { ...context.config, plugins: { ...plugins, shell } } }, room.machine, false);
  return { ...planned, verdict: verdictOf(planned.verdict, action) };
}

function verdictOf(verdict: Verdict, action: GitAction): Verdict {
  switch (verdict.rule) {
    case 'shell.requireApproval':
      return { verdict: 'approve', rule: 'git.asks', reason: `Your settings let git ${action} run only after you approve.` };
    case 'shell.allowed':
      return { verdict: 'allow', rule: 'git.allowed', reason: `git ${action} is allowed by your settings.` };
    default:
      return verdict;
  }
}

/** What git wrote, byte for byte; `cut` when more came than was kept. */
export type Written = Readonly<{ bytes: Buffer; cut: boolean }>;

/** Runs a planned command and hands over what it wrote. A flood is no failure: what was kept counts. */
export async function runGit(planned: Planned, context: PrepareContext, signal: AbortSignal, progress: (message: string) => void = () => undefined): Promise<Written | Exclude<Outcome, { kind: 'success' }>> {
  const { plan, verdict } = planned;
  if (plan === undefined || verdict.verdict === 'deny') return { kind: 'refused', code: 'DENIED', rule: verdict.rule, reason: verdict.reason };
  let run: Ended | undefined;
  const outcome = await runPlan(plan, { project: context.project, mark: markOf(context.configDir, context.call), signal, progress, again: planned.again, ended: (ended) => (run = ended) });
  const written = run as Ended | undefined;
  if (written !== undefined && (outcome.kind === 'success' || written.stopped === 'flood')) {
    const { head, tail, omitted } = written.stdout;
    return omitted === 0 ? { bytes: Buffer.concat([head, tail]), cut: written.stopped !== undefined } : { bytes: head, cut: true };
  }
  if (outcome.kind !== 'failure') return outcome.kind === 'refused' ? outcome : { kind: 'failure', error: new ConductorError('TOOL_FAILED', 'git was not started.') };
  return explained(outcome);
}

/** The last word of git itself says more than its exit code. */
function explained(outcome: Extract<Outcome, { kind: 'failure' }>): Extract<Outcome, { kind: 'failure' }> {
  const { error, structured } = outcome;
  const said = String(structured?.['stderr'] ?? '').trim();
  if (said === '' || error.code !== 'TOOL_FAILED') return outcome;
  return { ...outcome, error: new ConductorError('TOOL_FAILED', `git said: ${said.slice(0, 2000)}`, { cause: error, data: { ...error.data, userError: typeof error.data['exitCode'] === 'number' } }) };
}

/** What git says no to is the caller's to correct; what could not start, ran out of time or was ended counts for the breaker. */
export function countsAsFailure(outcome: Outcome): boolean {
  if (outcome.kind !== 'failure' || outcome.error.data['userError'] === true) return false;
  return outcome.error.code === 'TOOL_FAILED' || outcome.error.code === 'TIMEOUT';
}

/** A command that only looks, ready to be judged: what it wrote is read by `read`. */
export function lookingCall(planned: Planned, ground: Ground, show: Shown, context: PrepareContext, read: (written: Written) => Outcome): Prepared {
  const run = (signal: AbortSignal): Promise<Outcome> =>
    settle(ground.folder, signal, async () => {
      const written = await runGit(planned, context, signal);
      return 'bytes' in written ? read(written) : written;
    });
  return { verdict: planned.verdict, facts: planned.facts, readOnly: true, show: { ...show, cwd: ground.folder }, run };
}
