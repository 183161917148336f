import { z } from 'zod';
import { isRecord } from '../../base/frames';

/** The parts of requests that are read here; the rest is for whoever it is sent on to. */

const progressToken = z.union([z.string(), z.number()]);

export const initializeSchema = z.object({ protocolVersion: z.string(), capabilities: z.record(z.string(), z.unknown()), clientInfo: z.object({ name: z.string(), version: z.string().optional() }) });
export const callSchema = z.object({ name: z.string().max(128), arguments: z.custom<Readonly<Record<string, unknown>>>(isRecord).optional() });
export const metaSchema = z.looseObject({ progressToken: progressToken.optional() });
