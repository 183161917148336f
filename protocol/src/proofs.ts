/** Words about proofs that both ends share and that need no schema, so that the editor loads none for them. */

/**
 * What became of a vector: `held` (asked or denied, as it must be), `exposed` (silent, because the settings say so), `asks` (only asked
 * where it must be denied), `silent` (would run or write without asking).
 */
export const outcomes = ['held', 'exposed', 'asks', 'silent'] as const;

/** What became of a vector. */
export type ProofOutcome = (typeof outcomes)[number];

/** How many vectors ended in which way. */
export type Tally = Readonly<Record<ProofOutcome, number>>;

/** Counts how many vectors ended in which way. */
export function tally(proofs: readonly Readonly<{ outcome: ProofOutcome }>[]): Tally {
  const count = (outcome: ProofOutcome): number => proofs.filter((proof) => proof.outcome === outcome).length;
  return { held: count('held'), exposed: count('exposed'), asks: count('asks'), silent: count('silent') };
}

/** What the threats that vectors cite are about. */
const threatTitles: ReadonlyMap<string, string> = new Map([
  ['T1', 'More commands than one in a line'],
  ['T2', 'Too many commands to check'],
  ['T3', 'Text that is too long or cannot be seen'],
  ['T4', 'Only the beginning is judged'],
  ['T5', 'Programs that start other programs'],
  ['T6', 'Options and languages of ordinary programs that run, write or read something else'],
  ['T7', 'git runs what options, configuration or hooks name'],
  ['T8', 'Package managers and builders run what project files say'],
  ['T9', 'Variables that change what programs do'],
  ['T10', 'Substitutions and other expansions of a shell'],
  ['T11', 'Words that hide what they mean'],
  ['T12', 'Redirections that write or read'],
  ['T13', 'Another working folder'],
  ['T14', 'Windows shells and names'],
  ['T15', 'Other machines and containers'],
  ['T16', 'Interpreters and scripts that the agent may write'],
  ['T17', 'Programs that are not the ones they seem'],
  ['T18', 'Names that mean something to the language below'],
  ['T19', 'Patterns that never end'],
  ['T20', 'Names that only begin like a listed one'],
  ['T21', 'A weaker rule that wins over a stricter one'],
  ['T22', 'Arguments that change after the judgement'],
  ['T23', 'Folders whose names begin alike'],
  ['T24', 'Links that lead out of the project'],
  ['T25', 'Other spellings of the same name'],
  ['T26', 'One place written in many ways'],
  ['T27', 'Devices, pipes and other things that are no files'],
  ['T28', 'Temporary folders that everybody can write'],
  ['T29', 'Undoing work through links'],
  ['T30', 'Another tool than the one that is guarded'],
  ['T31', 'Files that decide what runs, before they exist'],
  ['T32', 'The rules that judge the agent'],
  ['T40', 'Our own command, used by the agent'],
  ['T70', 'Data that leaves in an address'],
  ['T77', 'Secrets in the environment'],
]);

/** What a threat is about, in a few words; an empty text for one that has none here. */
export function threatTitle(id: string): string {
  return threatTitles.get(id) ?? '';
}
