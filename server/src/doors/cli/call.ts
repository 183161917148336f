import type { Change, Pending } from '../../../../protocol/src/approvals';
import { sinceApproved } from '../../../../protocol/src/callArguments';
import { oddWords, revealLine } from '../../../../protocol/src/display';
import type { RungName } from '../../../../protocol/src/grants';
import { showArguments } from './arguments';
import type { BrokerClient } from './brokerClient';
import { line, print, put, rowsOf, safe } from './terminal';
import type { TerminalKey } from './terminalKey';

/** Rows of an action, and changes since the last approved call, that are shown before somebody asks for all of it. */
const mostRows = 30;
const mostChanges = 8;

/**
 * Shows a call that waits, and says whether that was all of its action. Everything but the raw action is kept on one line, and no row
 * reaches the edge of the terminal, so that no name or path can draw lines that look like ours (T45).
 */
export function show(call: Pending, most = Infinity): boolean {
  const rows = rowsOf('    ', safe(call.raw));
  print('');
  put('', `${call.title}   (${call.tool}, asked by ${line(call.client)})`);
  for (const row of rows.slice(0, most)) print(row);
  if (rows.length > most) print(`  … and ${String(rows.length - most)} more rows, which d shows`);
  put('  ', `in ${line(call.cwd)}`);
  const odd = oddWords([call.raw, call.cwd, call.client]);
  if (odd !== undefined) print(`  CAREFUL: ${odd}, shown as \\u{…}`);
  if (call.notWhole !== undefined) put('  ', `NOT ALL OF IT: ${line(call.notWhole)}`);
  if (call.narrowed !== undefined) put('  ', `What is left after somebody left out changes: ${String(call.narrowed.kept)} of ${String(call.narrowed.of)}`);
  if (call.again !== undefined) showChanges(`ASKED AGAIN (question ${String(call.again.round)}): you approved this, and it changed before it ran. Nothing was run.`, call.again.changes);
  if (call.outgrown !== undefined) showChanges(`${line(call.outgrown.title)} was granted before, and this changed since:`, call.outgrown.changes);
  if (call.arguments !== undefined) showArguments(call.arguments, most === Infinity);
  const last = call.arguments?.lastApproved;
  if (last !== undefined) showChanges(sinceApproved(last), most === Infinity ? last.changes : inShort(last.changes));
  put('  ', `why it asks: ${line(call.reason)} [${call.rule}]`);
  for (const [label, value] of call.details) put('  ', `${label}: ${line(value)}`);
  return rows.length <= most;
}

/** Shows a call as far as fits, for one prompt of several. */
export function showInShort(call: Pending): boolean {
  return show(call, mostRows);
}

function inShort(changes: readonly Change[]): Change[] {
  const cut = (text: string | null): string | null => (text === null ? null : revealLine(text, 160));
  const shown = changes.slice(0, mostChanges).map(({ label, key, before, after }): Change => ({ label, key: revealLine(key, 160), before: cut(before), after: cut(after) }));
  const left = changes.length - shown.length;
  return left === 0 ? shown : [...shown, { label: `${String(left)} more`, key: '', before: null, after: 'which d shows' }];
}

/** What changed since it was approved comes before the facts: it is what the person has not read yet. */
function showChanges(title: string, changes: readonly Change[]): void {
  put('  ', title);
  for (const { label, key, before, after, diff } of changes) {
    put('  ', `changed: ${line(`${label} ${key}`.trim())}`);
    put('      ', `before: ${before === null ? '(none)' : line(before)}`);
    put('      ', `now:    ${after === null ? '(none)' : line(after)}`);
    if (diff !== undefined) for (const row of rowsOf('        | ', safe(diff))) print(row);
  }
}

/** What stands behind an answer besides yes or no. */
export type Behind = Readonly<{ reason?: string | undefined; rung?: RungName | undefined; key?: TerminalKey | undefined }>;

/** Sends an answer for exactly what was shown, signed when this terminal has a registered key. Exit code 0 when it counted, 1 when it came too late. */
export async function decide(broker: BrokerClient, call: Pending, decision: 'approve' | 'deny', { reason, rung, key }: Behind = {}): Promise<number> {
  const answer = { id: call.id, digest: call.digest, decision, ...(reason === undefined ? {} : { reason }), ...(rung === undefined ? {} : { rung }) };
  const { outcome, message, level } = await broker.request('approvals/decide', key === undefined ? answer : key.sign(call, answer));
  print(outcome === 'accepted' && decision === 'approve' ? `${message} (${level === 'unsigned' ? 'not signed' : `signed, ${level ?? 'unsigned'}`})` : message);
  return outcome === 'accepted' ? 0 : 1;
}
