/** Names of files and folders that decide what programs run or what agents may do. Changing one asks a person, whatever the settings say. */

/** Folders and files by exact name at any depth; everything inside such a folder counts too. A test pins this list. */
export const controlNames: readonly string[] = [
  // Version control: configuration, hooks and attributes name programs.
  '.git', '.gitconfig', '.gitattributes', '.gitmodules', '.hg', '.hgrc', '.svn', '.jj', '.husky', '.githooks', '.lefthook', 'lefthook.yml',
  '.lefthook.yml', 'lefthook.yaml', 'lefthook.toml', 'lefthook.json', '.pre-commit-config.yaml', '.pre-commit-config.yml', '.pre-commit-hooks.yaml', '.overcommit.yml', '.simple-git-hooks.json',
  // Editors: tasks, launch and interpreter settings.
  '.vscode', '.idea', '.vs', '.zed', '.fleet', '.devcontainer', '.devcontainer.json', '.vimrc', '.exrc', '.nvimrc', '.nvim.lua', '.lvimrc', '.vim', '.emacs', '.emacs.d', '.dir-locals.el', '.run',
  // Agents: settings, hooks, servers.
  '.conductor', '.claude', '.claude.json', '.cursor', '.codex', '.gemini', '.copilot', '.continue', '.windsurf', '.codeium', '.roo', '.kilocode',
  '.cline', '.clinerules', '.kiro', '.qwen', '.opencode', 'opencode.json', 'opencode.jsonc', '.aider.conf.yml', '.amazonq', '.augment', '.junie',
  '.trae', '.goose', '.goosehints', '.roomodes', '.roorules', '.factory', '.warp', '.mcp.json', 'mcp.json',
  // Agents: what they are told to do, which decides what they do.
  'agents.md', 'agent.md', 'agents.override.md', 'claude.md', 'claude.local.md', 'gemini.md', 'warp.md', '.rules',
  // Package managers and tool chains: which registry, which script shell, which binary.
  '.npmrc', '.yarnrc', '.yarnrc.yml', '.yarnrc.yaml', '.yarn', '.pnpmrc', '.pnpmfile.cjs', '.pnpmfile.mjs', 'pnpmfile.js', 'pnpm-workspace.yaml', '.pnp.cjs', '.pnp.loader.mjs', '.pypirc', '.condarc', '.cargo', '.mise.toml', 'mise.toml', 'mise.local.toml', '.mise.local.toml', '.mise', '.tool-versions', 'bunfig.toml', '.bazelrc', '.mvn', '.jvmopts', '.sbtopts', '.bundle', '.rspec', '.terraformrc', 'ansible.cfg', '.ansible.cfg',
  // Shells, debuggers, transfer programs and keys: read without being named on a command line.
  '.envrc', '.direnv', '.profile', '.bashrc', '.bash_profile', '.bash_login', '.bash_logout', '.zshrc', '.zshenv', '.zprofile', '.zlogin',
  '.inputrc', '.gdbinit', '.lldbinit', '.curlrc', '.wgetrc', '.ripgreprc', '.netrc', '_netrc', '.pgpass', '.ssh', '.gnupg', '.bash_aliases', '.zlogout',
  '.tmux.conf', '.screenrc', '.pdbrc', '.irbrc', '.pryrc', '.rprofile', '.psqlrc', '.sqliterc', '.my.cnf', '.mongorc.js', '.mongoshrc.js',
  'sitecustomize.py', 'usercustomize.py',
  // Continuous integration that runs whatever is checked in.
  '.circleci', '.gitlab-ci.yml', '.travis.yml', '.drone.yml', '.woodpecker', '.woodpecker.yml', '.buildkite', 'jenkinsfile', 'azure-pipelines.yml', 'bitbucket-pipelines.yml', '.gitpod.yml', 'appveyor.yml', '.appveyor.yml', '.cirrus.yml',
];

/** Folder pairs that count only together, since the outer folder alone also holds harmless files. */
const controlPairs: readonly (readonly [outer: string, inner: string])[] = [
  ['.github', 'workflows'],
  ['.github', 'actions'],
  ['.github', 'hooks'],
  ['.github', 'instructions'],
  ['.github', 'prompts'],
  ['.github', 'chatmodes'],
  ['.github', 'agents'],
  ['.gitea', 'workflows'],
  ['.forgejo', 'workflows'],
  ['mise', 'config.toml'],
];

/** What makes a folder count that is given one of the outer names, and lies harmless under another. */
export const innerControlNames: readonly string[] = [...new Set(controlPairs.map(([, inner]) => inner))];

const outerNames: ReadonlySet<string> = new Set(controlPairs.map(([outer]) => outer));

const controlSuffixes: readonly string[] = ['.code-workspace', '.sublime-project', '.pth'];

/** Names that begin like this count, whatever follows: agents keep adding files beside the first one. */
const controlPrefixes: readonly string[] = ['.aider', '.cursor', '.windsurf', '.claude', '.lintstagedrc', 'lint-staged.config.'];

const known: ReadonlySet<string> = new Set(controlNames);

/**
 * The first control name in a path below a project, as written there, or undefined.
 * Sees through case, zero-width characters, look-alike forms, trailing dots and blanks, stream suffixes and 8.3 short names,
 * on every platform, because the project may lie on a disk that does the same.
 */
export function controlNameIn(segments: readonly string[]): string | undefined {
  let outer: string | undefined;
  for (const segment of segments) {
    const name = fold(segment);
    if (isControl(name) || isPair(outer, name)) return segment;
    outer = name;
  }
  return undefined;
}

/** Most names consist of these alone, and then only case could hide something: no dot or blank at the end, no colon, no tilde. */
const ordinary = /^[A-Za-z0-9_.-]*[A-Za-z0-9_-]$/;

/** Brings every spelling that some disk takes for the same name to one form. */
function fold(name: string): string {
  if (ordinary.test(name)) return name.toLowerCase();
  const visible = name.replace(/\p{Default_Ignorable_Code_Point}/gu, '').normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  const colon = visible.indexOf(':');
  return (colon < 0 ? visible : visible.slice(0, colon)).replace(/[. ]+$/, '').toLowerCase();
}

function isControl(name: string): boolean {
  return known.has(name) || (name.includes('.') && isAffixed(name)) || isShortName(name);
}

/** Every prefix and suffix holds a dot. */
function isAffixed(name: string): boolean {
  return controlSuffixes.some((suffix) => name.endsWith(suffix)) || controlPrefixes.some((prefix) => name.startsWith(prefix));
}

function isPair(outer: string | undefined, inner: string): boolean {
  return outer !== undefined && outerNames.has(outer) && (controlPairs.some((pair) => pair[0] === outer && pair[1] === inner) || (outer === '.github' && inner.startsWith('copilot')));
}

type ShortForm = Readonly<{ base: string; extension: string }>;

/** 8.3 forms are made of the name without its leading dots: six letters, a tilde and a number, three letters of extension. */
function shortForm(name: string): ShortForm {
  const bare = name.replace(/^\.+/, '');
  const dot = bare.lastIndexOf('.');
  const base = (dot < 0 ? bare : bare.slice(0, dot)).replace(/[. ]/g, '');
  return { base: base.slice(0, 6), extension: dot < 0 ? '' : bare.slice(dot + 1, dot + 4) };
}

const shortForms: readonly ShortForm[] = controlNames.filter((name) => name.startsWith('.') || name.length > 8).map(shortForm);

/** `git~1`, `vscode~2`, and after several collisions two letters, four hex digits and a number: `gi7eba~1`. */
function isShortName(name: string): boolean {
  if (!name.includes('~')) return false;
  const match = /^([^~.]{2,6})~[0-9]{1,6}(?:\.([^.]{1,3}))?$/.exec(name);
  if (match === null) return false;
  const [, base = '', extension = ''] = match;
  const hashed = /^..[0-9a-f]{4}$/.test(base);
  return shortForms.some((form) => form.extension === extension && (form.base.startsWith(base) || (hashed && form.base.startsWith(base.slice(0, 2)))));
}
