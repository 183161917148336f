import { CancellationTokenSource, window, type CancellationToken, type QuickPickItem } from 'vscode';
import type { AuditRow } from '../../../protocol/src/audit/query';
import { messageOf, type Broker } from '../broker';
import { plainLabel } from '../labels';
import { entryLabel } from './rows';

const typingMs = 200;
const most = 100;

/** Searches the whole log in the broker while the person types; resolves to the entry they choose. */
export async function searchEntries(broker: Broker): Promise<AuditRow | undefined> {
  const pick = window.createQuickPick<QuickPickItem & { row?: AuditRow }>();
  pick.title = 'Conductor: Search Audit Log';
  pick.placeholder = 'Any part of an entry: a command, a path, a tool, a call id';
  let timer: NodeJS.Timeout | undefined;
  let asked = new CancellationTokenSource();
  const ask = async (text: string): Promise<void> => {
    // Who goes on typing no longer waits for the answer to what they had typed: the broker stops reading.
    asked.cancel();
    const mine = (asked = new CancellationTokenSource());
    pick.busy = true;
    const items = await findItems(broker, text, mine.token);
    if (mine !== asked) return;
    pick.busy = false;
    pick.items = items;
  };
  pick.onDidChangeValue((text) => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(text), typingMs);
  });
  void ask('');
  try {
    return await new Promise<AuditRow | undefined>((resolve) => {
      pick.onDidAccept(() => resolve(pick.selectedItems[0]?.row));
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
  } finally {
    clearTimeout(timer);
    asked.cancel();
    pick.dispose();
  }
}

async function findItems(broker: Broker, text: string, token: CancellationToken): Promise<(QuickPickItem & { row?: AuditRow })[]> {
  try {
    const { rows } = await broker.request('audit/page', { filter: text === '' ? {} : { text }, limit: most }, token);
    if (rows.length === 0) return [{ label: 'Nothing found', alwaysShow: true }];
    return rows.map((row) => {
      const { label, description } = entryLabel(row);
      return { label: plainLabel(label, 80), description: plainLabel(description, 160), detail: `#${row.seq} on ${row.timestamp.slice(0, 10)}`, alwaysShow: true, row };
    });
  } catch (error) {
    return [{ label: 'The broker did not answer', detail: plainLabel(messageOf(error), 200), alwaysShow: true }];
  }
}
