import type { WireAnswer } from '../../../../protocol/src/call';
import { isRecord } from '../../base/frames';

/** A tool that fails for want of a network says so in its own words, which tell nobody that its server is kept to the hosts of its list. */

/** Words of programs and of Conductor's proxy for a host that was not reached. */
const notReached = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|getaddrinfo|fetch failed|network is unreachable|could not resolve|couldn't resolve|name or service not known|temporary failure in name resolution|no route to host|egress_allowlist|proxy)\b/i;

/** Characters of an answer that are looked through. */
const mostText = 20_000;

/** Whether an answer is an error for want of a network, as far as its words tell. */
export function looksUnconnected(answer: WireAnswer): boolean {
  if (answer.kind === 'error') return notReached.test(answer.error.message.slice(0, mostText));
  const { isError, content } = answer.result;
  return isError === true && Array.isArray(content) && content.some((one) => isRecord(one) && typeof one['text'] === 'string' && notReached.test(one['text'].slice(0, mostText)));
}

/** The answer with what Conductor knows of why; what the server said stays as it is. */
export function explained(answer: WireAnswer, why: string): WireAnswer {
  const note = `Conductor: ${why.trim()}`;
  if (answer.kind === 'error') return { kind: 'error', error: { ...answer.error, message: `${answer.error.message} (${note})` } };
  const { content } = answer.result;
  return Array.isArray(content) ? { kind: 'result', result: { ...answer.result, content: [...(content as unknown[]), { type: 'text', text: note }] } } : answer;
}
