import { window } from 'vscode';
import type { AuditFilter } from '../../../protocol/src/audit/query';
import { filterText } from './rows';

const toolNames = ['shell.exec', 'filesystem.', 'filesystem.read', 'filesystem.write', 'filesystem.edit', 'filesystem.list', 'filesystem.search', 'filesystem.delete', 'git.', 'git.status', 'git.diff', 'git.log', 'git.commit', 'audit.', 'broker.'];
const resultNames = ['admitted', 'success', 'error', 'timeout', 'cancelled', 'denied', 'unknown'];
const spans: readonly (readonly [label: string, ms: number])[] = [
  ['Last 15 minutes', 900_000],
  ['Last hour', 3_600_000],
  ['Last 24 hours', 86_400_000],
  ['Last 7 days', 604_800_000],
];

type Field = 'tool' | 'result' | 'actor' | 'text' | 'since';

/** Lets a person change one condition of the filter; undefined when they leave. An empty answer removes the condition. */
export async function pickFilter(filter: AuditFilter): Promise<AuditFilter | undefined> {
  const present = filterText(filter);
  const fields: { label: string; description?: string; field: Field }[] = [
    { label: 'Tool', field: 'tool' },
    { label: 'Result', field: 'result' },
    { label: 'Client or User', field: 'actor' },
    { label: 'Text', field: 'text' },
    { label: 'Time', field: 'since' },
  ];
  const items = fields.map((item) => ({ ...item, description: filter[item.field] ?? '' }));
  const chosen = await window.showQuickPick(items, { title: 'Conductor: Filter Audit Log', placeHolder: present === '' ? 'Show only entries by…' : `Now: ${present}` });
  if (chosen === undefined) return undefined;
  const value = await askValue(chosen.field, filter);
  return value === undefined ? undefined : withCondition(filter, chosen.field, value);
}

async function askValue(field: Field, filter: AuditFilter): Promise<string | undefined> {
  switch (field) {
    case 'tool':
      return choose(toolNames, 'A name that ends in a dot means every tool below it');
    case 'result':
      return choose(resultNames, 'How it ended');
    case 'since': {
      const label = await choose(spans.map(([name]) => name), 'How far back');
      const span = spans.find(([name]) => name === label);
      return span === undefined ? label : new Date(Date.now() - span[1]).toISOString();
    }
    case 'actor':
      return window.showInputBox({ title: 'Conductor: Client or User', prompt: 'Part of the name; empty shows all', value: filter.actor ?? '' });
    case 'text':
      return window.showInputBox({ title: 'Conductor: Text', prompt: 'Any part of the entry; empty shows all', value: filter.text ?? '' });
  }
}

async function choose(values: readonly string[], placeHolder: string): Promise<string | undefined> {
  const all = { label: 'All', value: '' };
  const chosen = await window.showQuickPick([all, ...values.map((value) => ({ label: value, value }))], { placeHolder });
  return chosen?.value;
}

function withCondition(filter: AuditFilter, field: Field, value: string): AuditFilter {
  const { [field]: _old, ...rest } = filter;
  return value === '' ? rest : { ...rest, [field]: value };
}
