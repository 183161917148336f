import type { IncomingMessage } from 'node:http';
import { LineCutter } from '../../../../link/src/lines';

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), with a bound for each. */

/** One event. */
export type ServerEvent = Readonly<{ event: string; data: string; id?: string }>;

/** Reads events until the stream ends or fails; one that is longer than `limit` bytes is told by its beginning and dropped. */
export async function readEvents(stream: IncomingMessage, limit: number, onEvent: (event: ServerEvent) => void, onTooLong: (head: string) => void): Promise<void> {
  const cutter = new LineCutter(limit);
  let data: string[] = [];
  let length = 0;
  let event = 'message';
  let id: string | undefined;
  const take = (line: string): void => {
    if (line === '') {
      if (data.length > 0 && length <= limit) onEvent({ event, data: data.join('\n'), ...(id === undefined ? {} : { id }) });
      [data, length, event] = [[], 0, 'message'];
      return;
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') event = value;
    if (field === 'id') id = value.slice(0, 1024);
    if (field !== 'data') return;
    length += value.length;
    if (length > limit) onTooLong((data[0] ?? value).slice(0, 256));
    else data.push(value);
  };
  for await (const chunk of stream) {
    for (const framed of cutter.push(chunk as Buffer)) {
      if (framed.kind === 'line') take(framed.line.toString('utf8').replace(/\r$/, ''));
      else onTooLong(framed.head);
    }
  }
}
