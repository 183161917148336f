import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ConductorError } from '../../protocol/src/errors';
import { introduce, type Introduction } from './handshake';
import { receive, type Visitor } from './reception';

/** Both halves over a real socket. */

const key = randomBytes(32);

describe('link/handshake', () => {
  let server: Server;
  let brokerEnd: Promise<Socket>;

  beforeEach(async () => {
    server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    brokerEnd = once(server, 'connection').then(([socket]) => socket as Socket);
    await once(server, 'listening');
  });
  afterEach(async () => {
    (await brokerEnd).destroy();
    server.close();
  });

  const dial = (): Socket => connect((server.address() as AddressInfo).port, '127.0.0.1');
  const meet = async (who: Introduction, brokerKey = key): Promise<{ visitor: Visitor; version: string; socket: Socket }> => {
    const socket = dial();
    const [visitor, version] = await Promise.all([brokerEnd.then((end) => receive(end, { version: '1.2.3', key: brokerKey })), introduce(socket, who)]);
    return { visitor, version, socket };
  };
  const refuses = (code: string) => (error: unknown): boolean => error instanceof ConductorError && error.code === code;

  it('handshake:agent: an agent needs no proof and brings its project and its session', async () => {
    const session = { protocolVersion: '2025-06-18', client: 'x 1' };
    const { visitor, version, socket } = await meet({ role: 'agent', version: '0.1.0', project: '/p', session });
    assert.deepEqual(visitor, { role: 'agent', version: '0.1.0', project: '/p', session });
    assert.equal(version, '1.2.3');
    socket.destroy();
  });

  it('handshake:proof: the other roles prove the key, and the broker proves it back', async () => {
    const { visitor, socket } = await meet({ role: 'editor', version: '0.1.0', key });
    assert.equal(visitor.role, 'editor');
    socket.destroy();
  });

  for (const role of ['editor', 'cli', 'viewer'] as const) {
    it(`T40: the role ${role} is refused without the key and with another key`, async () => {
      const broker = brokerEnd.then((end) => receive(end, { version: '1', key }));
      broker.catch(() => undefined);
      const socket = dial();
      await assert.rejects(introduce(socket, { role, version: '1', ...(role === 'cli' ? {} : { key: randomBytes(32) }) }), refuses('UNAUTHORIZED'));
      await assert.rejects(broker, refuses('UNAUTHORIZED'));
      socket.destroy();
    });
  }

  it('handshake:false-broker: a broker that does not hold the key is not trusted', async () => {
    const socket = dial();
    void brokerEnd.then((end) => {
      end.resume();
      end.write(`${JSON.stringify({ conductor: 1, version: '1', nonce: 'a'.repeat(64) })}\n`);
      end.once('data', () => end.write(`${JSON.stringify({ welcome: true, version: '1', proof: 'b'.repeat(64) })}\n`));
    });
    await assert.rejects(introduce(socket, { role: 'editor', version: '1', key }), refuses('UNAUTHORIZED'));
    socket.destroy();
  });

  it('handshake:other-version: another version of the first lines is named as such', async () => {
    const socket = dial();
    void brokerEnd.then((end) => end.write(`${JSON.stringify({ conductor: 2, version: '9', nonce: 'a'.repeat(64) })}\n`));
    await assert.rejects(introduce(socket, { role: 'agent', version: '1' }), refuses('INCOMPATIBLE'));
    socket.destroy();
  });

  it('handshake:bounded: an endless first line is refused', async () => {
    const socket = dial();
    const broker = brokerEnd.then((end) => receive(end, { version: '1', key }));
    socket.on('error', () => undefined);
    socket.write('x'.repeat(100_000));
    await assert.rejects(broker, refuses('TOO_LARGE'));
    socket.destroy();
  });

  it('handshake:nothing-lost: what follows the introduction in the same packet is read by the next reader', async () => {
    const socket = dial();
    const end = await brokerEnd;
    const received = receive(end, { version: '1', key });
    await once(socket, 'data');
    socket.write(`${JSON.stringify({ role: 'agent', version: '1', nonce: 'c'.repeat(64) })}\nafterwards`);
    await received;
    const [chunk] = (await Promise.all([once(end, 'data'), Promise.resolve(end.resume())]))[0] as [Buffer];
    assert.equal(chunk.toString(), 'afterwards');
    socket.destroy();
  });
});
