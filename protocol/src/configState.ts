import type { NotificationParams } from './messages';

/** Which configuration is in force, as the broker tells it. */
export type ConfigState = NotificationParams<'config/changed'>;

/** Says in one sentence which configuration is in force, and what to do when the file is broken. */
export function configSentence({ file, source, problems }: ConfigState): string {
  const [first] = problems;
  if (source === 'defaults' && first === undefined) return `There is no ${file} yet: the defaults hold and no command is allowed.`;
  if (first === undefined) return `${file} is in force.`;
  const place = `${file}:${String(first.line)}:${String(first.column)}: ${first.message}`;
  if (source === 'current') return `${place} The file is in force all the same.`;
  if (source === 'lastGood') return `${place} Until this is corrected, the last good configuration stays in force.`;
  return `${place} Until this is corrected, no tool runs.`;
}
