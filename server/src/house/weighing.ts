import { setImmediate as breathe } from 'node:timers/promises';
import type { Pending } from '../../../protocol/src/approvals';
import type { StoredEntry } from '../../../protocol/src/audit/entry';
import type { Measured } from '../../../protocol/src/grants';
import type { AuditReader } from '../audit/read/reader';
import type { Platform } from '../rules/commandPlan';
import type { Ground } from '../rules/grants/ground';
import { measure, type PastCall } from '../rules/grants/measuring';

/** Holds the rungs of a prompt against what the log remembers. Bounded, and never part of a call. */

/** Newest entries of the tool that are looked at, and how many are read at a time. */
const lookAt = { entries: 2000, page: 200 };

/** What each rung of a waiting call would have covered. */
export async function weigh(ground: Ground, pending: Pending, reader: AuditReader, platform: Platform): Promise<Measured[]> {
  const past = await pastCalls(ground, reader);
  return [...measure(ground, pending.ladder?.allow.map(({ rung }) => rung) ?? [], { raw: pending.raw, past, platform })];
}

async function pastCalls({ tool, project }: Ground, reader: AuditReader): Promise<readonly PastCall[]> {
  const found: PastCall[] = [];
  let before: number | undefined;
  for (let seen = 0; seen < lookAt.entries; seen += lookAt.page) {
    const page = await reader.page({ filter: { tool }, limit: lookAt.page, ...(before === undefined ? {} : { before }) });
    found.push(...page.items.flatMap(({ entry }) => (entry?.project === project ? pastCall(entry) : [])));
    before = page.next;
    if (before === undefined) break;
    await breathe();
  }
  return found;
}

/** The start of a call that a person was asked about, or its refusal. */
function pastCall({ phase, input, verdict, approval }: StoredEntry): readonly PastCall[] {
  if (phase !== 'intent' && phase !== 'denied') return [];
  return [{ input, asked: phase === 'intent' && verdict?.verdict === 'approve', denied: phase === 'denied' || approval?.decision === 'denied' }];
}
