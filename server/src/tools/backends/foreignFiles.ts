import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getNodeValue } from 'jsonc-parser';
import type { ImportSource } from '../../../../protocol/src/externalServers';
import { parseToml } from '../../base/toml';
import { parseJsonc, sizeLimit } from '../../config/jsonc';
import { foreignServers, type ForeignServer } from '../../rules/backends/foreign';

/** The MCP servers that other programs have. Their files stay as they are. */

/** Where other programs keep their servers. */
export function foreignFiles(home: string, platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): readonly ImportSource[] {
  const support = platform === 'darwin' ? join(home, 'Library', 'Application Support') : platform === 'win32' ? (environment['APPDATA'] ?? join(home, 'AppData', 'Roaming')) : (environment['XDG_CONFIG_HOME'] ?? join(home, '.config'));
  return [
    { program: 'vscode', file: join(support, 'Code', 'User', 'mcp.json') },
    { program: 'vscode', file: join(support, 'Code', 'User', 'settings.json') },
    { program: 'claude', file: join(home, '.claude.json') },
    { program: 'claude-desktop', file: join(support, 'Claude', 'claude_desktop_config.json') },
    { program: 'cursor', file: join(home, '.cursor', 'mcp.json') },
    { program: 'codex', file: join(environment['CODEX_HOME'] ?? join(home, '.codex'), 'config.toml') },
    { program: 'gemini', file: join(home, '.gemini', 'settings.json') },
  ];
}

/** A server with where it was found. */
export type Found = ForeignServer & ImportSource;

/** The servers of all these files, and in sentences what is left out; one that several programs have in the same words is taken once. `taken` are names in use. */
export function findServers(sources: readonly ImportSource[], taken: readonly string[]): Readonly<{ servers: readonly Found[]; leftOut: readonly string[] }> {
  const servers: Found[] = [];
  const leftOut: string[] = [];
  const seen = new Set<string>();
  for (const source of sources) {
    const { content, problem } = read(source);
    if (problem !== undefined) leftOut.push(problem);
    const { servers: some, leftOut: left } = foreignServers(content, [...taken, ...servers.map(({ backend }) => backend)]);
    leftOut.push(...left.map(({ name, why }) => `${source.program}: ${name} is left out. ${why}`));
    for (const server of some) {
      const words = JSON.stringify(wordsOf(server));
      if (seen.has(words)) continue;
      seen.add(words);
      servers.push({ ...server, ...source });
    }
  }
  return { servers, leftOut };
}

function read({ file }: ImportSource): Readonly<{ content?: unknown; problem?: string }> {
  const text = textOf(file);
  if (text === undefined) return {};
  try {
    if (text.length > sizeLimit * 8) throw new RangeError('It is too large.');
    if (file.endsWith('.toml')) return { content: parseToml(text) };
    const { root, problems } = parseJsonc(text);
    if (root === undefined || problems.some(({ code }) => code === 'config.syntax')) throw new SyntaxError(problems[0]?.message ?? 'This is no JSON.');
    return { content: getNodeValue(root) };
  } catch (error) {
    return { problem: `${file} cannot be read and is left out: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // Most people have few of these programs.
  }
}

function wordsOf({ profile, secrets }: ForeignServer): unknown {
  return profile.transport === 'stdio' ? [profile.command, profile.args, Object.keys(profile.env ?? {}).sort(), secrets.map(({ value }) => value)] : [profile.url, secrets.map(({ value }) => value)];
}
