import { z } from 'zod';
import { strictest, type ClientLine, type Outcome } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { unsafeOpening } from '../../rules/backends/opening';
import type { Prepared, Tool } from '../tool';
import { toBackends, toClients, type Passing } from './methods';
import { isLost, outcomeOf, skippedRefusal } from './outcome';
import { mayUse, prepareUse, type ToolGround } from './tool';

/** What passes besides tools, as calls like any other: judged, asked about and recorded. No list of tools names them. */

const anyObject = z.record(z.string(), z.unknown());
const hidden = { description: '', input: anyObject, annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true }, listed: () => false } as const;

/** The internal name of a use: no tool on the wire can be named so. */
export function useName(backend: string, method: string): string {
  return `${backend}/${method}`;
}

/** One call for each method of the table, in both directions. */
export function usesOf(ground: ToolGround): readonly Tool[] {
  const there = [...toBackends].map(([method, passing]): Tool => ({
    ...hidden, name: useName(ground.backend, method), title: passing.title, countsAsFailure: isLost, skips: (refusal, project) => skippedRefusal(refusal, { backend: ground.backend, project }, ground.registry),
    prepare: (input, context) => Promise.resolve(prepareThere(ground, method, passing, input, context)),
  }));
  const back = [...toClients].map(([method, { title }]): Tool => ({
    ...hidden, name: useName(ground.backend, method), title, countsAsFailure: () => false,
    prepare: (input, context) => Promise.resolve(prepareBack(ground, method, title, input, context)),
  }));
  return [...there, ...back];
}

function prepareThere(ground: ToolGround, method: string, passing: Passing, input: Readonly<Record<string, unknown>>, context: Parameters<typeof prepareUse>[3]): Prepared {
  const prepared = prepareUse(ground, { tool: passing.permit, method, params: input, title: passing.title, ...(passing.looks === undefined ? {} : { repeatable: passing.looks }) }, input, context);
  if (passing.way !== 'list') return prepared;
  // A list tells what may be asked for; it asks nobody by itself.
  const verdict = mayUse(ground.registry, ground.backend, passing.permit, context.project) ? { verdict: 'allow', rule: 'external.listed', reason: `The policy lists ${passing.permit} of ${ground.backend}.` } as const : prepared.verdict;
  return { ...prepared, verdict, readOnly: true };
}

function prepareBack(ground: ToolGround, method: string, title: string, input: Readonly<Record<string, unknown>>, context: Parameters<typeof prepareUse>[3]): Prepared {
  const prepared = prepareUse(ground, { tool: method, method, params: input, title }, input, context);
  const flaw = unsafeOpening(method, input);
  const verdict = flaw === undefined ? prepared.verdict : strictest([prepared.verdict, { verdict: 'deny', rule: 'external.address', reason: flaw }]);
  return { ...prepared, verdict, run: (signal) => askClient(ground.backend, method, input, context.line, signal) };
}

async function askClient(backend: string, method: string, params: Readonly<Record<string, unknown>>, line: ClientLine | undefined, signal: AbortSignal): Promise<Outcome> {
  if (line?.ask === undefined) return { kind: 'failure', error: new ConductorError('TOOL_FAILED', 'The agent cannot be asked.') };
  const answer = await line.ask(backend, method, params, signal);
  if (answer.kind === 'result') return outcomeOf(answer);
  return { kind: 'failure', error: new ConductorError('TOOL_FAILED', `The agent answered with the error ${String(answer.error.code)}: ${answer.error.message.slice(0, 300)}`), wire: answer };
}
