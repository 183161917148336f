import assert from 'node:assert/strict';
import type { BackendView } from '../../../protocol/src/externalServers';
import { needsLook, serverFacts, serverRow, standingOf, toolRow, type Server } from './rows';

const view: BackendView = {
  backend: 'sums', transport: 'stdio', description: '', enabled: true, optional: false, launch: 'approved', identity: 'a'.repeat(64), parts: [], changes: [],
  tools: [{ name: 'add', wire: 'sums__add', state: 'approved', digest: 'b'.repeat(64), description: 'Adds.', changes: [], doubts: [] }],
  missingEnv: [], preflight: 'never', egress: { level: 'namespace', says: 'It has no network.' }, warnings: [], connection: 'ready', failure: '', preflightAgeMs: null, latencyMs: null,
};
const atMs = Date.parse('2026-11-22T12:00:00Z');
const server = (more: Partial<BackendView>, breaker?: Server['breaker']): Server => ({ view: { ...view, ...more }, breaker, atMs, breakerAtMs: atMs });
const words = (one: Server): string => serverRow(one).description;

describe('the words about external servers', () => {
  it('servers:words say how it stands, what a person decided before what happens to be so', () => {
    assert.equal(words(server({})), 'ready, 1 tool');
    assert.equal(words(server({ launch: 'new' })), 'waits for your approval');
    assert.equal(words(server({ launch: 'changed', enabled: false })), 'disabled');
    assert.equal(words(server({ connection: 'failed', failure: 'no such file' })), 'failed: no such file');
    assert.match(words(server({}, { tool: 'sums', state: 'open', failures: 5, threshold: 5, retryAfterMs: 30_000 })), /^stopped after failures, next probe at \d\d:\d\d:30$/);
    assert.equal(standingOf(server({ launch: 'new' }, { tool: 'sums', state: 'open', failures: 5, threshold: 5 })), 'quarantined');
    const changed = server({ tools: [{ ...view.tools?.[0], state: 'changed' } as NonNullable<BackendView['tools']>[number]] });
    assert.equal(words(changed), '1 tool to approve, ready, 1 tool');
    assert.equal(words({ ...changed, view: { ...changed.view, enabled: false } }), 'disabled');
    assert.deepEqual([needsLook(changed), needsLook(server({})), needsLook(server({ launch: 'new', enabled: false }))], [true, false, false]);
  });

  it('servers:words tell preflight, breaker and the last answer', () => {
    assert.deepEqual(serverFacts(server({})), ['Hosts: It has no network.', 'Preflight: never run', 'Breaker: closed']);
    const facts = serverFacts(server({ preflight: 'passed', preflightAgeMs: 60_000, latencyMs: 12.5, missingEnv: ['HOME_OF_SUMS'] }, { tool: 'sums', state: 'closed', failures: 2, threshold: 5, lastFailure: 'timed out', recent: [{ agoMs: 2000, message: 'timed out' }] }));
    assert.match(facts.join('\n'), /^Not set: HOME_OF_SUMS\nHosts: It has no network\.\nPreflight: passed, run at \d\d:59:00\nBreaker: closed, 2 of 5 failures; last: timed out\nFailed at \d\d:59:58: timed out\nLast answer took 12\.5 ms$/);
  });

  it('T15 show what a server says harmless', () => {
    const hostile = 'a\u202eb\n$(trash)\u200b';
    const row = toolRow({ name: hostile, wire: hostile, state: 'new', digest: '', description: hostile, changes: [hostile], doubts: [hostile] });
    assert.doesNotMatch(`${row.label}${row.description}${row.spoken}${serverFacts(server({ description: hostile, changes: [hostile], failure: hostile })).join('')}`, /[\u202e\u200b\n]/);
  });
});
