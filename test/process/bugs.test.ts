import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter, type MessageConnection } from 'vscode-jsonrpc/node';
import { connectToBroker } from '../../link/src/connect';
import { filesWith } from './canaries';
import { TestHouse, until } from './house';

/** A broker with bugs: it throws what nobody catches, with a secret in it, when a signal comes. */
describe('a bug that ends the broker', function () {
  this.timeout(120_000);
  const root = resolve(__dirname, '../..');
  const canary = 'cAnary-Bug-9xZq7Lm5vT2';
  const bugs = {
    'an error whose message holds it': 'throw new Error(`cannot send ${secret}`)',
    'an error with it in its cause, name and members': 'throw Object.assign(new TypeError("bad", { cause: new Error(secret) }), { name: `E ${secret}`, header: secret })',
    'a rejection that nobody handles': 'void Promise.reject(new Error(Buffer.from(secret).toString("base64")))',
    'a text, which has no stack': 'throw secret',
    'an object': 'throw { secret }',
    'an error that cannot be read': 'throw Object.defineProperty(new Error("x"), "stack", { get() { throw new Error(secret); } })',
  } as const;
  let house: TestHouse;
  afterEach(() => house.close());

  async function buggy(bug: string): Promise<{ connection: MessageConnection; pid: number }> {
    const folder = join(house.base, 'program');
    mkdirSync(folder);
    const script = join(folder, 'broker.js');
    await build({
      stdin: { contents: `import './server/src/main.ts';\nconst secret = ${JSON.stringify(canary)};\nprocess.on('SIGUSR2', () => setImmediate(() => { ${bug}; }));`, resolveDir: root, sourcefile: 'broker.ts', loader: 'ts' },
      outfile: script, bundle: true, platform: 'node', target: 'node20', format: 'cjs', absWorkingDir: root, mainFields: ['module', 'main'], logLevel: 'error',
      plugins: [{ name: 'native-beside-bundle', setup: (esbuild) => void esbuild.onLoad({ filter: /fs-native-extensions[\\/]binding\.js$/ }, () => ({ loader: 'js', contents: 'module.exports = require(require("node:path").join(__dirname, "native", process.platform + "-" + process.arch, "fs-native-extensions.node"));' })) }],
    });
    cpSync(join(root, 'dist/native'), join(folder, 'native'), { recursive: true });
    const { socket } = await connectToBroker({ configDir: house.configDir, who: { role: 'cli', version: '0.0.0' }, program: { execPath: process.execPath, script } });
    const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    connection.listen();
    const { pid } = await connection.sendRequest<{ pid: number }>('conductor/status', {});
    return { connection, pid };
  }

  for (const [title, bug] of Object.entries(bugs)) {
    it(`redaction:crash: T72: ${title}: the broker ends, says that it was a bug, and writes the secret nowhere`, async () => {
      house = new TestHouse();
      const { connection, pid } = await buggy(bug);
      await connection.sendRequest('credentials/set', { name: 'canary.bug', value: canary });
      const gone = new Promise<void>((done) => connection.onClose(() => done()));
      process.kill(pid, 'SIGUSR2');
      await gone;
      const log = join(house.configDir, 'broker.log');
      await until('it said so', () => /a bug ended the broker|cannot be told/.test(readFileSync(log, 'utf8')));
      assert.deepEqual(filesWith(house.configDir, [canary]), []);
    });
  }
});
