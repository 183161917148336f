import { ConductorError } from '../../../../protocol/src/errors';
import { readFrame } from '../../base/frames';
import { readEvents } from './events';
import type { HttpTarget } from './http';
import type { Incoming, Transport } from './transport';

/** The older HTTP with server-sent events, as a client only (https://modelcontextprotocol.io/specification/2024-11-05/basic/transports). */

/** Opens the stream of events. Resolves when the server has said where messages go; rejects with TIMEOUT when it says nothing for too long. */
export async function openSse(target: HttpTarget, incoming: Incoming): Promise<Transport> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), target.openMs);
  try {
    return await reach(target, incoming, ending);
  } catch (thrown) {
    const late = ending.signal.aborted;
    ending.abort();
    throw late ? new ConductorError('TIMEOUT', `The server did not say within ${String(target.openMs)} ms where messages go.`, { cause: thrown }) : thrown;
  } finally {
    clearTimeout(timer);
  }
}

async function reach({ url, headers, dialer, limit, egress }: HttpTarget, incoming: Incoming, ending: AbortController): Promise<Transport> {
  const stream = await dialer.dial({ method: 'GET', url, headers: { ...headers, accept: 'text/event-stream' }, signal: ending.signal });
  if (stream.statusCode !== 200) throw new ConductorError('BACKEND_UNAVAILABLE', `The server answered with HTTP ${String(stream.statusCode)}.`);
  const place = await new Promise<string>((resolve, reject) => {
    const read = readEvents(stream, limit, ({ event, data }) => {
      if (event === 'endpoint') resolve(new URL(data, url).href);
      else if (event === 'message') incoming.frame(readFrame(Buffer.from(data)));
    }, incoming.tooLong);
    const ended = (): void => {
      reject(new ConductorError('BACKEND_UNAVAILABLE', 'The server ended the stream of events.'));
      if (!ending.signal.aborted) incoming.ended('The server ended the stream of events.');
    };
    read.then(ended, ended);
  });
  // Messages carry the same secrets, so they go to the same origin.
  if (new URL(place).origin !== new URL(url).origin) throw new ConductorError('DENIED', 'The server wants messages at another origin than its own.');
  return {
    egress,
    remarks: () => '',
    agreed: () => undefined,
    async send(message) {
      const answer = await dialer.dial({ method: 'POST', url: place, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(message), signal: ending.signal });
      answer.resume();
      if ((answer.statusCode ?? 0) >= 400) throw new ConductorError('BACKEND_UNAVAILABLE', `The server answered with HTTP ${String(answer.statusCode)}.`);
    },
    end() {
      ending.abort();
      dialer.close();
      return Promise.resolve();
    },
  };
}
