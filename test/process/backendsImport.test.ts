import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BackendsState } from '../../protocol/src/externalServers';
import type { CredentialState } from '../../protocol/src/credentials';
import { conductor, TestHouse, until } from './house';

/** Taking over what other programs have, and approving it, at a real terminal. */

const server = resolve(__dirname, '../fakes/toolServer.mjs');

describe('conductor backends at a terminal', function () {
  this.timeout(60_000);
  let house: TestHouse;
  let home: string;
  let tools: string;

  before(() => {
    house = new TestHouse();
    home = join(house.base, 'home');
    tools = join(house.base, 'tools.json');
    writeFileSync(tools, JSON.stringify([{ name: 'add', description: 'Adds.', inputSchema: { type: 'object' } }]));
    for (const folder of ['.cursor', '.codex', '.gemini']) mkdirSync(join(home, folder), { recursive: true });
    writeFileSync(join(home, '.cursor', 'mcp.json'), JSON.stringify({ mcpServers: { calc: { command: process.execPath, args: [server, tools], env: { CALC_TOKEN: 'value-of-the-token' } } } }));
    writeFileSync(join(home, '.codex', 'config.toml'), `model = "x"\n[mcp_servers.docs]\nurl = "https://docs.example/mcp"\n`);
    writeFileSync(join(home, '.gemini', 'settings.json'), '{ broken');
  });
  after(() => house.close());

  const atTerminal = (words: string): { child: ChildProcessWithoutNullStreams; seen(): string; ended: Promise<number | null> } => {
    const child = spawn('script', ['-qec', `'${process.execPath}' '${conductor}' ${words}`, '/dev/null'], { env: { ...house.env, HOME: home, XDG_CONFIG_HOME: join(home, '.config'), CODEX_HOME: join(home, '.codex'), TERM: 'dumb' } });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    return { child, seen: () => seen, ended: new Promise((done) => child.once('exit', (code) => done(code))) };
  };
  const state = async (): Promise<BackendsState> => {
    const control = await house.control('cli');
    return await control.sendRequest<BackendsState>('backends/list', {}).finally(() => control.end());
  };
  const file = (): string => join(house.configDir, 'mcp_backends.json');

  it('backends:import shows everything first, and adds nothing without a yes', async () => {
    const terminal = atTerminal('backends import');
    await until('it asks', () => terminal.seen().includes('Type "yes" to add these 2 servers'));
    assert.match(terminal.seen(), /calc \(from cursor/);
    assert.match(terminal.seen(), /docs \(from codex/);
    assert.match(terminal.seen(), /settings\.json cannot be read and is left out/);
    assert.equal(terminal.seen().includes('value-of-the-token'), false);
    terminal.child.stdin.write('no\n');
    assert.equal(await terminal.ended, 1);
    assert.equal(existsSync(file()), false);
  });

  it('backends:import moves secrets into the store, and what it added waits for approval', async () => {
    const terminal = atTerminal('backends import');
    await until('it asks', () => terminal.seen().includes('Type "yes" to add'));
    terminal.child.stdin.write('yes\n');
    assert.equal(await terminal.ended, 0, terminal.seen());
    assert.match(readFileSync(file(), 'utf8'), /\$\{secret:calc\.CALC_TOKEN\}/);
    assert.equal(readFileSync(file(), 'utf8').includes('value-of-the-token'), false);
    assert.equal(readFileSync(house.log, 'utf8').includes('value-of-the-token'), false);
    assert.deepEqual((await state()).backends.map(({ backend, launch }) => [backend, launch]), [['calc', 'new'], ['docs', 'new']]);
    assert.match(readFileSync(join(home, '.cursor', 'mcp.json'), 'utf8'), /value-of-the-token/);
  });

  it('backends:quarantine: at a terminal a person sees how it starts and what it offers, and approves both', async () => {
    const terminal = atTerminal('backends approve calc');
    await until('it shows the start', () => /program SHA-256[\s\S]*started or reached this way/.test(terminal.seen()));
    terminal.child.stdin.write('yes\n');
    await until('it shows the tools', () => /add \(new\)[\s\S]*Adds\.[\s\S]*approve this tool as described/.test(terminal.seen()));
    terminal.child.stdin.write('yes\n');
    assert.equal(await terminal.ended, 0, terminal.seen());
    const [calc] = (await state()).backends;
    assert.deepEqual([calc?.launch, calc?.tools?.map(({ state: pin }) => pin)], ['approved', ['approved']]);
  });

  it('backends:import is undone with servers and credentials', async () => {
    assert.equal(house.run('backends', 'import', '--undo').status, 0);
    assert.deepEqual((await state()).backends, []);
    const control = await house.control('cli');
    assert.deepEqual((await control.sendRequest<CredentialState>('credentials/list', {})).credentials, []);
    control.end();
    assert.equal(house.run('backends', 'import', '--undo').status, 2);
  });
});
