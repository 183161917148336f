import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conductor, endProcess, RawAgent, TestHouse, type Json } from './house';

/** Secrets that pass through: none reaches a file of the configuration folder, and a person can prove later what was removed. */

// Recognised by its shape, and by the place where it stands. The broker's own keys are recognised wherever they stand.
const canaries = { shape: `ghp_${'Canary'.repeat(6)}`, place: 'Canary-hunter2' };

/** What somebody else computes, in another language: the hash of the input that is left, and the commitment to what was removed. */
const stranger = `
import sys,json,hashlib,hmac
entry,part,text=json.loads(sys.argv[1]),json.loads(sys.argv[2]),sys.argv[3]
canonical=json.dumps(entry['input'],sort_keys=True,separators=(',',':'),ensure_ascii=False)
assert 'sha256:'+hashlib.sha256(canonical.encode()).hexdigest()==entry['inputHash'],'input'
assert part in [dict(p,salt=part['salt']) for p in entry['removed']['parts']],'part'
assert hmac.new(bytes.fromhex(part['salt']),text.encode(),'sha256').hexdigest()==part['hmac'],'text'
`;

/** Runs the command at a terminal that a person types into, and gives exit code and screen. */
function atTerminal(house: TestHouse, typed: string, ...args: string[]): { status: number | null; screen: string } {
  const pty = `import pty,sys,os,time
pid,fd=pty.fork()
if pid==0: os.execv(sys.argv[1],sys.argv[1:])
out=b''
sent=False
while True:
  try: chunk=os.read(fd,65536)
  except OSError: break
  if not chunk: break
  out+=chunk
  if not sent and (b'removed: ' in out): os.write(fd,(${JSON.stringify('PLACE')}).encode()); sent=True
sys.stdout.write(out.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))`.replace('"PLACE"', JSON.stringify(`${typed}\r`));
  const { status, stdout } = spawnSync('python3', ['-c', pty, process.execPath, conductor, ...args], { env: house.env, encoding: 'utf8', timeout: 30_000 });
  return { status, screen: stdout };
}

describe('what is removed from the log', function () {
  this.timeout(60_000);
  let house: TestHouse;
  const own = (): string => readFileSync(join(house.configDir, 'control.key'), 'utf8').trim();
  const search = (): string[] => {
    const files = readdirSync(house.configDir, { recursive: true, encoding: 'utf8' }).map((name) => join(house.configDir, name)).filter((file) => statSync(file).isFile());
    assert.ok(files.length >= 5);
    const found = (bytes: Buffer): boolean => [...Object.values(canaries), own()].some((canary) => [canary, Buffer.from(canary).toString('base64').replace(/=+$/, '')].some((form) => bytes.includes(form)));
    return files.filter((file) => !file.endsWith('control.key') && found(readFileSync(file)));
  };
  beforeEach(() => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo', 'cat', 'ls'], requireApproval: ['mkdir'] }, filesystem: { requireApproval: [] } } });
  });
  afterEach(() => house.close());

  it('audit:canaries: secrets in inputs, outputs, errors, names, refusals and nonsense reach no file of the folder', async () => {
    writeFileSync(join(house.project, 'secret.txt'), `token=${canaries.place} ${canaries.shape}\n`);
    const child = spawn(process.execPath, [conductor, 'mcp', 'start', '--project', house.project], { env: house.env, cwd: house.project });
    const agent = new RawAgent(child);
    await agent.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: canaries.shape, version: '1' } });
    const outcome = await agent.call('shell_exec', { command: 'cat secret.txt' });
    assert.match(outcome.text, /Canary-hunter2 ‹removed GitHub token›/, 'the agent gets what it asked for, without what is certainly a token');
    // The digest of what was released is over what is left, and the rest is committed to.
    const done = house.callEntries().at(-1);
    const left = outcome.text.replace(canaries.place, '[removed]');
    assert.equal((done?.['output'] as Json)['sha256'], `sha256:${createHash('sha256').update(left).digest('hex')}`);
    assert.deepEqual(((done?.['removed'] as Json)['parts'] as Json[]).map(({ at }) => at), ['/output', '/actor/client']);
    const calls: [string, Json][] = [
      ['shell_exec', { command: `echo --password ${canaries.place}` }],
      ['shell_exec', { command: `echo ${canaries.shape} '${own()}'` }],
      ['shell_exec', { command: `curl -u ann:${canaries.place} https://ann:${canaries.place}@example.com` }],
      ['shell_exec', { command: `ls ${canaries.shape}` }],
      ['shell_exec', { command: `mkdir ${canaries.shape}` }],
      ['filesystem_read', { path: `missing/${canaries.shape}` }],
      ['filesystem_read', { path: `../${canaries.shape}` }],
      ['filesystem_write', { path: 'new.txt', content: `password: "${canaries.place}"\n${'filling '.repeat(12_000)}${canaries.shape}` }],
      ['filesystem_write', { path: { password: canaries.place }, [canaries.shape]: 1 }],
      [canaries.shape, { token: canaries.place }],
    ];
    for (const [tool, input] of calls) await agent.call(tool, input);
    await agent.request(canaries.shape, {});
    agent.line(`{"jsonrpc":"2.0","id":9,"method":"x","params":{"password":"${canaries.place}"`);
    agent.line(`{"password":"${canaries.place}","password":"${canaries.shape}"}`);
    child.stdin.end();
    const { pid } = await house.status();
    await endProcess(pid);
    assert.ok(house.callEntries().length >= 2 * 5 + 6, String(house.callEntries().length));
    assert.ok(house.callEntries().filter(({ removed }) => removed !== undefined).length >= 12);
    assert.deepEqual(search(), []);
    assert.equal(house.run('audit', 'verify', '--strict').status, 0);
  });

  it('audit:commitments: somebody else recomputes the hash of the input, and what was removed, from one salt', async function () {
    if (process.platform === 'win32') this.skip();
    const agent = await house.introducedAgent();
    await agent.call('shell_exec', { command: `echo grüße --password ${canaries.place} 'password=1234'` });
    const [intent, done] = house.callEntries();
    assert.equal((intent?.['input'] as Json)['command'], "echo grüße --password [removed] 'password=[removed]'");
    assert.equal(intent?.['inputHash'], done?.['inputHash']);
    const seq = String(intent?.['seq']);
    assert.match(house.run('audit', 'removed', seq).stdout, /\/input\/command .*flag/);
    // Salts, and guesses, are for a person at a terminal (T40).
    for (const flag of ['--salts', '--check']) assert.match(house.run('audit', 'removed', seq, flag).stderr, /interactive terminal/);
    const { screen } = atTerminal(house, '', 'audit', 'removed', seq, '--salts');
    const parts = screen.trim().split(/\r?\n/).map((text) => JSON.parse(text) as Json);
    const check = (text: string, part: unknown): number | null => spawnSync('python3', ['-c', stranger, JSON.stringify(intent), JSON.stringify(part), text]).status;
    assert.deepEqual([check(canaries.place, parts[0]), check('1234', parts[1]), check('1235', parts[1]), check('1234', parts[0])], [0, 0, 1, 1]);
    assert.equal(atTerminal(house, canaries.place, 'audit', 'removed', seq, '--check').status, 0);
    const wrong = atTerminal(house, 'other', 'audit', 'removed', seq, '--check');
    assert.deepEqual([wrong.status, /not what was removed/.test(wrong.screen)], [1, true]);
    assert.doesNotMatch(atTerminal(house, canaries.place, 'audit', 'removed', seq, '--check').screen, new RegExp(canaries.place), 'what is typed is not shown');
    // No tool reads the secret behind the salts.
    assert.equal(statSync(join(house.configDir, 'audit.salt')).mode & 0o777, 0o600);
    for (const [tool, input] of [['filesystem_read', { path: join(house.configDir, 'audit.salt') }], ['shell_exec', { command: `cat ${join(house.configDir, 'audit.salt')}` }]] as const) {
      assert.equal((await agent.call(tool, input)).structured['kind'], 'refused');
    }
  });
});
