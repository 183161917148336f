import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { approverId, type ApproverKey } from '../../../protocol/src/approvers';
import { publicKeyOf } from '../../../protocol/src/audit/ed25519';
import { approversFileName, openApprovers } from '../approvals/approvers';
import { createAuditReader } from '../audit/read/reader';
import { eventIds } from '../audit/write/eventId';
import { openAuditWriter } from '../audit/write/writer';
import { finishKeyChange } from './approverKeys';

describe('a change of approver keys that a crash cuts off', () => {
  const nextId = eventIds();
  const publicKey = publicKeyOf(Buffer.alloc(32, 1));
  const key: ApproverKey = { id: approverId(publicKey), place: 'editor', name: 'a window', publicKey: publicKey.toString('base64'), addedAt: '2026-11-22T10:00:00.000Z', trust: 'first use' };
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keys-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** What the next start holds after a crash behind the announcement, with or without the entry in the log. */
  async function afterCrash(recorded: boolean): Promise<readonly ApproverKey[]> {
    const log = join(folder, 'audit.log');
    const id = nextId();
    openApprovers(folder).announce([key], id);
    const writer = await openAuditWriter({ path: log, createdBy: 'test' });
    if (recorded) await writer.append({ phase: 'event', id, tool: 'approver.added', input: { ...key }, result: 'ok' });
    await writer.close();
    const approvers = openApprovers(folder);
    assert.deepEqual(approvers.list(), []);
    await finishKeyChange(approvers, createAuditReader(log));
    assert.deepEqual(openApprovers(folder).list(), approvers.list());
    return approvers.list();
  }

  it('approvals:key-crash what the log tells of is kept at the next start', async () => {
    assert.deepEqual(await afterCrash(true), [key]);
    assert.equal(existsSync(join(folder, `${approversFileName}.next`)), false);
  });

  it('approvals:key-crash what the log does not tell of never counts', async () => {
    assert.deepEqual(await afterCrash(false), []);
  });

  it('approvals:key-crash an announcement that cannot be read is none', () => {
    for (const text of ['', '{}', JSON.stringify({ v: 1, keys: [key] })]) {
      writeFileSync(join(folder, `${approversFileName}.next`), text);
      assert.equal(openApprovers(folder).announced(), undefined);
    }
  });
});
