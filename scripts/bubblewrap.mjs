// Puts a bubblewrap for tests under out/, with nothing installed: `system` is the one that this machine has or offers, `newest` the newest
// that Debian has, with the C library it wants. Linux only. `node scripts/bubblewrap.mjs` prints both folders.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'out', 'bubblewrap');

/** Which builds there are. @typedef {'system' | 'newest'} Build */

/**
 * The folder that holds `bwrap` of a build; fetched once. Throws an Error that says what is missing.
 * @param {Build} build
 */
export function bubblewrapFolder(build) {
  const folder = join(out, build);
  if (existsSync(join(folder, 'bwrap'))) return folder;
  const installed = build === 'system' ? ['/usr/bin', '/usr/local/bin', '/bin'].find((each) => existsSync(join(each, 'bwrap'))) : undefined;
  if (installed !== undefined) return installed;
  mkdirSync(out, { recursive: true });
  const scratch = mkdtempSync(join(out, 'fetch-'));
  try {
    const made = build === 'system' ? fetchSystem(scratch) : fetchNewest(scratch, folder);
    if (!existsSync(folder)) renameSync(made, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}

/** @param {string} scratch */
function fetchSystem(scratch) {
  const options = knows('bubblewrap', []) ? [] : privateLists(scratch, undefined);
  unpack(download(['bubblewrap'], options, scratch), join(scratch, 'x'));
  const made = join(scratch, 'made');
  mkdirSync(made);
  renameSync(join(scratch, 'x', 'usr', 'bin', 'bwrap'), join(made, 'bwrap'));
  return made;
}

/**
 * The newest build wants a newer C library than stable systems have, so that comes along and is started through its own loader.
 * @param {string} scratch
 * @param {string} target where the result will lie, since the launcher names it
 */
function fetchNewest(scratch, target) {
  const options = privateLists(scratch, 'sid');
  const made = join(scratch, 'made');
  unpack(download(['bubblewrap', 'libc6', 'libcap2', 'libselinux1', 'libpcre2-8-0'], options, scratch), join(made, 'x'));
  const triplet = readdirSync(join(made, 'x', 'usr', 'lib')).find((name) => name.endsWith('-linux-gnu'));
  if (triplet === undefined) throw new Error('The fetched C library has no folder for this machine.');
  const loader = readdirSync(join(made, 'x', 'usr', 'lib', triplet)).find((name) => name.startsWith('ld-linux'));
  if (loader === undefined) throw new Error('The fetched C library has no loader.');
  const libraries = join(target, 'x', 'usr', 'lib', triplet);
  const launcher = `#!/bin/sh\nexec '${join(libraries, loader)}' --library-path '${libraries}' --argv0 bwrap '${join(target, 'x', 'usr', 'bin', 'bwrap')}' "$@"\n`;
  writeFileSync(join(made, 'bwrap'), launcher, { mode: 0o755 });
  return made;
}

/**
 * @param {string} name
 * @param {string[]} options
 */
function knows(name, options) {
  return spawnSync('apt-get', [...options, '--print-uris', 'download', name], { encoding: 'utf8' }).stdout?.includes(`/${name}_`) === true;
}

/**
 * Package lists in folders of our own; those of the system stay as they are.
 * @param {string} scratch
 * @param {string | undefined} suite another suite of the archive that the system uses; default: what the system uses
 */
function privateLists(scratch, suite) {
  for (const each of ['lists/partial', 'cache/archives/partial', 'etc']) mkdirSync(join(scratch, each), { recursive: true });
  const own = [`Dir::State::Lists=${join(scratch, 'lists')}`, `Dir::Cache=${join(scratch, 'cache')}`];
  if (suite !== undefined) {
    writeFileSync(join(scratch, 'etc', 'sources.list'), `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${archive()} ${suite} main\n`);
    own.push(`Dir::Etc::SourceList=${join(scratch, 'etc', 'sources.list')}`, 'Dir::Etc::SourceParts=/nonexistent');
  }
  const options = own.flatMap((option) => ['-o', option]);
  run('apt-get', [...options, '-o', 'APT::Sandbox::User=root', 'update'], scratch);
  return options;
}

/** Where the system's own packages come from, so that no address stands here. */
function archive() {
  const { stdout } = spawnSync('apt-get', ['--print-uris', 'download', 'base-files'], { encoding: 'utf8' });
  const found = /'([^']+)\/pool\//.exec(stdout ?? '')?.[1];
  if (found === undefined) throw new Error('This system does not say where its packages come from. Run "apt-get update", or install bubblewrap 0.12.0 or later.');
  return found;
}

/**
 * @param {string[]} names
 * @param {string[]} options
 * @param {string} scratch
 */
function download(names, options, scratch) {
  const folder = join(scratch, 'debs');
  mkdirSync(folder);
  run('apt-get', [...options, '-o', 'APT::Sandbox::User=root', 'download', ...names], folder);
  return readdirSync(folder).map((name) => join(folder, name));
}

/**
 * @param {string[]} packages
 * @param {string} folder
 */
function unpack(packages, folder) {
  mkdirSync(folder, { recursive: true });
  for (const each of packages) run('dpkg', ['-x', each, folder], folder);
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 */
function run(program, args, cwd) {
  const { status, error, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 180_000 });
  if (status !== 0) throw new Error(`${program} ${args.slice(-3).join(' ')} failed: ${error?.message ?? stderr.trim().split('\n').slice(-2).join(' ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let found = 0;
  for (const build of /** @type {Build[]} */ (['system', 'newest'])) {
    try {
      console.log(`${build}: ${bubblewrapFolder(build)}`);
      found += 1;
    } catch (error) {
      console.error(`${build}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  process.exitCode = found > 0 ? 0 : 1;
}
