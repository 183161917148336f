import type { Command } from 'commander';
import { requirePerson, withBroker } from './approvals';
import { openRunningBroker, type BrokerClient } from './brokerClient';
import { isInteractive, note, print, run } from './terminal';
import { watch } from './watch';

/** `conductor broker`: start the broker where no editor does it. */
export function addBroker(program: Command, configDir: () => string): void {
  const broker = program.command('broker').description('The process behind everything; editors and agents start it by themselves');
  broker
    .command('start')
    .description('Start the broker, unless it runs already')
    .option('--foreground', 'stay until it ends, and end it when you leave; at a terminal, calls that need approval are asked about here')
    .option('--no-ask', 'with --foreground: ask about nothing here')
    .action((options: { foreground?: boolean; ask: boolean }) => run(() => start(configDir(), options.foreground === true, options.ask)));
}

async function start(configDir: string, foreground: boolean, ask: boolean): Promise<number> {
  const running = await runs(configDir);
  return await withBroker(configDir, async (broker) => {
    const { pid, version } = await broker.request('conductor/status', {});
    print(running ? `The broker runs already (process ${String(pid)}, version ${version})${foreground ? '; it goes on when you leave' : ''}.` : `The broker runs (process ${String(pid)}, version ${version}).`);
    return foreground ? await stay(broker, configDir, { ends: !running, ask }) : 0;
  });
}

async function runs(configDir: string): Promise<boolean> {
  return await openRunningBroker(configDir).then((found) => (found.close(), true), () => false);
}

/** Keeps the broker company until it or this terminal ends. One that was started here ends with it. */
async function stay(broker: BrokerClient, configDir: string, { ends, ask }: Readonly<{ ends: boolean; ask: boolean }>): Promise<number> {
  const leave = async (): Promise<void> => {
    if (ends) await broker.request('conductor/drain', {}).then(() => broker.closed, () => undefined);
  };
  const asked = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(0));
  });
  if (!ask || !isInteractive()) {
    note(ask ? 'Nobody can be asked here, since this is no terminal. Calls that need approval wait for an editor or "conductor approvals watch".' : 'Calls that need approval wait for an editor or "conductor approvals watch".');
    const code = await Promise.race([asked, broker.closed.then(() => 2)]);
    await leave();
    return code;
  }
  requirePerson();
  const code = await Promise.race([asked, watch(broker, configDir)]);
  await leave();
  return code;
}
