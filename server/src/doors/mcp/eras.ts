import { z } from 'zod';
import { isRecord, rpc } from '../../base/frames';

/** The revisions of MCP that are served, and by what a request tells which one it speaks. */

/** Revisions negotiated by `initialize`, newest first. */
export const sessionRevisions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

/** Revisions that name themselves in every request (https://modelcontextprotocol.io/specification/2026-07-28). */
export const statelessRevisions = ['2026-07-28'] as const;

/** Names in `_meta` of the stateless revisions. */
export const meta = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  server: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const;

const envelopeSchema = z.object({ [meta.capabilities]: z.record(z.string(), z.unknown()), [meta.client]: z.object({ name: z.string(), version: z.string().optional() }).optional() });

/** How one request is meant: within a session, by itself, or not understood. */
export type Era = Readonly<{ kind: 'session' }> | Readonly<{ kind: 'stateless'; client: string | undefined; capabilities: Readonly<Record<string, unknown>> }> | Readonly<{ kind: 'invalid'; code: number; message: string; data?: unknown }>;

/** A request of the stateless revision names its version in `_meta`; one without is of a session. */
export function eraOf(params: Readonly<Record<string, unknown>>): Era {
  const given = params['_meta'];
  if (!isRecord(given) || !(meta.version in given)) return { kind: 'session' };
  const version = given[meta.version];
  if (!statelessRevisions.some((revision) => revision === version))
    return { kind: 'invalid', code: rpc.unsupportedVersion, message: 'Unsupported protocol version', data: { supported: statelessRevisions, requested: typeof version === 'string' ? version : 'unknown' } };
  const envelope = envelopeSchema.safeParse(given);
  if (!envelope.success) return { kind: 'invalid', code: rpc.invalidParams, message: `Invalid _meta for protocol revision ${statelessRevisions[0]}: ${meta.capabilities} is required.` };
  const client = envelope.data[meta.client];
  return { kind: 'stateless', client: client === undefined ? undefined : nameOf(client), capabilities: envelope.data[meta.capabilities] };
}

/** A client's name and version in one line of at most 200 characters. */
export function nameOf(info: { name: string; version?: string | undefined }): string {
  // Nobody passes for everybody by saying nothing.
  return `${info.name.trim() === '' ? 'unnamed client' : info.name} ${info.version ?? ''}`.trim().slice(0, 200);
}
