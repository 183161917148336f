import type { ParsedCommand, CommandPlan } from '../../rules/commandPlan';
import type { Unit } from '../../rules/grants/ground';
import { readGit } from '../../rules/gitCommand';
import { remoteCommands } from '../../rules/programs/git';
import type { Fact } from '../fact';
import { reasonsOf, tiesOf } from '../ties';
import type { Reach } from '../tool';
import { gitFolderOf, pathsOf } from './binding';
import { isSink } from './files';
import { loadableBy } from './loadable';
import { meaningFact } from './meanings';
import { binariesOf, type Plan, type PlannedCommand } from './plan';
import { boundFact, commandFacts, limitsOf, programFact, sandboxFacts, usualEnvironment, type Around } from './planFacts';

/** The commands of a plan as grants see them: each with its own reasons to ask, and with what it rests on. */

/** Tells the plan's commands apart for grants; `parsed` is the plan as it was judged. */
export function reachOf(plan: Plan, parsed: CommandPlan, project: string, around: Around): Reach {
  const asked = around.judgement.shares?.commands ?? [];
  const commands = plan.steps.flatMap((step, at) => step.commands.map((command, index) => ({ command, step: at, parsed: parsed.pipelines[at]?.commands[index], fed: index > 0 })));
  const units = commands.flatMap(({ command, step, parsed: judged, fed }, index): Unit[] => {
    if (judged === undefined) return [];
    const named = new Set([...pathsOf(command, project).map(({ path }) => path), ...loadableBy([command], project).files]);
    const own = plan.bound.filter(({ path }) => named.has(path));
    // An earlier command, or one that runs beside it, may change what this one reads, or the folder in which that lies.
    const shaky = commands.some((_, other) => other !== index && around.judgement.shares?.reads[other] !== true);
    const standing = standingOf(command, plan, around);
    const folder = gitFolderOf(command);
    const meant = folder === undefined ? [] : plan.meanings.filter((meaning) => meaning.step === step && meaning.folder === folder).map((meaning) => meaningFact(meaning, false));
    return [{
      argv: judged.argv, reasons: reasonsOf(asked[index] ?? []), plain: !fed && isPlain(judged), shaky,
      ties: tiesOf([...commandFacts(command, '', 1).filter(({ label }) => !label.startsWith('Redirection')), ...standing, ...own.map(boundFact), ...meant]),
      standing: tiesOf([...standing, ...(talksToOthers(judged) ? own.filter(({ label }) => label === 'Repository file').map(boundFact) : [])]),
    }];
  });
  return { kind: 'commands', units, around: reasonsOf(around.judgement.shares?.line ?? []) };
}

/** What a command rests on whatever it is given: its folder, its programs, and what the system and the settings put around it. */
function standingOf(command: PlannedCommand, plan: Plan, { hashes, environment }: Around): readonly Fact[] {
  return [
    { label: 'Folder', key: command.folder, value: 'a folder' },
    ...binariesOf(command).map((binary) => programFact(binary, hashes)),
    ...sandboxFacts(command, ''),
    { label: 'Limits', key: '', value: limitsOf(plan) },
    usualEnvironment(environment),
  ];
}

/** Where a push goes is written in the repository. */
function talksToOthers({ argv: [name, ...args] }: ParsedCommand): boolean {
  const call = name === 'git' ? readGit(args) : { unknown: '' };
  return !('unknown' in call) && remoteCommands.has(call.subcommand);
}

function isPlain({ assignments, redirections, expanded }: ParsedCommand): boolean {
  return assignments.length === 0 && expanded === undefined && redirections.every((redirection) => redirection.kind === 'merge' || (redirection.kind !== 'read' && isSink(redirection.target)));
}
