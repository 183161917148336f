import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connectToBroker } from '../../link/src/connect';
import { holds, processesBelow } from './canaries';
import { endProcess, TestHouse, until } from './house';

/** A real crash with core dumps allowed: the broker has every value in its memory, and a command has one in its environment. */
describe('core dumps', function () {
  this.timeout(120_000);
  const values = { shell: 'cAnary-Sh3ll-9xZq7Lm', stored: 'cAnary-St0red-5kQw8zR' } as const;
  let house: TestHouse;
  let crashes: string;

  before(function () {
    const pattern = process.platform === 'linux' ? readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim() : '|';
    // Elsewhere the system hands them to a program of its own.
    if (/[|/]/.test(pattern)) this.skip();
  });
  beforeEach(async () => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['sleep'], secrets: { sleep: { CANARY: '${secret:canary.shell}' } } } } });
    crashes = join(house.base, 'crashes');
    mkdirSync(crashes);
    // Whoever comes first starts the broker, here with dumps allowed.
    const script = join(house.base, 'start.sh');
    writeFileSync(script, `ulimit -c unlimited && cd '${crashes}' && exec '${process.execPath}' '${resolve(__dirname, '../../dist/broker.js')}'\n`);
    const { socket } = await connectToBroker({ configDir: house.configDir, who: { role: 'viewer', version: '0.0.0' }, program: { execPath: '/bin/bash', script } });
    socket.destroy();
  });
  afterEach(() => house.close());

  const coresIn = (folder: string): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('core')).map((name) => join(folder, name));

  it('credentials:cores: T77: neither the broker nor a command that was given a secret leaves one in a core dump', async () => {
    const window = await house.control('editor', { window: 'one' });
    for (const [name, value] of Object.entries(values)) await window.sendRequest('credentials/set', { name: `canary.${name}`, value });
    const { pid } = await house.status();
    const agent = await house.introducedAgent();
    const call = agent.call('shell_exec', { command: 'sleep 60' });
    const sleeping = await until('it runs', () => processesBelow(pid).find(({ commandLine, environment }) => commandLine.equals(Buffer.from('sleep\u000060\u0000')) && holds(environment, [values.shell])));
    assert.match(readFileSync(`/proc/${String(sleeping.pid)}/limits`, 'utf8'), /Max core file size\s+unlimited/);
    process.kill(sleeping.pid, 'SIGSEGV');
    assert.match((await call).text, /SIGSEGV/);
    const [ofCommand = ''] = await until('the command left a dump', () => coresIn(house.project).length > 0 && coresIn(house.project));
    await endProcess(pid, 'SIGSEGV');
    const [ofBroker = ''] = await until('the broker left a dump', () => coresIn(crashes).length > 0 && coresIn(crashes));
    for (const core of [ofCommand, ofBroker]) {
      const bytes = readFileSync(core);
      assert.ok(bytes.subarray(0, 4).equals(Buffer.from('\x7fELF')), core);
      assert.ok(!holds(bytes, Object.values(values)), `${core} holds a secret`);
    }
  });
});
