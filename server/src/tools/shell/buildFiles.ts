/** Files from which builders and package managers take their orders without being told: an approval binds to them as well. */

type BuildFiles = Readonly<{
  names: readonly string[];
  /** Whether the folders above count too, up to the project. */
  above: boolean;
}>;

const packages: BuildFiles = {
  names: ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'yarn.lock', '.npmrc', '.yarnrc', '.yarnrc.yml', '.pnp.cjs', '.pnp.loader.mjs', '.pnpmfile.cjs', '.pnpmfile.mjs', 'package.json5', 'package.yaml', 'bun.lock', 'bun.lockb', 'bunfig.toml', 'turbo.json', 'nx.json', 'lerna.json'],
  above: true,
};
const make: BuildFiles = { names: ['GNUmakefile', 'makefile', 'Makefile', 'BSDmakefile'], above: false };
const cargo: BuildFiles = { names: ['Cargo.toml', 'Cargo.lock', 'build.rs', '.cargo/config.toml', '.cargo/config', 'rust-toolchain', 'rust-toolchain.toml'], above: true };
const go: BuildFiles = { names: ['go.mod', 'go.sum', 'go.work', 'go.work.sum', 'vendor/modules.txt'], above: true };
const gradle: BuildFiles = { names: ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts', 'gradle.properties', 'gradle/wrapper/gradle-wrapper.properties', 'gradle/libs.versions.toml', 'gradle/verification-metadata.xml', 'gradle.lockfile', 'buildscript-gradle.lockfile', 'settings-gradle.lockfile'], above: true };
const python: BuildFiles = { names: ['pyproject.toml', 'setup.py', 'setup.cfg', 'conftest.py', 'tox.ini', 'pytest.ini', 'noxfile.py', 'poetry.lock', 'Pipfile', 'Pipfile.lock', 'uv.lock', 'uv.toml', 'poetry.toml', 'pdm.lock', 'pdm.toml', 'pylock.toml', 'hatch.toml', 'requirements.txt', 'constraints.txt', 'sitecustomize.py'], above: true };
const bundler: BuildFiles = { names: ['Gemfile', 'Gemfile.lock', 'gems.rb', 'gems.locked', '.bundle/config'], above: true };
const docker: BuildFiles = { names: ['Dockerfile', 'docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml', '.env'], above: false };

const all: ReadonlyMap<string, BuildFiles> = new Map<string, BuildFiles>([
  ...['npm', 'npx', 'pnpm', 'pnpx', 'yarn', 'yarnpkg', 'bun', 'bunx', 'turbo', 'nx', 'lerna'].map((name) => [name, packages] as const),
  ...['make', 'gmake', 'bmake'].map((name) => [name, make] as const),
  ['cargo', cargo],
  ['go', go],
  ...['gradle', 'gradlew'].map((name) => [name, gradle] as const),
  ['mvn', { names: ['pom.xml', '.mvn/maven.config', '.mvn/jvm.config', '.mvn/extensions.xml', '.mvn/settings.xml', '.mvn/wrapper/maven-wrapper.properties'], above: true }],
  ...['pip', 'pip3', 'pipx', 'uv', 'uvx', 'poetry', 'pipenv', 'pdm', 'hatch', 'pytest', 'tox', 'nox', 'python', 'python3'].map((name) => [name, python] as const),
  ...['docker', 'docker-compose', 'podman'].map((name) => [name, docker] as const),
  ['tsc', { names: ['tsconfig.json', 'jsconfig.json'], above: true }],
  ['just', { names: ['justfile', 'Justfile', '.justfile'], above: true }],
  ['task', { names: ['Taskfile.yml', 'taskfile.yml', 'Taskfile.yaml', 'Taskfile.dist.yml'], above: true }],
  ['rake', { names: ['Rakefile', 'rakefile', 'Rakefile.rb'], above: true }],
  ...['bundle', 'bundler'].map((name) => [name, bundler] as const),
  ['composer', { names: ['composer.json', 'composer.lock', 'auth.json'], above: false }],
  ['dotnet', { names: ['global.json', 'NuGet.config', 'nuget.config', 'Directory.Build.props', 'Directory.Build.targets', 'Directory.Packages.props', 'packages.lock.json'], above: true }],
  ['cmake', { names: ['CMakeLists.txt', 'CMakePresets.json'], above: false }],
  ['ninja', { names: ['build.ninja'], above: false }],
  ['ant', { names: ['build.xml'], above: false }],
  ['deno', { names: ['deno.json', 'deno.jsonc', 'deno.lock', 'package.json'], above: true }],
  ['direnv', { names: ['.envrc'], above: true }],
]);

/** The files that one of these programs reads by itself, or undefined when none are known. */
export function buildFilesOf(programs: readonly string[]): BuildFiles | undefined {
  const found = programs.flatMap((name) => all.get(name) ?? []);
  return found.length === 0 ? undefined : { names: found.flatMap(({ names }) => names), above: found.some(({ above }) => above) };
}
