import { readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getNodeValue } from 'jsonc-parser';
import { z } from 'zod';
import { ConductorError } from '../../../../protocol/src/errors';
import { parseToml } from '../../base/toml';
import { writePrivateFile } from '../../base/privateFile';
import { parseJsonc, sizeLimit } from '../../config/jsonc';
import { foreignServers, type ForeignServer } from '../../rules/backends/foreign';
import { confirmed, requirePerson } from './approvals';
import type { BrokerClient } from './brokerClient';
import { line, note, print } from './terminal';

/** `conductor backends import`: takes over the MCP servers that other programs have. Their files stay as they are. */

/** Where other programs keep their servers; the first words name the program. */
export function foreignFiles(home: string, platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): readonly (readonly [program: string, file: string])[] {
  const support = platform === 'darwin' ? join(home, 'Library', 'Application Support') : platform === 'win32' ? (environment['APPDATA'] ?? join(home, 'AppData', 'Roaming')) : (environment['XDG_CONFIG_HOME'] ?? join(home, '.config'));
  return [
    ['vscode', join(support, 'Code', 'User', 'mcp.json')],
    ['vscode', join(support, 'Code', 'User', 'settings.json')],
    ['claude', join(home, '.claude.json')],
    ['claude-desktop', join(support, 'Claude', 'claude_desktop_config.json')],
    ['cursor', join(home, '.cursor', 'mcp.json')],
    ['codex', join(environment['CODEX_HOME'] ?? join(home, '.codex'), 'config.toml')],
    ['gemini', join(home, '.gemini', 'settings.json')],
  ];
}

/** Name of the file that remembers the last import, so that it can be undone. */
const recordName = 'backends_import.json';
const recordSchema = z.strictObject({ v: z.literal(1), backends: z.array(z.string()), credentials: z.array(z.string()) });

/** Shows what would be taken over, asks, and does it. */
export async function importBackends(broker: BrokerClient, configDir: string, options: Readonly<{ from?: string; file?: string[] }>): Promise<number> {
  const wanted = options.from?.split(',').map((name) => name.trim());
  const known = foreignFiles(homedir(), process.platform, process.env).filter(([program]) => wanted === undefined || wanted.includes(program));
  const files = options.file === undefined ? known : options.file.map((file) => ['file', file] as const);
  const { backends } = await broker.request('backends/list', {});
  const found = files.flatMap(([program, file]) => readServers(program, file));
  const servers = chosen(found, backends.map(({ backend }) => backend));
  if (servers.length === 0) {
    print('There is nothing to take over.');
    return 1;
  }
  for (const server of servers) show(server);
  print('Their programs keep them as well: remove them there, so that agents reach them through Conductor only.');
  // What an agent could run would free it.
  requirePerson();
  if (!(await confirmed(`Type "yes" to add ${servers.length === 1 ? 'this server' : `these ${String(servers.length)} servers`}; each waits for your approval before it starts: `))) {
    note('Nothing was changed.');
    return 1;
  }
  await takeOver(broker, configDir, servers);
  print('Done. Undo it with "conductor backends import --undo". List their tools in external_mcp_policy.json, then run "conductor backends approve NAME".');
  return 0;
}

/** Takes the last import back: removes the servers and the credentials that it made. */
export async function undoImport(broker: BrokerClient, configDir: string): Promise<number> {
  const file = join(configDir, recordName);
  const text = textOf(file);
  const record = recordSchema.safeParse(text === undefined ? undefined : JSON.parse(text));
  if (!record.success) throw new ConductorError('NOT_FOUND', 'There is no import to undo.');
  const { backends } = await broker.request('backends/list', {});
  for (const backend of record.data.backends.filter((name) => backends.some((one) => one.backend === name))) {
    await broker.request('backends/withdraw', { backend });
    await broker.request('backends/change', { change: 'remove', backend });
    print(line(`${backend} is removed.`));
  }
  for (const name of record.data.credentials) print(line(`${name} ${(await broker.request('credentials/delete', { name })).deleted ? 'is deleted.' : 'was gone already.'}`));
  rmSync(file);
  return 0;
}

type Found = ForeignServer & Readonly<{ program: string; file: string }>;

function readServers(program: string, file: string): Readonly<{ program: string; file: string; content: unknown }>[] {
  const text = textOf(file);
  if (text === undefined) return [];
  try {
    if (file.endsWith('.toml')) return [{ program, file, content: parseToml(text) }];
    const { root, problems } = parseJsonc(text);
    if (root === undefined || problems.some(({ code }) => code === 'config.syntax')) throw new SyntaxError(problems[0]?.message ?? 'This is no JSON.');
    return [{ program, file, content: getNodeValue(root) }];
  } catch (error) {
    note(line(`${file} cannot be read and is left out: ${error instanceof Error ? error.message : String(error)}`));
    return [];
  }
}

/** The servers of all files; one that several programs have in the same words is taken once. */
function chosen(found: ReturnType<typeof readServers>, taken: readonly string[]): Found[] {
  const servers: Found[] = [];
  const seen = new Set<string>();
  for (const { program, file, content } of found) {
    const { servers: some, leftOut } = foreignServers(content, [...taken, ...servers.map(({ backend }) => backend)]);
    for (const { name, why } of leftOut) note(line(`${program}: ${name} is left out. ${why}`));
    for (const server of some) {
      const words = JSON.stringify(wordsOf(server));
      if (seen.has(words)) continue;
      seen.add(words);
      servers.push({ ...server, program, file });
    }
  }
  return servers;
}

function wordsOf({ profile, secrets }: ForeignServer): unknown {
  return profile.transport === 'stdio' ? [profile.command, profile.args, Object.keys(profile.env ?? {}).sort(), secrets.map(({ value }) => value)] : [profile.url, secrets.map(({ value }) => value)];
}

function show({ program, file, backend, profile, secrets, remarks }: Found): void {
  print(line(`${backend} (from ${program}: ${file})`));
  print(line(`  ${JSON.stringify(profile)}`));
  for (const { credential } of secrets) print(line(`  its secret goes into the credential store as ${credential}`));
  for (const remark of remarks) print(line(`  ! ${remark}`));
}

async function takeOver(broker: BrokerClient, configDir: string, servers: readonly Found[]): Promise<void> {
  const { credentials } = await broker.request('credentials/list', {});
  const twice = servers.flatMap(({ secrets }) => secrets).find(({ credential }) => credentials.some(({ name }) => name === credential));
  if (twice !== undefined) throw new ConductorError('CONFLICT', `There is a credential ${twice.credential} already, which is not replaced.`, { next: 'Delete or rename it, then import again.' });
  const done: { backends: string[]; credentials: string[] } = { backends: [], credentials: [] };
  // What was done is known before it is done, so that an import that stops half-way can be undone.
  const remember = (): void => writePrivateFile(join(configDir, recordName), `${JSON.stringify({ v: 1, ...done })}\n`);
  for (const { backend, profile, secrets } of servers) {
    for (const { credential, value } of secrets) {
      done.credentials.push(credential);
      remember();
      await broker.request('credentials/set', { name: credential, value });
    }
    done.backends.push(backend);
    remember();
    await broker.request('backends/change', { change: 'set', backend, profile });
  }
}

function textOf(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // Most people have few of these programs.
  }
  if (text.length <= sizeLimit * 8) return text;
  note(line(`${file} is too large and is left out.`));
  return undefined;
}
