import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import { brokerAddress } from '../../link/src/address';
import { connectToBroker } from '../../link/src/connect';
import { readControlKey } from '../../link/src/controlKey';
import { proofOf } from '../../link/src/handshake';
import type { Pending } from '../../protocol/src/approvals';
import { requests } from '../../protocol/src/messages';
import { endProcess, TestHouse, until, type Json, type RawAgent } from './house';

/** Every door of a real broker, knocked at by hand: whatever it refuses is in the log, with who and why, and nobody can fill the log with it. */

const user = userInfo().username;
const nonce = 'ab'.repeat(32);

describe('what the doors refuse', function () {
  this.timeout(90_000);
  let house: TestHouse;
  const sockets: Socket[] = [];
  beforeEach(() => { house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir'] } }, approvalTimeout: 60_000 }); });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await house.close();
  });

  const knock = (): Socket => {
    const socket = connect(brokerAddress(house.configDir));
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  };
  const said = (socket: Socket): { text: string } => {
    const heard = { text: '' };
    socket.on('data', (chunk: Buffer) => (heard.text += chunk.toString()));
    return heard;
  };
  const refused = (rule: string, count = 1): Promise<Json[]> =>
    until(`${rule} is recorded`, () => {
      const found = house.entries().filter(({ phase, verdict }) => phase === 'denied' && (verdict as Json)['rule'] === rule);
      return found.length >= count && found;
    });
  const actorOf = (entry: Json | undefined): Json => ({ ...(entry?.['actor'] as Json), connection: undefined });
  const reasonOf = (entry: Json | undefined): string => String((entry?.['verdict'] as Json)['reason']);

  it('audit:refusals: at the socket: no key, a wrong key, a replayed proof, a wrong role, nonsense, a line without end', async () => {
    await house.status();
    const hello = { version: '0', nonce, client: 'Impostor 1', window: 'w-1' };
    knock().write(`${JSON.stringify({ ...hello, role: 'cli' })}\n`);
    knock().write(`${JSON.stringify({ ...hello, role: 'editor', proof: '00'.repeat(32) })}\n`);
    // The right key, over the random value of another exchange.
    const key = readControlKey(house.configDir);
    assert.ok(key !== undefined);
    knock().write(`${JSON.stringify({ ...hello, role: 'viewer', proof: proofOf(key, 'client', 'viewer', nonce, nonce) })}\n`);
    const proofs = await refused('door.proof', 3);
    assert.deepEqual(proofs.map((entry) => [actorOf(entry), (entry['input'] as Json)['role']]).sort(), ['cli', 'editor', 'viewer'].map((role) => [{ role: 'stranger', client: 'Impostor 1', window: 'w-1', user, connection: undefined }, role]));
    assert.match(reasonOf(proofs[0]), /needs proof of the control key/);
    knock().write(`${JSON.stringify({ ...hello, role: 'admin' })}\n`);
    knock().write('GET / HTTP/1.1\r\n\r\n');
    knock().write(Buffer.alloc(20_000, 0x41));
    const nonsense = await refused('door.nonsense', 3);
    assert.deepEqual(nonsense.map((entry) => (entry['input'] as Json)['code']).sort(), ['INVALID_REQUEST', 'INVALID_REQUEST', 'TOO_LARGE']);
    knock();
    assert.equal((await refused('door.late'))[0]?.['tool'], 'broker.turnedAway');
  });

  it('audit:refusals: at the door for agents: unknown methods, malformed, doubled and oversized messages, and calls out of turn', async () => {
    const agent = house.agent();
    await agent.request('tools/list');
    await agent.request('initialize', {});
    await agent.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'knocker', version: '7' } });
    await agent.request('audit/append', { tool: 'x' });
    await agent.request('tools/call', { name: 7 });
    await agent.request('tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '1999-01-01' } });
    agent.line('{"jsonrpc":"2.0","id":90,"method":');
    agent.line('[]');
    agent.line('{"jsonrpc":"2.0","id":91,"id":92,"method":"ping"}');
    agent.line('{"jsonrpc":"2.0","method":"tools/call","params":{"name":"shell_exec"}}');
    // Past the pipe, which drops what is too long by itself.
    const { socket } = await connectToBroker({ configDir: house.configDir, who: { role: 'agent', version: '0', project: house.project } });
    sockets.push(socket);
    socket.on('data', () => undefined);
    socket.write(Buffer.alloc(10 * 1024 * 1024 + 10, 0x20));
    socket.write('x\n');
    const found = await refused('mcp.refused', 10);
    const reasons = found.map(reasonOf).join('\n');
    for (const part of [/Send "initialize" first/, /initialize needs/, /Method not found: audit\/append/, /tools\/call needs a name/, /Unsupported protocol version/, /not one JSON object$/m, /Batches are not accepted/, /stands twice/, /came without an id/, /at most 10485760 bytes/]) assert.match(reasons, part);
    assert.deepEqual(actorOf(found.find((entry) => reasonOf(entry).includes('audit/append'))), { role: 'agent', client: 'knocker 7', user, connection: undefined });
    // A call that belongs to no project is no call, and recorded with what it asked for.
    const homeless = await connectToBroker({ configDir: house.configDir, who: { role: 'agent', version: '0', project: '/' } });
    sockets.push(homeless.socket);
    homeless.socket.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"homeless","version":"1"}}}\n{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shell_exec","arguments":{"command":"echo hi"}}}\n');
    homeless.socket.on('data', () => undefined);
    const [missing] = await refused('project.missing');
    assert.deepEqual([missing?.['tool'], missing?.['input']], ['shell.exec', { command: 'echo hi' }]);
  });

  it('audit:refusals: at the doors for windows and terminals: a right that is missing, unknown methods, wrong shapes, late and doubled answers, broken frames', async () => {
    const viewer = await house.control('viewer', { client: 'Looker 1' });
    const editor = await house.control('editor', { client: 'Visual Studio Code 1.106.0', window: 'w-2' });
    const terminal = await house.control('cli');
    await editor.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {} });
    await assert.rejects(viewer.sendRequest('approvals/decide', { id: 'x', digest: 'x', decision: 'approve' }), /may not send/);
    for (const person of [editor, terminal]) {
      await assert.rejects(person.sendRequest('audit/append', { tool: 'x' }), /not found/i);
      await assert.rejects(person.sendRequest('audit/page', { limit: 'all' }), /limit/);
      const late = await person.sendRequest<Json>('approvals/decide', { id: 'evt_none', digest: 'd', decision: 'approve' });
      assert.equal(late['outcome'], 'gone');
    }
    const atTerminal = await refused('terminal.refused', 3);
    assert.deepEqual(actorOf(atTerminal[0]), { role: 'viewer', client: 'Looker 1', user, connection: undefined });
    const atEditor = await refused('editor.refused', 2);
    assert.deepEqual(atEditor.map(({ input }) => (input as Json)['method']), ['audit/append', 'audit/page']);
    assert.deepEqual(actorOf(atEditor[0]), { role: 'editor', client: 'Visual Studio Code 1.106.0', window: 'w-2', user, connection: undefined });
    await refused('approval.gone', 2);
    await answeredTwice(editor, terminal);
    for (const role of ['cli', 'editor'] as const) {
      const before = house.entries().length;
      const { socket } = await connectToBroker({ configDir: house.configDir, who: { role, version: '0' } });
      sockets.push(socket);
      said(socket);
      const gone = new Promise((resolve) => socket.once('close', resolve));
      socket.write('This: is no header that anybody knows\r\n\r\n{}');
      await gone;
      await until('the end is recorded', () => house.entries().slice(before).some((entry) => entry['phase'] === 'denied' && /no message.*ended/.test(reasonOf(entry))));
    }
  });

  it('audit:refusals: a message of a window or a terminal that would fill the memory', async () => {
    await house.status();
    for (const role of ['cli', 'editor'] as const) {
      const { socket } = await connectToBroker({ configDir: house.configDir, who: { role, version: '0' } });
      sockets.push(socket);
      said(socket);
      const gone = new Promise((resolve) => socket.once('close', resolve));
      socket.write('Content-Length: 4000000000\r\n\r\n');
      socket.write(Buffer.alloc(65 * 1024 * 1024, 0x20));
      await gone;
      assert.match(reasonOf((await refused(`${role === 'cli' ? 'terminal' : 'editor'}.refused`))[0]), /too long/);
    }
  });

  /** Two people answer one question, and then one of them answers for other bytes. */
  async function answeredTwice(editor: MessageConnection, terminal: MessageConnection): Promise<void> {
    for (const person of [editor, terminal]) await person.sendRequest('approvals/attend', { attending: true });
    const agent = await house.introducedAgent();
    const called = agent.call('shell_exec', { command: 'mkdir made' });
    const [call] = await until('it waits', async () => {
      const { pending } = await editor.sendRequest<{ pending: Pending[] }>('approvals/list', {});
      return pending.length === 1 && pending;
    });
    await editor.sendRequest('approvals/decide', { id: call?.id, digest: '0'.repeat(64), decision: 'approve' });
    await editor.sendRequest('approvals/decide', { id: call?.id, digest: call?.digest, decision: 'approve' });
    await called;
    await terminal.sendRequest('approvals/decide', { id: call?.id, digest: call?.digest, decision: 'approve' });
    const [other] = await refused('approval.other');
    const [again] = await refused('approval.answered');
    assert.deepEqual([(other?.['input'] as Json)['id'], (again?.['input'] as Json)['id']], [call?.id, call?.id]);
    assert.deepEqual([actorOf(other)['role'], actorOf(again)['role']], ['editor', 'cli']);
  }

  it('audit:refusals T40: at a terminal where no person sits: a program that runs our command to approve, to put the log aside or to look at salts', async () => {
    await house.status();
    for (const args of [['approvals', 'watch'], ['approvals', 'approve', 'evt_x'], ['audit', 'start-new', '--reason', 'why'], ['audit', 'removed', '1', '--salts']]) assert.equal(house.run(...args).status, 2);
    const found = await refused('cli.noPerson', 4);
    assert.deepEqual(found.map(({ input }) => (input as Json)['command']).sort(), ['approvals approve', 'approvals watch', 'audit removed', 'audit start-new']);
    assert.equal(actorOf(found[0])['role'], 'cli');
  });

  it('audit:refusals-bounded: thousands of refused messages leave some entries and a count of the others', async () => {
    const flood = async (): Promise<void> => {
      const { socket } = await connectToBroker({ configDir: house.configDir, who: { role: 'agent', version: '0', project: house.project } });
      sockets.push(socket);
      socket.on('data', () => undefined);
      for (let i = 0; i < 99; i += 1) socket.write(`{"jsonrpc":"2.0","id":${i},"method":"flood"}\n`);
    };
    const { pid } = await house.status();
    for (let i = 0; i < 10; i += 1) await flood();
    for (let i = 0; i < 40; i += 1) knock().write('nonsense\n');
    await sleep(1500);
    for (const socket of sockets.splice(0)) socket.destroy();
    await endProcess(pid);
    const denied = house.entries().filter(({ phase }) => phase === 'denied').length;
    const counts = house.entries().filter(({ tool }) => tool === 'audit.suppressed').map(({ input }) => Number((input as Json)['refusals']));
    assert.ok(denied >= 100 && denied <= 120, String(denied));
    assert.equal(denied + counts.reduce((sum, count) => sum + count, 0), 990 + 40, 'none is lost silently');
    assert.equal(house.run('audit', 'verify', '--strict').status, 0);
  });

  it('T86: no tool and no message that an agent can reach appends to the log: what it sends only ever stands as its own input', async () => {
    await house.status();
    const agent = await house.introducedAgent();
    const { result } = (await agent.request('tools/list')) as { result: { tools: { name: string; inputSchema: Json }[] } };
    const forged = '{"v":1,"seq":99,"phase":"done","tool":"forged.entry","input":{},"result":"success"}';
    for (const { name, inputSchema } of result.tools) for (const place of [house.log, join(house.configDir, 'audit.checkpoints'), join(house.configDir, 'snapshots', 'policy-x.json')]) await attempt(agent, name, inputSchema, place, forged);
    for (const command of [`echo '${forged}' >> ${house.log}`, `echo x > ${house.log}`, `tee -a ${house.log}`, `cp x ${house.log}`, 'conductor audit measure', 'conductor audit start-new --reason forged.entry']) {
      assert.equal((await agent.call('shell_exec', { command })).structured['kind'], 'refused', command);
    }
    // Every message of windows and terminals, and names that others have for such a thing.
    for (const method of [...Object.keys(requests), 'audit/append', 'ledger_log_decision', 'logging/setLevel', 'notifications/message', 'resources/list', 'prompts/list', 'completion/complete']) {
      const answer = await agent.request(method, { tool: 'forged.entry', input: {}, result: 'success' });
      assert.equal((answer['error'] as Json)['code'], -32601, method);
      agent.notify(method, { tool: 'forged.entry', input: {}, result: 'success' });
    }
    // The framing of the other doors, at this one.
    const { socket } = await connectToBroker({ configDir: house.configDir, who: { role: 'agent', version: '0', project: house.project } });
    sockets.push(socket);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'audit/measure', params: {} });
    socket.write(`Content-Length: ${body.length}\r\n\r\n${body}\n`);
    const heard = said(socket);
    await until('it is answered', () => heard.text.split('\n').length > 2);
    assert.doesNotMatch(heard.text, /"result"/);
    const size = statSync(house.log).size;
    for (const entry of house.entries()) {
      const { tool, actor, phase } = entry as { tool: string; actor: Json; phase: string };
      assert.ok(!tool.startsWith('forged'), JSON.stringify(entry));
      if (actor['role'] === 'agent') assert.ok(['intent', 'done', 'denied'].includes(phase), JSON.stringify(entry));
      if (actor['role'] !== 'agent') assert.doesNotMatch(JSON.stringify(entry), /forged/);
      if (phase === 'intent') assert.doesNotMatch(JSON.stringify(entry), /forged/, 'none of it was admitted');
    }
    assert.ok(size > 0 && !existsSync(join(house.configDir, 'snapshots', 'policy-x.json')));
    assert.equal(house.run('audit', 'verify', '--strict').status, 0);
    assert.doesNotMatch(readFileSync(join(house.configDir, 'audit.log'), 'utf8'), /^\{"v":1,"seq":99,"phase"/m);
  });

  /** Calls a tool with a place and a text wherever its schema takes a text. */
  async function attempt(agent: RawAgent, name: string, schema: Json, place: string, text: string): Promise<void> {
    writeFileSync(join(house.project, 'x'), 'x');
    const required = new Set((schema['required'] ?? []) as string[]);
    const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Json>);
    const input: Json = {};
    for (const [member, { type }] of properties) {
      if (/path|cwd|folder|file/i.test(member) && type === 'string') input[member] = place;
      else if (type === 'string' && (required.has(member) || /content|text|message/.test(member))) input[member] = text;
      else if (type === 'array' && required.has(member)) input[member] = member === 'edits' ? [{ oldText: 'x', newText: text }] : [place];
    }
    // Who takes nothing of an agent can write nothing of it.
    if (properties.length === 0) return;
    const { isError } = await agent.call(name, input);
    assert.ok(isError, `${name} ${JSON.stringify(input)}`);
  }
});
