import type { IncomingHttpHeaders } from 'node:http';
import { isRecord } from '../../base/frames';
import { mirroredIn, mirroredText } from '../../rules/backends/mirrored';
import { meta } from '../mcp/eras';

/**
 * In the revision 2026-07-28 headers repeat what the body says, for whoever stands between. Nothing is decided by them here; a request whose
 * headers say something else than its body is refused (https://modelcontextprotocol.io/specification/2026-07-28, Streamable HTTP).
 */

type Params = Readonly<Record<string, unknown>>;

/** Where the name stands that `Mcp-Name` repeats. */
const named: ReadonlyMap<string, string> = new Map([['tools/call', 'name'], ['prompts/get', 'name'], ['resources/read', 'uri']]);

/** JSON-RPC error of headers that say something else than the body. */
export const headerMismatch = -32_020;

/** Says what differs between headers and body of a stateless request; undefined when nothing does. `schemaOf` gives the input schema of a tool by its name on the wire. */
export function differs(headers: IncomingHttpHeaders, method: string, params: Params, schemaOf: (tool: string) => unknown): string | undefined {
  const given = isRecord(params['_meta']) ? params['_meta'][meta.version] : undefined;
  if (headers['mcp-protocol-version'] !== given) return 'The header MCP-Protocol-Version is missing, or names another revision than the body.';
  if (headers['mcp-method'] !== method) return 'The header Mcp-Method is missing, or names another method than the body.';
  const member = named.get(method);
  if (member !== undefined && decoded(headers['mcp-name']) !== params[member]) return 'The header Mcp-Name is missing, or names something else than the body.';
  if (method !== 'tools/call' || typeof params['name'] !== 'string') return undefined;
  for (const { header, path } of mirroredIn(schemaOf(params['name']))) {
    if (decoded(headers[`mcp-param-${header}`]) !== mirroredText(params['arguments'], path)) return `The header Mcp-Param-${header} is missing, or says something else than the arguments.`;
  }
  return undefined;
}

/** The text of a header; one that no header can carry as it is comes as base64 between marks. */
function decoded(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const coded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(header)?.[1];
  if (coded === undefined) return header;
  const bytes = Buffer.from(coded, 'base64');
  return bytes.toString('base64') === coded ? bytes.toString('utf8') : undefined;
}
