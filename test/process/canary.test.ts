import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter, type MessageConnection } from 'vscode-jsonrpc/node';
import { connectToBroker } from '../../link/src/connect';
import type { BackendInput } from '../../protocol/src/backends';
import { filesWith, formsOf, holds, processesBelow } from './canaries';
import { register } from './external';
import { endProcess, RawAgent, TestHouse, until, type Json } from './house';
import { trustAll } from './trusting';

/** Plants secrets in a real broker, lets everything say them that can, and looks at every byte that is left. */

const canaries = { shell: 'cAnary-Sh3ll/9x+Zq&7Lm "w8" Tr', backend: 'cAnary_B4ckend.5kQw8zRt2nVx6', unused: 'cAnary=Unus3d%41-hR5tYw2pLk9' } as const;
/** Never set: somebody is typing it into a file that is open and not saved. */
const typed = 'cAnaryTyp3d-7mXq2Wv9Kz4Rt8';
const values = [...Object.values(canaries), typed];
const script = resolve(__dirname, '../../dist/broker.js');

const sayings = `
const v = process.env.CANARY ?? 'none', b = Buffer.from(v);
console.log(v); console.log(b.toString('base64')); console.log(b.toString('hex')); console.log(encodeURIComponent(v)); console.log(JSON.stringify({ v })); console.log(JSON.stringify(b)); console.log(b);
console.error([...v].reverse().join('')); console.error(b.toString('base64').replace(/.{6}/g, '$&\\n'));
process.stdout.write(v.slice(0, 7)); setTimeout(() => { process.stdout.write(v.slice(7) + '\\n'); if (process.argv[2] === 'fail') throw new Error('it is ' + v); if (process.argv[2] === 'flood') console.log('x'.repeat(262136) + v + 'y'.repeat(900000)); if (process.argv[2] === 'crash') process.abort(); }, 120);
`;

/** Texts of files that are open in the editor. */
const openDocuments = {
  'config.json': `{\n  "plugins": { "shell": { "allowedCommands": ["printenv", ${JSON.stringify(canaries.unused)}],\n    "secrets": { "gh": { "GH_TOKEN": "${typed}", "X": "", "Y": "\${secret:canary.shell}" } } } },\n  "apiKey": "${typed}", "note": ${JSON.stringify(canaries.shell)}\n  // "token": "${typed}"\n}\n`,
  'mcp_backends.json': `{ "version": 1, "backends": { "one": { "transport": "stdio", "command": "x", "egress_allowlist": [], "description": ${JSON.stringify(canaries.unused)},\n  "args": ["--token", "${typed}"], "env": { "API_KEY": "${typed}", "B": ${JSON.stringify(canaries.backend)}, "C": "" },\n  "configSchema": { "type": "object", "properties": { "PIN": { "type": "string", "secret": true, "title": "${typed}" } } } },\n "two": { "transport": "http", "url": "https://a.example/mcp?api_key=${typed}", "headers": { "Authorization": "Bearer ${typed}" }, "egress_allowlist": [] } } }\n`,
  'external_mcp_policy.json': `{ "version": "1", "rules": [{ "backend": "echoing", "tools": ["say", "ghp_${'aB3dE6gH9j'.repeat(4).slice(0, 36)}"],\n  "arguments": { "token": "${typed}" } }] }\n`,
} as const;

describe('the canary proof', function () {
  this.timeout(120_000);
  let house: TestHouse;
  let window: MessageConnection;
  const toWindow: Buffer[] = [];
  const agents: RawAgent[] = [];

  before(async () => {
    house = new TestHouse({ server: { logLevel: 'debug' }, plugins: { shell: { allowedCommands: ['printenv', 'sleep', 'cat'], requireApproval: ['node'], secrets: { node: { CANARY: '${secret:canary.shell}' }, printenv: { CANARY: '${secret:canary.shell}' }, sleep: { CANARY: '${secret:canary.shell}' } } } } });
    mkdirSync(join(house.base, 'outside'));
    register(house, { echoing: { transport: 'stdio', command: process.execPath, args: [resolve(__dirname, '../fakes/echoingServer.mjs')], env: { CANARY: '${secret:canary.backend}' }, egress_allowlist: [] } satisfies BackendInput }, [{ backend: 'echoing', tools: ['*'] }]);
    window = await watched();
    for (const [name, value] of Object.entries(canaries)) await window.sendRequest('credentials/set', { name: `canary.${name}`, value });
    await trustAll(house);
    writeFileSync(join(house.project, 'say.cjs'), sayings);
    writeFileSync(join(house.project, 'notes.txt'), `one ${canaries.unused}\ntwo ${Buffer.from(canaries.unused).toString('base64')}\n`);
  });
  after(() => house.close());

  /** A window whose every incoming byte is kept; it approves whatever waits. */
  async function watched(): Promise<MessageConnection> {
    const { socket } = await connectToBroker({ configDir: house.configDir, who: { role: 'editor', version: '0.0.0', client: 'Code', window: 'w1' }, program: { execPath: process.execPath, script } });
    socket.on('data', (chunk: Buffer) => toWindow.push(chunk));
    const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    connection.onNotification('approvals/changed', () => void connection.sendRequest<{ pending: Json[] }>('approvals/list', {}).then(async ({ pending }) => {
      for (const { id, digest } of pending) await connection.sendRequest('approvals/decide', { id, digest, decision: 'approve' }).catch(() => undefined);
    }, () => undefined));
    connection.listen();
    await connection.sendRequest('approvals/attend', { attending: true });
    return connection;
  }

  async function agent(): Promise<RawAgent> {
    const one = await house.introducedAgent();
    agents.push(one);
    return one;
  }

  it('redaction:search: the search finds every form of a canary, in files, in traffic and in processes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'conductor-canary-'));
    for (const [index, form] of formsOf(canaries.shell).entries()) {
      writeFileSync(join(folder, 'planted'), Buffer.concat([Buffer.from('before '), form, Buffer.from(' after')]));
      assert.deepEqual(filesWith(folder, [canaries.shell]), [join(folder, 'planted')], String(index));
    }
    writeFileSync(join(folder, 'planted'), 'nothing');
    assert.deepEqual(filesWith(folder, values), []);
    rmSync(folder, { recursive: true });
    if (process.platform !== 'linux') return;
    const child = spawn('sleep', ['20'], { env: { PLANTED: canaries.shell } });
    const found = await until('it runs', () => processesBelow(process.pid).find(({ pid, environment }) => pid === child.pid && environment.length > 0));
    assert.ok(holds(found.environment, values));
    child.kill('SIGKILL');
  });

  it('redaction:canaries: T72 T77: whatever runs and whatever it says, no byte of a secret is left anywhere', async () => {
    const first = await agent();
    const said = async (name: string, args: Json): Promise<string> => (await first.call(name, args, { _meta: { progressToken: name } })).text;
    assert.match(await said('shell_exec', { command: 'printenv CANARY' }), /‹secret canary\.shell›/, 'the command had it');
    for (const way of ['', ' fail', ' flood', ' crash']) assert.match(await said('shell_exec', { command: `node say.cjs${way}` }), /‹secret canary\.shell›/, way);
    assert.doesNotMatch(await said('shell_exec', { command: 'cat notes.txt' }), /cAnary/);
    assert.match(await said('filesystem_read', { path: 'notes.txt' }), /‹secret canary\.unused›/);
    await said('filesystem_search', { pattern: 'one' }).catch(() => '');
    // What an agent cannot know it does not send; what it sends all the same is refused, and recorded without the value.
    for (const command of [`cat ${canaries.unused}`, `printenv ${Buffer.from(canaries.shell).toString('base64')}`]) {
      const { structured } = await first.call('shell_exec', { command });
      assert.match(String(structured['rule']), /secrets\.inArguments|shell\./);
    }
    assert.equal((await first.call('filesystem_write', { path: 'x.txt', content: canaries.backend })).structured['rule'], 'secrets.inArguments');
    let last = '';
    await until('the backend is there', async () => (last = await said('echoing__say', {}).catch(String)).includes('‹secret canary.backend›')).catch((thrown: unknown) => assert.fail(`${String(thrown)}: ${last}`));
    for (const tool of ['say', 'fail', 'refuse']) await first.request('tools/call', { name: `echoing__${tool}`, arguments: {}, _meta: { progressToken: tool } });
    await first.request('tools/list');
    await window.sendRequest('audit/page', { filter: {}, limit: 200 });
    await window.sendRequest('credentials/list', {});
    await lookAtDocuments();

    const { pid } = await house.status();
    if (process.platform === 'linux') await whileOneHasIt(first, pid);
    const outputs = ['status', 'secrets list', 'audit verify', 'config explain', 'doctor', 'approvals list'].map((line) => house.run(...line.split(' '))).map(({ stdout, stderr }) => Buffer.from(stdout + stderr));
    // The broker is killed while a command has the secret, and another begins.
    const cut = first.request('tools/call', { name: 'shell_exec', arguments: { command: 'sleep 30' } });
    await until('it runs', () => processesBelow(pid).some(({ commandLine }) => commandLine.includes('sleep\u000030')));
    await endProcess(pid, 'SIGKILL');
    await cut.catch(() => undefined);
    const second = await agent();
    assert.match((await second.call('shell_exec', { command: 'printenv CANARY' })).text, /‹secret canary\.shell›/);

    const wire = [...toWindow, ...outputs, ...agents.flatMap(({ messages, stderr }) => [...messages.map((message) => Buffer.from(JSON.stringify(message))), Buffer.from(stderr)])];
    assert.deepEqual(filesWith(house.configDir, values), [], 'files of the configuration folder');
    assert.deepEqual(filesWith(house.project, values).map((file) => file.slice(house.project.length)), ['/notes.txt'], 'files of the project, besides the planted one');
    assert.equal(wire.findIndex((bytes) => holds(bytes, values)), -1, 'traffic');
    assert.ok(readFileSync(house.log, 'utf8').includes('credential.used') && existsSync(join(house.configDir, 'broker.log')));
  });

  /** Opens files of the configuration with secrets in them, as they are while somebody types, and asks everything at every place of them. */
  async function lookAtDocuments(): Promise<void> {
    const told: { uri: string; diagnostics: Json[] }[] = [];
    window.onNotification('textDocument/publishDiagnostics', (one: { uri: string; diagnostics: Json[] }) => void told.push(one));
    await window.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {} });
    window.sendNotification('initialized', {}).catch(() => undefined);
    const said: unknown[] = [];
    for (const [name, text] of Object.entries(openDocuments)) {
      const uri = pathToFileURL(join(house.configDir, name)).href;
      const textDocument = { uri };
      await window.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'jsonc', version: 1, text } });
      const { diagnostics } = await until(`what is marked in ${name}`, () => told.find((one) => one.uri === uri));
      const lines = text.split('\n');
      const whole = { start: { line: 0, character: 0 }, end: { line: lines.length, character: 0 } };
      const actions = await window.sendRequest('textDocument/codeAction', { textDocument, range: whole, context: { diagnostics } });
      assert.ok(JSON.stringify(actions).includes('Move to credential store') && JSON.stringify(diagnostics).includes('a secret in clear'), name);
      said.push(actions, await window.sendRequest('textDocument/documentSymbol', { textDocument }), await window.sendRequest('textDocument/formatting', { textDocument, options: { tabSize: 2, insertSpaces: true } }));
      for (const [line, { length }] of lines.entries()) {
        for (let character = 0; character <= length; character += 7) {
          const place = { textDocument, position: { line, character } };
          said.push(await window.sendRequest('textDocument/hover', place), await window.sendRequest('textDocument/completion', place));
        }
      }
      await window.sendNotification('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges: [{ text: text.slice(0, text.indexOf(typed) + typed.length) }] });
      said.push(await window.sendRequest('textDocument/completion', { textDocument, position: { line: lines.findIndex((one) => one.includes(typed)), character: 0 } }));
      await window.sendNotification('textDocument/didClose', { textDocument });
    }
    assert.ok(JSON.stringify(said).includes('${secret:canary.shell}'), 'names are completed');
  }

  /** Looks at all processes while a command runs that was given the secret: it has it, in its environment, and nobody else. */
  async function whileOneHasIt(first: RawAgent, broker: number): Promise<void> {
    const running = first.request('tools/call', { name: 'shell_exec', arguments: { command: 'sleep 2' } });
    const isIt = (commandLine: Buffer): boolean => commandLine.equals(Buffer.from('sleep\u00002\u0000'));
    const all = await until('it runs', () => {
      const now = processesBelow(broker);
      return now.some(({ commandLine, environment }) => isIt(commandLine) && environment.includes('CANARY=')) && now;
    });
    for (const { pid, commandLine, environment } of all) {
      assert.ok(!holds(commandLine, values), `command line of ${String(pid)}`);
      const owns = isIt(commandLine) || commandLine.includes('echoingServer');
      assert.equal(holds(environment, values), owns, `environment of ${String(pid)}: ${commandLine.toString()}`);
      if (isIt(commandLine)) assert.ok(!holds(environment, [canaries.backend, canaries.unused]));
      if (commandLine.includes('echoingServer')) assert.ok(!holds(environment, [canaries.shell, canaries.unused]), 'T76: the secret of one does not reach the other');
    }
    await running;
  }
});

