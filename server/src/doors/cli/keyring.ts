import { randomBytes } from 'node:crypto';
import { slotKeySchema } from '../../../../protocol/src/credentials';
import { ConductorError } from '../../../../protocol/src/errors';
import { endTree, spawnPiped } from '../../base/childProcess';
import { readSearchPath, resolveBinary } from '../../tools/shell/resolve';

/**
 * The keyring of this desktop, as a terminal reaches it: by `secret-tool` (of libsecret), which speaks with the Secret Service on the session
 * bus. The key goes through its standard input and output, never through an argument.
 */

/** What the key is found by. One serves all stores. */
const attributes = ['application', 'conductor', 'purpose', 'credentials'] as const;
const label = 'Key to the credentials of Conductor';
/** Milliseconds that the desktop gets to ask for the password of a locked keyring. */
const patience = 120_000;
/** Names of this terminal's environment without which the session bus is not found, and nobody can be asked. */
const passed = ['DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'HOME', 'LANG'] as const;

const otherWay = 'Add a passphrase instead: "conductor secrets slots add passphrase".';

/** The key that the keyring has, as 64 hex digits; undefined when it has none. Throws CREDENTIALS_REFUSED where there is no keyring. */
export async function keyInKeyring(): Promise<string | undefined> {
  const { code, output, errors } = await secretTool(['lookup', ...attributes], '');
  // Without a match it says nothing at all.
  if (code !== 0 && output === '' && errors === '') return undefined;
  if (code !== 0) throw unreachable(errors);
  const parsed = slotKeySchema.safeParse(output.trim());
  if (!parsed.success) throw new ConductorError('CREDENTIALS_REFUSED', `What the keyring has as "${label}" is no key.`, { next: `Remove that entry of the keyring and add the slot anew. ${otherWay}` });
  return parsed.data;
}

/** The same; made where there is none. */
export async function keptInKeyring(): Promise<string> {
  const present = await keyInKeyring();
  if (present !== undefined) return present;
  const key = randomBytes(32).toString('hex');
  const { code, errors } = await secretTool(['store', `--label=${label}`, ...attributes], key);
  if (code !== 0) throw unreachable(errors);
  if ((await keyInKeyring()) !== key) throw new ConductorError('CREDENTIALS_REFUSED', 'The keyring did not keep the key.', { next: otherWay });
  return key;
}

function unreachable(errors: string): ConductorError {
  const said = errors.trim().split('\n')[0]?.slice(0, 300) ?? '';
  return new ConductorError('CREDENTIALS_REFUSED', `The keyring cannot be used${said === '' ? '' : `: ${said}`}.`, { next: `Run this in a terminal of your desktop, with the keyring unlocked. ${otherWay}` });
}

type Said = Readonly<{ code: number | null; output: string; errors: string }>;

async function secretTool(args: readonly string[], input: string): Promise<Said> {
  if (process.platform !== 'linux') throw new ConductorError('CREDENTIALS_REFUSED', `Keyrings are reached by the Secret Service, which ${process.platform} does not have.`, { next: otherWay });
  const found = resolveBinary('secret-tool', readSearchPath(process.env['PATH'] ?? ''));
  if ('refused' in found) throw new ConductorError('CREDENTIALS_REFUSED', 'The keyring is reached by the program "secret-tool", which is not installed.', { next: `Install it (Debian and Ubuntu: libsecret-tools; Fedora: libsecret). ${otherWay}` });
  const environment = Object.fromEntries(passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  return await talk(spawnPiped({ file: found.path, args, cwd: '/', environment }), input);
}

function talk(child: ReturnType<typeof spawnPiped>, input: string): Promise<Said> {
  const late = setTimeout(() => child.pid !== undefined && endTree(child.pid, 'SIGKILL'), patience);
  const said = { output: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (said.errors += chunk.toString('utf8')));
  // A program that does not read what it is given says why by itself.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(late);
      resolve({ code, ...said });
    });
  });
}
