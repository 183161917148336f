import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { toConductorError } from '../../../../protocol/src/errors';
import { destinationOf, type Destination } from '../../rules/backends/egress';
import { checkedAddress, pinnedTo, resolveBySystem, type Resolve } from './dialer';

/**
 * The way out for one program: an HTTP proxy on this machine that leads to listed hosts and nowhere else, at the very address that was
 * checked (T70). It speaks CONNECT and plain HTTP, and looks into neither.
 */

/** One proxy, as long as its program lives. */
export type Gate = Readonly<{
  /** Serves whom a listening socket lets in, one of this network or of another; it is closed with the gate. */
  serve(server: Server): void;
  /** Listens on 127.0.0.1; resolves with the port. */
  listen(): Promise<number>;
  /** Hosts that were asked for in vain, as `host:port`. */
  refused(): readonly string[];
  close(): void;
}>;

/** What a gate is made for. */
export type GateNeeds = Readonly<{ allowed: readonly string[]; /** Who has it is the program: other programs of this machine reach the port, too. */ token: string; resolve?: Resolve; /** Hears each host that was asked for in vain, once. */ onRefused(host: string): void }>;

/** Name of the user in the address of the proxy. */
export const gateUser = 'conductor';
/** The port at which a network of its own finds the proxy; nobody else listens there. */
export const portInside = 8118;
/** A program for Node.js: opens a listening socket where it runs, hands it over its channel and ends. */
export const opener = `const s=require('net').createServer().listen(${String(portInside)},'127.0.0.1',()=>process.send(1,s,()=>{s.close();process.disconnect()}))`;
/** Connections of one program at a time. */
const mostConnections = 256;
/** Hosts that are remembered as refused. */
const mostRefused = 20;
/** Milliseconds until a connection must stand. */
const connectMs = 30_000;
/** Milliseconds that plain HTTP may stay silent. */
const silentMs = 300_000;
/** Headers that belong to one hop (RFC 9110, 7.6.1). */
const hopHeaders: ReadonlySet<string> = new Set(['connection', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** Makes a gate; nobody is let in before `serve` or `listen`. */
export function openGate({ allowed, token, resolve = resolveBySystem, onRefused }: GateNeeds): Gate {
  const sockets = new Set<Duplex>();
  const listening = new Set<Server>();
  const refused = new Set<string>();
  const keep = <Stream extends Duplex>(stream: Stream): Stream => {
    sockets.add(stream);
    stream.once('close', () => sockets.delete(stream));
    return stream.on('error', () => stream.destroy());
  };
  const addressOf = async (to: Destination): Promise<string> => {
    try {
      return await checkedAddress(allowed, to, resolve);
    } catch (thrown) {
      const host = `${to.host}:${String(to.port)}`;
      if (toConductorError(thrown).code === 'DENIED' && refused.size < mostRefused && !refused.has(host)) onRefused((refused.add(host), host));
      throw thrown;
    }
  };
  const http = createServer({ maxHeaderSize: 16_384 });
  http.on('connect', (request, socket: Socket, head: Buffer) => {
    tunnel(request, socket, head).catch((thrown: unknown) => {
      const { code, message } = toConductorError(thrown);
      socket.end(`HTTP/1.1 ${code === 'DENIED' ? '403 Forbidden' : '502 Bad Gateway'}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nConductor: ${message}\n`);
    });
  });
  http.on('request', (request, response) => {
    forward(request, response).catch((thrown: unknown) => {
      const { code, message } = toConductorError(thrown);
      if (response.headersSent) response.destroy();
      else response.writeHead(code === 'DENIED' ? 403 : 502, { 'content-type': 'text/plain', connection: 'close' }).end(`Conductor: ${message}\n`);
    });
  });

  async function tunnel(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    if (!isKnown(request, token)) return void socket.end(`HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="conductor"\r\nConnection: close\r\n\r\n`);
    // Nothing but host and port may stand there.
    const to = /^[^/?#@\\\s]+:[0-9]{1,5}$/.test(request.url ?? '') ? destinationOf(`http://${request.url ?? ''}/`) : undefined;
    if (to === undefined) return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    const address = await addressOf(to);
    if (socket.destroyed) return;
    const outward = keep(connect({ host: address, port: to.port, timeout: connectMs }));
    socket.once('close', () => outward.destroy());
    outward.once('timeout', () => outward.destroy(new Error('no answer')));
    outward.once('error', (error) => { if (outward.connecting || socket.bytesWritten === 0) socket.end(`HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\nConductor: ${error.message}\n`); });
    outward.once('close', () => socket.end());
    outward.once('connect', () => {
      outward.setTimeout(0);
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      if (head.length > 0) outward.write(head);
      socket.pipe(outward).pipe(socket);
    });
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isKnown(request, token)) return void response.writeHead(407, { 'proxy-authenticate': 'Basic realm="conductor"', connection: 'close' }).end();
    const to = /^http:\/\//i.test(request.url ?? '') ? destinationOf(request.url ?? '') : undefined;
    if (to === undefined) return void response.writeHead(400, { 'content-type': 'text/plain', connection: 'close' }).end('Conductor: this is a proxy; ask it for a whole http:// address, or with CONNECT.\n');
    const url = new URL(request.url ?? '');
    const address = await addressOf(to);
    const outward = httpRequest(url, { method: request.method, headers: { ...passedOn(request.headers), host: url.host }, lookup: pinnedTo(address), agent: false, timeout: silentMs });
    outward.once('timeout', () => outward.destroy(new Error('no answer')));
    outward.once('socket', keep);
    outward.once('response', (answer) => {
      answer.once('error', () => response.destroy());
      response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
      answer.pipe(response);
    });
    outward.once('error', (error) => (response.headersSent ? response.destroy() : response.writeHead(502, { 'content-type': 'text/plain' }).end(`Conductor: ${error.message}\n`)));
    response.once('close', () => outward.destroy());
    request.pipe(outward);
  }

  const gate: Gate = {
    serve(server) {
      listening.add(server);
      server.on('connection', (socket) => {
        if (sockets.size >= 2 * mostConnections) return void socket.destroy();
        http.emit('connection', keep(socket));
      });
      server.on('error', () => undefined);
    },
    listen: () => new Promise((done, fail) => {
      http.maxConnections = mostConnections;
      http.on('connection', keep);
      http.once('error', fail);
      http.listen(0, '127.0.0.1', () => done((http.address() as AddressInfo).port));
    }),
    refused: () => [...refused],
    close() {
      for (const server of [...listening, http]) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return gate;
}

function isKnown({ headers }: IncomingMessage, token: string): boolean {
  const expected = `Basic ${Buffer.from(`${gateUser}:${token}`).toString('base64')}`;
  return timingSafeEqual(hash(headers['proxy-authorization'] ?? ''), hash(expected));
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Headers without those of this hop, and without those that a `Connection` header names. */
function passedOn(headers: IncomingMessage['headers']): OutgoingHttpHeaders {
  const named = String(headers.connection ?? '').toLowerCase().split(/\s*,\s*/);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopHeaders.has(name) && !named.includes(name)));
}
