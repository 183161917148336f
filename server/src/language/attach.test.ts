import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import type { CodeAction, CompletionList, PublishDiagnosticsParams } from 'vscode-languageserver';
import { createConnection } from 'vscode-languageserver/node';
import { attachLanguage, type AttachOptions } from './attach';
import { createAuditLogLanguage } from './auditLog';

const uri = pathToFileURL('/home/me/.conductor/config.json').href;
const other = pathToFileURL('/home/me/project/package.json').href;

async function begin(more: Partial<AttachOptions> = {}) {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const server = createConnection(new StreamMessageReader(up), new StreamMessageWriter(down));
  const attached = attachLanguage(server, { configFile: '/home/me/.conductor/config.json', debounceMs: 100, log: createAuditLogLanguage({ log: '/home/me/.conductor/audit.log', verified: () => undefined }), onVerified: () => () => undefined, ...more });
  server.onInitialize(() => ({ capabilities: attached.capabilities }));
  server.listen();
  const client = createMessageConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
  const published: PublishDiagnosticsParams[] = [];
  let arrived: (() => void) | undefined;
  client.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
    published.push(params);
    arrived?.();
  });
  client.listen();
  const initialized: unknown = await client.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {} });
  const next = (): Promise<void> => new Promise((resolve) => (arrived = resolve));
  const open = (text: string, which = uri): Promise<void> => client.sendNotification('textDocument/didOpen', { textDocument: { uri: which, languageId: 'jsonc', version: 1, text } });
  const change = (text: string, version: number): Promise<void> => client.sendNotification('textDocument/didChange', { textDocument: { uri, version }, contentChanges: [{ text }] });
  const end = (): void => {
    attached.dispose();
    client.dispose();
    up.end();
    down.end();
  };
  return { client, published, initialized, next, open, change, end };
}

describe('attached language', () => {
  it('announces what it answers', async () => {
    const { initialized, end } = await begin();
    assert.match(JSON.stringify(initialized), /"textDocumentSync":2.*"hoverProvider":true/);
    end();
  });

  it('pushes diagnostics after opening and changing, and takes them back when closed', async () => {
    const { client, published, next, open, change, end } = await begin();
    const opened = next();
    await open('{"plugin":{}}');
    await opened;
    assert.deepEqual(published.map(({ version, diagnostics }) => [version, diagnostics.map(({ code }) => code)]), [[1, ['config.unknownKey']]]);
    const changed = next();
    await change('{', 2);
    await change('{"plugins":{}}', 3);
    await changed;
    assert.deepEqual(published.at(-1), { uri, version: 3, diagnostics: [] });
    assert.equal(published.length, 2);
    const closed = next();
    await client.sendNotification('textDocument/didClose', { textDocument: { uri } });
    await closed;
    assert.deepEqual(published.at(-1), { uri, diagnostics: [] });
    end();
  });

  it('answers completion, hover, outline, formatting and quick fixes', async () => {
    const { client, open, end } = await begin();
    await open('{"audit":{},"plugin":{}}');
    const textDocument = { uri };
    const completion: CompletionList = await client.sendRequest('textDocument/completion', { textDocument, position: { line: 0, character: 10 } });
    assert.deepEqual(completion.items.map(({ label }) => label), ['readOnlyDurability', 'maxSizeMb', 'retentionDays', 'compress', 'archivePath', 'anchors']);
    const hover: unknown = await client.sendRequest('textDocument/hover', { textDocument, position: { line: 0, character: 3 } });
    assert.match(JSON.stringify(hover), /cannot be switched off/);
    const symbols: unknown[] = await client.sendRequest('textDocument/documentSymbol', { textDocument });
    assert.equal(symbols.length, 2);
    const edits: unknown[] = await client.sendRequest('textDocument/formatting', { textDocument, options: { tabSize: 2, insertSpaces: true } });
    assert.ok(edits.length > 0);
    const range = { start: { line: 0, character: 14 }, end: { line: 0, character: 14 } };
    const ranged: unknown[] = await client.sendRequest('textDocument/rangeFormatting', { textDocument, range, options: { tabSize: 2, insertSpaces: true } });
    assert.ok(Array.isArray(ranged));
    const actions: CodeAction[] = await client.sendRequest('textDocument/codeAction', { textDocument, range, context: { diagnostics: [] } });
    assert.deepEqual(actions.map(({ title, kind, edit }) => [title, kind, edit?.changes?.[uri]?.[0]?.newText]), [['Change to "plugins"', 'quickfix', '"plugins"']]);
    const elsewhere = { start: { line: 0, character: 2 }, end: { line: 0, character: 3 } };
    assert.deepEqual(await client.sendRequest('textDocument/codeAction', { textDocument, range: elsewhere, context: { diagnostics: [] } }), []);
    end();
  });

  it('credentials:references: says anew what is missing when the store has others, and offers to set it', async () => {
    let changed: () => void = () => undefined;
    let state: 'locked' | 'open' = 'locked';
    const { client, published, next, open, end } = await begin({ credentials: () => ({ state, message: '', credentials: [] }), onCredentials: (listener) => ((changed = listener), () => undefined) });
    const opened = next();
    await open('{"plugins":{"shell":{"secrets":{"gh":{"GH_TOKEN":"${secret:gh.token}"}}}}}');
    await opened;
    const unlocked = next();
    state = 'open';
    changed();
    await unlocked;
    assert.deepEqual(published.map(({ diagnostics }) => diagnostics.map(({ code }) => code)), [['credentials.unknown'], ['credentials.missing']]);
    const actions: CodeAction[] = await client.sendRequest('textDocument/codeAction', { textDocument: { uri }, range: published.at(-1)?.diagnostics[0]?.range, context: { diagnostics: [] } });
    assert.deepEqual(actions.map(({ title, command }) => [title, command?.command, command?.arguments]), [['Set it now…', 'conductor.credentials.set', ['gh.token']]]);
    end();
  });

  it('leaves other documents alone', async () => {
    const { client, published, next, open, end } = await begin();
    await open('{"plugin":{}}', other);
    const opened = next();
    await open('{}');
    await opened;
    assert.deepEqual(published.map((one) => one.uri), [uri]);
    assert.equal(await client.sendRequest('textDocument/completion', { textDocument: { uri: other }, position: { line: 0, character: 1 } }), null);
    assert.equal(await client.sendRequest('textDocument/hover', { textDocument: { uri: other }, position: { line: 0, character: 3 } }), null);
    end();
  });
});
