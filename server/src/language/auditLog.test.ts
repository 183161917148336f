import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter, type MessageConnection } from 'vscode-jsonrpc/node';
import type { CodeLens, DocumentSymbol, FoldingRange, Hover } from 'vscode-languageserver';
import { createConnection } from 'vscode-languageserver/node';
import type { NewEntry } from '../../../protocol/src/audit/entry';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { realDisk, type Disk } from '../audit/files/disk';
import { eventIds } from '../audit/write/eventId';
import { defaultKeeping } from '../audit/upkeep/newLog';
import { verifyAuditLog } from '../audit/verify/verifier';
import { openAuditWriter } from '../audit/write/writer';
import { attachLanguage } from './attach';
import { createAuditLogLanguage } from './auditLog';

let folder: string;
let log: string;
const ends: (() => void)[] = [];
const begin = Date.parse('2026-11-20T22:00:00Z');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-language-'));
  log = join(folder, 'audit.log');
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await rm(folder, { recursive: true });
});

/** A log with an entry every ten minutes; `maxBytes` closes files. */
async function write(entries: number, maxBytes = 1e6, command = (n: number): string => `echo ${n}`): Promise<void> {
  let clock = begin;
  const now = (): number => clock;
  const writer = await openAuditWriter({ path: log, createdBy: 'test', now, keeping: () => ({ ...defaultKeeping, maxBytes }) });
  const nextId = eventIds(now);
  for (let n = 1; n < entries; n += 1) {
    clock += 600_000;
    const entry: NewEntry = {
      phase: 'denied', id: nextId(), tool: 'shell.exec', input: { command: command(n) }, result: 'denied', project: '/home/ann/project',
      verdict: { verdict: 'deny', rule: 'shell.notListed', reason: 'It stands in no list.', policyHash: 'a'.repeat(64) }, actor: { role: 'agent', client: 'codex 1', user: 'ann', connection: 3 },
    };
    await writer.append(entry);
  }
  await writer.close();
}

/** An editor on the log, over a real connection; `verify` verifies as the broker does and tells the lenses. */
async function editor(disk: Disk = realDisk): Promise<{ client: MessageConnection; registered: string[]; refreshed: () => number; verify: () => Promise<VerificationReport> }> {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const server = createConnection(new StreamMessageReader(up), new StreamMessageWriter(down));
  let last: { report: VerificationReport; at: number } | undefined;
  let verified: () => void = () => undefined;
  const attached = attachLanguage(server, { configFile: join(folder, 'config.json'), log: createAuditLogLanguage({ log, verified: () => last, disk }), onVerified: (listener) => ((verified = listener), () => undefined) });
  server.onInitialize(() => ({ capabilities: attached.capabilities }));
  server.listen();
  const client = createMessageConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
  const registered: string[] = [];
  let refreshed = 0;
  client.onRequest('client/registerCapability', ({ registrations }: { registrations: { method: string; registerOptions: unknown }[] }) => {
    registered.push(...registrations.map(({ method, registerOptions }) => `${method} ${JSON.stringify(registerOptions)}`));
    return null;
  });
  client.onRequest('workspace/codeLens/refresh', () => ((refreshed += 1), null));
  client.listen();
  await client.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {} });
  await client.sendNotification('initialized', {});
  ends.push(() => (attached.dispose(), client.dispose(), up.end(), down.end()));
  const verify = async (): Promise<VerificationReport> => {
    const report = await verifyAuditLog(log, { depth: 'deep' });
    last = { report, at: Date.parse('2026-11-21T14:02:00') };
    verified();
    return report;
  };
  return { client, registered, refreshed: () => refreshed, verify };
}

const documentOf = (file: string): { textDocument: { uri: string } } => ({ textDocument: { uri: pathToFileURL(file).href } });

async function lensesOf(client: MessageConnection, file = log): Promise<string[]> {
  const lenses: CodeLens[] = await client.sendRequest('textDocument/codeLens', documentOf(file));
  for (const { command } of lenses) assert.equal(command?.command, 'conductor.audit.verify');
  return lenses.map(({ range, command }) => `${range.start.line} ${command?.title ?? ''}`);
}

async function hoverOf(client: MessageConnection, line: number, file = log): Promise<string | undefined> {
  const hover: Hover | null = await client.sendRequest('textDocument/hover', { ...documentOf(file), position: { line, character: 5 } });
  return hover === null ? undefined : JSON.stringify(hover.contents).replaceAll('\\n', '\n');
}

describe('an opened file of the audit log', () => {
  it('is offered hover, lenses, folding and an outline by registration, so that its text never crosses', async () => {
    await write(2);
    const { client, registered } = await editor();
    await lensesOf(client);
    const selector = '{"documentSelector":[{"language":"conductor-audit","scheme":"file"}]}';
    assert.deepEqual(registered.sort(), ['textDocument/codeLens', 'textDocument/documentSymbol', 'textDocument/foldingRange', 'textDocument/hover'].map((method) => `${method} ${selector}`));
  });

  it('audit:hover-decodes shows an entry decoded: decision, why, who, input, times, and a link to open it', async () => {
    await write(5);
    const { client } = await editor();
    const hover = (await hoverOf(client, 2)) ?? '';
    assert.match(hover, /\*\*#3\*\* · \[Open Entry\]\(command:conductor\.audit\.openEntry\?%5B3%5D\)/);
    for (const part of [/shell\.exec: denied/, /Denied, by the rule shell\.notListed/, /Why +It stands in no list\./, /agent, codex 1 \(its own words\), connection 3/, /2026-11-20 22:20:00\.000 UTC, \d\d:20:00 \(UTC[+-]\d\d:\d\d\) here/, /command  echo 2/]) assert.match(hover, part);
    assert.equal(await hoverOf(client, 5), undefined, 'below the last line');
    assert.equal(await hoverOf(client, 0, join(folder, 'config.json')), undefined);
  });

  it('T45 cannot be made to show markup or hidden characters by what an agent wrote', async () => {
    await write(2, 1e6, () => '```\n![x](https://evil.example/x.png) [go](command:workbench.action.quit) \u202etxt\u200b');
    const { client } = await editor();
    const hover = (await hoverOf(client, 1)) ?? '';
    assert.match(hover, /````text\nshell\.exec: denied\ncommand\n {4}```\n {4}!\[x\]\(https:\/\/evil\.example\/x\.png\) \[go\]\(command:workbench\.action\.quit\) \\\\u\{202e\}txt\\\\u\{200b\}\n````/);
    assert.match(hover, /2 hidden characters, written here as/);
  });

  it('shows a digest as one, and says what is not kept', async () => {
    await write(2, 1e6, () => 'x'.repeat(70_000));
    const { client } = await editor();
    assert.match((await hoverOf(client, 1)) ?? '', /Not kept, its digest only: 70,014 bytes, sha256:[0-9a-f]{64}\. It was too large for the log\./);
  });

  it('audit:lenses-level tells above the lines how far it is verified, and follows a verification and growth', async () => {
    await write(10);
    const { client, verify, refreshed } = await editor();
    assert.deepEqual(await lensesOf(client), ['0 $(unverified) Not verified since the broker started. Verify now']);
    await verify();
    assert.deepEqual(await lensesOf(client), ['0 $(verified-filled) Verified to #10 · not signed · not anchored outside · 14:02', '9 $(check) Verified to here · #10']);
    assert.equal(refreshed(), 1);
    const writer = await openAuditWriter({ path: log, createdBy: 'test' });
    await writer.append({ phase: 'event', tool: 'x.y', input: {}, result: 'ok' });
    await writer.close();
    assert.match((await lensesOf(client))[0] ?? '', /Verified to #10 .* · 1 newer/);
  });

  it('audit:lenses-breaks names each break at its line, and how far the rest is verified', async () => {
    await write(40);
    const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
    const [a = '', b = ''] = [lines[20], lines[21]];
    [lines[20], lines[21]] = [b, a];
    lines[5] = (lines[5] ?? '').replace('echo 5', 'echo 6');
    lines.splice(30, 1);
    lines.splice(12, 0, lines[2] ?? '');
    await writeFile(log, `${lines.join('\n')}\n`);
    const { client, verify } = await editor();
    const { findings } = await verify();
    const lenses = await lensesOf(client);
    assert.match(lenses[0] ?? '', /^0 \$\(error\) Log broken: edited at line 6, 4 findings · 14:02$/);
    assert.deepEqual(lenses.slice(1).map((title) => title.replace(/: expected.*/, '')), [
      '4 $(check) Verified to #5', '5 $(error) EDITED', '11 $(question) Lines 7 to 12 fit each other, after a break', '12 $(error) INSERTED',
      '20 $(question) Lines 14 to 21 fit each other, after a break', '21 $(error) REORDERED', '30 $(question) Lines 23 to 31 fit each other, after a break', '31 $(error) REMOVED',
      '39 $(question) Lines 33 to 40 fit each other, after a break',
    ]);
    assert.match(lenses[2] ?? '', /expected sha256:[0-9a-f]{8}…, found sha256:[0-9a-f]{8}…$/);
    const hover = (await hoverOf(client, 5)) ?? '';
    assert.match(hover, /\*\*edited\*\*/);
    assert.ok(hover.includes(`expected ${findings[0]?.expected ?? '?'}`));
  });

  it('numbers entries, not lines, in a closed file', async () => {
    await write(60, 9_000);
    const { client, verify } = await editor();
    const report = await verify();
    const second = join(folder, 'audit', '000002.log');
    const first = JSON.parse((await readFile(second, 'utf8')).split('\n')[0] ?? '') as { seq: number };
    assert.match((await hoverOf(client, 3, second)) ?? '', new RegExp(`#${String(first.seq + 3)}`));
    assert.equal(report.verdict, 'intact');
    assert.deepEqual((await lensesOf(client, second)).length, 1, 'where the proof ends stands in the file in use');
    await writeFile(second, (await readFile(second, 'utf8')).replace('"connection":3', '"connection":4'));
    const { findings } = await verify();
    assert.equal(findings[0]?.file, 'audit/000002.log');
    assert.equal(findings[0]?.entry, first.seq + (findings[0]?.line ?? 0) - 1);
    assert.match((await lensesOf(client, second)).join('\n'), /EDITED/);
    assert.match((await lensesOf(client))[0] ?? '', /at line \d+ of audit\/000002\.log/);
  });

  it('folds days and the hours in them, with an outline of the same', async () => {
    await write(40);
    await appendFile(log, 'no entry at all\n');
    const { client } = await editor();
    const symbols: DocumentSymbol[] = await client.sendRequest('textDocument/documentSymbol', documentOf(log));
    assert.deepEqual(symbols.map(({ name, children = [] }) => [name, children.map((hour) => `${hour.name} ${hour.detail ?? ''}`)]), [
      ['2026-11-20 (UTC)', ['22:00 6 lines', '23:00 6 lines']],
      ['2026-11-21 (UTC)', ['00:00 6 lines', '01:00 6 lines', '02:00 6 lines', '03:00 6 lines', '04:00 5 lines']],
    ]);
    const ranges: FoldingRange[] = await client.sendRequest('textDocument/foldingRange', documentOf(log));
    assert.deepEqual(ranges.slice(0, 4).map(({ startLine, endLine }) => [startLine, endLine]), [[0, 11], [0, 5], [6, 11], [12, 40]]);
  });

  it('audit:opened-bounded reads a large file in steps of a bounded size, and only what is new of one that grew', async () => {
    await write(300, 1e9, () => 'x'.repeat(20_000));
    const text = await readFile(log);
    await writeFile(log, Buffer.concat(Array.from({ length: 10 }, () => text)));
    let [largest, sum] = [0, 0];
    const watching: Disk = {
      ...realDisk,
      async openRead(path) {
        const file = await realDisk.openRead(path);
        return file === undefined ? undefined : { ...file, read: (target, position) => ((largest = Math.max(largest, target.length)), (sum += target.length), file.read(target, position)) };
      },
    };
    const { client } = await editor(watching);
    assert.match((await hoverOf(client, 2_999)) ?? '', /#300/);
    assert.ok(largest <= 2_097_152, `${largest}`);
    const before = sum;
    await appendFile(log, text.subarray(0, text.indexOf(0x0a) + 1));
    assert.match((await hoverOf(client, 3_000)) ?? '', /#1/);
    assert.ok(sum - before < 8_000_000, `${sum - before} bytes of ${text.length * 10}`);
  });

  it('has nothing to say of a file that is not there, nor of one that is not of this log', async () => {
    const { client } = await editor();
    for (const file of [log, join(folder, 'other', 'audit.log'), '/etc/passwd', join(folder, 'audit', '..', 'control.key')]) {
      assert.deepEqual(await lensesOf(client, file), []);
      assert.equal(await hoverOf(client, 0, file), undefined);
    }
  });
});
