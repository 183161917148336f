/** A witness as a place outside (c2sp.org/tlog-witness): it cosigns a checkpoint only when a proof shows that the log just grew. */
import { Frontier, proveConsistency, rootsOver } from '../../../../protocol/src/audit/merkle';
import { cosignedAt, noteText, parseSignatureLine, type NoteSignature, type VerifierKey } from '../../../../protocol/src/audit/note';
import type { Disk } from '../files/disk';
import { readLeaves } from '../checkpoints/leaves';
import type { Anchor, Offer } from './keeper';

/** A witness: where it takes checkpoints, and the key under which it cosigns. */
export type WitnessPlace = Readonly<{ url: string; key: VerifierKey }>;

/** Longest answer that is read, in bytes, and milliseconds that it may take. */
const mostAnswer = 65_536;
const patienceMs = 15_000;

/** Asks a witness for cosignatures. What it saw last is remembered for this run; else the witness says it. */
export function witnessAnchor(place: WitnessPlace, log: string, disk: Disk): Anchor {
  let seen: Frontier = new Frontier();
  return {
    name: `witness ${place.key.name}`,
    async put(offer) {
      let answer = await submit(place, offer, await proofFrom(seen.size, offer, log, disk), seen.size);
      if (answer.status === 409 && answer.size !== undefined) {
        const { size } = answer;
        if (size > offer.checkpoint.size) throw new Error(`The witness has seen ${size} entries of this log, and it has ${offer.checkpoint.size} now: it was cut off, or an older copy was put back.`);
        answer = await submit(place, offer, await proofFrom(size, offer, log, disk), size);
      }
      if (answer.status !== 200) throw new Error(refusal(answer.status));
      const signatures = answer.text.split('\n').flatMap((line) => parseSignatureLine(line) ?? []);
      const good = signatures.filter((one) => cosignedAt({ text: offer.checkpoint.note.text, signatures: [one] }, place.key) !== undefined);
      if (good.length === 0) throw new Error('The witness answered without a cosignature of its key.');
      seen = offer.edge;
      return good satisfies readonly NoteSignature[];
    },
  };
}

type Answer = Readonly<{ status: number; text: string; size: number | undefined }>;

async function proofFrom(old: number, { checkpoint, edge }: Offer, log: string, disk: Disk): Promise<readonly Buffer[]> {
  if (old === 0 || old === checkpoint.size) return [];
  const { leaves } = await readLeaves(log, checkpoint.size, disk);
  const rootOf = rootsOver(leaves);
  if (!rootOf(0, checkpoint.size).equals(edge.root())) throw new Error('The log does not hold what was signed.');
  return proveConsistency(old, checkpoint.size, rootOf);
}

async function submit({ url }: WitnessPlace, { checkpoint }: Offer, proof: readonly Buffer[], old: number): Promise<Answer> {
  const body = `old ${old}\n${proof.map((one) => `${one.toString('base64')}\n`).join('')}\n${noteText(checkpoint.note)}`;
  // A redirection would send the head of the log to a place that nobody chose.
  const response = await fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, { method: 'POST', body, redirect: 'error', signal: AbortSignal.timeout(patienceMs) }).catch((cause: unknown) => {
    throw new Error(`The witness cannot be reached: ${cause instanceof Error ? `${cause.message}${cause.cause instanceof Error ? ` (${cause.cause.message})` : ''}` : String(cause)}`);
  });
  const text = await textOf(response);
  const size = response.headers.get('content-type')?.startsWith('text/x.tlog.size') === true && /^\d{1,15}\n?$/.test(text) ? Number(text) : undefined;
  return { status: response.status, text, size };
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > mostAnswer) throw new Error('The answer of the witness is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusal(status: number): string {
  switch (status) {
    case 403:
      return 'The witness does not know the key of this log. Register it: "conductor doctor --json" shows it as publicKey.';
    case 404:
      return 'The witness does not know this log. Register its name and key: "conductor doctor --json" shows them.';
    case 409:
      return 'The witness has seen another log under this name: it was rewritten, or a copy was put back.';
    case 422:
      return 'The witness does not accept that the log just grew: it was rewritten since the witness saw it.';
    default:
      return `The witness answered with status ${status}.`;
  }
}
