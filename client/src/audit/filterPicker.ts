import { window, type QuickPickItem } from 'vscode';
import type { AuditFilter, AuditValues } from '../../../protocol/src/audit/query';
import { counted, plainLabel } from '../labels';
import { filterText, toolFamilies } from './rows';

const spans: readonly (readonly [label: string, ms: number])[] = [
  ['Last 15 minutes', 900_000],
  ['Last hour', 3_600_000],
  ['Last 24 hours', 86_400_000],
  ['Last 7 days', 604_800_000],
];

type Field = 'tool' | 'result' | 'actor' | 'text' | 'since';

/** Lets a person change one condition of the filter; undefined when they leave. An empty answer removes the condition. `values` tells what stands in the log. */
export async function pickFilter(filter: AuditFilter, values: () => Promise<AuditValues>): Promise<AuditFilter | undefined> {
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
  const value = await askValue(chosen.field, filter, values);
  return value === undefined ? undefined : withCondition(filter, chosen.field, value);
}

async function askValue(field: Field, filter: AuditFilter, values: () => Promise<AuditValues>): Promise<string | undefined> {
  switch (field) {
    case 'tool':
      return choose(values().then(({ tools }) => [...toolFamilies(tools), ...tools].map(offer)), 'A name that ends in a dot means every tool below it');
    case 'result':
      return choose(values().then(({ results }) => results.map(offer)), 'How it ended');
    case 'actor':
      return choose(values().then(({ actors }) => actors.map(offer)), 'Who asked: the name that a client gave of itself, or a user');
    case 'since': {
      const label = await choose(Promise.resolve(spans.map(([name]) => ({ label: name, value: name }))), 'How far back');
      const span = spans.find(([name]) => name === label);
      return span === undefined ? label : new Date(Date.now() - span[1]).toISOString();
    }
    case 'text':
      return window.showInputBox({ title: 'Conductor: Text', prompt: 'Any part of the entry; empty shows all', value: filter.text ?? '' });
  }
}

type Choice = QuickPickItem & Readonly<{ value: string }>;

function offer({ name, count }: AuditValues['tools'][number]): Choice {
  return { label: plainLabel(name, 80), description: counted(count, 'entry', 'entries'), value: name };
}

async function choose(choices: Promise<readonly Choice[]>, placeHolder: string): Promise<string | undefined> {
  const all = choices.then((some): Choice[] => [{ label: 'All', value: '' }, ...some]);
  return (await window.showQuickPick(all, { placeHolder }))?.value;
}

function withCondition(filter: AuditFilter, field: Field, value: string): AuditFilter {
  const { [field]: _old, ...rest } = filter;
  return value === '' ? rest : { ...rest, [field]: value };
}
