import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { DecisionResult, Pending } from '../../protocol/src/approvals';
import { ripgrepFolder } from '../fakes/ripgrep';
import { conductor, TestHouse, until, type Json } from './house';

/** The file tools as an agent sees them: the official client, a real broker, and a person who answers. */

describe('file tools at the broker', () => {
  let house: TestHouse;
  let client: Client;
  const call = async (name: string, args: Json): Promise<Json> => (await client.callTool({ name, arguments: args })).structuredContent as Json;

  before(async function () {
    this.timeout(180_000);
    const path = `${ripgrepFolder()}${delimiter}${process.env['PATH'] ?? ''}`;
    house = new TestHouse({ approvalTimeout: 20_000 });
    mkdirSync(join(house.project, 'src'));
    writeFileSync(join(house.project, 'src/a.txt'), '\ufeffone\r\ntwo\r\n');
    client = new Client({ name: 'sdk', version: '1' });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: { ...house.env, PATH: path } as Record<string, string> }));
  });
  after(async () => {
    await client.close();
    await house.close();
  });

  it('edit:process: an edit waits with its difference, and then the file has it', async () => {
    const person = await house.control();
    await person.sendRequest('approvals/attend', { attending: true });
    const sha256 = (await call('filesystem_read', { path: 'src/a.txt' }))['sha256'];
    const edited = call('filesystem_edit', { path: 'src/a.txt', edits: [{ oldText: 'one\n', newText: 'one\nand a half\n' }], expectedSha256: sha256 });
    const pending = await until('the edit waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending[0]);
    assert.equal(pending.raw, 'edit src/a.txt\n--- src/a.txt\n+++ src/a.txt\n@@ -1,2 +1,3 @@\n one\r\n+and a half\r\n two\r\n');
    assert.equal(readFileSync(join(house.project, 'src/a.txt'), 'utf8'), '\ufeffone\r\ntwo\r\n');
    assert.equal((await person.sendRequest<DecisionResult>('approvals/decide', { id: pending.id, digest: pending.digest, decision: 'approve' })).outcome, 'accepted');
    assert.deepEqual([(await edited)['added'], (await edited)['lineEndings']], [1, 'CRLF']);
    assert.equal(readFileSync(join(house.project, 'src/a.txt'), 'utf8'), '\ufeffone\r\nand a half\r\ntwo\r\n');
    assert.deepEqual(house.callEntries().filter((entry) => entry['tool'] === 'filesystem.edit').map((entry) => [entry['phase'], entry['result']]), [['intent', 'admitted'], ['done', 'success']]);
  });

  it('search:process: a broker that finds ripgrep searches with it', async () => {
    const found = await call('filesystem_search', { pattern: 'h[ae]lf$', regex: true });
    assert.deepEqual([found['engine'], found['matches']], ['ripgrep', [{ path: 'src/a.txt', line: 2, text: 'and a half' }]]);
  });
});
