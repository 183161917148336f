import assert from 'node:assert/strict';
import type { Outcome } from '../../../../protocol/src/call';
import { configSchema } from '../../../../protocol/src/config';
import { ConductorError, type ErrorCode } from '../../../../protocol/src/errors';
import type { ExternalVerdict } from '../../rules/backends/verdict';
import type { Registry } from './registry';
import { toolOf, type Send } from './tool';

/** A registry in which one tool may be called. */
function registryOf(readOnly: boolean): Registry {
  const verdict: ExternalVerdict = { verdict: { verdict: 'allow', rule: 'external.listed', reason: '' }, warnings: [], rates: [], readOnly };
  return {
    profiles: () => new Map(), quarantined: () => undefined, identity: () => '', judge: () => verdict, shown: () => true, spend: () => undefined, listed: () => undefined,
    approvedPrompt: () => true, instructions: () => undefined, hidden: () => 'mark', approvedTools: () => [], skipped: () => undefined, onChange: () => () => undefined,
  };
}

describe('a request to an external server whose connection ends', () => {
  const lost = (data: Readonly<Record<string, unknown>> = {}, code: ErrorCode = 'BACKEND_UNAVAILABLE') => new ConductorError(code, 'It ended.', { data });

  async function call(readOnly: boolean, failures: readonly ConductorError[], signal = new AbortController().signal): Promise<[sent: number, outcome: Outcome, told: string[]]> {
    let sent = 0;
    const told: string[] = [];
    const send: Send = () => {
      const failure = failures[sent];
      sent += 1;
      return failure === undefined ? Promise.resolve({ kind: 'result', result: { content: [] } }) : Promise.reject(failure);
    };
    const tool = toolOf({ backend: 'calc', registry: registryOf(readOnly), send }, { name: 'look' });
    const prepared = await tool.prepare({}, { project: '/p', configDir: '/c', config: configSchema.parse({}), signal });
    const outcome = await prepared.run(signal, (message) => told.push(message));
    return [sent, outcome, told];
  }

  it('backends:resend T62: what only looks is sent once more, and the agent is told', async () => {
    const [sent, outcome, told] = await call(true, [lost()]);
    assert.deepEqual([sent, outcome.kind], [2, 'success']);
    assert.match(told.join(), /sent once more/);
    assert.deepEqual((await call(true, [lost(), lost()])).slice(0, 1), [2], 'and never a third time');
  });

  const once: [title: string, readOnly: boolean, failure: ConductorError][] = [
    ['what may write', false, lost()],
    ['what met with silence', true, lost({}, 'TIMEOUT')],
    ['what was not even sent', true, lost({ retryAfterMs: 5 })],
    ['what was too long', true, lost({}, 'TOO_LARGE')],
  ];
  for (const [title, readOnly, failure] of once) {
    it(`backends:resend T62: ${title} is not sent again`, async () => {
      const [sent, outcome] = await call(readOnly, [failure]);
      assert.deepEqual([sent, outcome.kind], [1, 'failure']);
    });
  }

  it('backends:resend T62: what its agent took back is not sent again', async () => {
    const abort = new AbortController();
    abort.abort();
    assert.equal((await call(true, [lost()], abort.signal))[0], 1);
  });
});
