import type { Command } from 'commander';
import type { GrantView } from '../../../../protocol/src/grants';
import { requirePerson, withBroker } from './approvals';
import type { BrokerClient } from './brokerClient';
import { line, note, print, printTable, run } from './terminal';

/** `conductor grants`: see which answers last, and take them back. */
export function addGrants(program: Command, configDir: () => string): void {
  const grants = program.command('grants').description('See and undo approvals and denials that last');
  grants.command('list').description('List them, oldest first').option('--json', 'print JSON').action((options: { json?: boolean }) => run(() => withBroker(configDir(), (broker) => list(broker, options.json === true))));
  grants.command('undo').description('Take one back; what it covered asks again, what it forbade too').argument('<id>').action((id: string) => run(() => withBroker(configDir(), (broker) => undo(broker, id))));
}

async function list(broker: BrokerClient, json: boolean): Promise<number> {
  const { grants, trouble } = await broker.request('grants/list', {});
  if (trouble !== undefined) note(line(trouble));
  if (json) print(JSON.stringify(grants));
  else if (grants.length === 0) print('Nothing is granted or forbidden for more than one call.');
  else printTable([['ID', 'EFFECT', 'USES', 'ENDS', 'AGENT', 'PROJECT', 'WHAT'], ...grants.map(rowOf)]);
  return 0;
}

function rowOf({ id, effect, uses, expiresAt, session, agent, project, title }: GrantView): string[] {
  return [id, effect, String(uses), session ? `${expiresAt ?? ''} or with its agent` : (expiresAt ?? 'when undone'), agent === '' ? 'any' : agent, project, title];
}

async function undo(broker: BrokerClient, id: string): Promise<number> {
  const { grants } = await broker.request('grants/list', {});
  // Allowing again what somebody forbade widens what agents may do.
  if (grants.some((grant) => grant.id === id && grant.effect === 'deny')) requirePerson();
  const { undone } = await broker.request('grants/undo', { id });
  print(undone ? 'Undone.' : `There is no grant "${line(id)}".`);
  return undone ? 0 : 1;
}
