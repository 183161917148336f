import type { DamageClass, Finding } from './report';

/** What happened to a line, in a few words, where the class alone tells it. */
const damage: Readonly<Record<DamageClass, string>> = {
  hash: 'edited',
  link: 'does not follow the line before',
  seq: 'lines removed, added or moved',
  format: 'not an entry',
  truncation: 'entries cut off at the end',
  rollback: 'an older log',
  fork: 'another log',
  signature: 'a checkpoint does not fit',
  unsigned: 'checkpoints are missing',
  corrupt: 'damaged',
  crash: 'torn by a crash',
  schema: 'not as entries are written',
  pairing: 'decision and outcome do not belong together',
  approval: 'an approval does not stand',
  missing: 'no log',
  unreadable: 'cannot be read',
  aborted: 'verification stopped',
};

/** What several classes share is told apart by the sentence that `damage.ts` writes for each way. */
const sentences: readonly (readonly [RegExp, string])[] = [
  [/ was inserted|is a copy of the line before/, 'inserted'],
  [/ were swapped|repeated or moved to where/, 'reordered'],
  [/ removed before line /, 'removed'],
  [/ was rewritten and its hash recomputed|the log was rewritten or replaced|the log was rewritten after that/, 'rewritten'],
];

/** The kind of a finding in a few words: edited, inserted, removed, reordered, rewritten, cut off, torn by a crash and the like. */
export function damageWord({ class: kind, message }: Pick<Finding, 'message'> & Readonly<{ class: DamageClass }>): string {
  const told = ['link', 'seq', 'format', 'fork', 'hash'].includes(kind) ? sentences.find(([pattern]) => pattern.test(message)) : undefined;
  return told?.[1] ?? damage[kind];
}
