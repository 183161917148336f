import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { VerificationReport } from '../../protocol/src/audit/report';
import type { Pending } from '../../protocol/src/approvals';
import { register } from './external';
import { TestHouse, until, type Json } from './house';
import { rechained } from './rechained';
import { trustAll } from './trusting';

/** A call that goes the rounds with a real external server, and what the strict verification of its log makes of it. */

const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };

describe('rounds of an approved call', function () {
  this.timeout(60_000);
  let house: TestHouse;

  before(async () => {
    house = new TestHouse({ approvalTimeout: 20_000 });
    register(house, { modern: { transport: 'stdio', command: process.execPath, args: [resolve(__dirname, '../fakes/badServer.mjs'), 'stateless'], egress_allowlist: [] } }, [{ backend: 'modern', tools: ['ask', 'elicitation/create'], approval: 'always' }]);
    await trustAll(house);
    const person = await house.control('editor');
    await person.sendRequest('approvals/attend', { attending: true });
    const agent = house.agent();
    const first = agent.request('tools/call', { name: 'modern__ask', _meta: meta });
    const call = await until('it waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending[0]);
    await person.sendRequest('approvals/decide', { id: call.id, digest: call.digest, decision: 'approve' });
    const asked = (await first)['result'] as Json;
    assert.equal(asked['resultType'], 'input_required', JSON.stringify(asked));
    const done = await agent.request('tools/call', { name: 'modern__ask', _meta: meta, requestState: asked['requestState'], inputResponses: { who: { action: 'accept', content: { name: 'Ada' } } } });
    assert.match(JSON.stringify(done['result']), /Ada/);
  });
  after(() => house.close());

  /** Verifies a copy of the log with its entries changed and chained anew. */
  function verified(change: (entry: Json) => Json | Json[]): VerificationReport {
    const folder = join(house.base, 'forged');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const entries = readFileSync(house.log, 'utf8').trimEnd().split('\n').flatMap((line): Json[] => [change(JSON.parse(line) as Json)].flat());
    const file = join(folder, 'audit.log');
    writeFileSync(file, rechained(entries));
    return JSON.parse(house.run('audit', 'verify', '--strict', '--json', '--file', file).stdout) as VerificationReport;
  }
  const isContinued = ({ phase, approval }: Json): boolean => phase === 'intent' && (approval as Json | undefined)?.['decision'] === 'continued';

  it('approvals:rounds approvals:continued: a person is asked once, and the strict verification follows the rounds', () => {
    assert.deepEqual(house.callEntries().filter(({ phase }) => phase === 'intent').map(({ approval }) => (approval as Json)['decision']), ['approved', 'continued']);
    const { verdict, message } = verified((entry) => entry);
    assert.equal(verdict, 'intact', message);
  });

  const forgeries: readonly (readonly [what: string, change: (entry: Json) => Json | Json[]])[] = [
    ['a question of the server that was taken out', (entry) => ((entry['detail'] as Json | undefined)?.['inputRequired'] === true ? { ...entry, detail: {} } : entry)],
    ['another digest', (entry) => (isContinued(entry) ? { ...entry, detail: { ...(entry['detail'] as Json), digest: `sha256:${'0'.repeat(64)}` } } : entry)],
    ['another approval', (entry) => (isContinued(entry) ? { ...entry, approval: { ...(entry['approval'] as Json), id: 'evt_01K0000000000000000000000A' } } : entry)],
    ['an approval that was taken out', (entry) => { if (entry['phase'] !== 'intent') return entry; const { approval: _gone, ...rest } = entry; return rest; }],
  ];
  for (const [what, change] of forgeries) {
    it(`T44 approvals:continued: finds ${what}`, () => {
      const { verdict, findings } = verified(change);
      assert.equal(verdict, 'tampered');
      assert.ok(findings.some((one) => one.class === 'approval'), JSON.stringify(findings));
    });
  }
});
