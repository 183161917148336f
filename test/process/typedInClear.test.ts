import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesWith, holds } from './canaries';
import { TestHouse, until } from './house';

/** Secrets that stand where they do not belong, in files that cannot be used for it: what is wrong with them is told to everybody, and must not quote them. */
describe('secrets in files that are broken by them', function () {
  this.timeout(60_000);
  const canary = 'cAnaryTyp3d-7mXq2Wv9Kz4Rt8';
  const weak = 'hunter2';
  let house: TestHouse;
  beforeEach(() => { house = new TestHouse({ server: { logLevel: 'debug' }, plugins: { shell: { allowedCommands: ['ls'] } } }); });
  afterEach(() => house.close());

  const broken: [name: string, text: string][] = [
    ['config.json', `{ "apiKey": "${canary}", "password": "${weak}", "approvalTimeout": "${canary}", "audit": "${canary}", "plugins": { "shell": { "allowedCommands": ["gh --token=${canary}", "${canary}/x"], "secrets": { "gh": { "GH_TOKEN": "${canary}", "PIN": "${weak}" } } } } }`],
    ['mcp_backends.json', `{ "version": 1, "backends": {
      "one": { "transport": "stdio", "command": "x", "env": { "TOKEN": "\${${canary}", "PIN": ["${weak}"] }, "url": "${canary}" },
      "two": { "transport": "http", "url": "https://me:${canary}@a.example", "headers": { "Authorization": 4711, "X Key": "${canary}" } },
      "three": { "transport": "stdio", "command": "x", "configSchema": { "type": "object", "properties": { "KEY": { "type": "string", "secret": true, "default": "${canary}" } } } } } }`],
    ['external_mcp_policy.json', `{ "version": "${canary}", "rules": [{ "backend": "${canary}", "tools": "${canary}", "arguments": { "token": "${canary}" } }] }`],
  ];
  for (const [name, text] of broken) {
    it(`redaction:broken-files: T72: ${name}: no agent, command, window or file of ours repeats it`, async () => {
      writeFileSync(join(house.configDir, name), text, { mode: 0o600 });
      const control = await house.control('viewer');
      const agent = await house.introducedAgent();
      const said: string[] = [];
      for (const [tool, args] of [['shell_exec', { command: 'ls' }], ['one__tool', {}], ['list_external_mcp_backends', {}], ['filesystem_list', { path: '.' }]] as const) said.push(JSON.stringify(await agent.request('tools/call', { name: tool, arguments: args })));
      for (const method of ['conductor/status', 'backends/list', 'backends/needs', 'credentials/list'] as const) said.push(JSON.stringify(await control.sendRequest(method, {}).catch(String)));
      const told = ['config validate', 'config explain', 'config setup', 'doctor', 'backends list'].map((line) => house.run(...line.split(' '))).map(({ stdout, stderr }) => stdout + stderr);
      const all = [...said, ...told];
      assert.ok(all.some((each) => each.includes(name) || /config\.|Write |There is no key/.test(each)), 'nobody was told');
      assert.deepEqual(all.filter((each) => holds(Buffer.from(each), [canary]) || each.includes(weak)), []);
      await until('the log is written', () => house.entries().length > 0);
      assert.deepEqual(filesWith(house.configDir, [canary]), [join(house.configDir, name)]);
    });
  }
});
