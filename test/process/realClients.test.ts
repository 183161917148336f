import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { program, register } from './external';
import { conductor, TestHouse, type Json } from './house';
import { trustAll } from './trusting';

/**
 * Real agents and tools connect to `conductor mcp start`, find its tools, and where they can call one without a model, call it. What is not
 * installed is skipped, visibly; `CONDUCTOR_CLIENTS` names a folder with their programs besides PATH.
 */

const folders = [process.env['CONDUCTOR_CLIENTS'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter)].filter((folder) => folder !== '');

function installed(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

describe('real clients', function () {
  this.timeout(180_000);
  let house: TestHouse;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    house = new TestHouse();
    register(house, { everything: program('server-everything/dist/index.js') }, [{ backend: 'everything', tools: ['echo'] }]);
    await trustAll(house);
    // Nothing of the user's own settings, and a place for theirs.
    const home = join(house.base, 'home');
    mkdirSync(join(home, '.gemini'), { recursive: true });
    writeFileSync(join(home, '.gemini', 'trustedFolders.json'), JSON.stringify({ [house.project]: 'TRUST_FOLDER' }));
    env = { ...process.env, HOME: home, CODEX_HOME: join(home, 'codex') };
    mkdirSync(join(home, 'codex'));
  });
  after(() => house.close());

  const server = (): string[] => [process.execPath, conductor, 'mcp', 'start', '--project', house.project];
  const variable = (): string => `CONDUCTOR_CONFIG_DIR=${house.configDir}`;
  const run = (path: string, ...args: string[]): string => {
    const { stdout, stderr } = spawnSync(path, args, { env, cwd: house.project, encoding: 'utf8', timeout: 90_000, stdio: ['ignore', 'pipe', 'pipe'] });
    return `${stdout}\n${stderr}`;
  };

  const clients: Readonly<Record<string, (path: string) => Promise<void> | void>> = {
    'mcp-inspector': (path) => {
      const asked = ['--cli', '-e', variable(), ...server()];
      assert.match(run(path, ...asked, '--method', 'tools/list'), /"everything__echo"/);
      assert.match(run(path, ...asked, '--method', 'tools/call', '--tool-name', 'everything__echo', '--tool-arg', 'message=from the inspector'), /from the inspector/);
    },
    claude: (path) => {
      run(path, 'mcp', 'add', 'conductor', '-s', 'user', '-e', variable(), '--', ...server());
      assert.match(run(path, 'mcp', 'list'), /conductor: .* Connected/);
    },
    gemini: (path) => {
      writeFileSync(join(house.base, 'home', '.gemini', 'settings.json'), JSON.stringify({ mcpServers: { conductor: { command: server()[0], args: server().slice(1), env: { CONDUCTOR_CONFIG_DIR: house.configDir } } } }));
      assert.match(run(path, 'mcp', 'list'), /conductor: .* Connected/);
    },
    codex: async (path) => {
      run(path, 'mcp', 'add', 'conductor', '--env', variable(), '--', ...server());
      assert.match(await askCodex(path), /everything__echo/);
    },
  };

  /** What its application server says of the servers that it has. */
  function askCodex(path: string): Promise<string> {
    const child = spawn(path, ['app-server'], { env, cwd: house.project, stdio: ['pipe', 'pipe', 'ignore'] });
    const send = (message: Json): unknown => child.stdin.write(`${JSON.stringify(message)}\n`);
    return new Promise<string>((resolve, reject) => {
      let text = '';
      const timer = setTimeout(() => reject(new Error(`no answer: ${text.slice(0, 500)}`)), 90_000);
      child.once('error', reject);
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        const answer = text.split('\n').slice(0, -1).find((line) => line.startsWith('{"id":2,'));
        if (answer === undefined) return;
        clearTimeout(timer);
        resolve(answer);
      });
      send({ id: 1, method: 'initialize', params: { clientInfo: { name: 'test', title: null, version: '1' } } });
      send({ method: 'initialized' });
      send({ id: 2, method: 'mcpServerStatus/list', params: {} });
    }).finally(() => child.kill('SIGKILL'));
  }

  for (const [name, connect] of Object.entries(clients)) {
    it(`mcp:real-clients: ${name} connects and finds the tools`, async function () {
      const path = installed(name);
      if (path === undefined) {
        process.stderr.write(`      ${name} is not installed, so that it was not tried.\n`);
        this.skip();
      }
      await connect(path);
    });
  }
});
