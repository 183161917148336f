import { commands as editorCommands, window } from 'vscode';
import type { Tally } from '../../../protocol/src/proofs';
import type { Broker } from '../broker';
import { commands, type CommandId } from '../ids';
import type { Lifetime } from '../lifetime';
import { VectorDocuments } from './documents';
import { VectorTests } from './tests';
import { totalsText } from './words';

/** The commands of this folder. */
export type PolicyCommand = Extract<CommandId, `conductor.policy.${string}`>;

/** Lets a person prove their policy against attack vectors in the Test Explorer; nothing is run. */
export function registerPolicy(broker: Broker, life: Lifetime): Readonly<Record<PolicyCommand, () => unknown>> {
  life.add(new VectorDocuments(broker));
  const tests = life.add(new VectorTests(broker));
  return { [commands.provePolicy]: () => prove(tests) };
}

/** Shows the Test Explorer, proves every vector and says the totals; answers them, too, for whoever runs the command from code. */
async function prove(tests: VectorTests): Promise<Tally | undefined> {
  await editorCommands.executeCommand('workbench.view.testing.focus');
  const totals = await tests.proveAll();
  if (totals === undefined) void window.showErrorMessage('Conductor: the policy was not proved. The Test Explorer says why.');
  else if (totals.silent + totals.asks + totals.exposed > 0) void window.showWarningMessage(`Conductor: ${totalsText(totals)}`);
  else void window.showInformationMessage(`Conductor: ${totalsText(totals)}`);
  return totals;
}
