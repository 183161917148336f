import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { ImportPlan, ImportSource } from '../../../../protocol/src/externalServers';
import { foreignFiles } from '../../tools/backends/foreignFiles';
import { confirmed, requirePerson } from './approvals';
import type { BrokerClient } from './brokerClient';
import { line, note, print } from './terminal';

/** `conductor backends import`: takes over the MCP servers that other programs have. Their files stay as they are. */

/** Shows what would be taken over, asks, and does it. */
export async function importBackends(broker: BrokerClient, options: Readonly<{ from?: string; file?: string[] }>): Promise<number> {
  const sources = sourcesOf(options);
  const plan = await broker.request('backends/importPlan', { sources });
  for (const words of plan.leftOut) note(line(words));
  const { servers } = plan;
  if (servers.length === 0) {
    print('There is nothing to take over.');
    return 1;
  }
  for (const server of servers) show(server);
  print('Their programs keep them as well: remove them there, so that agents reach them through Conductor only.');
  // What an agent could run would free it.
  requirePerson();
  if (!(await confirmed(`Type "yes" to add ${servers.length === 1 ? 'this server' : `these ${String(servers.length)} servers`}; each waits for your approval before it starts: `))) {
    note('Nothing was changed.');
    return 1;
  }
  await broker.request('backends/import', { digest: plan.digest, sources });
  print('Done. Undo it with "conductor backends import --undo". List their tools in external_mcp_policy.json, then run "conductor backends approve NAME".');
  return 0;
}

/** Takes the last import back: removes the servers and the credentials that it made. */
export async function undoImport(broker: BrokerClient): Promise<number> {
  const { backends, credentials } = await broker.request('backends/undoImport', {});
  for (const name of [...backends, ...credentials]) print(line(`${name} is removed.`));
  return 0;
}

/** Where to look, as this terminal sees it: the broker may have another environment. */
function sourcesOf({ from, file }: Readonly<{ from?: string; file?: string[] }>): ImportSource[] {
  if (file !== undefined) return file.map((path) => ({ program: 'file', file: resolve(path) }));
  const wanted = from?.split(',').map((name) => name.trim());
  return foreignFiles(homedir(), process.platform, process.env).filter(({ program }) => wanted === undefined || wanted.includes(program));
}

function show({ program, file, backend, profile, credentials, remarks }: ImportPlan['servers'][number]): void {
  print(line(`${backend} (from ${program}: ${file})`));
  print(line(`  ${JSON.stringify(profile)}`));
  for (const credential of credentials) print(line(`  its secret goes into the credential store as ${credential}`));
  for (const remark of remarks) print(line(`  ! ${remark}`));
}
