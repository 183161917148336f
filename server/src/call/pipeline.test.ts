import assert from 'node:assert/strict';
import { z } from 'zod';
import type { ToolCall, Verdict } from '../../../protocol/src/call';
import { defaultConfig } from '../../../protocol/src/config';
import { ConductorError } from '../../../protocol/src/errors';
import { noGrants } from '../approvals/grants';
import type { Answer, Question } from '../approvals/question';
import { createShelf } from '../approvals/shelf';
import type { GrantRoom } from './granting';
import { createPipeline, mostQuestions } from './pipeline';
import type { Policy, Rooms } from './rooms';
import type { Admitted, Finished, Refused } from './recorder';
import { createRedactor } from '../rules/redaction/redactor';
import type { Prepared, Tool } from '../tools/tool';

/** The order of a call, seen from outside: what happened, in which order, and what did not. */

const call: ToolCall = { id: 'evt_1', tool: 'test.tool', input: { text: 'x' }, project: '/p', actor: { role: 'agent', client: 'c', connection: 1, user: 'u' } };
const yes: Answer = { kind: 'approved', by: { role: 'editor' }, waitedMs: 5 };

type Setting = {
  verdict?: Verdict['verdict'];
  readOnly?: boolean;
  /** What the file holds at each preparation. */
  values?: string[];
  verdicts?: Verdict['verdict'][];
  answer?: Answer | ((round: number) => Answer);
  run?: (time: number) => ReturnType<Prepared['run']>;
  failAt?: 'admitted' | 'finished' | 'refused' | 'reviewed' | 'parked';
  openFor?: number;
  admitOpen?: boolean;
  policies?: Policy[];
  changeRules?: boolean;
  grants?: Partial<GrantRoom>;
  signal?: AbortSignal;
  /** What the tool says while it runs. */
  says?: string;
};

function house(setting: Setting = {}) {
  const events: string[] = [];
  let prepared = 0;
  let id = 1;
  const asked: Question[] = [];
  const entries: (readonly [call: string, record: Partial<Admitted & Refused & Finished>])[] = [];
  const heard: string[] = [];
  let policyChanged: () => void = () => undefined;
  const record = (what: 'admitted' | 'finished' | 'refused') => ({ id: of }: ToolCall, told: Partial<Admitted & Refused & Finished>, queued?: boolean) => {
    entries.push([of, told]);
    events.push(queued === true ? `${what} queued` : what);
    return setting.failAt === what ? Promise.reject(new ConductorError('AUDIT_UNAVAILABLE', 'the log is full')) : Promise.resolve();
  };
  const tool: Tool = {
    name: 'test.tool', title: '', description: '', input: z.strictObject({ text: z.string() }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: () => {
      const verdict = setting.verdicts?.[prepared] ?? setting.verdict ?? 'allow';
      const value = setting.values?.[prepared] ?? 'same';
      prepared += 1;
      events.push('prepare');
      return Promise.resolve({
        verdict: { verdict, rule: 'test.rule', reason: 'because' }, facts: [{ label: 'File', key: '/p/f', value }], readOnly: setting.readOnly ?? false, show: { title: 't', raw: 'r', cwd: '/p', details: [] },
        run: (_signal, progress) => {
          events.push('run');
          if (setting.says !== undefined) progress(setting.says);
          return setting.run?.(events.filter((event) => event === 'run').length) ?? Promise.resolve({ kind: 'success', text: 'done', truncated: false });
        },
        release: () => void events.push('release'),
      });
    },
  };
  const rooms: Rooms = {
    tools: new Map([['test.tool', tool]]), configDir: '/c', now: () => 0, wallNow: () => 0, newId: () => `evt_${(id += 1)}`,
    onPolicyChange: (listener) => { policyChanged = listener; return () => void events.push('rules let go'); },
    policy: () => setting.policies?.shift() ?? { config: defaultConfig, policyHash: 'h' },
    desk: { ask: (question: Question, { signal }) => { events.push('ask'); asked.push(question); if (setting.changeRules === true) return new Promise((resolve) => { signal.addEventListener('abort', () => resolve({ kind: 'withdrawn', waitedMs: 1 })); policyChanged(); }); const answer = setting.answer ?? yes; return Promise.resolve(typeof answer === 'function' ? answer(asked.length) : answer); } },
    shelf: createShelf(), redactor: createRedactor(), approvedInLog: () => Promise.resolve([]), heardFromClient: () => undefined,
    admit: () => (setting.admitOpen === true ? { kind: 'open', retryAfterMs: 1500 } : { kind: 'admitted', settle: (result) => void events.push(`settle ${result}`) }),
    openFor: () => setting.openFor,
    grants: { ...noGrants, ...setting.grants },
    recorder: { admitted: record('admitted'), finished: record('finished'), refused: record('refused'), parked: ({ id: of }) => { events.push(`parked ${of}`); return setting.failAt === 'parked' ? Promise.reject(new ConductorError('AUDIT_UNAVAILABLE', 'the log is full')) : Promise.resolve(); }, notFetched: ({ id: of }, why) => { events.push(`not fetched ${of} ${why}`); return Promise.resolve(); }, reviewed: (_, approval) => { events.push(`reviewed ${approval.decision}`); return setting.failAt === 'reviewed' ? Promise.reject(new ConductorError('AUDIT_UNAVAILABLE', 'the log is full')) : Promise.resolve(); } },
  };
  const pipeline = createPipeline(rooms);
  const run = (given: Partial<ToolCall> = {}) => pipeline.run({ ...call, ...given }, { signal: setting.signal ?? new AbortController().signal, progress: (message) => void heard.push(message) });
  return { events, run, asked, entries, heard };
}

describe('call/pipeline', () => {
  it('T87: the decision is recorded before the tool runs, the outcome before it is released', async () => {
    const { events, run } = house();
    assert.equal((await run()).kind, 'success');
    assert.deepEqual(events, ['prepare', 'admitted', 'run', 'settle success', 'finished', 'release']);
  });

  it('pipeline:asks: an approved call is prepared again and then runs', async () => {
    const { events, run } = house({ verdict: 'approve' });
    assert.equal((await run()).kind, 'success');
    assert.deepEqual(events, ['prepare', 'ask', 'rules let go', 'prepare', 'admitted', 'run', 'settle success', 'finished', 'release', 'release']);
  });

  it('T48 approvals:crash-denies: a desk that crashes lets nothing run', async () => {
    const { events, run } = house({ verdict: 'approve', answer: () => { throw new Error('crashed'); } });
    assert.equal((await run()).kind, 'refused');
    assert.ok(!events.includes('run') && !events.includes('admitted'), events.join());
  });

  const refusals: readonly (readonly [string, Setting, string])[] = [
    ['pipeline:denied: a denied call is recorded and never asked about', { verdict: 'deny' }, 'DENIED'],
    ['T43: denied by the policy of the moment after the approval', { verdicts: ['approve', 'deny'] }, 'DENIED'],
    ['T43: rules that change while the call waits withdraw the question', { verdicts: ['approve', 'deny'], changeRules: true }, 'DENIED'],
    ['pipeline:declined', { verdict: 'approve', answer: { kind: 'denied', by: { role: 'editor' }, waitedMs: 1 } }, 'APPROVAL_DENIED'],
    ['T46: time ran out', { verdict: 'approve', answer: { kind: 'timeout', waitedMs: 1 } }, 'APPROVAL_TIMEOUT'],
    ['pipeline:nobody', { verdict: 'approve', answer: { kind: 'unavailable' } }, 'APPROVAL_UNAVAILABLE'],
    ['pipeline:withdrawn', { verdict: 'approve', answer: { kind: 'withdrawn', waitedMs: 1 } }, 'CANCELLED'],
    ['A27: an open breaker refuses before anybody is asked', { verdict: 'approve', openFor: 900 }, 'CIRCUIT_OPEN'],
    ['A27: a breaker that opened meanwhile refuses', { admitOpen: true }, 'CIRCUIT_OPEN'],
    ['pipeline:cancelled before it ran', { signal: AbortSignal.abort() }, 'CANCELLED'],
  ];
  for (const [what, setting, code] of refusals) {
    it(`${what}: refused, recorded, not run`, async () => {
      const { events, run } = house(setting);
      const outcome = await run();
      assert.equal(outcome.kind === 'refused' && outcome.code, code);
      assert.equal(events.includes('run'), false);
      assert.equal(events.filter((event) => event === 'refused').length, 1);
      assert.equal(events.filter((event) => event === 'release').length, events.filter((event) => event === 'prepare').length);
    });
  }

  it('pipeline:nobody: whoever gets no yes hears what it was asked for, to choose a form that asks nobody', async () => {
    for (const answer of [{ kind: 'unavailable' }, { kind: 'timeout', waitedMs: 1 }, { kind: 'denied', by: { role: 'editor' }, waitedMs: 1 }] as const) {
      const outcome = await house({ verdict: 'approve', answer }).run();
      assert.match(outcome.kind === 'refused' ? outcome.reason : '', /It was asked because of test\.rule: because$/);
    }
  });

  it('pipeline:retry-after: an open breaker tells when to come back', async () => {
    const outcome = await house({ openFor: 900 }).run();
    assert.equal(outcome.kind === 'refused' && outcome.retryAfterMs, 900);
  });

  it('pipeline:invalid-input and unknown tools are refused by name and recorded', async () => {
    const { events, run } = house();
    assert.match(JSON.stringify(await run({ input: { text: 5 } })), /INVALID_INPUT.*text/);
    assert.match(JSON.stringify(await run({ tool: '__proto__' })), /UNKNOWN_TOOL/);
    assert.deepEqual(events, ['refused', 'refused']);
  });

  it('T84: a decision that cannot be recorded: nothing runs, and the breaker is left alone', async () => {
    const { events, run } = house({ failAt: 'admitted' });
    const outcome = await run();
    assert.equal(outcome.kind === 'refused' && outcome.code, 'AUDIT_UNAVAILABLE');
    assert.deepEqual(events, ['prepare', 'admitted', 'settle neutral', 'release']);
  });

  it('T84: an outcome that cannot be recorded is withheld, and the agent is told that the tool ran', async () => {
    const outcome = await house({ failAt: 'finished' }).run();
    assert.equal(outcome.kind, 'failure');
    assert.match(outcome.kind === 'failure' ? outcome.error.message : '', /ran.*withheld/);
    assert.doesNotMatch(JSON.stringify(outcome), /done/);
  });

  it('T84: a refusal that cannot be recorded stays a refusal', async () => {
    const outcome = await house({ verdict: 'deny', failAt: 'refused' }).run();
    assert.equal(outcome.kind === 'refused' && outcome.code, 'DENIED');
  });

  it('T62: failures count for the breaker; refusals of the tool itself and withdrawn calls do not', async () => {
    const fails = (code: 'TOOL_FAILED' | 'TIMEOUT' | 'CANCELLED' | 'APPROVAL_STALE') => house({ run: () => Promise.resolve({ kind: 'failure', error: new ConductorError(code, 'm') }) });
    for (const [code, settled] of [['TOOL_FAILED', 'failure'], ['TIMEOUT', 'failure'], ['CANCELLED', 'neutral'], ['APPROVAL_STALE', 'neutral']] as const) {
      const { events, run } = fails(code);
      await run();
      assert.ok(events.includes(`settle ${settled}`), code);
    }
  });

  it('pipeline:bug: a tool that throws is a recorded failure', async () => {
    const { events, run } = house({ run: () => Promise.reject(new TypeError('bug')) });
    assert.equal((await run()).kind, 'failure');
    assert.ok(events.includes('finished'));
  });

  it('pipeline:queued: only entries of calls that read may be queued, and only when the user says so', async () => {
    const queued = { config: { ...defaultConfig, audit: { ...defaultConfig.audit, readOnlyDurability: 'queued' as const } }, policyHash: 'h' };
    const reading = house({ readOnly: true, policies: [queued] });
    await reading.run();
    assert.deepEqual(reading.events.filter((event) => event.endsWith('queued')), ['admitted queued', 'finished queued']);
    const writing = house({ readOnly: false, policies: [queued] });
    await writing.run();
    assert.deepEqual(writing.events.filter((event) => event.endsWith('queued')), []);
  });

  const no: Answer = { kind: 'denied', by: { role: 'editor' }, waitedMs: 1 };
  const policyOf = (policyHash: string, changed: object = {}): Policy => ({ config: { ...defaultConfig, ...changed }, policyHash });

  it('T41 N1 approvals:asked-again: what changed after the approval is asked about again, with the difference, and runs only after the second yes', async () => {
    const { events, run, asked, entries, heard } = house({ verdict: 'approve', values: ['old', 'new', 'new'] });
    assert.equal((await run()).kind, 'success');
    assert.deepEqual(events.filter((event) => ['ask', 'refused', 'admitted', 'run'].includes(event)), ['ask', 'refused', 'ask', 'admitted', 'run']);
    const [first, second] = asked;
    assert.equal(first?.again, undefined);
    assert.deepEqual(second?.again, { round: 2, after: 'evt_1', changes: [{ label: 'File', key: '/p/f', before: 'old', after: 'new' }] });
    assert.notEqual(first?.id, second?.id);
    assert.notEqual(first?.digest, second?.digest);
    assert.ok(heard.some((message) => /File \/p\/f.*asked again/.test(message)), heard.join('\n'));
    const [stale, admitted, finished] = entries;
    assert.deepEqual([stale?.[0], stale?.[1].refusal?.code, stale?.[1].approval?.decision, stale?.[1].digest], ['evt_1', 'APPROVAL_STALE', 'approved', first?.digest]);
    assert.deepEqual([admitted?.[0], admitted?.[1].digest, admitted?.[1].again?.after, admitted?.[1].approval?.id], ['evt_2', second?.digest, 'evt_1', 'evt_2']);
    assert.equal(finished?.[0], 'evt_2');
  });

  it('T41 N1 a no to the second question is final: nothing runs, and both answers are recorded', async () => {
    const { events, run, entries } = house({ verdict: 'approve', values: ['old', 'new', 'new'], answer: (round) => (round === 1 ? yes : no) });
    const outcome = await run();
    assert.equal(outcome.kind === 'refused' && outcome.code, 'APPROVAL_DENIED');
    assert.equal(events.includes('run'), false);
    assert.deepEqual(entries.map(([id, { refusal, approval }]) => [id, refusal?.code, approval?.decision]), [['evt_1', 'APPROVAL_STALE', 'approved'], ['evt_2', 'APPROVAL_DENIED', 'denied']]);
  });

  it('T41 N1 gives up after three questions about a ground that keeps moving', async () => {
    const { events, run, asked, entries } = house({ verdict: 'approve', values: ['1', '2', '3', '4', '5'] });
    const outcome = await run();
    assert.equal(outcome.kind === 'refused' && outcome.code, 'APPROVAL_STALE');
    assert.match(outcome.kind === 'refused' ? outcome.reason : '', /changed 3 times/);
    assert.equal(asked.length, mostQuestions);
    assert.equal(entries.length, mostQuestions);
    assert.equal(events.includes('run'), false);
    assert.equal(events.filter((event) => event === 'release').length, events.filter((event) => event === 'prepare').length);
  });

  it('T41 N1 what differs only at the start is asked about again; the log tells of the start that came to nothing', async () => {
    const stale: Awaited<ReturnType<Prepared['run']>> = { kind: 'refused', code: 'APPROVAL_STALE', rule: 'shell.changed', reason: '/p/f is another' };
    const { events, run, asked, entries } = house({ verdict: 'approve', values: ['old', 'old', 'new', 'new'], run: (time) => Promise.resolve(time === 1 ? stale : { kind: 'success', text: 'done', truncated: false }) });
    assert.equal((await run()).kind, 'success');
    assert.deepEqual(events.filter((event) => !event.startsWith('re') && event !== 'prepare' && event !== 'rules let go'), ['ask', 'admitted', 'run', 'settle neutral', 'finished', 'ask', 'admitted', 'run', 'settle success', 'finished']);
    assert.deepEqual(asked[1]?.again?.changes, [{ label: 'File', key: '/p/f', before: 'old', after: 'new' }]);
    assert.deepEqual(entries.map(([id, { outcome }]) => [id, outcome?.kind]), [['evt_1', undefined], ['evt_1', 'refused'], ['evt_2', undefined], ['evt_2', 'success']]);
  });

  it('T41 N1 what changed and changed back before the start is told all the same', async () => {
    const stale: Awaited<ReturnType<Prepared['run']>> = { kind: 'refused', code: 'APPROVAL_STALE', rule: 'shell.changed', reason: '/p/f was another' };
    const { run, asked } = house({ verdict: 'approve', run: (time) => Promise.resolve(time === 1 ? stale : { kind: 'success', text: 'done', truncated: false }) });
    assert.equal((await run()).kind, 'success');
    assert.deepEqual(asked[1]?.again?.changes, [{ label: 'At the start', key: '', before: 'as it was approved', after: '/p/f was another' }]);
  });

  it('T43 N1 another configuration is another question, which names its members', async () => {
    const { run, asked } = house({ verdict: 'approve', policies: [policyOf('a'.repeat(64)), policyOf('b'.repeat(64), { approvalTimeout: 5000 }), policyOf('b'.repeat(64), { approvalTimeout: 5000 })] });
    assert.equal((await run()).kind, 'success');
    assert.deepEqual(asked[1]?.again?.changes, [{ label: 'Configuration', key: 'approvalTimeout', before: 'sha256:aaaaaaaa', after: 'sha256:bbbbbbbb' }]);
  });

  it('T43 a call that became allowed while it waited is asked about again all the same', async () => {
    const { events, run, asked } = house({ verdicts: ['approve', 'allow', 'allow'] });
    assert.equal((await run()).kind, 'success');
    assert.deepEqual([asked.length, asked[1]?.again?.changes[0]?.label], [2, 'Rule']);
    assert.equal(events.filter((event) => event === 'ask').length, 2);
  });

  it('T43 a call that became forbidden by the second question is denied', async () => {
    const { events, run } = house({ verdicts: ['approve', 'approve', 'deny'], values: ['old', 'new', 'new'] });
    const outcome = await run();
    assert.equal(outcome.kind === 'refused' && outcome.code, 'DENIED');
    assert.equal(events.includes('run'), false);
  });

  it('T84 an approval that came to nothing and cannot be recorded ends the call', async () => {
    const { events, run } = house({ verdict: 'approve', values: ['old', 'new'], failAt: 'refused' });
    const outcome = await run();
    assert.equal(outcome.kind === 'refused' && outcome.code, 'APPROVAL_STALE');
    assert.equal(events.filter((event) => event === 'ask').length, 1);
    assert.equal(events.includes('run'), false);
  });

  it('pipeline:withdrawn between two questions: the second is withdrawn at once', async () => {
    const leaving = new AbortController();
    const { events, run } = house({ verdict: 'approve', values: ['old', 'new', 'new'], signal: leaving.signal, answer: (round) => { if (round === 1) leaving.abort(); return round === 1 ? yes : { kind: 'withdrawn', waitedMs: 0 }; } });
    const outcome = await run();
    assert.equal(outcome.kind === 'refused' && outcome.code, 'CANCELLED');
    assert.equal(events.includes('run'), false);
  });

  describe('results that a person sees first', () => {
    const reviewing = { config: { ...defaultConfig, reviewResults: ['test.tool'] }, policyHash: 'h' };

    it('results:released: the result of a call reaches the agent after a person has seen it, and the log has the answer first', async () => {
      const { events, run, asked } = house({ policies: [reviewing] });
      assert.deepEqual(await run(), { kind: 'success', text: 'done', truncated: false });
      assert.deepEqual(events, ['prepare', 'admitted', 'run', 'settle success', 'finished', 'ask', 'reviewed approved', 'release']);
      assert.deepEqual([asked[0]?.title, asked[0]?.raw, asked[0]?.rule, asked[0]?.ladder], ['Hand a result to the agent', 'done', 'result.review', undefined]);
    });

    it('results:withheld: what nobody releases is withheld whole, also that of a failure', async () => {
      const no: Answer = { kind: 'denied', by: { role: 'editor' }, waitedMs: 1, reason: 'it holds names' };
      for (const answer of [no, { kind: 'timeout', waitedMs: 1 } as const, { kind: 'unavailable' } as const]) {
        for (const run of [undefined, () => Promise.resolve({ kind: 'failure', error: new ConductorError('TOOL_FAILED', 'SECRET'), text: 'SECRET', structured: { out: 'SECRET' } } as const), () => Promise.resolve({ kind: 'success', text: 'SECRET', truncated: false } as const)]) {
          const { run: start, events } = house({ policies: [reviewing], answer, ...(run === undefined ? {} : { run }) });
          const outcome = await start();
          assert.equal(outcome.kind, 'failure');
          assert.doesNotMatch(JSON.stringify(outcome), /SECRET|done/);
          assert.match(outcome.error.message, /ran, but its result is withheld/);
          assert.equal(events.includes(`reviewed ${answer.kind}`), true);
        }
      }
    });

    it('T84 results:withheld: an answer that cannot be recorded releases nothing', async () => {
      const outcome = await house({ policies: [reviewing], failAt: 'reviewed' }).run();
      assert.equal(outcome.kind === 'failure' && outcome.error.code, 'AUDIT_UNAVAILABLE');
    });

    it('results:withheld: what a tool says while it runs is a part of its result', async () => {
      const { run, heard } = house({ policies: [reviewing], says: 'SECRET', answer: { kind: 'timeout', waitedMs: 1 } });
      await run();
      assert.doesNotMatch(heard.join(), /SECRET/);
      const other = house({ says: 'line 1' });
      await other.run();
      assert.deepEqual(other.heard, ['line 1']);
    });

    it('results:released: other tools answer at once', async () => {
      const { events, run } = house({ policies: [{ ...reviewing, config: { ...defaultConfig, reviewResults: ['other.tool'] } }] });
      assert.equal((await run()).kind, 'success');
      assert.equal(events.includes('ask'), false);
    });
  });

  it('approvals:declined-before: the same plan within a minute after a no is refused without asking, with the reason; another plan asks', async () => {
    const no: Answer = { kind: 'denied', by: { role: 'editor', connection: 1 }, reason: 'use the other file', waitedMs: 1 };
    const { run, asked, events, entries } = house({ verdict: 'approve', values: ['same', 'same', 'another'], answer: no });
    await run();
    const again = await run();
    assert.equal(asked.length, 1);
    assert.deepEqual(again.kind === 'refused' && [again.code, again.rule], ['APPROVAL_DENIED', 'approval.declinedBefore']);
    assert.match(again.kind === 'refused' ? again.reason : '', /declined exactly this 0 s ago: use the other file\./);
    assert.equal(entries.at(-1)?.[1].refusal?.rule, 'approval.declinedBefore');
    await run();
    assert.equal(asked.length, 2);
    assert.equal(events.includes('run'), false);
  });

  it('approvals:declined-before: what the broker denied by itself asks again', async () => {
    const { run, asked } = house({ verdict: 'approve', answer: { kind: 'denied', by: { role: 'broker' }, waitedMs: 1 } });
    await run();
    await run();
    assert.equal(asked.length, 2);
  });
});
