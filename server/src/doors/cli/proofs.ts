import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { parseVerifierKey, type VerifierKey } from '../../../../protocol/src/audit/note';
import { checkEntryProof, entryProofSchema, type EntryProof } from '../../../../protocol/src/audit/proof';
import { ConductorError } from '../../../../protocol/src/errors';
import { checkpointFileOf } from '../../audit/checkpoints/checkpointStore';
import { realDisk } from '../../audit/files/disk';
import type { OutsideHead, Places, Policy } from '../../audit/checkpoints/grading';
import { proveEntry } from '../../audit/checkpoints/proving';
import { note, print, run, safe } from './terminal';

/** `conductor audit prove` and `check-proof`, and what a verifier is told from outside the files. */

/** Options of a verification that carry its policy. */
export type PolicyOptions = Readonly<{ checkpoints?: string; publicKey?: readonly VerifierKey[]; witnessKey?: readonly VerifierKey[]; logId?: string; anchorSize?: number; anchorHead?: string; roots?: boolean }>;

/** Adds the options by which a person says what must hold. */
export function withPolicy(command: Command): Command {
  return withKeys(command)
    .option('--checkpoints <file>', 'signed checkpoints; default: audit.checkpoints beside the log')
    .option('--witness-key <key>', 'a witness whose cosignatures count, as a verifier key; can be repeated', oneMoreKey)
    .option('--log-id <id>', 'the log must be this one (32 hex digits)', hexDigits(32))
    .option('--anchor-size <count>', 'the log must have this many entries or more, as noted elsewhere', wholeNumber)
    .option('--anchor-head <hash>', 'and the last of them this hash (64 hex digits)', hexDigits(64))
    .option('--roots', 'also compute the Merkle roots of all checkpoints anew');
}

function withKeys(command: Command): Command {
  return command.option('--public-key <key>', 'the key that must have signed, as a verifier key that you know from elsewhere; can be repeated', oneMoreKey);
}

/** Adds both commands to `conductor audit`. */
export function addProofs(audit: Command, logFile: (given: string | undefined) => string): void {
  withKeys(audit.command('prove').argument('<entry>', 'number or id of the entry').description('Prove that one entry stands in the signed log, without showing the others'))
    .option('--out <file>', 'where to write the proof; default: standard output')
    .option('--file <file>', 'another log than the one in use')
    .option('--checkpoints <file>', 'its signed checkpoints')
    .action((entry: string, options: ProveOptions) => run(() => prove(entry, logFile(options.file), options)));

  withKeys(audit.command('check-proof').argument('<file>', 'the proof').description('Check a proof offline; exit 0 valid, 1 not valid, 2 could not check'))
    .option('--json', 'print JSON')
    .action((file: string, options: { publicKey?: readonly VerifierKey[]; json?: boolean }) => run(() => check(file, options.publicKey ?? [], options.json === true)));
}

type ProveOptions = Readonly<{ out?: string; file?: string; checkpoints?: string; publicKey?: readonly VerifierKey[] }>;

/** The files that a verification looks at. */
export function placesOf(log: string, checkpoints: string | undefined): Places {
  return { log, checkpoints: checkpoints === undefined ? checkpointFileOf(log) : resolve(checkpoints), disk: realDisk };
}

/** What the person says must hold. Throws INVALID_INPUT for half of an anchor. */
export function policyOf({ publicKey = [], witnessKey = [], logId, anchorSize, anchorHead, roots = false }: PolicyOptions): Policy {
  if ((anchorSize === undefined) !== (anchorHead === undefined)) throw new ConductorError('INVALID_INPUT', '--anchor-size and --anchor-head belong together.', { next: 'Give both.' });
  const outside: OutsideHead[] = anchorSize === undefined || anchorHead === undefined ? [] : [{ entries: anchorSize, head: anchorHead, place: 'as you noted it', at: undefined }];
  return { pins: publicKey, witnesses: witnessKey, outside, roots, ...(logId === undefined ? {} : { logId }) };
}

async function prove(entry: string, log: string, { out, checkpoints, publicKey = [] }: ProveOptions): Promise<number> {
  const wanted = /^\d{1,15}$/.test(entry) ? { seq: Number(entry) } : { id: entry };
  const proof = await proveEntry(wanted, placesOf(log, checkpoints), publicKey);
  const text = JSON.stringify(proof, null, 2);
  if (out === undefined) print(text);
  else writeFileSync(resolve(out), `${text}\n`, { mode: 0o600 });
  note(`Entry #${String(proof.seq)} is proven. It shows that entry whole, and no other. Whoever checks it needs the public key from you by another way:\n${proof.publicKey}`);
  return 0;
}

function check(file: string, pins: readonly VerifierKey[], json: boolean): number {
  const verdict = checkEntryProof(readProof(file), pins);
  if (verdict.kind === 'invalid') {
    print(json ? JSON.stringify(verdict) : safe(`NOT VALID: ${verdict.reason}`));
    return 1;
  }
  const { seq, pinned, checkpoint } = verdict;
  const facts = { kind: 'valid', seq, size: checkpoint.size, logId: checkpoint.logId, signedAt: checkpoint.time, signer: checkpoint.signer, pinned };
  const by = pinned ? 'the key that you gave' : 'a key that only the proof itself names; compare it, or give --public-key';
  print(json ? JSON.stringify(facts) : `Valid: entry #${String(seq)} stands in log ${checkpoint.logId}, signed to #${String(checkpoint.size)} by ${by}${checkpoint.signer === 'file' ? ' (a key file, the weaker level)' : ''}.`);
  return 0;
}

function readProof(file: string): EntryProof {
  try {
    return entryProofSchema.parse(JSON.parse(readFileSync(resolve(file), 'utf8')));
  } catch (cause) {
    throw new ConductorError('INVALID_INPUT', `${file} is no proof that can be read.`, { cause, next: 'Make one with "conductor audit prove".' });
  }
}

function oneMoreKey(text: string, before: readonly VerifierKey[] = []): readonly VerifierKey[] {
  const key = parseVerifierKey(text);
  if (key === undefined) throw new InvalidArgumentError('Write a verifier key: name+hash+base64, as "conductor doctor --json" and proofs show it.');
  return [...before, key];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Write a whole number.');
  return value;
}

function hexDigits(length: number): (text: string) => string {
  return (text) => {
    const bare = text.replace(/^sha256:/, '');
    if (bare.length !== length || !/^[0-9a-f]+$/.test(bare)) throw new InvalidArgumentError(`Write ${String(length)} lower-case hex digits.`);
    return bare;
  };
}
