/** The first lines on every connection to the broker, before any other protocol: one JSON object a line, at most 16 KiB each. */

/** Version of these first lines; both sides must agree on it. */
export const helloVersion = 1;

/** Longest first line in bytes. */
export const helloLimit = 16_384;

/** Id of an editor window, random for each start of the extension in it. */
export const windowId = /^[A-Za-z0-9-]{1,64}$/;

/** What the broker sends first. */
export type Greeting = Readonly<{ conductor: typeof helloVersion; version: string; nonce: string }>;

/** How the broker ends the exchange: the line after it belongs to the role's own protocol. */
export type Welcome =
  | Readonly<{ welcome: true; version: string; /** The broker's proof of the same key, when the client proved it. */ proof?: string }>
  | Readonly<{ welcome: false; code: string; message: string }>;

/** The bytes that a proof covers: who proves, the role, and both random values, so that no proof fits another exchange. */
export function proofText(side: 'client' | 'broker', role: string, brokerNonce: string, clientNonce: string): string {
  return ['conductor', String(helloVersion), side, role, brokerNonce, clientNonce].join('\n');
}

/** Reads a greeting; undefined for anything else. By hand, since an agent's pipe must start without loading a schema library. */
export function readGreeting(value: unknown): Greeting | undefined {
  if (!isObject(value) || value['conductor'] !== helloVersion) return undefined;
  const { version, nonce } = value;
  return typeof version === 'string' && isProof(nonce) ? { conductor: helloVersion, version, nonce } : undefined;
}

/** Reads a welcome; undefined for anything else. */
export function readWelcome(value: unknown): Welcome | undefined {
  if (!isObject(value)) return undefined;
  const { welcome, version, proof, code, message } = value;
  if (welcome === true && typeof version === 'string' && (proof === undefined || isProof(proof))) return { welcome, version, ...(proof === undefined ? {} : { proof }) };
  return welcome === false && typeof code === 'string' && typeof message === 'string' ? { welcome, code, message } : undefined;
}

function isObject(value: unknown): value is { readonly [Member in 'conductor' | 'version' | 'nonce' | 'welcome' | 'proof' | 'code' | 'message']?: unknown } {
  return typeof value === 'object' && value !== null;
}

function isProof(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
