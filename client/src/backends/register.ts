import type { Broker } from '../broker';
import { commands, type CommandId } from '../ids';
import type { Lifetime } from '../lifetime';
import { saying } from '../saying';
import { addServer, approveServer, importServers, openServerFile, preflightServer, removeServer, resetServer, reviewServer, startServer, stopServer, switchServer, undoImport, withdrawServer, type Room } from './commands';
import { ServerModel } from './model';
import { ServerReviews } from './review';
import { ServersTree } from './tree';

/** The commands of this folder. */
export type ServerCommand = Extract<CommandId, `conductor.servers.${string}`>;

/** Shows the external servers, and lets a person approve, start, check and switch them. */
export function registerServers(broker: Broker, life: Lifetime): Readonly<Record<ServerCommand, (...args: unknown[]) => unknown>> {
  const model = life.add(new ServerModel(broker));
  const room: Room = { broker, model, reviews: life.add(new ServerReviews(broker)) };
  life.add(new ServersTree(model));
  return {
    [commands.reviewServer]: (row) => saying('the server cannot be shown.', () => reviewServer(room, row)),
    [commands.approveServer]: (about) => saying('the server was not approved.', () => approveServer(room, about)),
    [commands.withdrawServer]: (row) => saying('the approval was not taken back.', () => withdrawServer(room, row)),
    [commands.startServer]: (row) => saying('the server was not started.', () => startServer(room, row)),
    [commands.stopServer]: (row) => saying('the server was not stopped.', () => stopServer(room, row)),
    [commands.enableServer]: (row) => saying('the server was not enabled.', () => switchServer(room, row, 'enable')),
    [commands.disableServer]: (row) => saying('the server was not disabled.', () => switchServer(room, row, 'disable')),
    [commands.addServer]: () => saying('the server was not added.', () => addServer(room)),
    [commands.removeServer]: (row) => saying('the server was not removed.', () => removeServer(room, row)),
    [commands.preflightServer]: (row) => saying('the preflight was not run.', () => preflightServer(room, row)),
    [commands.resetServer]: (row) => saying('the breaker was not reset.', () => resetServer(room, row)),
    [commands.importServers]: () => saying('the servers of other programs cannot be taken over.', () => importServers(room)),
    [commands.undoServerImport]: () => saying('the import was not taken back.', () => undoImport(room)),
    [commands.openServers]: (row) => saying('the file cannot be opened.', () => openServerFile(room, 'mcp_backends.json', row)),
    [commands.openServerPolicy]: (row) => saying('the file cannot be opened.', () => openServerFile(room, 'external_mcp_policy.json', row)),
  };
}
