import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChildren, type Run } from '../../../base/childProcess';
import { resolveBinary, type Binary } from '../resolve';
import type { Layout } from './layout';

/** `@anthropic-ai/sandbox-runtime`, where it serves better: hosts can be listed, and it is the sandbox of macOS. The user installs it. */

/** The runtime with everything that it stands on, found on the trusted path and pinned. */
export type Runtime = Readonly<{ version: string; srt: Binary; node: Binary; helpers: Readonly<{ bwrap?: Binary; socat?: Binary; rg?: Binary }> }>;

const install = 'Install it outside of every project, for instance with "sudo npm install -g @anthropic-ai/sandbox-runtime" (Node.js 22.12 or later)';

type Examined = Runtime | Readonly<{ refused: string }>;

const trials = new Map<string, Readonly<{ result: Promise<Examined>; at: number }>>();
const failureCountsMs = 20_000;

/** Tries the runtime once for each identity of its parts. Never rejects. */
export async function examineRuntime(parts: RuntimeParts): Promise<Examined> {
  const key = JSON.stringify([parts.srt, parts.node, parts.helpers]);
  const known = trials.get(key);
  if (known !== undefined && (!('refused' in (await known.result)) || performance.now() - known.at < failureCountsMs)) return known.result;
  const result = examine(parts).catch((error: unknown): Examined => ({ refused: `@anthropic-ai/sandbox-runtime could not be tried: ${error instanceof Error ? error.message : String(error)}` }));
  trials.set(key, { result, at: performance.now() });
  return result;
}

/** The runtime as it was found, before it was tried. */
export type RuntimeParts = Omit<Runtime, 'version'>;

/** Finds the runtime and its helpers in trusted folders, or says what to install. */
export function findRuntime(folders: readonly string[], bwrap: Binary | undefined): RuntimeParts | Readonly<{ refused: string }> {
  const linux = process.platform === 'linux';
  const why = linux ? 'Hosts are listed in "plugins.shell.sandbox.network", which needs' : 'The sandbox of this system needs';
  const wanted = linux ? ['srt', 'node', 'socat', 'rg'] : ['srt', 'node', 'rg'];
  const found = new Map<string, Binary>();
  for (const name of wanted) {
    const binary = resolveBinary(name, folders);
    if ('refused' in binary) return { refused: `${why} @anthropic-ai/sandbox-runtime, and "${name}" is missing (${binary.refused}). ${install}${linux ? ', and the packages "socat" and "ripgrep"' : ', and "ripgrep"'}.` };
    found.set(name, binary);
  }
  const [srt, node, socat, rg] = ['srt', 'node', 'socat', 'rg'].map((name) => found.get(name));
  if (srt === undefined || node === undefined) return { refused: `${why} @anthropic-ai/sandbox-runtime. ${install}.` };
  return { srt, node, helpers: { ...(bwrap === undefined ? {} : { bwrap }), ...(socat === undefined ? {} : { socat }), ...(rg === undefined ? {} : { rg }) } };
}

/** The settings file of a run, without the run's own folder: what is listed and nothing else. */
export function runtimeSettings(layout: Layout, network: readonly string[], { helpers }: Pick<Runtime, 'helpers'>): string {
  const targets = (mounts: Layout['writable']): readonly string[] => mounts.map(({ target }) => target);
  return JSON.stringify({
    network: { allowedDomains: network, deniedDomains: [], strictAllowlist: true },
    filesystem: {
      denyRead: [...layout.hidden, layout.own].map(literal),
      allowRead: [...targets(layout.shown), ...targets(layout.writable)].map(literal),
      allowWrite: targets(layout.writable).map(literal),
      // It has no mount points that stay: a folder that could be moved away cannot be written at all.
      denyWrite: [layout.own, ...layout.held, ...layout.fixed].map(literal),
    },
    ...(helpers.bwrap === undefined ? {} : { bwrapPath: helpers.bwrap.path }),
    ...(helpers.socat === undefined ? {} : { socatPath: helpers.socat.path }),
    ...(helpers.rg === undefined ? {} : { ripgrep: { command: helpers.rg.path } }),
  });
}

/** Names of folders are no patterns, whatever characters they hold. */
function literal(path: string): Readonly<{ path: string; literal: true }> {
  return { path, literal: true };
}

/** One word of a shell's language that means exactly this text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function examine(parts: RuntimeParts): Promise<Examined> {
  const version = /^(\d+\.\d+\.\S+)/m.exec(outputOf(await start(parts, ['--version'])))?.[1];
  if (version === undefined) return { refused: `${parts.srt.path} does not say its version with ${parts.node.path}, which must be 22.12 or later.` };
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'conductor-trial-'));
  try {
    const file = join(folder, 'settings.json');
    writeFileSync(file, runtimeSettings({ hidden: [], shown: [], own: folder, writable: [], fixed: [], held: [] }, [], parts), { mode: 0o600 });
    const run = await start(parts, ['--settings', file, '-c', `echo runs; cat ${quoted(file)}`]);
    const output = outputOf(run);
    if (!output.startsWith('runs')) return { refused: `@anthropic-ai/sandbox-runtime ${version} does not work here: ${errorOf(run)}` };
    if (output.includes('allowedDomains')) return { refused: `@anthropic-ai/sandbox-runtime ${version} did not hide a folder that it was told to hide.` };
    return { ...parts, version };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function start({ srt, node }: RuntimeParts, args: readonly string[]): Promise<Run> {
  const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/', LANG: 'C.UTF-8' };
  return runChildren([{ file: node.path, args: [srt.path, ...args], cwd: '/', environment, input: 'nothing', output: 'stdout', errors: 'stderr' }], { timeoutMs: 20_000 });
}

function outputOf(run: Run): string {
  return run.kind === 'ended' ? run.stdout.head.toString('utf8') : '';
}

function errorOf(run: Run): string {
  return run.kind === 'ended' ? run.stderr.head.toString('utf8').trim().split('\n').slice(0, 2).join(' ') : run.error.message;
}
