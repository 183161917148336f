import type { Duplex } from 'node:stream';
import { LineCutter } from '../../../../link/src/lines';
import { frameLimit } from '../frameLimit';
import { readFrame, rpc } from '../../base/frames';
import type { AgentHouse, ResumedSession } from './house';
import { streamOutlet } from './outlet';
import { AgentSession } from './session';

/** The door for agents: MCP, all five revisions in use, over one framed stream. It translates and decides nothing. */

/** Serves one agent until its stream ends. */
export function serveAgent(stream: Duplex, house: AgentHouse, resumed?: ResumedSession): void {
  const session = new AgentSession(streamOutlet(stream), house, resumed);
  const cutter = new LineCutter(frameLimit);
  stream.on('data', (chunk: Buffer) => {
    for (const framed of cutter.push(chunk)) {
      if (framed.kind === 'line') session.take(readFrame(framed.line));
      else session.take({ kind: 'refused', id: null, code: rpc.invalidRequest, message: `A message is at most ${String(frameLimit)} bytes long; this one was dropped.` });
    }
  });
  stream.on('error', () => session.end());
  stream.on('close', () => session.end());
  stream.on('end', () => session.end());
}
