import type { Verdict } from '../../../../protocol/src/call';
import type { Config } from '../../../../protocol/src/config';
import type { Proof, Vector, VectorCall } from '../../../../protocol/src/vectors';
import { judgeCommand } from '../allowlist';
import { readLists, ruleName, type ShellLists } from '../commandLists';
import { withoutVersion } from '../programs/runtimes';
import type { FileAction } from '../scope';
import { judgeFileCall } from './fileCall';
import { absolute, fill, layProject, projectFacts, type ProofProject } from './project';

/** The prover: judges attack vectors by a policy as calls of an agent would be judged, on a project that exists only as text. */

/** What vectors are judged by. */
export type ProofGround = Readonly<{
  config: Config;
  /** The user's home folder, which `~` in the settings and `${HOME}` in vectors mean. */
  home: string;
}>;

/** Judges every vector, in order. */
export function proveVectors(vectors: readonly Vector[], ground: ProofGround): readonly Proof[] {
  return vectors.map((vector) => proveVector(vector, ground));
}

/** Judges one vector: through each of its programs that is listed, and the worst of those counts. */
export function proveVector(vector: Vector, ground: ProofGround): Proof {
  const { shell } = ground.config.plugins;
  const lists = readLists(shell.enabled ? shell : {});
  const names = namesFor(vector, lists);
  const tries = names.map((name) => ({ name, calls: callsOf(vector, name, lists, ground) }));
  const silent = tries.filter(({ calls }) => calls.every(({ verdict }) => verdict === 'allow'));
  const { calls } = silent[0] ?? tries[0] ?? { calls: [] };
  const outcome = outcomeOf(vector, calls);
  return {
    id: vector.id,
    outcome,
    calls,
    listed: vector.listed.every((name) => isListed(name, lists)) && (vector.each.length === 0 || names.some((name) => isListed(name, lists))),
    through: vector.each.length === 0 ? [] : silent.map(({ name }) => name),
    ...(outcome === 'held' ? {} : { next: nextFor(vector, outcome) }),
  };
}

/** The configuration as it would be if every program that a vector needs were allowed; what the settings say beside that stays. */
export function asIfListed(vector: Vector, config: Config): Config {
  const { shell } = config.plugins;
  const allowedCommands = [...new Set([...shell.allowedCommands, ...vector.listed, ...vector.each])];
  const requireApproval = shell.requireApproval.filter((name) => !vector.listed.includes(name) && !vector.each.includes(name));
  return { ...config, plugins: { ...config.plugins, shell: { ...shell, enabled: true, allowedCommands, requireApproval } } };
}

type Calls = Proof['calls'];

function callsOf(vector: Vector, name: string, lists: ShellLists, ground: ProofGround): Calls {
  const project = layProject(vector, ground.home);
  return [vector.call, ...vector.then].map((call) => {
    const filled = fillCall(call, project, name);
    const { verdict, rule, reason } = judgeCall(filled, vector, { lists, project, config: ground.config });
    return { call: callText(filled), verdict, rule, reason };
  });
}

function judgeCall(call: VectorCall, vector: Vector, ground: Readonly<{ lists: ShellLists; project: ProofProject; config: Config }>): Verdict {
  const { project, lists, config } = ground;
  if (call.tool !== 'shell.exec') return judgeFileCall(actionOf(call.tool), call.path, config.plugins.filesystem, project);
  const request = call.args === undefined ? { line: call.command } : { argv: [call.command, ...call.args] as const };
  const cwd = call.cwd === undefined ? project.folders.project : project.platform === 'posix' ? absolute(project.folders.project, call.cwd) : call.cwd;
  return judgeCommand({ request, lists, cwd, platform: project.platform, facts: projectFacts(project, vector.given, config.plugins.filesystem.writeScope) }).verdict;
}

/** The names to try: those of `each` that are listed, whatever their version; the first one of it when none is. */
function namesFor(vector: Vector, lists: ShellLists): readonly string[] {
  if (vector.each.length === 0) return [''];
  const base = (name: string): string => withoutVersion(ruleName(name, vector.platform));
  const bases = new Set(vector.each.map(base));
  const listed = [...new Set([...lists.allowed, ...lists.approval])].filter((name) => bases.has(base(name)));
  return listed.length > 0 ? listed : vector.each.slice(0, 1);
}

function isListed(name: string, lists: ShellLists): boolean {
  return lists.allowed.has(name) || lists.approval.has(name);
}

function outcomeOf(vector: Vector, calls: Calls): Proof['outcome'] {
  const denied = calls.some(({ verdict }) => verdict === 'deny');
  if (denied) return 'held';
  if (calls.some(({ verdict }) => verdict === 'approve')) return vector.must === 'denied' ? 'asks' : 'held';
  return vector.choice === undefined ? 'silent' : 'exposed';
}

function nextFor(vector: Vector, outcome: Proof['outcome']): string {
  if (vector.choice !== undefined) return vector.choice.advice;
  if (outcome === 'asks') return 'Deny it whenever it asks, and report it: no approval should open this.';
  const names = [...vector.listed, ...vector.each];
  return names.length === 0 ? 'Report it: the shipped rules should ask here.' : `Move ${names.slice(0, 5).join(', ')} to plugins.shell.requireApproval, and report it: the shipped rules should ask here.`;
}

function actionOf(tool: Exclude<VectorCall['tool'], 'shell.exec'>): FileAction {
  switch (tool) {
    case 'filesystem.read':
      return 'read';
    case 'filesystem.write':
      return 'write';
    case 'filesystem.list':
      return 'list';
    case 'filesystem.search':
      return 'search';
    case 'filesystem.delete':
      return 'delete';
  }
}

function fillCall(call: VectorCall, project: ProofProject, name: string): VectorCall {
  const filled = (text: string): string => fill(text, project.folders).replaceAll('${NAME}', name);
  if (call.tool !== 'shell.exec') return { ...call, path: filled(call.path) };
  return {
    ...call,
    command: filled(call.command),
    ...(call.args === undefined ? {} : { args: call.args.map(filled) }),
    ...(call.cwd === undefined ? {} : { cwd: filled(call.cwd) }),
  };
}

/** A call in one line of at most 400 characters. */
function callText(call: VectorCall): string {
  const text = call.tool !== 'shell.exec' ? `${call.tool} ${call.path}` : call.args === undefined ? call.command : JSON.stringify([call.command, ...call.args]);
  return text.length <= 400 ? text : `${text.slice(0, 399)}…`;
}
