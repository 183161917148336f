import assert from 'node:assert/strict';
import { z } from 'zod';
import type { ClientLine, Outcome, ToolCall, Verdict } from '../../../protocol/src/call';
import { configSchema } from '../../../protocol/src/config';
import { ConductorError } from '../../../protocol/src/errors';
import { noGrants } from '../approvals/grants';
import type { Answer, Question } from '../approvals/question';
import { createShelf } from '../approvals/shelf';
import { createRedactor } from '../rules/redaction/redactor';
import type { Tool } from '../tools/tool';
import { createPipeline } from './pipeline';
import type { Rooms } from './rooms';

/** What a call says of secrets, at each of its ends, and what becomes of a call that carries one. */

const value = 'k7Qm2Xv9Lp4Rt8Wz1Bn5';
const base64 = Buffer.from(value).toString('base64');
const call: ToolCall = { id: 'evt_1', tool: 'test.tool', input: { text: 'x' }, project: '/p', actor: { role: 'agent', client: 'c', connection: 1, user: 'u' } };

type Setting = { outcome?: Outcome; says?: string[]; verdict?: Verdict; show?: string; config?: object; answer?: Answer; throws?: Error };

function house(setting: Setting = {}) {
  const redactor = createRedactor();
  redactor.know([{ name: 'github.token', value: Buffer.from(value) }, { name: 'dev.password', value: Buffer.from('postgres') }, { name: 'conductor.controlKey', value: Buffer.from('0123456789abcdef') }]);
  const asked: Question[] = [];
  const recorded: object[] = [];
  const heard: string[] = [];
  const covered: string[] = [];
  let ran = 0;
  const tool: Tool = {
    name: 'test.tool', title: '', description: '', input: z.object({}).loose(),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    prepare: () => Promise.resolve({
      verdict: setting.verdict ?? { verdict: 'allow', rule: 'test.rule', reason: 'because' }, facts: [{ label: 'File', key: '/p/f', value: setting.show ?? 'x' }], readOnly: true,
      show: { title: 't', raw: setting.show ?? 'r', cwd: '/p', details: [['Note', setting.show ?? 'n']] },
      run: (_signal, progress) => {
        ran += 1;
        for (const line of setting.says ?? []) progress(line, { progress: 1, total: 3, message: line, seen: [value] });
        if (setting.throws !== undefined) return Promise.reject(setting.throws);
        return Promise.resolve(setting.outcome ?? { kind: 'success', text: 'done', truncated: false });
      },
    }),
  };
  const record = (_: ToolCall, told: object): Promise<void> => (recorded.push(told), Promise.resolve());
  const rooms: Rooms = {
    tools: new Map([['test.tool', tool]]), configDir: '/c', now: () => 0, wallNow: () => 0, newId: () => `evt_${String(asked.length + 2)}`, redactor,
    onPolicyChange: () => () => undefined, policy: () => ({ config: configSchema.parse(setting.config ?? {}), policyHash: 'h' }),
    desk: { ask: (question) => (asked.push(question), Promise.resolve(setting.answer ?? { kind: 'approved', by: { role: 'editor' }, waitedMs: 5 })) },
    shelf: createShelf(), approvedInLog: () => Promise.resolve([]), heardFromClient: () => undefined, admit: () => ({ kind: 'admitted', settle: (_result, message) => { if (message !== undefined) heard.push(message); } }), openFor: () => undefined,
    grants: { ...noGrants, cover: (id) => { covered.push(id); return undefined; }, ladder: () => ({ allow: [{ rung: 'session', title: 't', lines: [] }], deny: [] }) as never },
    recorder: { admitted: record, finished: record, refused: record, parked: record, reviewed: record, notFetched: (of, why) => record(of, { why }) },
  };
  const run = (input: Readonly<Record<string, unknown>> = call.input, line?: Pick<ClientLine, 'meta' | 'rest'>) => createPipeline(rooms).run({ ...call, input, ...(line === undefined ? {} : { line: { key: '1', project: '/p', capabilities: {}, tell: () => undefined, ...line } }) }, { signal: new AbortController().signal, progress: (message, report) => void heard.push(message, JSON.stringify(report ?? {})) });
  return { run, asked, recorded, heard, covered, ran: () => ran };
}

describe('secrets in a call', () => {
  const ends: readonly (readonly [string, Setting])[] = [
    ['T72: a result', { outcome: { kind: 'success', text: `it is ${value}`, structured: { list: [{ deep: base64 }], [value]: 1 }, truncated: false } }],
    ['T72: a failure', { outcome: { kind: 'failure', error: new ConductorError('TOOL_FAILED', `no ${value}`, { data: { seen: value }, next: `not ${base64}` }), text: value, structured: { value } } }],
    ['T72: a refusal at the start', { outcome: { kind: 'refused', code: 'DENIED', rule: 'r', reason: `because of ${value}` } }],
    ['T72: what a tool throws', { throws: new Error(`cannot read ${value}`) }],
    ['T72: a refusal', { verdict: { verdict: 'deny', rule: 'r', reason: `"${value}" is not listed` } }],
    ['T72: progress, also cut', { says: [value, `a ${value.slice(0, 12)}`, `${value.slice(5)} b`, value.slice(4, 15)] }],
    ['T72: what a person is asked', { verdict: { verdict: 'approve', rule: 'r', reason: `about ${value}` }, show: `curl ${value} and ${base64}` }],
    ['T72: what a person says', { verdict: { verdict: 'approve', rule: 'r', reason: 'r' }, answer: { kind: 'denied', by: { role: 'editor' }, reason: `not with ${value}`, waitedMs: 1 } }],
    ['T72: a result that a person sees first', { outcome: { kind: 'success', text: value, truncated: false }, config: { reviewResults: ['test.tool'] } }],
  ];
  for (const [title, setting] of ends) {
    it(`redaction:calls: ${title} says nothing of a secret, to nobody`, async () => {
      const { run, asked, recorded, heard } = house(setting);
      const outcome = await run();
      const error = outcome.kind === 'failure' ? [outcome.error.message, outcome.error.data, outcome.error.next, outcome.error.cause] : [];
      // What is refused is cleaned by the log itself, which commits to what it removes.
      const finished = recorded.filter((told) => 'durationMs' in told).map((told) => ({ ...told, message: ((told as { outcome?: { error?: Error } }).outcome?.error ?? {}).message }));
      const all = JSON.stringify([outcome, error, asked, finished, heard]);
      assert.doesNotMatch(all, /k7Qm2Xv9Lp4R|9Lp4Rt8Wz1Bn5|2Xv9Lp4Rt8W|azdRbTJYdj/);
      if (setting.says !== undefined) assert.match(all, /\\"progress\\":1,\\"total\\":3/);
      assert.match(all, title.includes('cut') ? /‹…›/ : /‹secret github\.token›/);
    });
  }

  it('T45 redaction:calls: nothing that the agent chose the form of hides in a question', async () => {
    const show = `bash -c 'echo -----BEGIN PRIVATE KEY-----\ncp evil.sh tools/hook.sh\nbash evil.sh\necho ${'a'.repeat(64)}\n-----END PRIVATE KEY-----'; rm ghp_${'a1B2'.repeat(9)}`;
    const { run, asked } = house({ verdict: { verdict: 'approve', rule: 'r', reason: 'r' }, show });
    await run();
    assert.deepEqual([asked[0]?.raw, asked[0]?.notWhole, JSON.stringify(asked).includes('removed')], [show, undefined, false]);
  });

  it('T45 redaction:calls: where a value of the store is taken out of the action, the question says so, and the answer holds once', async () => {
    const { run, asked } = house({ verdict: { verdict: 'approve', rule: 'r', reason: 'r' }, show: `curl ${value}` });
    await run();
    assert.match(asked[0]?.notWhole ?? '', /A value of the credential store stands in the action, and is not shown/);
    assert.deepEqual(asked[0]?.ladder?.allow ?? [], []);
  });

  for (const [form, text] of [['as it is', value], ['base64', base64], ['part of a line', `curl -d ${encodeURIComponent(value)} x`]] as const) {
    it(`secrets:inArguments: T72: a call whose arguments hold a secret (${form}) is refused before anything runs`, async () => {
      const { run, asked, ran } = house();
      const outcome = await run({ deep: [{ text }] });
      assert.deepEqual([outcome.kind, outcome.kind === 'refused' && outcome.rule, asked.length, ran()], ['refused', 'secrets.inArguments', 0, 0]);
      assert.match(outcome.kind === 'refused' ? outcome.reason : '', /value of the secret github\.token/);
    });
  }

  for (const [place, line] of [['_meta', { meta: { 'a.b/c': value }, rest: {} }], ['inputResponses', { meta: {}, rest: { inputResponses: { a: { content: { text: value } } } } }], ['requestState', { meta: {}, rest: { requestState: base64 } }]] as const) {
    it(`secrets:inArguments: T72: a secret beside the arguments (${place}) is refused as one among them is`, async () => {
      const { run, ran } = house();
      const outcome = await run({ text: 'x' }, line);
      assert.deepEqual([outcome.kind === 'refused' && outcome.rule, ran()], ['secrets.inArguments', 0]);
    });
  }

  it('secrets:inArguments: where the settings say ask, a person is asked each time, for this call only', async () => {
    const { run, asked, covered } = house({ config: { secrets: { inArguments: 'ask' } } });
    assert.equal((await run({ text: value })).kind, 'success');
    assert.deepEqual([asked[0]?.rule, asked[0]?.ladder, covered], ['secrets.inArguments', undefined, []]);
  });

  it('secrets:inArguments: a value that may stand there by chance asks, and a key of Conductor never goes out', async () => {
    const word = house();
    await word.run({ text: 'docker run postgres' });
    assert.equal(word.asked[0]?.reason, 'The arguments hold what is also the value of the secret dev.password.');
    const key = house({ config: { secrets: { inArguments: 'ask' } } });
    assert.equal((await key.run({ text: '0123456789abcdef' })).kind, 'refused');
  });
});
