import assert from 'node:assert/strict';
import { buildFilesOf } from './buildFiles';

/** A manifest, its lockfile, and a settings file that can name programs or registries, for each manager. */
const managers: readonly (readonly [program: string, ...files: readonly string[]])[] = [
  ['npm', 'package.json', 'package-lock.json', 'npm-shrinkwrap.json', '.npmrc'],
  ['npx', 'package.json', 'package-lock.json', '.npmrc'],
  ['pnpm', 'package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.pnpmfile.cjs', '.npmrc'],
  ['yarn', 'package.json', 'yarn.lock', '.yarnrc', '.yarnrc.yml', '.pnp.cjs'],
  ['bun', 'package.json', 'bun.lock', 'bun.lockb', 'bunfig.toml'],
  ['cargo', 'Cargo.toml', 'Cargo.lock', 'build.rs', '.cargo/config.toml', 'rust-toolchain.toml'],
  ['go', 'go.mod', 'go.sum', 'go.work', 'vendor/modules.txt'],
  ['pip', 'pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt'],
  ['uv', 'pyproject.toml', 'uv.lock', 'uv.toml'],
  ['poetry', 'pyproject.toml', 'poetry.lock', 'poetry.toml'],
  ['make', 'GNUmakefile', 'makefile', 'Makefile'],
  ['composer', 'composer.json', 'composer.lock'],
  ['bundle', 'Gemfile', 'Gemfile.lock', '.bundle/config'],
  ['gradle', 'build.gradle', 'build.gradle.kts', 'settings.gradle', 'gradle.lockfile', 'gradle/wrapper/gradle-wrapper.properties'],
  ['mvn', 'pom.xml', '.mvn/extensions.xml', '.mvn/maven.config'],
  ['dotnet', 'packages.lock.json', 'NuGet.config', 'Directory.Build.props'],
];

describe('what builders read without being told', () => {
  for (const [program, ...files] of managers) {
    it(`T8 N1 ${program}: manifest, lockfile and settings`, () => {
      const names = buildFilesOf([program])?.names ?? [];
      assert.deepEqual(files.filter((file) => !names.includes(file)), []);
      assert.equal(new Set(names).size, names.length);
    });
  }

  it('knows nothing of other programs', () => assert.equal(buildFilesOf(['ls', 'constructor', '__proto__']), undefined));
});
