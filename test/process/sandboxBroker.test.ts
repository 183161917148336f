import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigInput } from '../../protocol/src/config';
import { brokerAddress } from '../../link/src/address';
import { findBuilds } from '../fakes/bubblewraps';
import { TestHouse, until } from './house';

/** The sandbox through a real broker and a real agent. */

type Shell = NonNullable<NonNullable<ConfigInput['plugins']>['shell']>;

describe('sandbox behind a broker', () => {
  const ownPath = process.env['PATH'];
  let house: TestHouse | undefined;

  before(async function () {
    this.timeout(300_000);
    if (process.platform !== 'linux') this.skip();
    process.env['PATH'] = [(await findBuilds()).sound, ownPath].join(delimiter);
  });

  after(() => {
    process.env['PATH'] = ownPath;
  });

  afterEach(async () => {
    await house?.close();
    house = undefined;
  });

  function open(shell: Shell): TestHouse {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['node', 'cat'], ...shell } } });
    return house;
  }

  it('sandbox:shown sandbox:config-hidden gives the level in the result and in the log, and hides the folder and the socket of the broker', async () => {
    const home = open({ sandbox: { mode: 'required' } });
    const agent = await home.introducedAgent();
    const socket = brokerAddress(home.configDir);
    writeFileSync(join(home.project, 'probe.js'), `const fs = require('fs'); console.log(fs.readdirSync(${JSON.stringify(home.configDir)}).length); require('net').connect(${JSON.stringify(socket)}).on('error', (error) => console.log(error.code)).on('connect', () => console.log('connected'));`);
    const result = await agent.call('shell_exec', { command: 'node probe.js' });
    assert.equal(result.structured['stdout'], '0\nENOENT\n');
    assert.match(String(result.structured['sandbox']), /^bubblewrap \d\S+, no network, writes only in /);
    const [intent] = home.callEntries();
    assert.equal((intent?.['detail'] as Record<string, unknown>)['sandbox'], result.structured['sandbox']);
    assert.ok(existsSync(socket));
  });

  it('sandbox:verdict refuses what is not listed, and asks where it must', async () => {
    const home = open({ requireApproval: ['tee'], sandbox: { mode: 'required' } });
    const agent = await home.introducedAgent();
    assert.match((await agent.call('shell_exec', { command: 'curl x' })).text, /shell\.notListed/);
    assert.match((await agent.call('shell_exec', { command: 'tee x' })).text, /APPROVAL_UNAVAILABLE/);
  });

  it('sandbox:tree-gone leaves nothing when the broker is killed, not even a process in a session of its own', async () => {
    const home = open({ sandbox: { mode: 'required' } });
    const agent = await home.introducedAgent();
    const beat = join(home.project, 'beat');
    writeFileSync(join(home.project, 'stay.js'), `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => require("fs").writeFileSync("beat", String(Date.now())), 20)'], { detached: true, stdio: 'ignore', env: {} }); setInterval(() => {}, 1000);`);
    const { pid } = await home.status();
    const call = agent.call('shell_exec', { command: 'node stay.js' }).catch(() => undefined);
    await until('the child runs', () => existsSync(beat));
    // Held still, so that it starts no next broker, which would look for what is left.
    agent.child.kill('SIGSTOP');
    process.kill(pid, 'SIGKILL');
    await sleep(200);
    const last = readFileSync(beat, 'utf8');
    await sleep(200);
    assert.equal(readFileSync(beat, 'utf8'), last);
    agent.child.kill('SIGCONT');
    await call;
  });

  it('cli:doctor sandbox:shown names the sandbox and the limits', () => {
    const home = open({ sandbox: { mode: 'required' } });
    const checks = (): readonly { name: string; status: string; message: string }[] => (JSON.parse(home.run('doctor', '--json').stdout) as { checks: { name: string; status: string; message: string }[] }).checks;
    const found = checks().find(({ name }) => name === 'sandbox');
    assert.equal(found?.status, 'ok');
    assert.match(found.message, /^for all commands, required: bubblewrap \d\S+, no network$/);
    assert.match(checks().find(({ name }) => name === 'limits of commands')?.message ?? '', /1024 processes.*4096 MiB/);
    const path = process.env['PATH'];
    process.env['PATH'] = '/usr/bin:/bin';
    try {
      const missing = existsSync('/usr/bin/bwrap') ? undefined : checks().find(({ name }) => name === 'sandbox');
      if (missing !== undefined) assert.deepEqual([missing.status, /Install bubblewrap 0\.12\.0 or later/.test(missing.message)], ['error', true]);
    } finally {
      process.env['PATH'] = path;
    }
  });
});
