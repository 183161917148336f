import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { defaultConfig, type Config } from '../../../../protocol/src/config';
import { ConductorError } from '../../../../protocol/src/errors';
import { tally, threatTitle } from '../../../../protocol/src/proofs';
import type { Proof, VectorProblem } from '../../../../protocol/src/vectors';
import { configFileIn } from '../../config/file';
import { parseConfig } from '../../config/parse';
import { loadVectors, type LoadedVector } from '../../config/vectors';
import { asIfListed, proveVector } from '../../rules/proof/prove';
import { line, note, print, run } from './terminal';

/** `conductor policy prove`: judges the attack vectors by one's own configuration. It runs nothing and records nothing. */
export function addProve(policy: Command, configDir: () => string): void {
  policy
    .command('prove')
    .description('Judge the attack vectors by the configuration; exit 0 all held, 1 something is silent, 5 only exposed by the settings, 2 could not judge')
    .option('--config <file>', 'another configuration than the one in use')
    .option('--vectors <file>', 'also judge the vectors of this file; may be given several times', collect, [])
    .option('--threat <id>', 'only the vectors of this threat, for instance T6; may be given several times', collect, [])
    .option('--as-if-listed', 'judge as if plugins.shell.allowedCommands held every program that a vector needs')
    .option('--failed', 'show only what was not held')
    .option('--json', 'print JSON')
    .action((options: ProveOptions) => run(() => prove(options, configDir())));
}

type ProveOptions = Readonly<{ config?: string; vectors: readonly string[]; threat: readonly string[]; asIfListed?: boolean; failed?: boolean; json?: boolean }>;

/** A vector with what became of it. */
type Judged = Readonly<{ vector: LoadedVector; proof: Proof }>;

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

async function prove(options: ProveOptions, configDir: string): Promise<number> {
  const config = configOf(options.config, configDir);
  const { vectors, problems } = await loadVectors(configDir, options.vectors.map((file) => resolve(file)));
  const wanted = vectors.filter(({ threats }) => options.threat.length === 0 || threats.some((threat) => options.threat.includes(threat)));
  if (wanted.length === 0) throw new ConductorError('NOT_FOUND', `No vector belongs to ${options.threat.join(', ')}.`, { next: 'Threats are T1 to T92; write them as in --threat T6.' });
  const home = homedir();
  const judged = wanted.map((vector): Judged => ({ vector, proof: proveVector(vector, { config: options.asIfListed === true ? asIfListed(vector, config) : config, home }) }));
  if (options.json === true) printJson(judged, problems, options);
  else printText(judged, problems, options);
  const { silent, asks, exposed } = tally(judged.map(({ proof }) => proof));
  return problems.length > 0 ? 2 : silent + asks > 0 ? 1 : exposed > 0 ? 5 : 0;
}

/** The configuration to prove. A broken one allows nothing, which would look like a proof, so that it is an error here. */
function configOf(named: string | undefined, configDir: string): Config {
  const file = named ?? configFileIn(configDir);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    if (named !== undefined) throw new ConductorError('NOT_FOUND', `There is no file ${file}.`, { next: 'Check the path after --config.' });
    return defaultConfig;
  }
  const parsed = parseConfig(readFileSync(file));
  if (parsed.kind === 'config') return parsed.config;
  const [first] = parsed.problems;
  throw new ConductorError('CONFIG_INVALID', `The configuration is broken, so there is nothing to prove: ${file}:${String(first?.line ?? 1)}:${String(first?.column ?? 1)}: ${first?.message ?? ''}`);
}

function shown(judged: readonly Judged[], options: ProveOptions): readonly Judged[] {
  return options.failed === true ? judged.filter(({ proof }) => proof.outcome !== 'held') : judged;
}

function printJson(judged: readonly Judged[], problems: readonly VectorProblem[], options: ProveOptions): void {
  const results = shown(judged, options).map(({ vector, proof }) => ({ ...proof, threats: vector.threats, title: vector.title, source: vector.source, ...(vector.choice === undefined ? {} : { keys: vector.choice.keys }) }));
  print(JSON.stringify({ totals: { vectors: judged.length, ...tally(judged.map(({ proof }) => proof)) }, results, problems }));
}

function printText(judged: readonly Judged[], problems: readonly VectorProblem[], options: ProveOptions): void {
  for (const { file, line: at, column, message } of problems) note(line(`${file}:${String(at)}:${String(column)}: ${message}`));
  const threats = [...new Set(judged.map(({ vector }) => vector.threats[0] ?? ''))].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  for (const threat of threats) printThreat(threat, judged.filter(({ vector }) => vector.threats[0] === threat), options);
  const totals = tally(judged.map(({ proof }) => proof));
  const unlisted = judged.filter(({ proof }) => proof.outcome === 'held' && !proof.listed).length;
  print(`${String(judged.length)} vectors: ${String(totals.held)} held, ${String(totals.exposed)} exposed by your settings, ${String(totals.silent + totals.asks)} not held. Nothing was run.`);
  if (unlisted > 0) print(`${String(unlisted)} were held because a program that they need is not listed; --as-if-listed judges the rules behind that.`);
  if (problems.length > 0) note(`${String(problems.length)} places in files of vectors are broken; those files were left out.`);
}

function printThreat(threat: string, all: readonly Judged[], options: ProveOptions): void {
  const failed = all.filter(({ proof }) => proof.outcome !== 'held');
  if (options.failed === true && failed.length === 0) return;
  print(`${threat.padEnd(4)} ${String(all.length - failed.length).padStart(4)} of ${String(all.length).padEnd(4)} held  ${threatTitle(threat)}`);
  for (const [index, { vector, proof }] of failed.entries()) {
    for (const text of finding(vector, proof)) print(text);
    // The same advice for a row of findings is said once, after the last of them.
    if (proof.next !== undefined && proof.next !== failed[index + 1]?.proof.next) print(`              next: ${line(proof.next)}`);
  }
}

function finding(vector: LoadedVector, proof: Proof): readonly string[] {
  const through = proof.through.length === 0 ? '' : ` (through ${proof.through.join(', ')})`;
  const calls = proof.calls.map(({ call, verdict, rule, reason }) => `              ${verdict} [${rule}] ${line(call)}${verdict === 'allow' ? '' : `: ${line(reason)}`}`);
  return [`     ${proof.outcome.toUpperCase().padEnd(8)} ${vector.id}: ${line(vector.title)}${through}`, ...calls];
}
