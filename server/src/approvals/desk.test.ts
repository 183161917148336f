import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { pendingSchema, type Pending } from '../../../protocol/src/approvals';
import { ConductorError } from '../../../protocol/src/errors';
import { createDesk, type DeskOptions } from './desk';
import type { Answer, AskOptions, Person, Question } from './question';

const editor: Person = { role: 'editor', connection: 1, client: 'VS Code' };
const terminal: Person = { role: 'cli', connection: 2, client: 'conductor' };
const agent = 7;

const vouch: DeskOptions['vouch'] = () => ({ kind: 'vouched', level: 'unsigned' });
const nonce = (): string => digestOf('9');

const digestOf = (letter: string): string => letter.repeat(64);

function question(id: string, digest = digestOf('a')): Question {
  return {
    id, digest, tool: 'shell.exec', title: 'Run a command', raw: `echo ${id}`, cwd: '/home/me/project', project: '/home/me/project',
    details: [['Program', '/usr/bin/echo']], rule: 'shell.requireApproval', reason: 'echo is in requireApproval.', client: 'an agent',
    binding: { policy: digestOf('5'), tool: digestOf('6') },
  };
}

function bench(limits: Pick<DeskOptions, 'perConnection' | 'inAll'> = {}) {
  let time = 0;
  let wall = Date.parse('2026-01-01T00:00:00Z');
  const timers = new Set<{ at: number; run: () => void }>();
  const changes: string[] = [];
  const desk = createDesk({
    now: () => time,
    wallNow: () => wall,
    schedule: (run, ms) => {
      const timer = { at: time + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    onChange: (pending) => changes.push(pending.map(({ id }) => id).join(' ')),
    nonce, vouch,
    ...limits,
  });
  const fire = (): void => {
    for (const timer of [...timers]) {
      if (timer.at <= time && timers.delete(timer)) timer.run();
    }
  };
  const asked = new Map<string, Answer | 'waiting'>();
  const ask = (id: string, { digest, ...options }: Partial<AskOptions> & { digest?: string } = {}): Promise<Answer> => {
    asked.set(id, 'waiting');
    const answer = desk.ask(question(id, digest), { timeoutMs: 120_000, signal: new AbortController().signal, connection: agent, ...options });
    void answer.then((value) => asked.set(id, value));
    return answer;
  };
  const kinds = async (): Promise<Record<string, string>> => {
    await new Promise(setImmediate);
    return Object.fromEntries(Array.from(asked, ([id, answer]) => [id, answer === 'waiting' ? answer : answer.kind]));
  };
  const decide = (id: string, decision: 'approve' | 'deny', by = editor, digest = digestOf('a')) => desk.decide({ id, digest, decision }, by).outcome;
  const pass = (ms: number): void => {
    time += ms;
    wall += ms;
  };
  return { desk, timers, changes, ask, kinds, decide, pass, fire, turnWallClock: (ms: number) => (wall += ms) };
}

describe('approvals desk', () => {
  it('hands an approval to the asker, with who, why and after how long', async () => {
    const { desk, ask, pass, changes, timers } = bench();
    desk.attend(1);
    const answer = ask('one');
    pass(1500);
    assert.deepEqual(desk.decide({ id: 'one', digest: digestOf('a'), decision: 'approve', reason: 'go on' }, editor), { outcome: 'accepted', message: 'Approved once.', level: 'unsigned' });
    assert.deepEqual(await answer, { kind: 'approved', by: editor, reason: 'go on', waitedMs: 1500, level: 'unsigned', useBy: Date.parse('2026-01-01T00:00:00Z') + 180_000 });
    assert.deepEqual(changes, ['one', '']);
    assert.equal(timers.size, 0);
  });

  it('hands a denial to the asker', async () => {
    const { desk, ask, decide } = bench();
    desk.attend(1);
    const answer = ask('one');
    assert.equal(decide('one', 'deny', terminal), 'accepted');
    assert.deepEqual(await answer, { kind: 'denied', by: terminal, waitedMs: 0, level: 'unsigned', useBy: Date.parse('2026-01-01T00:00:00Z') + 180_000 });
  });

  it('lists what waits as the protocol has it, with both times', () => {
    const { desk, ask } = bench();
    desk.attend(1);
    void ask('one', { timeoutMs: 60_000 });
    const [pending] = desk.list();
    assert.deepEqual(pendingSchema.parse(pending), { ...question('one'), binding: { policy: digestOf('5'), tool: digestOf('6'), nonce: nonce() }, askedAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-01T00:01:00.000Z' });
  });

  it('T41: refuses an answer about other bytes and keeps asking', async () => {
    const { desk, ask, decide, kinds } = bench();
    desk.attend(1);
    void ask('one', { digest: digestOf('a') });
    assert.equal(decide('one', 'approve', editor, digestOf('b')), 'other');
    assert.equal(decide('one', 'approve', editor, ''), 'other');
    assert.deepEqual(await kinds(), { one: 'waiting' });
    assert.equal(decide('one', 'approve'), 'accepted');
  });

  it('T41: keeps its own copy, so that a question mutated after it was asked changes neither what is shown nor what is compared', () => {
    const { desk, decide } = bench();
    desk.attend(1);
    const mutable = question('one');
    void desk.ask(mutable, { timeoutMs: 1000, signal: new AbortController().signal, connection: agent });
    Object.assign(mutable, { digest: digestOf('b'), raw: 'rm -rf /' });
    mutable.details.push(['Program', '/usr/bin/rm']);
    assert.equal(desk.list()[0]?.raw, 'echo one');
    assert.equal(desk.list()[0]?.details.length, 1);
    assert.equal(decide('one', 'approve', editor, digestOf('b')), 'other');
  });

  it('T43: an approval that came too late lets nothing run, even when the timer is late too', async () => {
    const { desk, ask, pass, decide, kinds } = bench();
    desk.attend(1);
    void ask('one', { timeoutMs: 1000 });
    pass(1000);
    assert.equal(decide('one', 'approve'), 'gone');
    assert.deepEqual(await kinds(), { one: 'timeout' });
  });

  it('T43: an approval must be in time by the clock on the wall, too, since a sleeping machine may stop the other', async () => {
    const { desk, ask, turnWallClock, decide, kinds } = bench();
    desk.attend(1);
    void ask('one', { timeoutMs: 1000 });
    turnWallClock(3_600_000);
    assert.equal(decide('one', 'approve'), 'gone');
    assert.deepEqual(await kinds(), { one: 'timeout' });
  });

  it('T43: setting the wall clock back does not prolong a question', async () => {
    const { desk, ask, turnWallClock, pass, decide, kinds } = bench();
    desk.attend(1);
    void ask('one', { timeoutMs: 1000 });
    turnWallClock(-3_600_000);
    pass(1000);
    assert.equal(decide('one', 'approve'), 'gone');
    assert.deepEqual(await kinds(), { one: 'timeout' });
  });

  it('T43 T44: an approval is consumed exactly once and cannot be replayed', async () => {
    const { desk, ask, decide, kinds } = bench();
    desk.attend(1);
    void ask('one');
    void ask('two');
    assert.equal(decide('one', 'approve'), 'accepted');
    assert.equal(decide('one', 'approve'), 'answered');
    assert.equal(decide('one', 'approve', terminal), 'answered');
    assert.deepEqual(await kinds(), { one: 'approved', two: 'waiting' });
    assert.throws(() => desk.ask(question('one'), { timeoutMs: 1, signal: new AbortController().signal, connection: agent }), RangeError);
    assert.throws(() => desk.ask(question('two'), { timeoutMs: 1, signal: new AbortController().signal, connection: agent }), RangeError);
  });

  it('T46: of two windows the first answer wins', async () => {
    const { desk, ask, decide, kinds, changes } = bench();
    desk.attend(1);
    desk.attend(2);
    void ask('one');
    assert.equal(decide('one', 'deny', terminal), 'accepted');
    assert.equal(decide('one', 'approve', editor), 'answered');
    assert.deepEqual(await kinds(), { one: 'denied' });
    assert.deepEqual(changes, ['one', '']);
  });

  it('T46: when the last attendant leaves, everything that waits is denied by the broker', async () => {
    const { desk, ask, pass, changes, timers, decide } = bench();
    desk.attend(1);
    desk.attend(1);
    desk.attend(2);
    const answers = [ask('one'), ask('two')];
    pass(10);
    desk.leave(1);
    assert.equal(desk.list().length, 2);
    desk.leave(99);
    assert.equal(desk.list().length, 2);
    desk.leave(2);
    for (const answer of await Promise.all(answers)) {
      assert.deepEqual(answer, { kind: 'denied', by: { role: 'broker' }, reason: 'The last window or terminal that could answer was closed before anybody answered.', waitedMs: 10 });
    }
    assert.deepEqual(changes, ['one', 'one two', '']);
    assert.equal(timers.size, 0);
    assert.equal(decide('one', 'approve'), 'gone');
  });

  it('T46: a window that comes back finds nothing to approve', async () => {
    const { desk, ask, decide, kinds } = bench();
    desk.attend(1);
    void ask('one');
    desk.leave(1);
    desk.attend(1);
    assert.deepEqual(desk.list(), []);
    assert.equal(decide('one', 'approve'), 'gone');
    assert.deepEqual(await kinds(), { one: 'denied' });
  });

  it('answers unavailable at once when nobody is there', async () => {
    const { ask, changes, desk } = bench();
    assert.deepEqual(await ask('one'), { kind: 'unavailable' });
    assert.deepEqual(desk.list(), []);
    assert.deepEqual(changes, []);
  });

  it('T47: questions never wait for each other and can be answered in any order', async () => {
    const { desk, ask, decide, kinds, pass, fire } = bench();
    desk.attend(1);
    const controller = new AbortController();
    void ask('one', { timeoutMs: 1000 });
    void ask('two', { signal: controller.signal });
    void ask('three');
    void ask('four', { connection: 8 });
    assert.deepEqual(desk.list().map(({ id }) => id), ['one', 'two', 'three', 'four']);
    assert.equal(decide('three', 'approve'), 'accepted');
    assert.deepEqual(await kinds(), { one: 'waiting', two: 'waiting', three: 'approved', four: 'waiting' });
    controller.abort();
    assert.deepEqual(await kinds(), { one: 'waiting', two: 'withdrawn', three: 'approved', four: 'waiting' });
    pass(1000);
    fire();
    assert.deepEqual(await kinds(), { one: 'timeout', two: 'withdrawn', three: 'approved', four: 'waiting' });
    assert.equal(decide('four', 'deny'), 'accepted');
    assert.deepEqual(await kinds(), { one: 'timeout', two: 'withdrawn', three: 'approved', four: 'denied' });
  });

  it('does not ask what was withdrawn before, and forgets an abort that comes after the answer', async () => {
    const { desk, ask, decide, kinds } = bench();
    desk.attend(1);
    assert.deepEqual(await ask('early', { signal: AbortSignal.abort() }), { kind: 'withdrawn', waitedMs: 0 });
    const controller = new AbortController();
    void ask('late', { signal: controller.signal });
    assert.equal(getEventListeners(controller.signal, 'abort').length, 1);
    decide('late', 'approve');
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    controller.abort();
    assert.deepEqual(await kinds(), { early: 'withdrawn', late: 'approved' });
  });

  it('refuses more than a connection may have waiting, while others can still ask', async () => {
    const { desk, ask, kinds, decide } = bench({ perConnection: 2, inAll: 3 });
    desk.attend(1);
    void ask('a1');
    void ask('a2');
    void ask('a3');
    void ask('b1', { connection: 8 });
    void ask('c1', { connection: 9 });
    assert.deepEqual(await kinds(), { a1: 'waiting', a2: 'waiting', a3: 'full', b1: 'waiting', c1: 'full' });
    decide('a1', 'deny');
    void ask('a4');
    assert.equal((await kinds())['a4'], 'waiting');
  });

  it('T62 refuses what would hold too much memory while it waits, of one client and of all', async () => {
    const { desk, ask, kinds, decide } = bench();
    desk.attend(1);
    const mib = 1_048_576;
    void ask('a1', { weight: 8 * mib });
    void ask('a2', { weight: 8 * mib });
    void ask('a3', { weight: 1 });
    void ask('a4');
    for (const connection of [8, 9, 10]) for (const half of ['x', 'y']) void ask(`${half}${connection}`, { connection, weight: 8 * mib });
    void ask('b1', { connection: 11, weight: 1 });
    const ends = await kinds();
    assert.deepEqual([ends['a1'], ends['a2'], ends['a3'], ends['a4'], ends['y10'], ends['b1']], ['waiting', 'waiting', 'full', 'waiting', 'waiting', 'full']);
    decide('a1', 'deny');
    void ask('b2', { connection: 11, weight: mib });
    assert.equal((await kinds())['b2'], 'waiting');
  });

  it('holds 100 of a connection and 500 in all unless told otherwise', async () => {
    const { desk, ask, kinds } = bench();
    desk.attend(1);
    for (let index = 0; index < 101; index += 1) void ask(`call ${String(index)}`, { connection: 0 });
    assert.equal(desk.list().length, 100);
    for (let index = 101; index < 606; index += 1) void ask(`call ${String(index)}`, { connection: Math.floor(index / 101) });
    const ends = Object.values(await kinds());
    assert.equal(ends.filter((kind) => kind === 'waiting').length, 500);
    assert.equal(ends.filter((kind) => kind === 'full').length, 106);
    assert.equal(desk.list().length, 500);
  });

  it('T40: a role without the right to decide cannot answer, and the question still waits', async () => {
    const { desk, ask, kinds } = bench();
    desk.attend(1);
    void ask('one');
    for (const role of ['agent', 'viewer'] as const) {
      assert.throws(
        () => desk.decide({ id: 'one', digest: digestOf('a'), decision: 'approve' }, { role, connection: agent }),
        (thrown: unknown) => thrown instanceof ConductorError && thrown.code === 'UNAUTHORIZED',
      );
    }
    assert.deepEqual(await kinds(), { one: 'waiting' });
  });

  it('T18: knows no question by the name of an inherited member', () => {
    const { desk, decide } = bench();
    desk.attend(1);
    for (const id of ['toString', '__proto__', 'constructor']) assert.equal(decide(id, 'approve'), 'gone');
  });

  it('denies all that waits when it closes, and asks nobody from then on', async () => {
    const { desk, ask, kinds, timers } = bench();
    desk.attend(1);
    const answer = ask('one');
    desk.close('The broker is leaving.');
    assert.deepEqual(await answer, { kind: 'denied', by: { role: 'broker' }, reason: 'The broker is leaving.', waitedMs: 0 });
    void ask('two');
    assert.equal((await kinds())['two'], 'unavailable');
    assert.equal(timers.size, 0);
  });

  it('is not moved by a timer that fires after the answer', async () => {
    const changes: number[] = [];
    const timers: (() => void)[] = [];
    const desk = createDesk({ nonce, vouch, now: () => 0, wallNow: () => 0, schedule: (run) => (timers.push(run), () => undefined), onChange: ({ length }) => changes.push(length) });
    desk.attend(1);
    const answer = desk.ask(question('one'), { timeoutMs: 1, signal: new AbortController().signal, connection: agent });
    desk.decide({ id: 'one', digest: digestOf('a'), decision: 'deny' }, editor);
    for (const run of timers) run();
    assert.equal((await answer).kind, 'denied');
    assert.deepEqual(changes, [1, 0]);
  });

  it('tells what waits after each change, with what was just asked last', () => {
    const lists: Pending[][] = [];
    const desk = createDesk({ nonce, vouch, now: () => 0, wallNow: () => 0, schedule: () => () => undefined, onChange: (pending) => lists.push(pending) });
    desk.attend(1);
    for (const id of ['one', 'two']) void desk.ask(question(id), { timeoutMs: 1, signal: new AbortController().signal, connection: agent });
    assert.deepEqual(lists.map((list) => list.map(({ id }) => id)), [['one'], ['one', 'two']]);
  });
});
