import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { approverId, registrationOf, type Registration } from '../../../../protocol/src/approvers';
import { publicKeyOf } from '../../../../protocol/src/audit/ed25519';
import type { Decision, Pending } from '../../../../protocol/src/approvals';
import { ConductorError } from '../../../../protocol/src/errors';
import { signAnswer, type Unsigned } from '../../../../protocol/src/statement';
import type { BrokerClient } from './brokerClient';

/** The key with which terminals sign answers: a file in the configuration folder. Every program of the user can read it, so it is the weaker place. */
export type TerminalKey = Readonly<{ id: string; registration(): Registration; sign(call: Pending, answer: Unsigned): Decision }>;

/** Name of the file; mode 0600, never readable by tools. */
export const terminalKeyFileName = 'approver.key';

/** The key that is there; undefined when none was made. Throws when the file holds something else. */
export function terminalKey(configDir: string): TerminalKey | undefined {
  const path = join(configDir, terminalKeyFileName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  if (!/^[0-9a-f]{64}$/.test(text)) throw new ConductorError('CONFIG_INVALID', `${path} holds no key.`, { next: 'Move the file away; "conductor approvals keys add" makes a new one.' });
  return keyOf(Buffer.from(text, 'hex'));
}

/** The key that is there, or a new one. */
export function ensureTerminalKey(configDir: string): TerminalKey {
  const known = terminalKey(configDir);
  if (known !== undefined) return known;
  const seed = randomBytes(32);
  const file = openSync(join(configDir, terminalKeyFileName), 'wx', 0o600);
  try {
    writeSync(file, `${seed.toString('hex')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return keyOf(seed);
}

/** The key of this terminal, if the broker counts what it signs; undefined otherwise, so that answers go unsigned. */
export async function registeredKey(broker: BrokerClient, configDir: string): Promise<TerminalKey | undefined> {
  const key = terminalKey(configDir);
  if (key === undefined) return undefined;
  const { keys } = await broker.request('approvals/keys', {});
  return keys.some(({ id }) => id === key.id) ? key : undefined;
}

function keyOf(seed: Buffer): TerminalKey {
  return {
    id: approverId(publicKeyOf(seed)),
    registration: () => registrationOf(seed, 'terminal', `terminal on ${hostname()}`.slice(0, 100)),
    sign: (call, answer) => signAnswer(call, answer, seed, new Date().toISOString()),
  };
}
