import { standsAt, type PlainLine } from '../../../../protocol/src/audit/plain';

/** What only entries with something about approvals have. */
const [approverTool, grantTool, approvalMember] = [Buffer.from('approver.'), Buffer.from('grant.'), Buffer.from('"approval":{')];
/** What an intent has that needed an answer, and the end of a call whose client is asked something. */
const [asksMember, questionsMember] = [Buffer.from('"verdict":"approve"'), Buffer.from('"inputRequired":true')];

/** Whether a line that was read at a glance must be read whole, since it tells of an answer or should, of an approver key or a grant, of a call that goes on, or of a log before this one. */
export function tellsOfApproval(bytes: Buffer, start: number, newline: number, line: PlainLine): boolean {
  if (line.phase === 'genesis' || standsAt(bytes, line.tool, approverTool) || standsAt(bytes, line.tool, grantTool)) return true;
  const text = bytes.subarray(start, newline);
  return text.includes(approvalMember) || (line.phase === 'intent' && text.includes(asksMember)) || (line.phase === 'done' && text.includes(questionsMember));
}
