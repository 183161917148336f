// Builds what is installed: the extension, the broker and the command, each a bundle of its own in dist/.
import { build } from 'esbuild';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const production = process.argv.includes('--production');

/** Platforms for which the native file lock is shipped. */
const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

/** The native addon is loaded from beside the bundle, for the platform at hand; nothing is searched for. */
const nativeBesideBundle = {
  name: 'native-beside-bundle',
  setup(esbuild) {
    esbuild.onLoad({ filter: /fs-native-extensions[\\/]binding\.js$/ }, () => ({
      contents: 'module.exports = require(require("node:path").join(__dirname, "native", process.platform + "-" + process.arch, "fs-native-extensions.node"));',
      loader: 'js',
    }));
  },
};

/** Error texts of the schema library in forty languages, of which only the built-in English ones are used. */
const withoutLocales = {
  name: 'without-locales',
  setup(esbuild) {
    esbuild.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export {};', loader: 'js' }));
  },
};

/** A dynamic import of a sibling that has a bundle of its own stays a require at run time. */
const lazySiblings = (names) => ({
  name: 'lazy-siblings',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^\.\// }, ({ path, kind }) => (kind === 'dynamic-import' && names.includes(path.slice(2)) ? { path: `${path}.js`, external: true } : undefined));
  },
});

/** Libraries that several bundles need are packed once, each in a file of its own: what is imported, and the file. */
const librariesApartFrom = (own) => ({
  name: 'libraries-apart',
  setup(esbuild) {
    const apart = (filter, file) => (file === own ? undefined : esbuild.onResolve({ filter }, () => ({ path: `./${file}.js`, external: true })));
    apart(/^zod$/, 'zod');
    apart(/^commander$/, 'commander');
    apart(/^vscode-jsonrpc(\/node)?$/, 'jsonrpc');
    // The types of the protocol are a part of it, and are packed with it.
    apart(/^vscode-languageserver-(protocol(\/node)?|types)$/, 'lsp');
  },
});
const librariesApart = librariesApartFrom(undefined);

/** Packs one of those libraries, whole. */
function buildLibrary(file, contents, plugins = []) {
  return build({ ...common, stdin: { contents, resolveDir: root, sourcefile: file }, outdir: undefined, outfile: join(dist, `${file}.js`), plugins: [...plugins, librariesApartFrom(file)] });
}

/** What reads configurations and reaches brokers takes more memory than most verifications, and stays in the server's file until it is asked for. */
const lazyBesideVerifier = lazySiblings(['anchorPolicy', 'brokerClient']);

/** The program that verifies logs, which is a bundle of its own so that it stays small in memory. */
const verifier = { entryPoints: { verifyProgram: 'server/src/doors/cli/verifyProgram.ts' }, plugins: [librariesApart, lazyBesideVerifier] };

/** The files of ours that this program is made of. The broker and the command have them as well, so they are packed once. */
async function filesOfVerifier() {
  const { metafile } = await build({ ...common, ...verifier, write: false, metafile: true, sourcemap: false });
  return Object.keys(metafile.inputs).filter((file) => /^(protocol|link|server)\//.test(file) && !Object.values(verifier.entryPoints).includes(file));
}

/** A bundle takes these files from the one in which they are packed. */
const takenFrom = (library, files) => ({
  name: 'taken-from',
  setup(esbuild) {
    const places = new Map(files.map((file, index) => [join(root, file), index]));
    esbuild.onLoad({ filter: /\.ts$/ }, ({ path }) => (places.has(path) ? { contents: `module.exports = require('./${library}.js').file${places.get(path)};`, loader: 'js', resolveDir: root } : undefined));
    esbuild.onResolve({ filter: new RegExp(`^\\./${library}\\.js$`) }, ({ path }) => ({ path, external: true }));
  },
});

/** What programs ask the server's file for by a file of its own beside it, with what that file exports. */
const doorsOfServer = { program: ['runProgram'], anchorPolicy: ['anchorsIn'], brokerClient: ['openRunningBroker', 'openRunningTerminal'] };

/** The broker and the command are made of the same rooms, which are packed once; what is not asked for is not run. */
const serverBundle = [
  "export const runBroker = () => import('./server/src/main.ts');",
  ...Object.entries(doorsOfServer).flatMap(([file, names]) => names.map((name) => `export const ${name} = async (...asked) => (await import('./server/src/doors/cli/${file}.ts')).${name}(...asked);`)),
].join('\n');

const common = {
  bundle: true, platform: 'node', target: 'node20', format: 'cjs', outdir: dist, absWorkingDir: root, logLevel: 'warning',
  mainFields: ['module', 'main'], minify: production, sourcemap: production ? false : 'linked', legalComments: 'none',
};

/** Builds everything; development builds carry source maps. */
export async function buildAll() {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const verifying = await filesOfVerifier();
  const shared = takenFrom('verifying', verifying);
  await Promise.all([
    build({ ...common, entryPoints: { extension: 'client/src/extension.ts', languageClient: 'client/src/languageClient.ts', signer: 'client/src/audit/signer.ts', approver: 'client/src/approvals/approver.ts' }, external: ['vscode'], plugins: [librariesApart, lazySiblings(['languageClient', 'signer', 'approver'])] }),
    build({ ...common, stdin: { contents: serverBundle, resolveDir: root, sourcefile: 'server.mjs' }, outdir: undefined, outfile: join(dist, 'server.js'), plugins: [shared, librariesApart, nativeBesideBundle, lazySiblings(['corpus'])] }),
    build({ ...common, entryPoints: { corpus: 'server/src/config/corpus.ts', auditPart: 'server/src/audit/verify/partWorker.ts' } }),
    build({ ...common, entryPoints: { conductor: 'server/src/doors/cli/conductor.ts', pipe: 'server/src/doors/cli/pipe.ts' }, plugins: [librariesApart, lazySiblings(['pipe', 'program', 'verifyProgram'])] }),
    build({ ...common, ...verifier, plugins: [shared, ...verifier.plugins] }),
    buildLibrary('verifying', verifying.map((file, index) => `export * as file${index} from './${file}';`).join('\n'), [lazyBesideVerifier]),
    buildLibrary('commander', "export * from 'commander';"),
    buildLibrary('zod', "export * from 'zod';", [withoutLocales]),
    buildLibrary('jsonrpc', "module.exports = require('vscode-jsonrpc/node');"),
    buildLibrary('lsp', "module.exports = require('vscode-languageserver-protocol/node');"),
  ]);
  writeFileSync(join(dist, 'broker.js'), "require('./server.js').runBroker();\n");
  for (const [file, names] of Object.entries(doorsOfServer)) {
    writeFileSync(join(dist, `${file}.js`), names.map((name) => `exports.${name} = require('./server.js').${name};\n`).join(''));
  }
  copyNative();
}

function copyNative() {
  const prebuilds = join(dirname(createRequire(import.meta.url).resolve('fs-native-extensions')), 'prebuilds');
  for (const platform of platforms) {
    const file = join(prebuilds, platform, 'fs-native-extensions.node');
    if (!existsSync(file)) throw new Error(`The native file lock for ${platform} is missing: ${file}`);
    cpSync(file, join(dist, 'native', platform, 'fs-native-extensions.node'));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
