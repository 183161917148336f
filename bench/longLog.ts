/** A log as months of work leave it: closed files, several tools, clients and results; every line written by the real writer. */
import { join } from 'node:path';
import type { NewEntry } from '../protocol/src/audit/entry';
import { eventIds } from '../server/src/audit/write/eventId';
import { openAuditWriter } from '../server/src/audit/write/writer';

const clients = ['claude-code 2.1.330', 'codex 0.98.0', 'Visual Studio Code 1.139.1'];
const tools = ['shell.exec', 'filesystem.read', 'filesystem.read', 'filesystem.write', 'filesystem.list', 'git.status', 'git.diff'];
const batch = 200;

/** What a log is like; the first entry is at `from`, and each follows `everyMs` after the one before. */
export type LongLog = Readonly<{ entries: number; from: number; everyMs: number }>;

/** One million entries of 46 days, ending on 2026-11-16. */
export const million: LongLog = { entries: 1_000_000, from: Date.UTC(2026, 9, 1), everyMs: 4_000 };

/** Writes `audit.log` and its closed files into a folder. Half a minute for a million entries. */
export async function writeLongLog(folder: string, { entries, from, everyMs }: LongLog): Promise<void> {
  let clock = from;
  const now = (): number => clock;
  const writer = await openAuditWriter({ path: join(folder, 'audit.log'), createdBy: 'bench', now });
  const nextId = eventIds(now);
  for (let made = 1; made < entries; made += batch) {
    const waiting: Promise<unknown>[] = [];
    for (let n = made; n < Math.min(made + batch, entries); n += 2) waiting.push(...pair(n, nextId()).map((entry) => writer.append(entry)));
    await Promise.all(waiting);
    clock += everyMs * batch;
  }
  await writer.close();
}

/** A call and its outcome, or a refusal and an event: one call in twenty is refused. */
function pair(n: number, id: string): NewEntry[] {
  const tool = tools[(n >> 1) % tools.length] ?? 'shell.exec';
  const actor = { role: 'agent', client: clients[(n >> 1) % clients.length] ?? '', connection: 1 + (n % 7), user: 'ann' } as const;
  const project = '/home/ann/project';
  const input = tool === 'shell.exec' ? { command: `npm test -- --grep "case ${n}"` } : { path: `/home/ann/project/src/part${n % 997}/index.ts` };
  const policyHash = 'a'.repeat(64);
  if (n % 40 < 2) {
    const verdict = { verdict: 'deny', rule: 'shell.notListed', reason: `"tool${n}" stands in no list.`, policyHash } as const;
    return [{ phase: 'denied', id, tool, input, result: 'denied', verdict, actor, project }, { phase: 'event', tool: 'breaker.changed', input: { tool, state: 'closed' }, result: 'ok', actor: { role: 'broker', user: 'ann' } }];
  }
  const verdict = { verdict: 'allow', rule: 'shell.allowed', reason: 'Every program of the line stands in allowedCommands.', policyHash } as const;
  const output = { sha256: `sha256:${'b'.repeat(64)}`, bytes: 100 + n };
  return [
    { phase: 'intent', id, tool, input, result: 'admitted', verdict, actor, project },
    { phase: 'done', call: id, tool, input, result: n % 33 === 0 ? 'error' : 'success', actor, project, durationMs: (n % 400) + 0.5, output },
  ];
}
