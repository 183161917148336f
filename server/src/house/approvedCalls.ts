import type { AuditReader } from '../audit/read/reader';
import type { ApprovedCall } from '../call/approvedBefore';

/** Calls of external tools that people approved, newest first, as far as one page of the log tells. Calls that the agent's own client let through are left out. */
export async function approvedIn(reader: Pick<AuditReader, 'page'>): Promise<readonly ApprovedCall[]> {
  const { items } = await reader.page({ filter: { phase: 'intent', text: 'approved' }, limit: 1000 });
  return items.flatMap(({ entry }): ApprovedCall[] => {
    if (entry?.approval?.decision !== 'approved' || entry.approval.level === 'client' || entry.project === undefined || !entry.tool.includes('__')) return [];
    const { id, timestamp, tool, project, input } = entry;
    return [{ call: id, at: timestamp, tool, project, ...(typeof input['$sha256'] === 'string' ? {} : { input }) }];
  });
}
