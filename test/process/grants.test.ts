import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { DecisionResult, Pending } from '../../protocol/src/approvals';
import type { GrantsState, Measured, RungName } from '../../protocol/src/grants';
import { conductor, endProcess, RawAgent, TestHouse, until, type Json, type ToolResult } from './house';

/** Answers that last, with real agents, a real broker and a real person's connection. */

describe('grants at the broker', () => {
  let house: TestHouse;
  let person: MessageConnection;
  let agent: RawAgent;
  const path = process.env['PATH'];
  const others: RawAgent[] = [];

  beforeEach(async () => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo', 'sh', 'ls'], requireApproval: ['mkdir', 'rm', 'mytool'] } }, approvalTimeout: 20_000 });
    mkdirSync(join(house.base, 'bin'));
    writeFileSync(join(house.base, 'bin/mytool'), '#!/bin/sh\necho first\n', { mode: 0o755 });
    process.env['PATH'] = `${join(house.base, 'bin')}:${path ?? ''}`;
    person = await attended();
    agent = await house.introducedAgent();
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    for (const other of others.splice(0)) other.child.kill('SIGKILL');
    await house.close();
  });

  const attended = async (): Promise<MessageConnection> => {
    const made = await house.control('editor');
    await made.sendRequest('approvals/attend', { attending: true });
    return made;
  };
  const waiting = async (): Promise<Pending[]> => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending;
  const asked = (): Promise<Pending> => until('a call waits', async () => (await waiting())[0]);
  const state = (): Promise<GrantsState> => person.sendRequest<GrantsState>('grants/list', {});
  const answer = (call: Pending, decision: 'approve' | 'deny', rung?: RungName): Promise<DecisionResult> => person.sendRequest('approvals/decide', { id: call.id, digest: call.digest, decision, ...(rung === undefined ? {} : { rung }) });
  /** Asks, answers with a rung, and gives what the prompt said. */
  const granted = async (command: string, rung: RungName, of = agent): Promise<Pending> => {
    const called = of.call('shell_exec', { command });
    const call = await asked();
    assert.equal((await answer(call, 'approve', rung)).outcome, 'accepted');
    assert.equal((await called).isError, false);
    return call;
  };
  /** Whether a call runs without a question; a question that comes is denied once. */
  const silent = async (command: string, of = agent): Promise<boolean> => {
    let done: ToolResult | undefined;
    void of.call('shell_exec', { command }).then((result) => (done = result));
    const call = await until('the call ends or waits', async () => done ?? (await waiting())[0]);
    if (!('id' in call)) return !call.isError;
    await answer(call, 'deny');
    await until('it ended', () => done);
    return false;
  };
  const stranger = async (name: string, project = house.project): Promise<RawAgent> => {
    const made = new RawAgent(spawn(process.execPath, [conductor, 'mcp', 'start', '--project', project], { env: house.env, cwd: project }));
    others.push(made);
    await made.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: name === '' ? { name } : { name, version: '2' } });
    made.notify('notifications/initialized');
    return made;
  };

  it('grants:process: one answer for a form of a program lets the next calls of that form run, each named in the log, until it is undone', async () => {
    const call = await granted('mkdir one', 'flags');
    assert.deepEqual(call.ladder?.allow.map(({ rung }) => rung), ['session', 'exact', 'flags']);
    assert.equal(await silent('mkdir two && ls'), true);
    assert.equal(existsSync(join(house.project, 'two')), true);
    assert.equal(await silent('mkdir -p three'), false);
    assert.equal(await silent('mkdir ../four'), false);
    const [grant] = (await state()).grants;
    assert.equal(grant?.uses, 1);
    const intent = house.callEntries().find((entry) => entry['phase'] === 'intent' && JSON.stringify(entry['input']).includes('two'));
    assert.deepEqual([(intent?.['approval'] as Json)['decision'], (intent?.['approval'] as Json)['id']], ['granted', grant?.id]);
    assert.equal((house.callEntries().find((entry) => entry['phase'] === 'intent')?.['approval'] as Json)['rung'], 'flags');
    assert.deepEqual(await person.sendRequest('grants/undo', { id: grant?.id }), { undone: true });
    assert.equal(await silent('mkdir five'), false);
    assert.deepEqual(house.entries().map((entry) => entry['tool']).filter((tool) => String(tool).startsWith('grant.')), ['grant.created', 'grant.undone']);
  });

  it('T16 N1 grants:difference: a changed script does not run under a grant for the very line; the question shows what changed', async () => {
    writeFileSync(join(house.project, 's.sh'), 'echo one\n');
    await granted('sh s.sh', 'session');
    assert.equal(await silent('sh s.sh'), true);
    writeFileSync(join(house.project, 's.sh'), 'echo two\n');
    const called = agent.call('shell_exec', { command: 'sh s.sh' });
    const call = await asked();
    const change = call.outgrown?.changes.find(({ label }) => label === 'File');
    assert.match(change?.diff ?? '', /-echo one\n\+echo two/);
    assert.deepEqual(call.ladder?.allow.map(({ rung }) => rung), ['session']);
    await answer(call, 'approve', 'session');
    assert.match((await called).text, /two/);
    assert.equal(await silent('sh s.sh'), true);
  });

  for (const rung of ['session', 'exact'] as const) {
    it(`T16 N1 grants:meanings: a branch that is another now is not brought in under a grant for the very line (${rung})`, async () => {
      const git = (...args: readonly string[]): string => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: house.project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      const branch = (name: string): void => {
        git('switch', '-qc', name, 'main');
        mkdirSync(join(house.project, '.vscode'));
        writeFileSync(join(house.project, '.vscode/tasks.json'), `{ "${name}": 1 }`);
        git('add', '.');
        git('commit', '-qm', name);
        git('switch', '-q', 'main');
      };
      house.configure({ plugins: { shell: { allowedCommands: ['git'] } }, approvalTimeout: 20_000 });
      await until('the settings are taken', () => house.entries().some((entry) => entry['tool'] === 'config.changed'));
      git('init', '-qb', 'main');
      git('commit', '-qm', 'one', '--allow-empty');
      branch('side');
      branch('evil');
      await granted('git checkout side', rung);
      git('switch', '-q', 'main');
      assert.equal(await silent('git checkout side'), true);
      git('switch', '-q', 'main');
      for (const line of ['git branch -m side good', 'git branch side evil']) assert.equal((await agent.call('shell_exec', { command: line })).isError, false, line);
      assert.equal(await silent('git checkout side'), false);
      assert.equal(existsSync(join(house.project, '.vscode')), false);
    });
  }

  it('T16 N1 grants:shaky: a granted script is asked about again behind a command that may exchange it, or its folder', async () => {
    house.configure({ plugins: { shell: { allowedCommands: ['mv', 'touch', 'ls'], requireApproval: ['sh'] } }, approvalTimeout: 20_000 });
    await until('the settings are taken', () => house.entries().some((entry) => entry['tool'] === 'config.changed'));
    for (const folder of ['src', 'evil']) mkdirSync(join(house.project, folder));
    writeFileSync(join(house.project, 'src/a.sh'), 'echo harmless\n');
    writeFileSync(join(house.project, 'evil/a.sh'), 'touch ran\n');
    await granted('sh src/a.sh', 'session');
    assert.equal(await silent('ls && sh src/a.sh'), true);
    for (const line of ['mv src old && mv evil src && sh src/a.sh', 'touch src/new && sh src/a.sh', 'touch x; sh src/a.sh']) assert.equal(await silent(line), false, line);
    assert.equal(existsSync(join(house.project, 'ran')), false);
  });

  it('T16 N1 grants:program-text: a program text is approved once, and one that loads another file by then asks again', async () => {
    house.configure({ plugins: { shell: { allowedCommands: ['cp', 'ls'], requireApproval: ['node', 'sh'] } }, approvalTimeout: 20_000 });
    await until('the settings are taken', () => house.entries().some((entry) => entry['tool'] === 'config.changed'));
    writeFileSync(join(house.project, 'setup.js'), '');
    writeFileSync(join(house.project, 'evil.txt'), 'require("fs").writeFileSync("ran", "")\n');
    const called = agent.call('shell_exec', { command: `node -e 'require("./setup")'` });
    const call = await asked();
    assert.deepEqual(call.ladder?.allow, []);
    assert.match(call.ladder?.limit ?? '', /only be approved once/);
    assert.equal((await agent.call('shell_exec', { command: 'cp evil.txt setup.js' })).isError, false);
    await answer(call, 'approve');
    const again = await until('it asks again', async () => (await waiting()).find(({ id }) => id !== call.id));
    await answer(again, 'deny');
    assert.equal((await called).isError, true);
    assert.equal(existsSync(join(house.project, 'ran')), false);
  });

  it('T16 says so when another call exchanges what a program text loads while it runs', async () => {
    house.configure({ plugins: { shell: { allowedCommands: ['cp', 'ls'], requireApproval: ['sh'] } }, approvalTimeout: 20_000 });
    await until('the settings are taken', () => house.entries().some((entry) => entry['tool'] === 'config.changed'));
    for (const name of ['s.sh', 'evil.sh']) writeFileSync(join(house.project, name), `echo ${name}\n`);
    const called = agent.call('shell_exec', { command: "sh -c 'touch begun; while [ ! -e go ]; do sleep 0.05; done; sh < s.sh'" });
    await answer(await asked(), 'approve');
    await until('it begins', () => existsSync(join(house.project, 'begun')));
    assert.equal((await agent.call('shell_exec', { command: 'cp evil.sh s.sh' })).isError, false);
    writeFileSync(join(house.project, 'go'), '');
    assert.match((await called).text, /was touched while an interpreter/);
  });

  it('T17 T43: a program that is another now asks, with both hashes', async () => {
    await granted('mytool x', 'session');
    assert.equal(await silent('mytool x'), true);
    writeFileSync(join(house.base, 'bin/mytool'), '#!/bin/sh\necho second\n');
    const called = agent.call('shell_exec', { command: 'mytool x' });
    const call = await asked();
    assert.deepEqual(call.outgrown?.changes.map(({ label, key }) => `${label} ${key}`), ['Program mytool']);
    await answer(call, 'deny');
    await called;
  });

  it('T43: another project, another agent and other settings ask', async () => {
    await granted('mkdir one', 'flags');
    const elsewhere = join(house.base, 'elsewhere');
    mkdirSync(elsewhere);
    assert.equal(await silent('mkdir two', await stranger('raw', elsewhere)), false);
    assert.equal(await silent('mkdir three', await stranger('other')), false);
    assert.equal(await silent('mkdir four', await stranger('raw')), true);
    await granted('mkdir five', 'flags', await stranger(''));
    assert.equal(await silent('mkdir six', await stranger('other')), false);
    house.configure({ plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir'] } }, approvalTimeout: 20_000 });
    await until('the settings are taken', () => house.entries().some((entry) => entry['tool'] === 'config.changed'));
    assert.equal(await silent('mkdir seven'), false);
  });

  it('T40 approvals:require-signed: what was granted by an unsigned answer asks again where only signed ones count', async () => {
    await granted('mkdir one', 'flags');
    assert.equal(await silent('mkdir two'), true);
    house.configure({ plugins: { shell: { allowedCommands: ['echo', 'sh', 'ls'], requireApproval: ['mkdir', 'rm', 'mytool'] } }, approvals: { requireSigned: true }, approvalTimeout: 20_000 });
    await until('the settings are taken', () => house.entries().some((entry) => entry['tool'] === 'config.changed'));
    assert.equal(await silent('mkdir three'), false);
  });

  it('T40: a session ends with its agent, and an agent that says the same name gains nothing', async () => {
    writeFileSync(join(house.project, 's.sh'), 'true\n');
    await granted('sh s.sh', 'session');
    assert.equal(await silent('sh s.sh'), true);
    agent.child.kill();
    await until('the grant is gone', async () => (await state()).grants.length === 0);
    assert.equal(await silent('sh s.sh', await stranger('raw')), false);
  });

  it('T32 grants:tampered: what was granted outlives the broker; a file that was changed holds nothing, and that is said', async () => {
    await granted('mkdir one', 'flags');
    const restart = async (): Promise<void> => {
      await endProcess((await house.status()).pid);
      person = await attended();
    };
    await restart();
    agent = await stranger('raw');
    assert.equal(await silent('mkdir two'), true);
    await endProcess((await house.status()).pid);
    const file = join(house.configDir, 'grants.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"agent":"raw"', '"agent":"RAW"'));
    person = await attended();
    agent = await stranger('RAW');
    assert.equal(await silent('mkdir three'), false);
    assert.match((await state()).trouble ?? '', /was not written by Conductor/);
    assert.equal(house.entries().some((entry) => entry['tool'] === 'grant.ignored'), true);
    assert.equal(readdirSync(house.configDir).some((name) => name.startsWith('grants.json.ignored-')), true);
  });

  /** Ends the broker, changes its folder, and comes back with the next one. */
  const meanwhile = async (change: (file: string) => void): Promise<void> => {
    await endProcess((await house.status()).pid);
    change(join(house.configDir, 'grants.json'));
    person = await attended();
    agent = await stranger('raw');
  };
  const forbidden = async (command: string): Promise<void> => {
    const called = agent.call('shell_exec', { command });
    assert.equal((await answer(await asked(), 'deny', 'program')).outcome, 'accepted');
    await called;
  };

  it('T43 grants:history: an older copy of the file brings back nothing that was undone, and loses nothing that was forbidden since', async () => {
    await granted('mkdir one', 'flags');
    const file = join(house.configDir, 'grants.json');
    const older = readFileSync(file);
    await person.sendRequest('grants/undo', { id: (await state()).grants[0]?.id });
    await forbidden('rm x');
    await granted('mkdir nine', 'exact');
    await meanwhile(() => writeFileSync(file, older, { mode: 0o600 }));
    const { grants, trouble } = await state();
    assert.match(trouble ?? '', /is an older copy: it holds change 1, and the log tells of 4.*“Always Deny rm in This Project”/);
    assert.deepEqual(grants.map(({ effect }) => effect), ['deny']);
    assert.equal((await agent.call('shell_exec', { command: 'rm y' })).structured['rule'], 'approval.forbidden');
    assert.equal(await silent('mkdir two'), false);
    assert.equal(await silent('mkdir nine'), false);
    const restored = house.entries().find(({ tool }) => tool === 'grant.restored');
    assert.deepEqual([((restored?.['input'] as Json)['restored'] as string[]).length, ((restored?.['input'] as Json)['dropped'] as string[]).length], [1, 1]);
    assert.match(house.run('doctor').stdout, /! answers that last: .*older copy/);
    // It was mended once: the next broker finds nothing amiss, and the denial stays.
    await meanwhile(() => undefined);
    assert.equal((await state()).trouble, undefined);
    assert.equal((await agent.call('shell_exec', { command: 'rm y' })).structured['rule'], 'approval.forbidden');
    assert.equal(house.run('audit', 'verify', '--strict').status, 0);
  });

  for (const [what, spoil] of [['removed', (file: string) => rmSync(file)], ['written by somebody else', (file: string) => writeFileSync(file, '{}')]] as const) {
    it(`T43 grants:history: with the file ${what}, what was forbidden is taken from the log, also runs later, and undone for good`, async () => {
      await forbidden('rm x');
      await granted('mkdir one', 'flags');
      // A run of the broker in which nothing of it changed stands between.
      await meanwhile(() => undefined);
      assert.equal(await silent('mkdir two'), true);
      await meanwhile(spoil);
      assert.match((await state()).trouble ?? '', /counts again, by the log/);
      assert.equal((await agent.call('shell_exec', { command: 'rm y' })).structured['rule'], 'approval.forbidden');
      assert.equal(await silent('mkdir three'), false);
      await person.sendRequest('grants/undo', { id: (await state()).grants[0]?.id });
      await meanwhile(spoil);
      assert.deepEqual((await state()).grants, []);
      assert.equal(await silent('rm y'), false);
    });
  }

  it('T43 grants:history: with a new log, which cannot tell what was forbidden before it, a removed file is still noticed', async () => {
    await forbidden('rm x');
    // Only a damaged log is replaced.
    writeFileSync(`${house.log}.new`, readFileSync(house.log, 'utf8').split('\n').slice(0, 2).join('\n'));
    renameSync(`${house.log}.new`, house.log);
    assert.equal((await agent.call('shell_exec', { command: 'ls' })).structured['code'], 'AUDIT_UNAVAILABLE');
    await person.sendRequest('audit/startNew', { reason: 'a test' });
    await meanwhile((file) => rmSync(file));
    assert.match((await state()).trouble ?? '', /holds change 0, and the log tells of 1.*may be lost/);
  });

  it('grants:deny-rules: what is forbidden from a prompt is refused from then on, also what waits, until it is undone', async () => {
    const other = await stranger('other');
    const first = agent.call('shell_exec', { command: 'rm a' });
    const call = await asked();
    const second = other.call('shell_exec', { command: 'ls && rm b' });
    await until('two wait', async () => (await waiting()).length === 2);
    assert.equal((await answer(call, 'deny', 'program')).outcome, 'accepted');
    assert.equal((await first).structured['code'], 'APPROVAL_DENIED');
    assert.equal((await second).structured['code'], 'DENIED');
    const third = await other.call('shell_exec', { command: 'rm c' });
    assert.equal(third.structured['rule'], 'approval.forbidden');
    const [denial] = (await state()).grants;
    assert.equal(denial?.effect, 'deny');
    await person.sendRequest('grants/undo', { id: denial?.id });
    const fourth = other.call('shell_exec', { command: 'rm c' });
    await answer(await asked(), 'deny');
    await fourth;
  });

  it('grants:weighed: each rung tells how many past calls it would have covered and what it would newly allow', async () => {
    for (const command of ['mkdir a', 'mkdir b', 'mkdir -p c']) await granted(command, 'once');
    void agent.call('shell_exec', { command: 'mkdir d' }).catch(() => undefined);
    const call = await asked();
    const { rungs } = await person.sendRequest<{ rungs: Measured[] }>('approvals/weigh', { id: call.id, digest: call.digest });
    assert.deepEqual(rungs.map(({ rung, past, example, real }) => [rung, past.covered, past.asked, example, real]), [['session', 0, 3, 'mkdir d', false], ['exact', 0, 3, 'mkdir d', false], ['flags', 2, 3, 'mkdir b', true]]);
  });

  it('T40: a rung that the prompt does not offer grants nothing, and whoever only looks takes nothing back', async () => {
    const called = agent.call('shell_exec', { command: 'sh -c true' });
    const call = await asked();
    assert.equal((await answer(call, 'approve', 'exact')).outcome, 'other');
    assert.equal((await answer(call, 'approve', 'once')).outcome, 'accepted');
    await called;
    assert.deepEqual(await state(), { grants: [] });
    const viewer = await house.control('viewer');
    await assert.rejects(viewer.sendRequest('grants/undo', { id: 'grant_1' }));
  });

  it('grants:file: one answer lets an agent go on changing one file in its session', async () => {
    const write = (file: string, content: string): Promise<ToolResult> => agent.call('filesystem_write', { path: file, content });
    const first = write('notes.txt', 'one');
    const call = await asked();
    assert.deepEqual(call.ladder?.allow.map(({ rung }) => rung), ['file']);
    await answer(call, 'approve', 'file');
    await first;
    assert.equal((await write('notes.txt', 'two')).isError, false);
    assert.equal((await agent.call('filesystem_edit', { path: 'notes.txt', edits: [{ oldText: 'two', newText: 'three' }] })).isError, false);
    assert.equal(readFileSync(join(house.project, 'notes.txt'), 'utf8'), 'three');
    void write('other.txt', 'one').catch(() => undefined);
    await answer(await asked(), 'deny');
  });

  it('results:process: a result is shown before the agent gets it, and withheld when it is denied', async () => {
    house.configure({ plugins: { shell: { allowedCommands: ['echo'] } }, reviewResults: ['shell.exec'], approvalTimeout: 20_000 });
    await until('the settings are taken', () => house.entries().some((entry) => entry['tool'] === 'config.changed'));
    const first = agent.call('shell_exec', { command: 'echo private words' }, { _meta: { progressToken: 'p' } });
    const call = await asked();
    assert.match(call.raw, /^private words/);
    assert.equal(call.ladder, undefined);
    await answer(call, 'deny');
    const withheld = await first;
    assert.equal(withheld.isError, true);
    assert.doesNotMatch(JSON.stringify([withheld, agent.messages]), /private words/);
    const second = agent.call('shell_exec', { command: 'echo public words' });
    await answer(await asked(), 'approve');
    assert.match((await second).text, /public words/);
    assert.deepEqual(house.entries().map(({ tool }) => tool).filter((tool) => String(tool).startsWith('result.')), ['result.withheld', 'result.released']);
    assert.equal(house.run('audit', 'verify', '--strict').status, 0);
  });

  describe('results that a person looks at, for clients that cannot be kept waiting', () => {
    const runs = (): number => house.callEntries().filter(({ phase }) => phase === 'intent').length;
    const call = { command: 'echo private words' };

    beforeEach(async () => {
      house.configure({ plugins: { shell: { allowedCommands: ['echo'] } }, reviewResults: ['shell.exec'], approvalTimeout: 20_000, approvals: { callAgainAfterSeconds: 0.3, callAgainWithinSeconds: 20 } });
      await until('the settings are taken', () => house.entries().some((entry) => entry['tool'] === 'config.changed'));
    });
    const parked = async (): Promise<Pending> => {
      const { structured, text } = await agent.call('shell_exec', call);
      assert.deepEqual([structured['kind'], structured['code']], ['approval.pending', 'APPROVAL_PENDING']);
      assert.match(text, /has run.*does not run a second time/);
      return await asked();
    };

    it('T44 results:call-again: the agent is told to call again, gets the result then, once, and nothing runs a second time', async () => {
      const question = await parked();
      assert.deepEqual((await agent.call('shell_exec', call)).structured['kind'], 'approval.pending');
      assert.equal((await asked()).id, question.id);
      await answer(question, 'approve');
      assert.match((await agent.call('shell_exec', call)).text, /private words/);
      assert.equal(runs(), 1);
      assert.deepEqual(house.entries().filter(({ tool }) => tool === 'approval.parked').map(({ detail }) => (detail as Json)['about']), ['result', 'result']);
      // The call after that is a new one.
      await parked();
      assert.equal(runs(), 2);
      assert.equal(house.run('audit', 'verify', '--strict').status, 0);
    });

    it('results:call-again: a no is told to the call that comes again, which runs nothing', async () => {
      await answer(await parked(), 'deny');
      const { isError, text } = await agent.call('shell_exec', call);
      assert.equal(isError, true);
      assert.match(text, /result is withheld/);
      assert.doesNotMatch(text, /private words/);
      assert.equal(runs(), 1);
    });

    it('T60 T61 results:call-again: no other agent and no other call gets it', async () => {
      await answer(await parked(), 'approve');
      const other = await stranger('raw');
      assert.equal((await other.call('shell_exec', call)).structured['kind'], 'approval.pending');
      assert.equal((await agent.call('shell_exec', { ...call, timeoutMs: 9000 })).structured['kind'], 'approval.pending');
      assert.equal(runs(), 3);
      assert.match((await agent.call('shell_exec', call)).text, /private words/);
    });

    it('T46 results:not-fetched: an agent that leaves never gets it, and one that comes too late is told, once, before anything runs again', async () => {
      const gone = await stranger('raw');
      assert.equal((await gone.call('shell_exec', call)).structured['kind'], 'approval.pending');
      gone.child.kill();
      const left = (): string[] => house.entries().filter(({ tool }) => tool === 'result.notFetched').map(({ input }) => String((input as Json)['why']));
      await until('it is recorded', () => left().includes('withdrawn'));
      house.configure({ plugins: { shell: { allowedCommands: ['echo'] } }, reviewResults: ['shell.exec'], approvalTimeout: 20_000, approvals: { callAgainAfterSeconds: 0.3, callAgainWithinSeconds: 1 } });
      await until('the settings are taken', () => house.entries().filter((entry) => entry['tool'] === 'config.changed').length > 1);
      assert.equal((await agent.call('shell_exec', call)).structured['kind'], 'approval.pending');
      await until('it is late', () => left().includes('late'));
      assert.match((await agent.call('shell_exec', call)).text, /did not in time/);
      assert.equal(runs(), 2);
    });
  });
});
