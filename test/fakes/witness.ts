/** A small witness on loopback (c2sp.org/tlog-witness): it keeps the last tree of each log that it knows, and cosigns only growth that is proven. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { publicKeyOf } from '../../protocol/src/audit/ed25519';
import { emptyRoot, growthFits } from '../../protocol/src/audit/merkle';
import { cosignText, isSignedBy, parseNote, signatureLine, verifierKey, type VerifierKey } from '../../protocol/src/audit/note';

/** What the witness answers with: status, type and body. */
type Answer = readonly [status: number, body: string, type?: string];

/** A witness that runs until it is closed. */
export class Witness {
  readonly #seed = Buffer.alloc(32, 5);
  readonly key: VerifierKey = verifierKey('witness.example/w1', publicKeyOf(this.#seed), 'cosignature');
  /** The logs it knows, by origin. */
  readonly logs = new Map<string, VerifierKey>();
  /** What it saw last of each. */
  readonly seen = new Map<string, { size: number; root: Buffer }>();
  /** Status codes in order. */
  readonly answered: number[] = [];
  seconds = 1_700_000_000;
  #server: Server | undefined;

  async open(): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const right = request.method === 'POST' && request.url === '/w/add-checkpoint';
        const [status, body, type = 'text/plain'] = right ? this.#answer(Buffer.concat(chunks).toString('utf8')) : ([404, ''] as const);
        this.answered.push(status);
        response.writeHead(status, { 'content-type': type }).end(body);
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/w/`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(undefined));
  }

  #answer(body: string): Answer {
    const gap = body.indexOf('\n\n');
    const [first = '', ...proof] = body.slice(0, gap).split('\n');
    const note = parseNote(body.slice(gap + 2));
    const old = /^old (0|[1-9]\d*)$/.exec(first)?.[1];
    if (note === undefined || old === undefined || proof.length > 63) return [400, ''];
    const [origin = '', sizeText = '', rootText = ''] = note.text.split('\n');
    const key = this.logs.get(origin);
    if (key === undefined) return [404, ''];
    if (!isSignedBy(note, key)) return [403, ''];
    const size = Number(sizeText);
    const root = Buffer.from(rootText, 'base64');
    if (Number(old) > size) return [400, ''];
    const before = this.seen.get(origin) ?? { size: 0, root: emptyRoot };
    if (Number(old) !== before.size) return [409, `${before.size}\n`, 'text/x.tlog.size'];
    if (before.size === size && !before.root.equals(root)) return [409, `${before.size}\n`];
    if (!growthFits({ old: before.size, oldRoot: before.root, size, root }, proof.map((line) => Buffer.from(line, 'base64')))) return [422, ''];
    this.seen.set(origin, { size, root });
    return [200, `${signatureLine(cosignText(note.text, this.key.name, this.#seed, this.seconds))}\n`];
  }
}
