import { standsAt, type PlainLine } from '../../../../protocol/src/audit/plain';

/** What only entries with something about approvals have. */
const [approverTool, approvalMember] = [Buffer.from('approver.'), Buffer.from('"approval":{')];

/** Whether a line that was read at a glance must be read whole, since it tells of an answer or of an approver key. */
export function tellsOfApproval(bytes: Buffer, start: number, newline: number, line: PlainLine): boolean {
  return standsAt(bytes, line.tool, approverTool) || bytes.subarray(start, newline).includes(approvalMember);
}
