import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { measureAppends } from './appends';
import { chainRatio, closedRatio, verifyRatio, type Ratio } from './audit';
import { measureAuditView } from './auditview';
import { measureBackends } from './backends';
import { measureCalls } from './calls';
import { measureCommands } from './commands';
import type { Figure } from './figures';
import { measureRaces } from './races';
import { measureRedaction } from './redaction';
import { measureSandbox } from './sandbox';
import { measureVerify } from './verify';

/**
 * `npm run bench`: measures what the project claims about speed, and writes RESULTS.md. Needs `npm run package` before it. With names
 * of parts (`npm run bench -- commands races`) only those are measured, and the other tables stay as they were.
 */

const root = resolve(__dirname, '..');

function auditFigure(ratio: Ratio, goal: string, met: boolean): Figure {
  const { name, baseline, median, low, high } = ratio;
  return { what: name, baseline, value: `${median.toFixed(2)}x [${low.toFixed(2)}-${high.toFixed(2)}]`, goal, met };
}

async function verifyFigures(): Promise<Figure[]> {
  const closed = await closedRatio();
  const strict = await verifyRatio('strict', 100_000);
  const verify = await verifyRatio();
  return [auditFigure(closed, 'at most 1.7x', closed.median <= 1.7), auditFigure(verify, 'at most 5.5x', verify.median <= 5.5), auditFigure(strict, 'at most 14x', strict.median <= 14), ...(await measureVerify())];
}

async function auditFigures(): Promise<Figure[]> {
  const chain = await chainRatio();
  return [auditFigure(chain, 'none', true), ...(await measureAppends())];
}

function packageFigures(): Figure[] {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string; version: string };
  const file = join(root, `${name}-${version}.vsix`);
  const size = existsSync(file) ? statSync(file).size / 1024 : Infinity;
  return [{ what: 'size of the package', baseline: '-', value: `${size.toFixed(0)} KiB`, goal: 'below 1024 KiB', met: size < 1024 }, ...activationFigures(), ...promptFigures()];
}

/** What an editor suite left of its measurements; a sentence when there is nothing, or it is of another build. */
function leftBySuite(name: string): Readonly<Record<string, number>> | string {
  const file = join(root, 'out', name);
  if (!existsSync(file)) return 'not measured: the editor suites leave this figure';
  const { build, ...figures } = JSON.parse(readFileSync(file, 'utf8')) as { build?: string } & Record<string, number>;
  // The same as `buildDigest` in scripts/package.mjs.
  const digest = createHash('sha256');
  for (const part of ['extension.js', 'server.js']) digest.update(readFileSync(join(root, 'dist', part)));
  return build === digest.digest('hex') ? figures : 'not measured: the editor suites ran with another build than the one in dist';
}

/** The editor suites leave the activation times that they saw. */
function activationFigures(): Figure[] {
  const left = leftBySuite('activation.json');
  const row = { what: "the extension's own activate() in the extension host", baseline: '-', goal: 'below 60 ms' };
  if (typeof left === 'string') return [{ ...row, value: left, met: false }];
  const { milliseconds = Number.NaN } = left;
  return [{ ...row, value: `${milliseconds.toFixed(1)} ms`, met: milliseconds < 60 }];
}

/** The editor suites leave the times of prompts that they saw: from the agent's call to the screen, and from the key to the agent's result. */
function promptFigures(): Figure[] {
  const left = leftBySuite('prompts.json');
  const shown = { what: 'from a call to its prompt on the screen of the editor', baseline: 'a call that runs without asking', goal: 'below 150 ms' };
  const resumed = { what: 'from the key that approves to the result at the agent', baseline: 'a call that runs without asking', goal: 'at most 30 ms more' };
  if (typeof left === 'string') return [shown, resumed].map((row) => ({ ...row, value: left, met: false }));
  const { shownMs = Number.NaN, answeredToResultMs = Number.NaN, plainCallMs = Number.NaN } = left;
  const plain = leftBySuite('roundTrip.json');
  const small = typeof plain === 'string' ? '' : `, ${(shownMs / (plain['roundTripMs'] ?? Number.NaN)).toFixed(0)}x a small request of the language protocol (${(plain['roundTripMs'] ?? Number.NaN).toFixed(2)} ms)`;
  return [
    { ...shown, value: `${shownMs.toFixed(0)} ms, ${(shownMs / plainCallMs).toFixed(1)}x${small}`, met: shownMs < 150 },
    { ...resumed, value: `${answeredToResultMs.toFixed(0)} ms, ${(answeredToResultMs - plainCallMs).toFixed(0)} ms more`, met: answeredToResultMs - plainCallMs <= 30 },
  ];
}

function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, baseline, value, goal, met }) => `| ${what} | ${baseline} | ${value} | ${goal} | ${met ? 'yes' : '**no**'} |`);
  return ['| what | against | measured | goal | met |', '|---|---|---|---|---|', ...rows].join('\n');
}

const parts: readonly (readonly [name: string, measure: () => Figure[] | Promise<Figure[]>])[] = [
  ['calls', measureCalls],
  ['redaction', measureRedaction],
  ['audit', auditFigures],
  ['verify', verifyFigures],
  ['auditview', measureAuditView],
  ['commands', measureCommands],
  ['backends', measureBackends],
  ['races', measureRaces],
  ['sandbox', measureSandbox],
  ['package', packageFigures],
];

/** The tables: fresh ones for the named parts, or for all when none is named, and those of the file for the others. */
async function tablesOf(names: readonly string[], before: string): Promise<string> {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const tables: string[] = [];
  for (const [name, measure] of parts) {
    const old = before.split('\n## ').find((text) => text.startsWith(`${name}\n`))?.trim();
    const fresh = names.length === 0 || names.includes(name) ? await freshTable(name, commit, measure) : old;
    if (fresh !== undefined) tables.push(`## ${fresh}\n`);
  }
  return tables.join('\n');
}

/** A part measured now, with how much else the machine had to do: processes that ran or wanted to, as the system counts them. */
async function freshTable(name: string, commit: string, measure: () => Figure[] | Promise<Figure[]>): Promise<string> {
  const before = loadavg()[0] ?? 0;
  const figures = await measure();
  return `${name}\n\nOn the code of commit ${commit}; load of the machine ${before.toFixed(1)} before and ${(loadavg()[0] ?? 0).toFixed(1)} after.\n\n${table(figures)}`;
}

async function main(): Promise<void> {
  const file = join(root, 'bench', 'RESULTS.md');
  const machine = `${String(cpus().length)} cores, Node.js ${process.versions.node}, ${process.platform}`;
  const tables = await tablesOf(process.argv.slice(2), existsSync(file) ? readFileSync(file, 'utf8') : '');
  const text = `# Results\n\nMeasured on ${machine}. Ratios compare both sides in the same run, in turn; the median of the rounds, with the\nsmallest and the largest. Repeat with \`npm run package && npm run bench\`, or one part with \`npm run bench -- commands\`.\n\n${tables}`;
  writeFileSync(file, text);
  process.stdout.write(text);
}

void main();
