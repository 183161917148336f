import { standsAt, type PlainLine } from '../../../../protocol/src/audit/plain';
import { plainMembers } from '../../../../protocol/src/audit/plainEntry';

/** What only entries with something about approvals have. */
const [approverTool, grantTool] = [Buffer.from('approver.'), Buffer.from('grant.')];
/** What the end of a call has whose client is asked something. */
const questionsMember = Buffer.from('"inputRequired":true');

/** Whether the line that `isPlainEntry` said yes to last must be read whole, since it tells of an answer or should, of an approver key or a grant, of a call that goes on, or of a log before this one. */
export function tellsOfApproval(bytes: Buffer, start: number, newline: number, line: PlainLine): boolean {
  if (line.phase === 'genesis' || standsAt(bytes, line.tool, approverTool) || standsAt(bytes, line.tool, grantTool)) return true;
  const { approval, asks, detail } = plainMembers();
  return approval || (asks && line.phase === 'intent') || (detail && line.phase === 'done' && bytes.subarray(start, newline).includes(questionsMember));
}
