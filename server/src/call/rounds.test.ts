import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Outcome, ToolCall } from '../../../protocol/src/call';
import { defaultConfig } from '../../../protocol/src/config';
import type { NewEntry } from '../../../protocol/src/audit/entry';
import { createDesk } from '../approvals/desk';
import { noGrants } from '../approvals/grants';
import { createRedactor } from '../rules/redaction/redactor';
import { createShelf } from '../approvals/shelf';
import { createWitness } from '../approvals/witness';
import { seal } from '../tools/seal';
import type { Tool } from '../tools/tool';
import { createPipeline } from './pipeline';
import { createRecorder } from './recorder';

/** Calls of several rounds, through a real pipeline, desk and seal, with a tool that asks its client something. */

type Answers = Readonly<{ inputResponses?: unknown; requestState?: unknown }>;

function house(states: readonly (string | undefined)[] = ['one', 'two']) {
  const entries: NewEntry[] = [];
  const ran: Answers[] = [];
  const facts = { value: 'same' };
  let [ids, time] = [0, 0];
  const tool: Tool = {
    name: 'test.ask', title: '', description: '', input: z.record(z.string(), z.unknown()),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    prepare: (input, { line }) => Promise.resolve({
      verdict: { verdict: 'approve', rule: 'r', reason: 'w' }, facts: [{ label: 'Arguments', key: '', value: JSON.stringify(input) }, { label: 'File', key: 'f', value: facts.value }], readOnly: false, show: { title: 't', raw: 'r', cwd: '/p', details: [] },
      run: () => {
        const round = ran.push(line?.rest ?? {});
        if (round > states.length) return Promise.resolve({ kind: 'success', text: 'done', truncated: false });
        const state = states[round - 1];
        return Promise.resolve({ kind: 'success', text: '', truncated: false, wire: { kind: 'result', result: { resultType: 'input_required', inputRequests: {}, ...(state === undefined ? {} : { requestState: state }) } } });
      },
    }),
  };
  const witness = createWitness();
  const asked: string[] = [];
  const desk = createDesk({
    now: () => 0, wallNow: () => 0, schedule: () => () => undefined, nonce: () => 'n', vouch: () => ({ kind: 'vouched', level: 'unsigned' }),
    onChange: (pending) => {
      for (const { id, digest } of pending) {
        if (asked.includes(id)) continue;
        asked.push(id);
        setImmediate(() => { witness.heard(id); desk.decide({ id, digest, decision: 'approve' }, { role: 'editor', connection: 9 }); });
      }
    },
  });
  desk.attend(9);
  const append = (entry: NewEntry) => Promise.resolve(void entries.push(entry));
  const sealed = seal(tool, (call) => witness.take(call));
  const pipeline = createPipeline({
    tools: new Map([[tool.name, sealed]]), configDir: '/c', now: () => time, wallNow: () => 0, newId: () => `evt_again${String(ids)}`,
    policy: () => ({ config: defaultConfig, policyHash: 'h' }), onPolicyChange: () => () => undefined, desk, shelf: createShelf(), redactor: createRedactor(), approvedInLog: () => Promise.resolve([]), heardFromClient: () => undefined, grants: noGrants,
    admit: () => ({ kind: 'admitted', settle: () => undefined }), openFor: () => undefined, recorder: createRecorder({ append, enqueue: append }),
  });
  const call = (rest: Answers = {}, more: Partial<ToolCall> & { connection?: number } = {}): Promise<Outcome> => {
    ids += 1;
    const { connection = 1, ...other } = more;
    const line: ToolCall['line'] = { project: '/p', key: String(connection), meta: {}, rest: { ...rest }, capabilities: {}, tell: () => undefined };
    return pipeline.run({ id: `evt_${String(ids)}`, tool: tool.name, input: { a: 1 }, project: '/p', actor: { role: 'agent', client: 'c', connection, user: 'u' }, line, ...other }, { signal: new AbortController().signal, progress: () => undefined });
  };
  return { call, asked, entries, ran, facts, pass: (ms: number) => { time += ms; } };
}

describe('rounds of one call', () => {
  it('approvals:rounds: three rounds are one approval, and one chain in the log', async () => {
    const { call, asked, entries, ran } = house();
    await call();
    await call({ inputResponses: { q: 1 }, requestState: 'one' });
    assert.equal((await call({ inputResponses: { q: 2 }, requestState: 'two' })).kind, 'success');
    assert.deepEqual(asked, ['evt_1']);
    assert.deepEqual(ran.map(({ requestState }) => requestState), [undefined, 'one', 'two']);
    const intents = entries.filter(({ phase }) => phase === 'intent');
    assert.deepEqual(intents.map(({ approval, detail }) => [approval?.id, approval?.decision, detail?.['continues'], detail?.['round']]), [['evt_1', 'approved', undefined, undefined], ['evt_1', 'continued', 'evt_1', 2], ['evt_1', 'continued', 'evt_1', 3]]);
    assert.deepEqual(entries.filter(({ phase }) => phase === 'done').map(({ detail }) => detail?.['inputRequired']), [true, true, undefined]);
  });

  it('approvals:rounds: a tool that gives out no state is answered, too', async () => {
    const { call, asked } = house([undefined]);
    await call();
    assert.equal((await call({ inputResponses: {} })).kind, 'success');
    assert.deepEqual(asked, ['evt_1']);
  });

  const others: readonly (readonly [string, (given: ReturnType<typeof house>) => Promise<unknown>])[] = [
    ['a state that was made up', ({ call }) => call({ requestState: 'zwei' })],
    ['no answers at all', ({ call }) => call()],
    ['other arguments', ({ call }) => call({ requestState: 'one' }, { input: { a: 2 } })],
    ['another connection', ({ call }) => call({ requestState: 'one' }, { connection: 2 })],
    ['another project', ({ call }) => call({ requestState: 'one' }, { project: '/q' })],
    ['ground that has moved', ({ call, facts }) => { facts.value = 'other'; return call({ requestState: 'one' }); }],
    ['answers after ten minutes', ({ call, pass }) => { pass(600_000); return call({ requestState: 'one' }); }],
  ];
  for (const [what, second] of others) {
    it(`T41 T43 T60: ${what} is asked about anew`, async () => {
      const given = house();
      await given.call();
      await second(given);
      assert.equal(given.asked.length, 2, what);
    });
  }

  it('T44: each round is taken once', async () => {
    const { call, asked } = house();
    await call();
    await call({ requestState: 'one' });
    await call({ requestState: 'one' });
    assert.equal(asked.length, 2);
  });

  it('A1: a round that no tool began is not run by the seal, whatever the pipeline believes', async () => {
    const tool: Tool = { name: 't', title: '', description: '', input: z.any(), annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true }, prepare: () => Promise.resolve({ verdict: { verdict: 'approve', rule: 'r', reason: 'w' }, facts: [], readOnly: false, show: { title: '', raw: '', cwd: '', details: [] }, run: () => Promise.resolve({ kind: 'success', text: 'ran', truncated: false }) }) };
    const line = { project: '/p', key: '1', meta: {}, rest: { requestState: 'one' }, capabilities: {}, tell: () => undefined };
    const prepared = await seal(tool, () => false).prepare({}, { project: '/p', configDir: '/c', config: defaultConfig, call: 'evt_1', signal: new AbortController().signal, line });
    const outcome = await prepared.run(new AbortController().signal, () => undefined);
    assert.equal(outcome.kind === 'refused' && outcome.rule, 'approval.unheard');
  });
});
