import { readFileSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import type { Verdict } from '../../../../protocol/src/call';
import { configSchema, defaultConfig, type Config } from '../../../../protocol/src/config';
import { ConductorError } from '../../../../protocol/src/errors';
import { configFileIn } from '../../config/file';
import { parseConfig } from '../../config/parse';
import { judgeCommand } from '../../rules/allowlist';
import { readLists } from '../../rules/commandLists';
import type { Platform } from '../../rules/commandPlan';
import { lexicalFacts, lexicalScope } from '../../rules/places';
import { judgeLine } from '../../tools/shell/tool';
import { addProve } from './prove';
import { note, print, run, safe } from './terminal';

/** `conductor policy`: what the rules say. It runs nothing and records nothing. */
export function addPolicy(program: Command, configDir: () => string): void {
  const policy = program.command('policy').description('Ask the rules');
  addCheck(policy, configDir);
  addProve(policy, configDir);
}

function addCheck(policy: Command, configDir: () => string): void {
  policy
    .command('check')
    .description('Judge a command line without running it; exit 0 allow, 3 approve, 4 deny')
    .option('--config <file>', 'another configuration than the one in use')
    .option('--cwd <dir>', 'project folder that the command would run in, looked at as for an agent: files, links, repositories, programs, the sandbox; default: the current folder, judged by its name alone')
    .addOption(new Option('--platform <platform>', 'whose quoting rules hold').choices(['posix', 'win32']).default(process.platform === 'win32' ? 'win32' : 'posix'))
    .option('--batch <file>', 'judge JSON lines {"id","command","config"?,"cwd"?,"platform"?}; "config" is the content of plugins.shell')
    .option('--json', 'print JSON')
    .argument('[line...]', 'the command line, after --')
    .passThroughOptions()
    .action((words: string[], options: CheckOptions) => run(() => (options.batch === undefined ? checkOne(words, options, configDir()) : checkBatch(options.batch, options, configDir()))));
}

type CheckOptions = Readonly<{ config?: string; cwd?: string; platform: Platform; batch?: string; json?: boolean }>;

const exitCodes = { allow: 0, approve: 3, deny: 4 } as const;

const batchLine = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  command: z.string(),
  config: z.unknown().optional(),
  cwd: z.string().optional(),
  platform: z.enum(['posix', 'win32']).optional(),
});

async function checkOne(words: readonly string[], options: CheckOptions, configDir: string): Promise<number> {
  if (words.length === 0) throw new ConductorError('INVALID_REQUEST', 'There is no command line to judge.', { next: 'Write it after --, for instance: conductor policy check -- git status' });
  // A line that came as one word is taken as it is; several words were split by the shell of whoever typed them.
  const verdict = await judge(words.join(' '), settingsOf(options.config, configDir), options.cwd, options.platform, configDir);
  if (options.json === true) print(JSON.stringify(verdict));
  else print(`${verdict.verdict}  [${verdict.rule}] ${safe(verdict.reason)}`);
  return exitCodes[verdict.verdict];
}

async function checkBatch(file: string, options: CheckOptions, configDir: string): Promise<number> {
  const fallback = settingsOf(options.config, configDir);
  const lines = readFileSync(resolve(file), 'utf8').split('\n');
  let unreadable = 0;
  for (const [index, text] of lines.entries()) {
    if (text.trim() === '') continue;
    const parsed = batchLine.safeParse(parseJson(text));
    if (!parsed.success) {
      unreadable += 1;
      print(JSON.stringify({ id: null, verdict: 'deny', rule: 'batch.unreadable', reason: `Line ${String(index + 1)} is not an object with a command.` }));
      continue;
    }
    const { id = null, command, config, cwd = options.cwd, platform = options.platform } = parsed.data;
    const settings = config === undefined ? fallback : withShell(config);
    const { verdict, rule, reason } = await judge(command, settings, cwd, platform, configDir);
    print(JSON.stringify({ id, verdict, rule, reason }));
  }
  if (unreadable > 0) note(`${String(unreadable)} lines could not be read; they count as denied.`);
  return unreadable > 0 ? 2 : 0;
}

// A folder that was named and exists is looked at, as it would be for an agent; else the text alone is judged, the same on every machine.
async function judge(line: string, settings: Config | Verdict, cwd: string | undefined, platform: Platform, configDir: string): Promise<Verdict> {
  if ('verdict' in settings) return settings;
  const project = platform === 'posix' ? resolve(cwd ?? '.') : cwd ?? 'C:\\project';
  if (cwd !== undefined && platform === 'posix' && isFolder(project)) return await judgeLine(line, { project: realpathSync(project), configDir, config: settings, signal: new AbortController().signal });
  const { shell, filesystem } = settings.plugins;
  const facts = { ...lexicalFacts({ project, own: configDir }, platform), ...lexicalScope(project, platform, filesystem.writeScope) };
  return judgeCommand({ request: { line }, lists: readLists(shell.enabled ? shell : {}), cwd: project, platform, facts }).verdict;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

// A broken configuration allows nothing, as at the broker, and the verdict says that this is why.
function settingsOf(named: string | undefined, configDir: string): Config | Verdict {
  const file = named ?? configFileIn(configDir);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    if (named !== undefined) throw new ConductorError('NOT_FOUND', `There is no file ${file}.`, { next: 'Check the path after --config.' });
    return defaultConfig;
  }
  const parsed = parseConfig(readFileSync(file));
  if (parsed.kind === 'config') return parsed.config;
  const first = parsed.problems[0];
  return { verdict: 'deny', rule: 'config.invalid', reason: `The configuration is broken, so nothing is allowed: ${file}:${String(first?.line ?? 1)}:${String(first?.column ?? 1)}: ${first?.message ?? ''}` };
}

// Lists alone are read even where the rest of the settings cannot be: a broken entry of theirs only tightens.
function withShell(shell: unknown): Config | Verdict {
  const { allowed, approval, unclear } = readLists(typeof shell === 'object' && shell !== null ? shell : {});
  const lists = { allowedCommands: [...allowed], requireApproval: [...approval, ...unclear] };
  const parsed = [shell, lists].map((each) => configSchema.safeParse({ plugins: { shell: each } })).find(({ success }) => success);
  return parsed?.data ?? { verdict: 'deny', rule: 'config.invalid', reason: 'The configuration of this line is broken, so nothing is allowed.' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
