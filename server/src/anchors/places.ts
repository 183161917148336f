import { homedir, tmpdir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parseVerifierKey, type VerifierKey } from '../../../protocol/src/audit/note';
import type { Config } from '../../../protocol/src/config';
import { holdingOf } from '../audit/checkpoints/holding';
import { gitAnchor, readGitAnchor, type Git, type GitPlace } from '../audit/anchors/gitRef';
import type { Anchor } from '../audit/anchors/keeper';
import { readSystemLog, systemLogAnchor, type Programs } from '../audit/anchors/systemLog';
import { witnessAnchor } from '../audit/anchors/witness';
import { realDisk } from '../audit/files/disk';
import type { OutsideHead } from '../audit/checkpoints/grading';
import { logIdOf } from '../audit/checkpoints/parts';
import { buildEnvironment, gitEnvironment } from '../tools/shell/environment';
import { readSearchPath, resolveBinary, trustedFolders } from '../tools/shell/resolve';

/** Builds the places outside the log that the configuration names, and reads what they hold. */

/** The settings of `audit.anchors`. */
export type AnchorSettings = Config['audit']['anchors'];

/** The places of a configuration, for a log. A place that cannot be used says so in its state. */
export function anchorsOf(settings: AnchorSettings, log: string, configDir: string): Anchor[] {
  const { systemLog, witnesses } = settings;
  const git = gitPlaceOf(settings);
  return [
    ...(systemLog ? [systemLogAnchor(programsFor(configDir))] : []),
    ...(git === undefined ? [] : [gitAnchor(git, gitFor(configDir, git.push), holdingOf(log, realDisk))]),
    ...witnesses.map(({ url, key: text }) => {
      const key = parseVerifierKey(text);
      return key?.kind === 'cosignature' ? witnessAnchor({ url, key }, log, realDisk) : unusable(`witness ${text.split('+')[0] ?? ''}`, 'Its key in audit.anchors.witnesses is not that of a witness: the id does not fit, or it is of another type.');
    }),
  ];
}

function gitPlaceOf({ git: { repository, ref, push } }: AnchorSettings): GitPlace | undefined {
  return repository === undefined ? undefined : { repository, ref, push };
}

/** The keys of the witnesses in a configuration. */
export function witnessKeysOf({ witnesses }: AnchorSettings): VerifierKey[] {
  return witnesses.flatMap(({ key }) => parseVerifierKey(key) ?? []);
}

/** The heads that places hold which can be read back; what cannot be read is left out and told as a warning. */
export async function outsideHeads(settings: AnchorSettings, configDir: string): Promise<{ heads: OutsideHead[]; warnings: string[] }> {
  const all = await Promise.all([headInGit(settings, configDir), headsInSystemLog(settings, configDir)]);
  return { heads: all.flatMap(({ heads }) => heads), warnings: all.flatMap(({ warnings }) => warnings) };
}

type Read = Awaited<ReturnType<typeof outsideHeads>>;

async function headInGit(settings: AnchorSettings, configDir: string): Promise<Read> {
  const git = gitPlaceOf(settings);
  if (git === undefined) return { heads: [], warnings: [] };
  try {
    const head = await readGitAnchor(git, gitFor(configDir, git.push));
    return { heads: head === undefined ? [] : [head], warnings: head === undefined ? [`${git.ref} in ${git.repository} is not there (yet), so it was not compared.`] : [] };
  } catch (cause) {
    return { heads: [], warnings: [`The git anchor could not be read: ${cause instanceof Error ? cause.message : String(cause)}`] };
  }
}

async function headsInSystemLog({ systemLog }: AnchorSettings, configDir: string): Promise<Read> {
  const logId = systemLog ? await logIdOf(join(configDir, 'audit.log'), realDisk).catch(() => undefined) : undefined;
  if (logId === undefined) return { heads: [], warnings: [] };
  try {
    const { heads, missed } = await readSystemLog(programsFor(configDir), logId, userInfo().uid);
    const none = heads.length === 0 ? ['The system log holds no line of this log, so it was not compared: this system may keep it elsewhere, or not for so long.'] : [];
    return { heads: [...heads], warnings: missed === 0 ? none : [`${String(missed)} older lines of the system log were not compared.`] };
  } catch (cause) {
    return { heads: [], warnings: [`The system log could not be read: ${cause instanceof Error ? cause.message : String(cause)}`] };
  }
}

function unusable(name: string, reason: string): Anchor {
  return { name, put: () => Promise.reject(new Error(reason)) };
}

/** Programs of the system, found in folders that no agent's package can stand in for. */
function programsFor(configDir: string): Programs {
  const folders = trustedFolders(readSearchPath(process.env['PATH'] ?? ''), configDir);
  return {
    find(name) {
      const binary = resolveBinary(name, folders);
      return 'refused' in binary ? binary : binary.path;
    },
    environment: () => buildEnvironment({ platform: process.platform, folders, home: homedir(), user: userInfo().username, temporary: tmpdir(), own: process.env }),
  };
}

function gitFor(configDir: string, push: string | undefined): Git {
  const programs = programsFor(configDir);
  const ordinary = programs.environment();
  const local = push !== undefined && isAbsolute(push);
  return {
    find: () => programs.find('git'),
    // Our own repository fetches from the user's, which is a folder; upload-pack runs nothing that its configuration names.
    neutral: { ...ordinary, ...gitEnvironment('neutral'), GIT_ALLOW_PROTOCOL: 'file' },
    pushing: { ...ordinary, ...gitEnvironment('personal'), GIT_ALLOW_PROTOCOL: local ? 'file' : 'https:ssh', ...sshAgent() },
    privateRepository: join(configDir, 'audit', 'anchor.git'),
  };
}

/** Pushing with ssh needs the user's agent, if one runs. */
function sshAgent(): Readonly<Record<string, string>> {
  const socket = process.env['SSH_AUTH_SOCK'];
  return socket === undefined ? {} : { SSH_AUTH_SOCK: socket };
}
