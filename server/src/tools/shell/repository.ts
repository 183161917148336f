import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runChildren } from '../../base/childProcess';
import type { GitFacts } from '../../rules/places';
import { gitEnvironment } from './environment';
import { gitFolders, hasHooks } from './facts';
import { identityOf, type Binary } from './resolve';

/** Asks git which configuration keys a repository sets. Listing them runs nothing, and values are not read. */

/** What is needed to ask. */
export type Asking = Readonly<{ git: Binary; environment: Readonly<Record<string, string>> }>;

const cache = new Map<string, Readonly<{ key: string; facts: GitFacts }>>();

/** The facts about the repository of a folder; `unknown` when git does not answer within 5 seconds. Remembered until a configuration file changes. */
export async function readGitFacts(folder: string, asking: Asking): Promise<GitFacts | 'unknown'> {
  const key = configIdentity(folder);
  const known = cache.get(folder);
  const hooks = hasHooks(folder);
  if (known !== undefined && known.key === key && !known.facts.programs.some(isInclude)) return { ...known.facts, hooks: hooks || known.facts.hooks };
  const files = submoduleConfigs(folder);
  const lists = await Promise.all([listKeys(folder, undefined, asking), ...files.map((file) => listKeys(folder, file, asking))]);
  if (lists.some((list) => list === undefined)) return 'unknown';
  const facts = gitFactsOf(lists.flatMap((list) => list ?? []));
  cache.set(folder, { key, facts });
  return { ...facts, hooks: hooks || facts.hooks };
}

/** Sorts configuration keys: which name programs that nothing overrides, which remotes exist, and whether hooks lie elsewhere. */
export function gitFactsOf(keys: readonly string[]): GitFacts {
  const remotes = keys.flatMap((key) => /^remote\.(.+)\.url$/.exec(key)?.[1] ?? []);
  return { programs: [...new Set(keys.filter(namesProgram))], remotes: [...new Set(remotes)], hooks: keys.some((key) => key.toLowerCase() === 'core.hookspath') };
}

/** Keys that Conductor's own environment overrides for every git that it starts. */
const overridden: ReadonlySet<string> = new Set(['core.pager', 'core.editor', 'core.hookspath', 'core.fsmonitor', 'sequence.editor']);

const programKeys: readonly RegExp[] = [
  /^(filter|diff|merge)\..*\.(clean|smudge|process|command|textconv|driver)$/,
  /^diff\.external$/,
  /^alias\./,
  /^(core|gpg|credential|sequence|interactive|browser|man|difftool|mergetool|guitool)\.(.*\.)?[^.]*(cmd|command|program|helper|editor|pager|path)$/,
  /^include(if)?\./,
  /^core\.(gitproxy|askpass|worktree)$/,
  /^interactive\.difffilter$/,
  /^pager\./,
  /^remote\..*\.(uploadpack|receivepack|vcs|promisor)$/,
  /^extensions\.partialclone$/,
  /^submodule\..*\.update$/,
  /^trailer\..*\.(command|cmd)$/,
  /^uploadpack\.packobjectshook$/,
  /^tar\..*\.command$/,
  /^sendemail\./,
];

function namesProgram(key: string): boolean {
  const lower = key.toLowerCase();
  return !overridden.has(lower) && programKeys.some((pattern) => pattern.test(lower));
}

function isInclude(key: string): boolean {
  return /^include/i.test(key);
}

async function listKeys(folder: string, file: string | undefined, asking: Asking): Promise<readonly string[] | undefined> {
  const environment = { ...asking.environment, ...gitEnvironment('neutral') };
  const args = [...asking.git.prefix, 'config', '--list', '--name-only', '--show-scope', '-z', ...(file === undefined ? [] : ['--file', file])];
  const run = await runChildren([{ file: asking.git.path, args, cwd: folder, environment, input: 'nothing', output: 'stdout', errors: 'stderr' }], { timeoutMs: 5000 });
  if (run.kind !== 'ended' || run.stopped !== undefined || run.exits[0]?.code !== 0 || run.stdout.omitted > 0) return undefined;
  const words = Buffer.concat([run.stdout.head, run.stdout.tail]).toString('utf8').split('\0');
  const keys = words.filter((_, index) => index % 2 === 1 && (file !== undefined || words[index - 1] !== 'command'));
  // A submodule's configuration always says where its work tree is.
  return file === undefined ? keys : keys.filter((key) => key !== 'core.worktree');
}

function configIdentity(folder: string): string {
  const repository = gitFolders(folder);
  if (repository === undefined) return 'none';
  const files = [join(repository.common, 'config'), join(repository.own, 'config'), join(repository.own, 'config.worktree'), ...submoduleConfigs(folder)];
  return files.map((file) => `${file}=${stateOf(file)}`).join('|');
}

function stateOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '-' : identityOf(stat);
}

/** Git looks into submodules on its own, and each of them has a configuration. At most 200, three folders deep; more are not looked for. */
function submoduleConfigs(folder: string): readonly string[] {
  const repository = gitFolders(folder);
  return repository === undefined ? [] : configsBelow(join(repository.common, 'modules'), 3).slice(0, 200);
}

function configsBelow(folder: string, depth: number): readonly string[] {
  try {
    const names = readdirSync(folder, { withFileTypes: true });
    const here = names.some((name) => name.name === 'config' && name.isFile()) ? [join(folder, 'config')] : [];
    const deeper = depth === 0 ? [] : names.filter((name) => name.isDirectory() && !['objects', 'refs', 'logs', 'hooks', 'info'].includes(name.name));
    return [...here, ...deeper.flatMap((name) => configsBelow(join(folder, name.name), depth - 1))];
  } catch {
    return [];
  }
}
