import { isRecord } from '../../base/frames';

/** Addresses that a server wants a person's browser to open (`elicitation/create` by address). Whatever opens them may hand them to a shell or another program (T71). */

/** JSON-RPC error by which a server says that addresses must be opened first. */
const addressesFirst = -32_042;

/** Why a question of a server must not reach a client; undefined when it may. */
export function unsafeOpening(method: string, params: unknown): string | undefined {
  if (method !== 'elicitation/create' || !isRecord(params) || !('url' in params)) return undefined;
  return isWebAddress(params['url']) ? undefined : 'The server wants an address opened that is neither http nor https.';
}

/** The same for an error that names addresses to open first. */
export function unsafeError(error: Readonly<{ code: number; data?: unknown }>): string | undefined {
  const asked = error.code === addressesFirst && isRecord(error.data) ? error.data['elicitations'] : undefined;
  return Array.isArray(asked) ? asked.map((one) => unsafeOpening('elicitation/create', one)).find((flaw) => flaw !== undefined) : undefined;
}

/** Nothing but what an address may hold as it is: no blanks, quotes, backslashes or controls, which some programs take apart. */
function isWebAddress(given: unknown): boolean {
  return typeof given === 'string' && /^https?:\/\/[^\s"'`<>\\^{|}\p{Cc}\p{Cf}]+$/iu.test(given) && URL.canParse(given);
}
