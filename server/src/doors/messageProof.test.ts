import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { receive } from '../../../link/src/reception';
import { requests } from '../../../protocol/src/messages';
import { serveTerminal } from './control';
import { serveEditor } from './editor';
import { proveMessageDoor, proveReception, proveRequests, type MessageDoor } from './messageProof';
import { refuseUnknown, serveRequests, whenGone, type Handlers } from './requests';

/** The proofs of the doors: each sound door passes, and each way of being unsound is found. */

const handlers = {} as Handlers;
const nobody = (): void => undefined;
const terminal: MessageDoor = (stream, guest, served) => void serveTerminal(stream, guest, served, nobody, (value) => value);
const editor: MessageDoor = (stream, guest, served) => void serveEditor(stream, guest, served, { attach: () => ({}) }, '0', nobody, (value) => value);

function connected(stream: Duplex) {
  const connection = createMessageConnection(new StreamMessageReader(stream), new StreamMessageWriter(stream));
  connection.listen();
  return connection;
}

describe('doors/messageProof', () => {
  it('T92 doors:proven: the doors of windows and terminals refuse everybody who may not decide', async () => {
    assert.equal(await proveMessageDoor(terminal, handlers), true);
    assert.equal(await proveMessageDoor(editor, handlers), true);
    assert.equal(await proveRequests(handlers), true);
  });

  const unsound: readonly (readonly [string, MessageDoor])[] = [
    ['takes everybody for a window', (stream, guest, served) => terminal(stream, { ...guest, role: 'editor' }, served)],
    ['lets somebody decide who may look', (stream, guest, served) => terminal(stream, guest.role === 'viewer' ? { ...guest, role: 'cli' } : guest, served)],
    ['lets one request pass', (stream, guest, served) => { const wire = connected(stream); serveRequests(wire, served, guest, whenGone(stream), nobody); refuseUnknown(wire, nobody); wire.onRequest('approvals/decide', () => ({ outcome: 'accepted' })); }],
    ['refuses the parameters, and not the role', (stream) => { const wire = connected(stream); for (const name of Object.keys(requests)) wire.onRequest(name, () => Promise.reject(new Error('no'))); refuseUnknown(wire, nobody); }],
    ['serves what nobody knows', (stream, guest, served) => { const wire = connected(stream); serveRequests(wire, served, guest, whenGone(stream), nobody); wire.onRequest(() => ({})); }],
    ['fails', () => { throw new Error('it does not open'); }],
  ];
  for (const [what, door] of unsound) {
    it(`T92 doors:proven: a door that ${what} does not pass`, async () => {
      assert.equal(await proveMessageDoor(door, handlers).catch(() => false), false);
    });
  }

  it('T92 T40 doors:proven: the socket turns away who claims to be a window or a terminal without the key', async () => {
    const key = Buffer.alloc(32, 5);
    assert.equal(await proveReception(key), true);
    assert.equal(await proveReception(key, () => Promise.resolve({ role: 'cli', version: '0' })), false);
    assert.equal(await proveReception(key, async (stream, broker) => { try { return await receive(stream, broker); } catch { return { role: 'editor', version: '0' }; } }), false);
  });
});
