import type { Command } from 'commander';
import { withBroker } from './approvals';
import { print, printTable, run } from './terminal';

/** `conductor breakers`: see the circuit breakers of the tools, and close one by hand. */
export function addBreakers(program: Command, configDir: () => string): void {
  const breakers = program.command('breakers').description('See and reset the circuit breakers of tools');
  breakers
    .command('list')
    .description('List the breakers')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) =>
      run(() =>
        withBroker(configDir(), async (broker) => {
          const { breakers: found } = await broker.request('breakers/list', {});
          if (options.json === true) print(JSON.stringify(found));
          else printTable([['TOOL', 'STATE', 'FAILURES', 'RETRY AFTER', 'LAST FAILURE'], ...found.map((one) => [one.tool, one.state, `${String(one.failures)}/${String(one.threshold)}`, one.retryAfterMs === undefined ? '-' : `${String(Math.ceil(one.retryAfterMs / 1000))} s`, one.lastFailure ?? '-'])]);
          return 0;
        }),
      ),
    );
  breakers
    .command('reset')
    .description('Close a breaker by hand')
    .argument('<tool>', 'dotted tool name, for instance shell.exec')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action((tool: string, options: { reason: string }) =>
      run(() =>
        withBroker(configDir(), async (broker) => {
          const { reset } = await broker.request('breakers/reset', { tool, reason: options.reason });
          print(reset ? `The breaker of ${tool} is closed.` : `The breaker of ${tool} was closed already.`);
          return 0;
        }),
      ),
    );
}
