import { reveal, revealLine } from '../../../protocol/src/display';
import { threatTitle, type ProofOutcome, type Tally } from '../../../protocol/src/proofs';
import type { Proof, VectorSummary } from '../../../protocol/src/vectors';
import { counted } from '../labels';

/** The words of the tree of attack vectors. Vectors can come from files of the user, so their texts are made safe to show. */

/** A group of vectors: a threat, or what settings open by choice. */
export type Group = Readonly<{ id: string; label: string; sortText: string; vectors: readonly VectorSummary[] }>;

const choices = 'choices';

/** Sorts vectors into threats in order; what the settings alone decide stands in a group of its own at the end. */
export function groupVectors(vectors: readonly VectorSummary[]): readonly Group[] {
  const byId = new Map<string, VectorSummary[]>();
  for (const vector of vectors) {
    const id = vector.choice ? choices : (vector.threats[0] ?? '');
    const group = byId.get(id);
    if (group === undefined) byId.set(id, [vector]);
    else group.push(vector);
  }
  return [...byId].map(([id, members]) => ({ id, label: groupLabel(id), sortText: sortText(id), vectors: members })).sort((a, b) => (a.sortText < b.sortText ? -1 : 1));
}

/** What a vector is called in the tree. */
export function vectorLabel({ title }: VectorSummary): string {
  return revealLine(title, 160);
}

/** What stands beside it: its id, and its threat where the group is no threat. */
export function vectorDescription({ id, threats, choice }: VectorSummary): string {
  return choice ? `${threats[0] ?? ''} ${id}`.trimStart() : id;
}

/** Why a vector was not held, for the message of a failed test. */
export function failureText(proof: Proof): string {
  const through = proof.through.length === 0 ? '' : ` Through ${proof.through.join(', ')}.`;
  const next = proof.next === undefined ? '' : `\n\nNext: ${revealLine(proof.next, 1000)}`;
  return `${verdictSentence(proof.outcome)}${through}\n\n${callLines(proof).join('\n')}${next}`;
}

/** What was said of each call, one line a call. */
export function callLines({ calls }: Proof): readonly string[] {
  return calls.map(({ call, verdict, rule, reason }) => `${verdict} [${rule}] ${revealLine(call, 400)}${verdict === 'allow' ? '' : `: ${reveal(reason).text}`}`);
}

/** What must hold for a vector. */
export function expectedText(outcome: ProofOutcome): string {
  return outcome === 'asks' ? 'denied' : 'asked or denied';
}

/** The result of a whole run in one sentence. */
export function totalsText({ held, exposed, asks, silent }: Tally): string {
  const all = held + exposed + asks + silent;
  const bad = asks + silent;
  const open = exposed === 0 ? '' : ` ${counted(exposed, 'vector is', 'vectors are')} exposed by your settings.`;
  return `${held.toLocaleString('en-US')} of ${counted(all, 'attack vector')} held by your policy.${open}${bad === 0 ? '' : ` ${counted(bad, 'vector is', 'vectors are')} not held.`} Nothing was run.`;
}

/** A document about one vector: what your rules say of it now, then the vector as it is written. */
export function vectorText(vector: string, proof: Proof | undefined): string {
  const lines = proof === undefined ? ['Your rules were not asked.'] : [verdictSentence(proof.outcome), ...callLines(proof), ...(proof.next === undefined ? [] : [`Next: ${revealLine(proof.next, 1000)}`])];
  // Valid JSON still, with every character that could deceive an eye spelled out.
  const safe = vector.replace(/[^\n -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `${lines.map((text) => `// ${text.replaceAll('\n', ' ')}`).join('\n')}\n${safe}\n`;
}

function verdictSentence(outcome: ProofOutcome): string {
  switch (outcome) {
    case 'held':
      return 'Held: your rules ask or deny.';
    case 'exposed':
      return 'Exposed: your settings let this run without asking. Decide whether you want that.';
    case 'asks':
      return 'Only asked: this must be denied, whatever a person might say.';
    case 'silent':
      return 'Silent: this would run or write without asking.';
  }
}

function groupLabel(id: string): string {
  return id === choices ? 'Your own choices: what settings may open' : `${id} ${threatTitle(id)}`.trimEnd();
}

function sortText(id: string): string {
  // The Test Explorer sorts by the rules of the language, where signs stand before digits.
  return id === choices ? 'zz' : id.slice(1).padStart(3, '0');
}
