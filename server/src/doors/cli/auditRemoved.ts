import { timingSafeEqual } from 'node:crypto';
import type { Command } from 'commander';
import type { StoredEntry } from '../../../../protocol/src/audit/entry';
import { commitmentTo, saltOf, secretName, type RemovedPart } from '../../../../protocol/src/audit/removed';
import { ConductorError } from '../../../../protocol/src/errors';
import { createAuditReader } from '../../audit/read/reader';
import { readSaltSecret } from '../../audit/content/saltSecret';
import { requirePerson } from './approvals';
import { findEntry } from './auditShow';
import { askHidden, line, note, print, printTable, run } from './terminal';

/** `conductor audit removed`: what redaction took out of an entry, and the proof of what it was. */
export function addAuditRemoved(audit: Command, logFile: (given: string | undefined) => string): void {
  audit
    .command('removed')
    .argument('<entry>', 'number or id of the entry')
    .description('List what was removed from an entry; prove what it was. Exit 0, or with --check 0 the same, 1 another')
    .option('--check', 'asks at this terminal for a text, and says whether it is one that was removed')
    .option('--salts', 'prints the salts, so that somebody else can check; whoever has them can guess short texts')
    .option('--file <file>', 'another log than the one in use')
    .action((entry: string, options: RemovedOptions) => run(() => removed(entry, logFile(options.file), options)));
}

type RemovedOptions = Readonly<{ check?: boolean; salts?: boolean; file?: string }>;
type Part = RemovedPart & Readonly<{ salt: Buffer }>;

async function removed(wanted: string, log: string, { check, salts }: RemovedOptions): Promise<number> {
  // An agent that runs this command must not be able to guess its way to a password (T40).
  if (check === true || salts === true) requirePerson();
  const { entry } = await findEntry(createAuditReader(log), wanted);
  const parts = (entry.removed?.parts ?? []) as readonly RemovedPart[];
  if (parts.length === 0) {
    note('Nothing was removed from this entry.');
    return 0;
  }
  if (check === true) return await compare(salted(log, entry, parts));
  if (salts === true) for (const { salt, ...part } of salted(log, entry, parts)) print(JSON.stringify({ ...part, salt: salt.toString('hex') }));
  else printTable([['WHERE', 'FROM', 'KIND', 'COMMITMENT'], ...parts.map(({ at, from, kind, hmac }) => [at, String(from), kind, hmac])]);
  return 0;
}

async function compare(parts: readonly Part[]): Promise<number> {
  const text = await askHidden('The text that you think was removed: ');
  const same = parts.filter(({ salt, hmac }) => timingSafeEqual(Buffer.from(commitmentTo(salt, text), 'hex'), Buffer.from(hmac, 'hex')));
  for (const { at, from } of same) print(line(`This is what was removed from ${at} at ${String(from)}.`));
  if (same.length === 0) print('This is not what was removed.');
  return same.length === 0 ? 1 : 0;
}

function salted(log: string, entry: StoredEntry, parts: readonly RemovedPart[]): readonly Part[] {
  const secret = secretOf(log);
  if (secret === undefined || secretName(secret) !== entry.removed?.secret) {
    throw new ConductorError('NOT_FOUND', 'The secret behind the salts of this entry is not here: audit.salt beside the log is missing or another one.', { next: 'Put audit.salt back from a backup of the folder.' });
  }
  return parts.map((part) => ({ ...part, salt: saltOf(secret, entry, part) }));
}

function secretOf(log: string): Buffer | undefined {
  try {
    return readSaltSecret(log);
  } catch (cause) {
    throw new ConductorError('NOT_FOUND', `audit.salt cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, next: 'Put it back from a backup of the folder.' });
  }
}
