import assert from 'node:assert/strict';
import type { ToolCall } from '../../../protocol/src/call';
import type { Approval } from './asking';
import type { Judged } from './judging';
import type { Ended, OpenQuestion } from './openQuestion';
import { createParking, isForTheNextCall, parkingKey, type Left, type ParkedQuestion } from './parking';

const no: Approval = { id: 'evt_1', decision: 'withdrawn', by: { role: 'broker' }, waitedMs: 1 };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A parking, what left it, and questions that end when they are told to. */
function lot() {
  const left: string[] = [];
  const parking = createParking(({ turn }: ParkedQuestion, { answered }, why: Left) => { left.push(`${turn.judged.call.id} ${answered.approval.decision} ${why}`); return Promise.resolve(); }, isForTheNextCall);
  const question = (id: string) => {
    let end: (ended: Ended) => void = () => undefined;
    const ended = new Promise<Ended>((resolve) => { end = resolve; });
    const open: OpenQuestion = { turn: { judged: { call: { id } } as Judged }, askedAt: 0, ended, handedOver: new Promise(() => undefined), withdraw: () => end({ answered: { approval: no } }) };
    const answer = (decision: Approval['decision'], more: Partial<Ended> = {}): void => end({ answered: { approval: { ...no, decision } }, ...more });
    return { open, answer };
  };
  const stay = (withinMs = 60_000) => {
    const taken = new AbortController();
    return { withinMs, signal: taken.signal, takeBack: () => taken.abort() };
  };
  return { parking, left, question, stay };
}

describe('call/parking', () => {
  it('T44: a question is found once, the oldest of equal calls first', () => {
    const { parking, question, stay } = lot();
    const [one, two] = [question('one'), question('two')];
    parking.put('k', one.open, stay());
    parking.put('k', two.open, stay());
    assert.equal(parking.take(() => 'other'), undefined);
    const holds = (id: string): boolean => parking.holds(({ turn }) => turn.judged.call.id === id);
    assert.deepEqual([holds('one'), holds('two'), holds('three')], [true, true, false]);
    assert.deepEqual([parking.take(() => 'k'), parking.take(() => 'k'), parking.take(() => 'k')], [one.open, two.open, undefined]);
    assert.equal(holds('one'), false);
  });

  it('keeps a yes for the call that comes again, and lets everything else go at once', async () => {
    const { parking, left, question, stay } = lot();
    const ends: readonly (readonly [string, Approval['decision'], Partial<Ended>])[] = [
      ['yes', 'approved', {}], ['no', 'denied', {}], ['nobody', 'timeout', {}], ['smaller', 'withdrawn', { chosen: {} as NonNullable<Ended['chosen']> }], ['forbidden', 'approved', { forbidden: { rule: 'r', reason: 'w' } }],
    ];
    for (const [id, decision, more] of ends) {
      const { open, answer } = question(id);
      parking.put(id, open, stay());
      answer(decision, more);
    }
    await settled();
    assert.deepEqual(left.sort(), ['forbidden approved answered', 'no denied answered', 'nobody timeout answered']);
    assert.deepEqual(ends.map(([id]) => parking.take(() => id) !== undefined), [true, false, false, true, false]);
  });

  it('T46: what nobody comes for in time is taken back, whatever the answer was', async () => {
    const { parking, left, question, stay } = lot();
    const [waits, approved] = [question('waits'), question('approved')];
    parking.put('a', waits.open, stay(5));
    parking.put('b', approved.open, stay(5));
    approved.answer('approved');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(left.sort(), ['approved approved late', 'waits withdrawn late']);
    assert.equal(parking.take(() => 'a') ?? parking.take(() => 'b'), undefined);
  });

  it('T61: the agent takes its question back, and none that it has taken up again', async () => {
    const { parking, left, question, stay } = lot();
    const [mine, taken] = [stay(), stay()];
    parking.put('a', question('mine').open, mine);
    parking.put('b', question('taken').open, taken);
    parking.take(() => 'b');
    mine.takeBack();
    taken.takeBack();
    await settled();
    assert.deepEqual(left, ['mine withdrawn withdrawn']);
  });

  it('ends all when it is closed, and waits until that is recorded', async () => {
    const { parking, left, question, stay } = lot();
    parking.put('a', question('a').open, stay());
    parking.put('b', question('b').open, stay());
    await parking.close();
    assert.deepEqual(left, ['a withdrawn closed', 'b withdrawn closed']);
  });

  it('T60: a call is the same only from the same connection and client, for the same tool, project and arguments', () => {
    const call: ToolCall = { id: 'evt_1', tool: 't', input: { a: 1, b: { c: [2] } }, project: '/p', actor: { role: 'agent', client: 'x 1', connection: 1, user: 'u' } };
    assert.equal(parkingKey(call), parkingKey({ ...call, id: 'evt_2', input: { b: { c: [2] }, a: 1 } }));
    const others: Partial<ToolCall>[] = [{ tool: 'u' }, { input: { a: 1 } }, { input: { a: 1, b: { c: [3] } } }, { project: '/q' }, { actor: { ...call.actor, connection: 2 } }, { actor: { ...call.actor, client: 'y 1' } }];
    assert.equal(new Set([call, ...others.map((other) => ({ ...call, ...other }))].map(parkingKey)).size, 7);
  });
});
