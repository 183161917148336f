/** How VS Code's own agent reaches Conductor: one server for each folder of a trusted workspace. */

/** One server definition, before the editor's own class wraps it. */
export type ServerDefinition = Readonly<{ label: string; command: string; args: readonly string[]; env: Readonly<Record<string, string>>; cwd: string }>;

/** What the definitions depend on. */
export type Surroundings = Readonly<{
  trusted: boolean;
  folders: readonly Readonly<{ name: string; path: string }>[];
  execPath: string;
  /** Absolute path of the `conductor` command's script. */
  script: string;
  /** The value of `CONDUCTOR_CONFIG_DIR`, when it is set. */
  configDir: string | undefined;
  /** Id of this window, which the log names beside the agent's calls. */
  window: string;
}>;

/** The definitions: none before the workspace is trusted, none without a folder. Two folders of one name are told apart by number. */
export function definitionsFor(around: Surroundings): ServerDefinition[] {
  if (!around.trusted) return [];
  const env = { ELECTRON_RUN_AS_NODE: '1', CONDUCTOR_WINDOW: around.window, ...(around.configDir === undefined ? {} : { CONDUCTOR_CONFIG_DIR: around.configDir }) };
  return around.folders.map((folder, index) => ({
    label: labelOf(around.folders, index),
    command: around.execPath,
    args: [around.script, 'mcp', 'start', '--project', folder.path],
    env,
    cwd: folder.path,
  }));
}

function labelOf(folders: Surroundings['folders'], index: number): string {
  const name = folders[index]?.name ?? '';
  if (folders.length === 1) return 'Conductor';
  const earlier = folders.slice(0, index).filter((folder) => folder.name === name).length;
  return earlier === 0 ? `Conductor (${name})` : `Conductor (${name} ${earlier + 1})`;
}
