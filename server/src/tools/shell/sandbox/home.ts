import { join } from 'node:path';

/**
 * What a sandboxed command sees of the home folder. A list of what is shown, not of what is secret: nobody knows all the places where
 * programs keep keys. The rest looks empty, and what is written there is gone with the command.
 */

/** Tool chains and what they have fetched, relative to the home folder. None of these places is meant for keys. A test pins them. */
export const toolChains: readonly string[] = [
  // Version managers.
  '.nvm', '.volta', '.fnm', '.local/share/fnm', '.nodenv', '.asdf', '.local/share/mise', '.pyenv', '.rbenv', '.rvm', '.jenv', '.sdkman/candidates', '.goenv',
  // Tool chains and what package managers have unpacked. Beside `.cargo/registry` stands a file with tokens, so the folder above is not shown.
  '.rustup', '.cargo/bin', '.cargo/registry', '.cargo/git', 'go/bin', 'go/pkg', '.bun/bin', '.bun/install', '.deno/bin', '.local/share/pnpm', '.local/share/uv/python', '.local/share/uv/tools', '.local/bin',
  '.local/lib', '.m2/repository', '.m2/wrapper', '.gradle/wrapper',
  // The user's certificates lie beside these.
  '.dotnet/dotnet', '.dotnet/host', '.dotnet/packs', '.dotnet/sdk', '.dotnet/shared', '.dotnet/tools', '.opam', '.ghcup', '.juliaup', '.linuxbrew',
];

/** What git reads of its user; the files beside them hold passwords. */
const gitFiles: readonly string[] = ['.gitconfig', '.config/git/config', '.config/git/ignore', '.config/git/attributes'];

/** Absolute paths of the home folder that are shown; they need not exist. */
export function homeShown(home: string, git: boolean): readonly string[] {
  return [...toolChains, ...(git ? gitFiles : [])].map((path) => join(home, path));
}
