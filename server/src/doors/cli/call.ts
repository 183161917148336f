import type { AskedAgain, Pending } from '../../../../protocol/src/approvals';
import type { BrokerClient } from './brokerClient';
import { line, print, safe } from './terminal';
import type { TerminalKey } from './terminalKey';

/** Shows a call that waits. Everything but the raw action is kept on one line, so that no name or path can draw lines that look like ours. */
export function show(call: Pending): void {
  print('');
  print(`${call.title}   (${call.tool}, asked by ${line(call.client)})`);
  for (const text of safe(call.raw).split('\n')) print(`    ${text}`);
  print(`  in ${line(call.cwd)}`);
  if (call.again !== undefined) showChanges(call.again);
  print(`  why it asks: ${line(call.reason)} [${call.rule}]`);
  for (const [label, value] of call.details) print(`  ${label}: ${line(value)}`);
}

/** What changed since it was approved comes before the facts: it is what the person has not read yet. */
function showChanges({ round, changes }: AskedAgain): void {
  print(`  ASKED AGAIN (question ${String(round)}): you approved this, and it changed before it ran. Nothing was run.`);
  for (const { label, key, before, after, diff } of changes) {
    print(`  changed: ${line(`${label} ${key}`.trim())}`);
    print(`      before: ${before === null ? '(none)' : line(before)}`);
    print(`      now:    ${after === null ? '(none)' : line(after)}`);
    for (const text of diff === undefined ? [] : safe(diff).split('\n')) print(`        | ${text}`);
  }
}

/** What stands behind an answer besides yes or no. */
export type Behind = Readonly<{ reason?: string | undefined; key?: TerminalKey | undefined }>;

/** Sends an answer for exactly what was shown, signed when this terminal has a registered key. Exit code 0 when it counted, 1 when it came too late. */
export async function decide(broker: BrokerClient, call: Pending, decision: 'approve' | 'deny', { reason, key }: Behind = {}): Promise<number> {
  const answer = { id: call.id, digest: call.digest, decision, ...(reason === undefined ? {} : { reason }) };
  const { outcome, message, level } = await broker.request('approvals/decide', key === undefined ? answer : key.sign(call, answer));
  print(outcome === 'accepted' && decision === 'approve' ? `${message} (${level === 'unsigned' ? 'not signed' : `signed, ${level ?? 'unsigned'}`})` : message);
  return outcome === 'accepted' ? 0 : 1;
}
