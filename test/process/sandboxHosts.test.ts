import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join, resolve } from 'node:path';
import type { Outcome } from '../../protocol/src/call';
import { findBuilds, type Builds } from '../fakes/bubblewraps';
import { ShellProject } from '../fakes/shellProject';

/** Listed hosts, through the real `@anthropic-ai/sandbox-runtime` and a real server of this machine. */

describe('sandbox with listed hosts', function () {
  this.timeout(120_000);
  let builds: Builds = { sound: '' };
  let runtime = '';
  let server: Server | undefined;
  let port = 0;
  let project = new ShellProject([]);
  const ownHome = process.env['HOME'];

  before(async function () {
    this.timeout(400_000);
    if (process.platform !== 'linux') this.skip();
    builds = await findBuilds();
    const { stdout, stderr } = spawnSync(process.execPath, [resolve(__dirname, '../../scripts/sandboxRuntime.mjs')], { encoding: 'utf8', timeout: 280_000 });
    runtime = stdout.trim();
    assert.ok(existsSync(join(runtime, 'srt')), `the runtime could not be had: ${stderr}`);
    server = createServer((_request, response) => response.end('hello from the host'));
    await new Promise<void>((done) => server?.listen(0, '0.0.0.0', done));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });

  after(() => void server?.close());

  afterEach(() => {
    project.remove();
    process.env['HOME'] = ownHome;
  });

  function open(network: readonly string[], folders: readonly string[] = [runtime, builds.sound], more = {}): void {
    project.remove();
    project = new ShellProject(['node', 'cat', 'ls', 'echo', 'touch'], ['rm'], { sandbox: { mode: 'required', network: [...network], ...more } }, folders);
    process.env['HOME'] = join(project.folder, 'home');
    mkdirSync(join(project.folder, 'home'));
    // Asks the proxy of the environment for an address, as programs do; and tries without it.
    project.put('fetch.js', `const http = require('http'); const proxy = new URL(process.env.HTTP_PROXY);
const auth = 'Basic ' + Buffer.from(decodeURIComponent(proxy.username) + ':' + decodeURIComponent(proxy.password)).toString('base64');
const ask = (url) => new Promise((done) => http.get({ host: proxy.hostname, port: proxy.port, path: url, headers: { host: new URL(url).host, 'proxy-authorization': auth } }, (answer) => { let text = ''; answer.on('data', (chunk) => (text += chunk)).on('end', () => done(answer.statusCode + ' ' + text.includes('hello'))); }).on('error', (error) => done(error.code)));
const direct = (host) => new Promise((done) => require('net').connect(${String(port)}, host).on('connect', () => done('connected')).on('error', (error) => done(error.code)));
(async () => { for (const host of process.argv.slice(2)) console.log(host, await ask('http://' + host + ':${String(port)}/'), await direct(host)); })();`);
  }

  function output(outcome: Outcome): string {
    assert.notEqual(outcome.kind, 'refused', JSON.stringify(outcome));
    return outcome.kind === 'refused' ? '' : `${String(outcome.structured?.['stdout'])}${String(outcome.structured?.['stderr'])}`;
  }

  it('sandbox:hosts reaches a listed host and no other one', async () => {
    open(['127.0.0.1']);
    const text = output(await project.run('node fetch.js 127.0.0.1 127.0.0.2'));
    const [listed, other] = text.trim().split('\n');
    assert.match(listed ?? '', /^127\.0\.0\.1 200 true E/, text);
    assert.match(other ?? '', /^127\.0\.0\.2 403 false E/, text);
    open(['127.0.0.2']);
    assert.match(output(await project.run('node fetch.js 127.0.0.1')), /^127\.0\.0\.1 403 false E/);
  });

  it('sandbox:shown names the hosts', async () => {
    open(['127.0.0.1', '*.example.com:443']);
    const outcome = await project.run('echo a');
    assert.ok(outcome.kind === 'success', JSON.stringify(outcome));
    assert.equal(outcome.structured?.['stdout'], 'a\n');
    assert.match(String(outcome.structured['sandbox']), /^sandbox-runtime 0\.0\.\d+ over bubblewrap \d\S+, network only to 127\.0\.0\.1, \*\.example\.com:443, writes only in /);
  });

  it('sandbox:config-hidden sandbox:writes sandbox:home holds the rest as well', async () => {
    open(['127.0.0.1']);
    writeFileSync(join(project.configDir, 'control.key'), 'secret');
    writeFileSync(join(project.folder, 'home', 'key'), 'secret');
    project.put('probe.js', `const fs = require('fs'); const attempt = (name, act) => { try { console.log(name, act()); } catch (error) { console.log(name, 'failed'); } };
attempt('key', () => fs.readFileSync(${JSON.stringify(join(project.configDir, 'control.key'))}, 'utf8'));
attempt('home', () => fs.readFileSync(process.env.HOME + '/key', 'utf8'));
for (const file of [${JSON.stringify(join(project.folder, 'outside'))}, '/etc/conductor-outside', process.env.HOME + '/x']) attempt(file, () => fs.writeFileSync(file, 'x'));
attempt('temporary', () => (fs.writeFileSync(process.env.TMPDIR + '/x', 'x'), 'fine')); attempt('inside', () => (fs.writeFileSync('inside', 'x'), 'fine')); console.log(process.env.JAVA_TOOL_OPTIONS);`);
    const text = output(await project.run('node probe.js'));
    assert.match(text, /^key failed\nhome failed\n/);
    assert.match(text, /temporary fine\ninside fine\nundefined\n/);
    const made = [join(project.folder, 'outside'), '/etc/conductor-outside', join(project.folder, 'home', 'x')].filter((file) => existsSync(file));
    for (const file of made) rmSync(file, { force: true });
    assert.deepEqual(made, []);
    assert.equal(readFileSync(join(project.project, 'inside'), 'utf8'), 'x');
  });

  it('gives arguments, exit codes and input through the shell string unchanged', async () => {
    open(['127.0.0.1']);
    project.put('argv.js', 'console.log(JSON.stringify([process.argv.slice(2), process.cwd(), require("fs").readFileSync(0, "utf8")])); process.exitCode = 42;');
    const given = ["it's", '$HOME `id` $(id)', 'a  b', '', '\\', '"', '*', '--x=\ty', '; touch pwned'];
    const outcome = await project.run({ command: 'node', args: ['argv.js', ...given] });
    assert.ok(outcome.kind === 'failure');
    assert.deepEqual(JSON.parse(String(outcome.structured?.['stdout'])), [given, project.project, '']);
    assert.equal(outcome.structured?.['exitCode'], 42);
    assert.equal(existsSync(join(project.project, 'pwned')), false);
    project.put('in.txt', 'text');
    assert.match(output(await project.run('cat in.txt | node argv.js')), /"text"/);
  });

  it('leaves nothing behind in the project and beside the temporary folder', async () => {
    open(['127.0.0.1']);
    const before = readdirSync(project.project);
    await project.run('echo a');
    assert.deepEqual(readdirSync(project.project), before);
  });

  it('sandbox:missing refuses with what to install', async () => {
    open(['127.0.0.1'], [builds.sound]);
    const outcome = await project.run('echo a');
    assert.ok(outcome.kind === 'refused' && outcome.rule === 'shell.sandbox');
    assert.match(outcome.reason, /Hosts are listed .*"srt" is missing.*npm install -g @anthropic-ai\/sandbox-runtime.*22\.12 or later.*socat.*ripgrep/);
  });

  it('refuses a runtime that does not run', async () => {
    open(['127.0.0.1']);
    const folder = join(project.folder, 'programs');
    mkdirSync(folder);
    for (const name of ['socat', 'rg', 'srt']) writeFileSync(join(folder, name), 'process.exit(1)', { mode: 0o755 });
    symlinkSync(join(runtime, 'node'), join(folder, 'node'));
    const other = new ShellProject(['echo'], [], { sandbox: { mode: 'required', network: ['127.0.0.1'] } }, [folder, builds.sound]);
    const outcome = await other.run('echo a');
    other.remove();
    assert.ok(outcome.kind === 'refused');
    assert.match(outcome.reason, /does not say its version/);
  });

  it('sandbox:vulnerable refuses it over an unpatched bubblewrap, also when that is allowed by itself', async function () {
    if (builds.flawed === undefined) this.skip();
    open(['127.0.0.1'], [runtime, builds.flawed], { allowUnpatched: true });
    const outcome = await project.run('echo a');
    assert.ok(outcome.kind === 'refused' && /CVE-2026-87766/.test(outcome.reason), JSON.stringify(outcome));
  });
});
