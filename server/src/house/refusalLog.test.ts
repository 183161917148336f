import assert from 'node:assert/strict';
import type { NewEntry } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';
import { createRefusalLog, type DoorRefusal, type RefusalLog } from './refusalLog';

describe('the refusal log', () => {
  let entries: NewEntry[];
  let spans: (() => void)[];
  let log: RefusalLog;
  const agent = (connection: number): Actor => ({ role: 'agent', client: 'raw 1', connection, user: 'ann' });
  const refusal = (actor: Actor, rule = 'mcp.refused'): DoorRefusal => ({ actor, tool: 'mcp.message', rule, reason: 'no' });
  const suppressed = (): unknown[] => entries.filter(({ tool }) => tool === 'audit.suppressed').map(({ input }) => input);

  beforeEach(() => {
    entries = [];
    spans = [];
    let id = 0;
    log = createRefusalLog({
      append: (entry) => Promise.resolve(entries.push(entry)), newId: () => `evt_${String((id += 1))}`, self: { role: 'broker', user: 'ann' },
      schedule: (run) => (spans.push(run), () => undefined), failed: (cause) => { throw cause; }, limits: { each: 3, all: 5, spanMs: 1 },
    });
  });

  it('audit:refusals-bounded: records some of each connection and of all, counts the others, and records the count', () => {
    for (let i = 0; i < 10; i += 1) log.note(refusal(agent(1)));
    for (let i = 0; i < 10; i += 1) log.note(refusal(agent(2), 'project.missing'));
    assert.equal(entries.length, 5);
    assert.deepEqual(entries.map(({ actor }) => actor?.connection), [1, 1, 1, 2, 2]);
    spans[0]?.();
    assert.deepEqual(suppressed(), [{ refusals: 15, rules: { 'mcp.refused': 7, 'project.missing': 8 } }]);
    log.note(refusal(agent(1)));
    assert.equal(entries.length, 7, 'the next span begins afresh');
    assert.equal(spans.length, 2);
  });

  it('counts nothing when nothing was left out, and what is left at the end', async () => {
    log.note(refusal(agent(1)));
    spans[0]?.();
    assert.deepEqual(suppressed(), []);
    for (let i = 0; i < 4; i += 1) log.note(refusal(agent(1)));
    await log.close();
    assert.deepEqual(suppressed(), [{ refusals: 1, rules: { 'mcp.refused': 1 } }]);
  });
});
