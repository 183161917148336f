import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig, type Config } from '../../../protocol/src/config';

/** Builds the tree of `places.json` on a real disk, and takes pictures of what must not change. */

/** One line of a tree: what, where below the root, and its content or target. */
export type TreeLine = readonly string[];

/** A tree on disk. */
export type Tree = Readonly<{ root: string; project: string; config: string; fill(text: string): string; remove(): void }>;

/** Makes a new tree; `parent` defaults to the system's temporary folder. */
export function makeTree(lines: readonly TreeLine[], parent = tmpdir()): Tree {
  const root = realpathSync.native(mkdtempSync(join(parent, 'conductor-paths-')));
  const project = join(root, 'ws');
  const config = join(root, 'cfg');
  const fill = (text: string): string => text.replaceAll('${WS}', project).replaceAll('${CONFIG}', config).replaceAll('${ROOT}', root);
  const sockets: Server[] = [];
  for (const [kind, path = '', more = ''] of lines) {
    const place = join(root, path);
    if (kind === 'folder') mkdirSync(place, { recursive: true });
    else if (kind === 'file') writeFileSync(place, more);
    else if (kind === 'hard') linkSync(join(root, more), place);
    else if (kind === 'link') symlinkSync(fill(more), place);
    else if (kind === 'pipe') execFileSync('mkfifo', [place]);
    else if (kind === 'socket') sockets.push(createServer().listen(place));
    else throw new Error(`unknown kind ${String(kind)}`);
  }
  const remove = (): void => {
    for (const socket of sockets) socket.close();
    rmSync(root, { recursive: true, force: true });
  };
  return { root, project, config, fill, remove };
}

/** Every object below a folder with its kind, mode and content, as one text; leaves out folders by name at the top. */
export function pictureOf(folder: string, without: readonly string[] = []): string {
  return readdirSync(folder).filter((name) => !without.includes(name)).sort().map((name) => describe(join(folder, name))).join('\n');
}

function describe(path: string): string {
  const stat = lstatSync(path);
  if (stat.isDirectory()) return `${path}/ ${stat.mode}\n${pictureOf(path)}`;
  if (stat.isSymbolicLink()) return `${path} -> ${readlinkSync(path)}`;
  return stat.isFile() ? `${path} ${stat.mode} ${JSON.stringify(readFileSync(path, 'latin1'))}` : `${path} ${stat.mode}`;
}

/** The default configuration with the given file settings; nothing asks unless told so. */
export function fileConfig(settings: Partial<Config['plugins']['filesystem']> = {}): Config {
  const filesystem = { ...defaultConfig.plugins.filesystem, requireApproval: [], ...settings };
  return { ...defaultConfig, plugins: { ...defaultConfig.plugins, filesystem } };
}
