import { standsAt, type PlainLine } from '../../../../protocol/src/audit/plain';

/** What only entries with something about approvals have. */
const [approverTool, grantTool, approvalMember] = [Buffer.from('approver.'), Buffer.from('grant.'), Buffer.from('"approval":{')];

/** Whether a line that was read at a glance must be read whole, since it tells of an answer, of an approver key or a grant, or of a log before this one. */
export function tellsOfApproval(bytes: Buffer, start: number, newline: number, line: PlainLine): boolean {
  return line.phase === 'genesis' || standsAt(bytes, line.tool, approverTool) || standsAt(bytes, line.tool, grantTool) || bytes.subarray(start, newline).includes(approvalMember);
}
