/** Files from which builders and package managers take their orders without being told: an approval binds to them as well. */

type BuildFiles = Readonly<{
  names: readonly string[];
  /** Whether the folders above count too, up to the project. */
  above: boolean;
}>;

const packages: BuildFiles = {
  names: ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'yarn.lock', '.npmrc', '.yarnrc', '.yarnrc.yml', '.pnpmfile.cjs', 'bun.lock', 'bun.lockb', 'bunfig.toml', 'turbo.json', 'nx.json', 'lerna.json'],
  above: true,
};
const make: BuildFiles = { names: ['GNUmakefile', 'makefile', 'Makefile', 'BSDmakefile'], above: false };
const cargo: BuildFiles = { names: ['Cargo.toml', 'Cargo.lock', 'build.rs', '.cargo/config.toml', '.cargo/config', 'rust-toolchain', 'rust-toolchain.toml'], above: true };
const go: BuildFiles = { names: ['go.mod', 'go.sum', 'go.work'], above: true };
const gradle: BuildFiles = { names: ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts', 'gradle.properties', 'gradle/wrapper/gradle-wrapper.properties'], above: true };
const python: BuildFiles = { names: ['pyproject.toml', 'setup.py', 'setup.cfg', 'conftest.py', 'tox.ini', 'pytest.ini', 'noxfile.py', 'poetry.lock', 'Pipfile', 'Pipfile.lock', 'uv.lock'], above: true };
const docker: BuildFiles = { names: ['Dockerfile', 'docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml', '.env'], above: false };

const all: ReadonlyMap<string, BuildFiles> = new Map<string, BuildFiles>([
  ...['npm', 'npx', 'pnpm', 'pnpx', 'yarn', 'yarnpkg', 'bun', 'bunx', 'turbo', 'nx', 'lerna'].map((name) => [name, packages] as const),
  ...['make', 'gmake', 'bmake'].map((name) => [name, make] as const),
  ['cargo', cargo],
  ['go', go],
  ...['gradle', 'gradlew'].map((name) => [name, gradle] as const),
  ['mvn', { names: ['pom.xml', '.mvn/maven.config', '.mvn/jvm.config', '.mvn/extensions.xml'], above: true }],
  ...['pip', 'pip3', 'uv', 'poetry', 'pipenv', 'pytest', 'tox', 'nox'].map((name) => [name, python] as const),
  ...['docker', 'docker-compose', 'podman'].map((name) => [name, docker] as const),
  ['just', { names: ['justfile', 'Justfile', '.justfile'], above: true }],
  ['task', { names: ['Taskfile.yml', 'taskfile.yml', 'Taskfile.yaml', 'Taskfile.dist.yml'], above: true }],
  ['rake', { names: ['Rakefile', 'rakefile', 'Rakefile.rb'], above: true }],
  ['bundle', { names: ['Gemfile', 'Gemfile.lock', '.bundle/config'], above: true }],
  ['composer', { names: ['composer.json', 'composer.lock'], above: false }],
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
