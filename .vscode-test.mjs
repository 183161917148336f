/**
 * The editor suites, in a real VS Code with the packaged extension installed.
 *
 *   npx vscode-test                      a downloaded desktop VS Code; VSCODE_VERSION=1.101.0 picks another than stable
 *   VSCODE_HOST=web npx vscode-test      the VS Code from npm (see scripts/editorHost)
 *
 * VSCODE_HOST_TRUST=1  runs the suites for Restricted Mode instead, with workspace trust switched on
 * CONDUCTOR_VSIX       the package to install; default: conductor-vscode-<version>.vsix in this folder
 * CONDUCTOR_SHOT_DIR   where pictures go; default: out/test/editor/shots
 * COUNTS_FILE          also adds the numbers of passed and failed tests to that file
 */
import { defineConfig } from '@vscode/test-cli';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { COUNTS_FILE, CONDUCTOR_VSIX, CONDUCTOR_SHOT_DIR, VSCODE_HOST, VSCODE_VERSION } = process.env;
const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const vsix = CONDUCTOR_VSIX ?? join(root, `conductor-vscode-${version}.vsix`);
if (!existsSync(vsix)) throw new Error(`There is no ${vsix}. Make it with "npm run package", then try again.`);
const run = freshFolders();

/** A test must not change the checkout, nor find or leave anything in the person's own ~/.conductor. */
function freshFolders() {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-editor-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const folders = { workspace: join(folder, 'sample'), config: join(folder, 'config'), user: join(folder, 'user'), extensions: join(folder, 'extensions') };
  cpSync(join(root, 'test', 'editor', 'fixtures', 'sample'), folders.workspace, { recursive: true });
  for (const path of [folders.config, folders.extensions, join(folders.user, 'User')]) mkdirSync(path, { recursive: true, mode: 0o700 });
  writeFileSync(join(folders.user, 'User', 'settings.json'), JSON.stringify(userSettings(), null, 2));
  return folders;
}

/** Nothing that opens by itself, and no agent but ours. */
function userSettings() {
  return {
    'chat.disableAIFeatures': true,
    'git.openRepositoryInParentFolders': 'never',
    'telemetry.telemetryLevel': 'off',
    'update.mode': 'none',
    'workbench.reduceMotion': 'on',
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'workbench.startupEditor': 'none',
    'workbench.colorTheme': 'Default Dark Modern',
  };
}

function webHost() {
  return {
    useInstallation: { fromPath: join(root, 'scripts', 'editorHost', 'vscodeHost.mjs') },
    launchArgs: [`--user-data-dir=${run.user}`, `--extensions-dir=${run.extensions}`, `--install-extension=${vsix}`],
  };
}

function desktopHost() {
  return {
    version: VSCODE_VERSION ?? 'stable',
    installExtensions: [vsix],
    launchArgs: [`--user-data-dir=${run.user}`],
  };
}

const isWeb = VSCODE_HOST === 'web';

export default defineConfig({
  tests: [
    {
      label: 'editor',
      files: `out/test/editor/${process.env.VSCODE_HOST_TRUST === '1' ? 'restricted' : 'driver'}/**/*.test.js`,
      extensionDevelopmentPath: join(root, 'test', 'editor', 'harness'),
      workspaceFolder: run.workspace,
      mocha: { ui: 'bdd', timeout: 30_000, ...(COUNTS_FILE === undefined ? {} : { reporter: join(root, 'scripts', 'countingReporter.cjs') }) },
      env: {
        CONDUCTOR_CONFIG_DIR: run.config,
        ...(isWeb ? { CONDUCTOR_SHOT_DIR: CONDUCTOR_SHOT_DIR ?? join(root, 'out', 'test', 'editor', 'shots') } : {}),
      },
      ...(isWeb ? webHost() : desktopHost()),
    },
  ],
  coverage: { include: ['**/src/**', '**/dist/**'], includeAll: true, reporter: ['text', 'lcov'] },
});
