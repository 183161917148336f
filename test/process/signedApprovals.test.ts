import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import { approverId, registrationOf, type RegistrationState } from '../../protocol/src/approvers';
import { publicKeyOf } from '../../protocol/src/audit/ed25519';
import { sha256 } from '../../protocol/src/audit/bytes';
import type { Decision, DecisionResult, Pending } from '../../protocol/src/approvals';
import type { VerificationReport } from '../../protocol/src/audit/report';
import { signAnswer } from '../../protocol/src/statement';
import { conductor, TestHouse, until, type Json, type RawAgent } from './house';
import { rechained } from './rechained';

/** Answers that are signed, at a real broker over real sockets: what counts, what does not, what the log keeps, and what its verification says of it. */

const config = { plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir'] } }, approvalTimeout: 20_000 };
const [mine, other, third] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];

describe('signed approvals at the broker', function () {
  this.timeout(60_000);
  let house: TestHouse;

  beforeEach(() => {
    house = new TestHouse(config);
  });
  afterEach(() => house.close());

  const attend = async (role: 'cli' | 'editor' = 'editor'): Promise<MessageConnection> => {
    const person = await house.control(role);
    await person.sendRequest('approvals/attend', { attending: true });
    return person;
  };
  const register = (person: MessageConnection, seed: Buffer, place: 'editor' | 'terminal' = 'editor'): Promise<RegistrationState> => person.sendRequest('approvals/register', registrationOf(seed, place, 'a test'));
  const waiting = (person: MessageConnection, fits: (call: Pending) => boolean = () => true): Promise<Pending> =>
    until('a question waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending.find(fits));
  const answerOf = (call: Pending, decision: 'approve' | 'deny' = 'approve', seed: Buffer = mine): Decision => signAnswer(call, { id: call.id, digest: call.digest, decision }, seed, new Date().toISOString());
  const decide = (person: MessageConnection, answer: Decision): Promise<DecisionResult> => person.sendRequest('approvals/decide', answer);
  const events = (tool: string): Json[] => house.entries().filter((entry) => entry['tool'] === tool);
  const recorded = (tool: string, count = 1): Promise<Json[]> => until(`${tool} is recorded`, () => (events(tool).length >= count ? events(tool) : undefined));
  const verify = (): VerificationReport => JSON.parse(house.run('audit', 'verify', '--strict', '--json').stdout) as VerificationReport;

  /** A call that waits at the desk, and what becomes of it. */
  async function asked(agent: RawAgent, person: MessageConnection, name: string): Promise<{ call: Pending; result: ReturnType<RawAgent['call']> }> {
    const result = agent.call('shell_exec', { command: `mkdir ${name}` });
    result.catch(() => undefined);
    return { call: await waiting(person, ({ raw }) => raw.includes(name)), result };
  }

  it('N11 approvals:signed: an answer signed by the first key runs once; the log keeps statement and signature, and its strict verification checks them', async () => {
    const person = await attend();
    assert.equal((await register(person, mine)).state, 'first use');
    assert.equal((await register(person, mine)).state, 'registered');
    const agent = await house.introducedAgent();
    const { call, result } = await asked(agent, person, 'signed');
    assert.deepEqual(await decide(person, answerOf(call)), { outcome: 'accepted', message: 'Approved once.', level: 'editor key' });
    assert.equal((await result).isError, false);
    const approval = house.callEntries().find(({ phase }) => phase === 'intent')?.['approval'] as { level: string; signed: { statement: string } };
    assert.equal(approval.level, 'editor key');
    assert.match(approval.signed.statement, new RegExp(`\\nshown sha256:[0-9a-f]{64}\\n(?:.*\\n)*nonce ${call.binding.nonce}\\n`));
    const report = verify();
    assert.equal(report.verdict, 'intact', report.message);
    assert.ok(report.notes.includes('1 of 1 answers to approvals are signed.'), report.notes.join());
    assert.equal((events('approver.added')[0]?.['input'] as Json)['trust'], 'first use');
    if (process.platform !== 'win32') assert.equal(statSync(join(house.configDir, 'approvers.json')).mode & 0o777, 0o600);
  });

  it('N11 approvals:shown-kept: what was shown is kept under the hash that was signed, can be opened, and is held against it; what holds a secret is not kept', async () => {
    const person = await attend();
    await register(person, mine);
    const agent = await house.introducedAgent();
    const { call, result } = await asked(agent, person, 'kept');
    await decide(person, answerOf(call));
    await result;
    const stored = (): string[] => readdirSync(join(house.configDir, 'snapshots')).filter((name) => name.startsWith('question-'));
    const [name] = await until('the question is kept', () => (stored().length === 1 ? stored() : undefined));
    assert.ok(name);
    const file = join(house.configDir, 'snapshots', name);
    const text = readFileSync(file, 'utf8');
    assert.equal(name, `question-${sha256(text)}.json`);
    assert.deepEqual(JSON.parse(text), call);
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(house.run('audit', 'show', call.id, '--shown').stdout, /"raw": "mkdir kept"/);
    const secret = await asked(agent, person, `ghp_${'a1B2'.repeat(9)}`);
    await decide(person, answerOf(secret.call, 'deny'));
    await secret.result;
    const sound = verify();
    assert.equal(sound.verdict, 'intact', sound.message);
    const notes = sound.notes.join(' ');
    assert.match(notes, /What was shown with 1 signed answer is kept and gives the hash that was signed\. Of 1 more only the hash is kept/);
    assert.equal(stored().length, 1);
    for (const [change, found] of [[text.replace('mkdir kept', 'mkdir KEPT'), /kept text was changed/], ['', /kept text was changed/]] as const) {
      writeFileSync(file, change);
      const report = verify();
      assert.equal(report.verdict, 'tampered');
      assert.match(report.message, found);
    }
    assert.match(house.run('audit', 'show', call.id, '--shown').stderr, /was changed/);
    rmSync(file);
    assert.equal(verify().verdict, 'intact');
  });

  it('T41 T43 N11 approvals:replay: a replay, an answer signed for another call, a forged one and a late one run nothing, and each is on record', async () => {
    const person = await attend();
    await register(person, mine);
    const agent = await house.introducedAgent();
    const first = await asked(agent, person, 'first');
    const second = await asked(agent, person, 'second');
    const good = answerOf(first.call);
    const moved = { ...good, id: second.call.id, digest: second.call.digest };
    assert.equal((await decide(person, moved)).outcome, 'refused');
    assert.equal((await decide(person, { ...good, reason: 'added on the way' })).outcome, 'refused');
    assert.equal((await decide(person, answerOf(first.call, 'approve', other))).outcome, 'refused');
    assert.equal((await decide(person, answerOf({ ...first.call, raw: 'echo harmless' }))).outcome, 'refused');
    assert.equal((await decide(person, good)).outcome, 'accepted');
    assert.equal((await decide(person, good)).outcome, 'answered');
    assert.equal((await first.result).isError, false);
    assert.equal((await decide(person, answerOf(second.call, 'deny'))).outcome, 'accepted');
    assert.equal((await second.result).isError, true);
    assert.equal((await decide(person, answerOf({ ...second.call, id: 'evt_01K0000000000000000000000A' }))).outcome, 'gone');
    assert.deepEqual((await recorded('approvals.decide', 6)).map(({ verdict }) => (verdict as Json)['rule']), ['refused', 'refused', 'refused', 'refused', 'answered', 'gone'].map((outcome) => `approval.${outcome}`));
    assert.equal(existsSync(join(house.project, 'second')), false);
    assert.equal(verify().verdict, 'intact');
  });

  it('N11 approvals:require-signed: where the rules want signatures, an unsigned yes does not count and an unsigned no does', async () => {
    house.configure({ ...config, approvals: { requireSigned: true } });
    const person = await attend();
    await register(person, mine);
    const agent = await house.introducedAgent();
    const { call, result } = await asked(agent, person, 'unsigned');
    const refused = await decide(person, { id: call.id, digest: call.digest, decision: 'approve' });
    assert.equal(refused.outcome, 'refused');
    assert.match(refused.message, /signed/);
    assert.equal((await waiting(person)).id, call.id, 'it goes on waiting');
    assert.equal((await decide(person, { id: call.id, digest: call.digest, decision: 'deny' })).outcome, 'accepted');
    assert.equal((await result).isError, true);
    assert.equal(existsSync(join(house.project, 'unsigned')), false);
  });

  it('N11 approvals:weaker-level: without a key an answer counts, and prompt, log and verification name the level', async () => {
    const person = await attend();
    const agent = await house.introducedAgent();
    const { call, result } = await asked(agent, person, 'plain');
    assert.equal((await decide(person, { id: call.id, digest: call.digest, decision: 'approve' })).level, 'unsigned');
    await result;
    assert.equal((house.callEntries().find(({ phase }) => phase === 'intent')?.['approval'] as Json)['level'], 'unsigned');
    assert.match(verify().notes.join(), /0 of 1 answers to approvals are signed/);
  });

  it('T40 N11 approvals:further-key: a further key counts only after a registered one approved it, and its removal too; all of it verifies', async () => {
    const person = await attend();
    const terminal = await attend('cli');
    await register(person, mine);
    assert.equal((await register(terminal, other, 'terminal')).state, 'asked');
    assert.equal((await register(terminal, other, 'terminal')).state, 'asked', 'asked once only');
    const question = await waiting(person, ({ tool }) => tool === 'approvals.addKey');
    assert.equal((await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending.length, 1);
    assert.match(question.raw, /terminal/);
    assert.equal((await decide(terminal, answerOf(question, 'approve', other))).outcome, 'refused', 'not by itself');
    assert.equal((await decide(person, { id: question.id, digest: question.digest, decision: 'approve' })).outcome, 'refused', 'not unsigned');
    assert.equal((await decide(person, answerOf(question))).outcome, 'accepted');
    await recorded('approver.added', 2);
    assert.equal((await register(terminal, other, 'terminal')).state, 'registered');
    const agent = await house.introducedAgent();
    const { call, result } = await asked(agent, person, 'terminal');
    assert.equal((await decide(terminal, answerOf(call, 'approve', other))).level, 'terminal key');
    assert.equal((await result).isError, false);
    await person.sendRequest('approvals/removeKey', { id: approverId(publicKeyOf(other)) });
    assert.equal((await decide(person, answerOf(await waiting(person, ({ tool }) => tool === 'approvals.removeKey')))).outcome, 'accepted');
    await recorded('approver.removed');
    const last = await asked(agent, person, 'later');
    assert.equal((await decide(terminal, answerOf(last.call, 'approve', other))).outcome, 'refused', 'a removed key no longer counts');
    const report = verify();
    assert.equal(report.verdict, 'intact', report.message);
    assert.match(house.run('approvals', 'keys').stdout, /it was the first/);
    await assert.rejects(person.sendRequest('approvals/removeKey', { id: approverId(publicKeyOf(mine)) }), /only registered key/, 'without a key the next would be believed unasked');
  });

  it('N11 a key that was refused is not asked about again, and one that nobody holds is not taken', async () => {
    const person = await attend();
    await register(person, mine);
    await register(person, other);
    assert.equal((await decide(person, answerOf(await waiting(person), 'deny'))).outcome, 'accepted');
    await recorded('approver.refused');
    assert.equal((await register(person, other)).state, 'refused');
    await assert.rejects(person.sendRequest('approvals/register', { ...registrationOf(third, 'editor', 'a test'), name: 'another' }), /not signed by the key/);
  });

  it('T40 a viewer that answers, and an agent that speaks our messages or runs our command, are refused and recorded', async () => {
    const person = await attend();
    const viewer = await house.control('viewer');
    const agent = await house.introducedAgent();
    const { call, result } = await asked(agent, person, 'robbed');
    const answer = { id: call.id, digest: call.digest, decision: 'approve' };
    await assert.rejects(viewer.sendRequest('approvals/decide', answer), /may not send/);
    await assert.rejects(viewer.sendRequest('approvals/register', registrationOf(mine, 'editor', 'a test')), /may not send/);
    assert.deepEqual((await recorded('terminal.message', 2)).map(({ input }) => (input as Json)['method']), ['approvals/decide', 'approvals/register']);
    for (const method of ['approvals/decide', 'approvals/register', 'approvals/resetKeys']) assert.match(JSON.stringify((await agent.request(method, answer))['error']), /Method not found/);
    await until('the agent is on record', () => events('mcp.message').length >= 3);
    for (const words of [['approvals', 'approve', call.id], ['approvals', 'watch'], ['approvals', 'keys', 'add'], ['approvals', 'keys', 'reset', '--reason', 'mine now']]) {
      const { status, stderr } = spawnSync(process.execPath, [conductor, ...words], { env: house.env, input: 'yes\ny\n', encoding: 'utf8' });
      assert.equal(status, 2, words.join(' '));
      assert.match(stderr, /needs a person at an interactive terminal/);
    }
    assert.equal((await agent.call('shell_exec', { command: `mkdir ${house.configDir}/approvers.json` })).isError, true);
    assert.equal((await waiting(person)).id, call.id, 'it still waits');
    assert.equal((await decide(person, { ...call, decision: 'deny' } as unknown as Decision).catch(() => undefined)), undefined, 'what no answer has is no answer');
    await decide(person, { id: call.id, digest: call.digest, decision: 'deny' });
    await result;
    assert.equal(existsSync(join(house.project, 'robbed')), false);
  });

  it('T42 approvals:nonce-hidden: no byte that an agent reads holds a nonce, whatever the end of its call', async () => {
    house.configure({ ...config, approvalTimeout: 1500 });
    const person = await attend();
    await register(person, mine);
    const agent = await house.introducedAgent();
    let bytes = '';
    agent.child.stdout.on('data', (text: string) => (bytes += text));
    const nonces: string[] = [];
    const next = async (name: string): Promise<{ call: Pending; result: ReturnType<RawAgent['call']> }> => {
      const result = agent.call('shell_exec', { command: `mkdir ${name}` }, { _meta: { progressToken: name } });
      result.catch(() => undefined);
      const call = await waiting(person, ({ raw }) => raw.includes(name));
      nonces.push(call.binding.nonce);
      return { call, result };
    };
    const approved = await next('approved');
    await decide(person, answerOf(approved.call));
    await approved.result;
    const denied = await next('denied');
    await decide(person, answerOf(denied.call, 'deny'));
    await denied.result;
    await (await next('late')).result;
    assert.equal(nonces.length, 3);
    assert.equal(new Set(nonces).size, 3);
    for (const nonce of nonces) {
      assert.equal(bytes.includes(nonce) || agent.stderr.includes(nonce), false);
      assert.equal(bytes.includes(sha256(nonce)), false);
    }
    assert.ok(bytes.includes('Waiting for approval'));
  });

  describe('the strict verification of a log', () => {
    /** Copies the log with one entry changed, chained anew as whoever can write the file would. */
    async function forged(change: (entry: Json, all: readonly Json[]) => Json | Json[]): Promise<VerificationReport> {
      const folder = join(house.base, 'forged');
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      const all = readFileSync(house.log, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Json);
      const entries = all.flatMap((entry): Json[] => [change(structuredClone(entry), all)].flat());
      const file = join(folder, 'audit.log');
      writeFileSync(file, rechained(entries));
      await Promise.resolve();
      return JSON.parse(house.run('audit', 'verify', '--strict', '--json', '--file', file).stdout) as VerificationReport;
    }

    beforeEach(async () => {
      const person = await attend();
      await register(person, mine);
      const agent = await house.introducedAgent();
      const { call, result } = await asked(agent, person, 'sound');
      await decide(person, answerOf(call));
      assert.equal((await result).isError, false);
    });

    type Stored = Json & { approval?: { level: string; id: string; waitedMs: number; signed: { statement: string; signature: string } }; detail?: Json; verdict?: Json; phase: string; input: Json };
    const onIntent = (change: (entry: Stored) => void) => (entry: Json): Json => {
      if (entry['phase'] === 'intent' && entry['approval'] !== undefined) change(entry as Stored);
      return entry;
    };

    it('N11 approvals:strict: finds nothing in a log that was only chained anew', async () => {
      const report = await forged((entry) => entry);
      assert.equal(report.verdict, 'intact', report.message);
    });

    const forgeries: readonly (readonly [what: string, words: RegExp, change: (entry: Json, all: readonly Json[]) => Json | Json[]])[] = [
      ['a signature that does not fit', /forged or changed/, onIntent(({ approval }) => { if (approval) approval.signed.statement = approval.signed.statement.replace(/shown sha256:./, (text) => `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`); })],
      ['a key that was never registered', /not registered then/, (entry) => (entry['tool'] === 'approver.added' ? [] : entry)],
      ['a signature that was taken away', /without its signature/, onIntent((entry) => { delete (entry.approval as Partial<NonNullable<Stored['approval']>>).signed; })],
      ['another level than that of the key', /another level/, onIntent(({ approval }) => { if (approval) approval.level = 'terminal key'; })],
      ['an approval that is used twice', /a second time/, (entry) => (entry['phase'] === 'done' ? [entry, { ...twin, timestamp: entry['timestamp'] }] : (entry['phase'] === 'intent' && (twin = { ...structuredClone(entry), id: 'evt_01K0000000000000000000000A', call: 'evt_01K0000000000000000000000A' }), entry))],
      ['an approval that came too late', /after it had expired/, onIntent(({ approval }) => { if (approval) approval.waitedMs = 20_002; })],
      ['a start long after the end', /after it had expired/, onIntent((entry) => { entry['timestamp'] = new Date(Date.parse(String(entry['timestamp'])) + 90_000).toISOString(); })],
      ['another digest than the one that ran', /digests differ/, onIntent(({ detail }) => { if (detail) detail['digest'] = `sha256:${'0'.repeat(64)}`; })],
      ['other rules than those that judged', /other rules/, onIntent(({ verdict }) => { if (verdict) verdict['policyHash'] = '0'.repeat(64); })],
      ['another tool', /another tool/, onIntent((entry) => { entry['tool'] = 'git.commit'; })],
      ['a no that became a yes', /another answer/, onIntent(({ approval }) => { if (approval) approval.id = 'evt_01K0000000000000000000000A'; })],
      ['a key that came without approval', /without a signed approval/, (entry) => (entry['tool'] === 'approver.added' ? [entry, { ...entry, id: 'evt_01K0000000000000000000000A', input: { ...(entry['input'] as Json), trust: 'a'.repeat(32) }, inputHash: undefined }] : entry)],
      ['a second first key', /list of keys was removed/, (entry) => (entry['tool'] === 'approver.added' ? [entry, { ...entry, id: 'evt_01K0000000000000000000000A' }] : entry)],
    ];
    let twin: Json = {};

    for (const [what, words, change] of forgeries) {
      it(`N11 approvals:strict: finds ${what}`, async () => {
        const report = await forged(change);
        assert.equal(report.verdict, 'tampered');
        assert.ok(report.findings.some((one) => one.class === 'approval' && words.test(one.message)), JSON.stringify(report.findings.map(({ class: kind, message }) => [kind, message])));
      });
    }

    it('T40 the list of keys is thrown away behind the broker: the next key is believed visibly, and the log tells', async () => {
      const { pid } = await house.status();
      process.kill(pid, 'SIGTERM');
      await until('the broker is gone', () => !existsSync(join(house.configDir, 'broker.sock')) || !alive(pid));
      copyFileSync(join(house.configDir, 'approvers.json'), join(house.base, 'kept.json'));
      rmSync(join(house.configDir, 'approvers.json'));
      const person = await attend();
      assert.equal((await register(person, other)).state, 'first use');
      const report = verify();
      assert.equal(report.verdict, 'tampered');
      assert.match(report.message, /list of keys was removed/);
    });

    it('a reset on record lets another key be the first', async () => {
      const person = await attend('cli');
      await person.sendRequest('approvals/resetKeys', { reason: 'the key is lost' });
      assert.equal((await register(person, other, 'terminal')).state, 'first use');
      assert.equal(verify().verdict, 'intact');
    });
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
