/**
 * Names of files that builders, package managers, test runners and the editor's own helpers take their orders from: configuration that is
 * code, manifests with scripts in them, and files that choose a program's version. A command that would change one asks; `filesystem.write`
 * shows its bytes anyway. Whoever lists `tee` or `cp` has not meant to let agents choose what runs as soon as a folder is open in an editor.
 */

/** Whole names, in lower case. A test pins this list. */
export const orderFiles: readonly string[] = [
  // Manifests and lists of tasks that name programs.
  'package.json', 'package.yaml', 'package.json5', 'deno.json', 'deno.jsonc', 'composer.json', 'cargo.toml', 'pyproject.toml', 'setup.py', 'setup.cfg', 'pipfile', 'gemfile', 'gems.rb', 'pom.xml', 'build.xml', 'go.mod', 'go.work', 'mix.exs', 'rebar.config', 'package.swift', 'podfile', 'pubspec.yaml', 'project.clj', 'deps.edn', 'dune', 'dune-project',
  'makefile', 'gnumakefile', 'justfile', '.justfile', 'taskfile.yml', 'taskfile.yaml', 'rakefile', 'cmakelists.txt', 'cmakepresets.json', 'cmakeuserpresets.json', 'meson.build', 'wscript', 'sconstruct', 'sconscript', 'build.bazel', 'workspace.bazel', 'module.bazel', 'build.rs', 'build.zig', 'build.sbt', 'snakefile', 'tiltfile', 'earthfile',
  'gulpfile', 'gruntfile', 'jakefile', 'cakefile', 'vagrantfile', 'brewfile', 'procfile', 'fastfile', 'dangerfile', 'guardfile', 'capfile', 'thorfile', 'dockerfile', 'docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml', 'nx.json', 'turbo.json', 'angular.json', 'lerna.json', 'project.json',
  // Test runners.
  'conftest.py', 'pytest.ini', 'tox.ini', 'noxfile.py', 'karma.conf.js', '.coveragerc', 'mocha.opts',
  // What names files and plug-ins for the language helpers of editors.
  'tsconfig.json', 'jsconfig.json', 'compile_flags.txt', 'compile_commands.json', '.clangd', 'pyrightconfig.json', 'settings.gradle', 'build.gradle', 'directory.build.rsp', 'nuget.config', 'global.json',
  // Which version of a program is used, and from where.
  'rust-toolchain', 'rust-toolchain.toml', '.python-version', '.node-version', '.nvmrc', '.ruby-version', '.java-version', '.go-version', '.sdkmanrc',
];

const known: ReadonlySet<string> = new Set(orderFiles);

/** Configuration in a language that is run (`vite.config.ts`, `gulpfile.mjs`), settings under a hidden name (`.eslintrc.cjs`), and the projects of build systems. */
const shapes: readonly RegExp[] = [
  /(^|[.-])config\.[cm]?[jt]sx?$/, /^(gulp|grunt|jake|cake)file\.[a-z.]+$/, /^\.[a-z0-9_-]+rc(\.(json5?|ya?ml|toml|[cm]?[jt]s))?$/,
  /\.(gradle|gradle\.kts|cmake|mk|bzl|bazel|nix|gemspec|podspec|[a-z]+proj|props|targets)$/, /^(tsconfig|jsconfig|docker-compose|compose|project)\.[a-z0-9._-]+\.(json|ya?ml)$/,
];

/** Whether something takes its orders from a file of this name, in any case. */
export function isOrderFile(name: string): boolean {
  const folded = name.toLowerCase();
  return known.has(folded) || (folded.length <= 255 && folded.includes('.') && shapes.some((shape) => shape.test(folded)));
}
