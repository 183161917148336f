import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import type { ClientLine, Outcome, Verdict } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { toolDigest } from '../../rules/backends/identity';
import { wireName } from '../../rules/backends/names';
import type { Fact } from '../fact';
import type { PrepareContext, Prepared, Progress, Tool } from '../tool';
import { isRecord, type Answer } from '../../base/frames';
import type { Descriptor } from './backend';
import type { Ask } from './peer';
import { isLost, lost, outcomeOf } from './outcome';
import type { Registry, Wish } from './registry';

/** A tool of a backend as a tool of Conductor: judged, asked about and recorded like any other, and handed on as it is. */

/** The way to a backend for one request of one client. */
export type Send = (method: string, params: Readonly<Record<string, unknown>>, line: ClientLine | undefined, ask: Pick<Ask, 'signal' | 'onProgress'> & Readonly<{ /** Looks at the tools as they are once the connection is there; throws where the request must not be sent any more. */ ready(tools: readonly Descriptor[]): void }>) => Promise<Answer>;

/** What a tool of a backend needs of it. */
export type ToolGround = Readonly<{ backend: string; registry: Registry; send: Send }>;

const anyObject = z.record(z.string(), z.unknown());

/** Makes the tool that stands for one of a backend's. */
export function toolOf(ground: ToolGround, descriptor: Descriptor): Tool {
  const name = wireName(ground.backend, descriptor.name);
  const { title, description, annotations } = descriptor;
  const pin = toolDigest(descriptor);
  return {
    name,
    title: typeof title === 'string' ? title : descriptor.name,
    description: typeof description === 'string' ? description : '',
    input: anyObject,
    annotations: hintsOf(annotations),
    descriptor: { ...descriptor, name },
    origin: { backend: ground.backend, name: descriptor.name },
    listed: (project) => ground.registry.shown({ backend: ground.backend, tool: descriptor.name, arguments: {}, project }),
    countsAsFailure: isLost,
    prepare: (input, context) => Promise.resolve(prepareUse(ground, { tool: descriptor.name, method: 'tools/call', params: { name: descriptor.name, arguments: input }, pin, title: 'Call a tool of an external server' }, input, context)),
  };
}

/** Whether the policy lists a tool or method for some arguments. */
export function mayUse(registry: Pick<Registry, 'judge'>, backend: string, tool: string, project: string): boolean {
  const { verdict, rule } = registry.judge({ backend, tool, arguments: {}, project }).verdict;
  return verdict !== 'deny' || rule === 'external.arguments';
}

/** One use of a backend, judged under the name `tool` and sent as `method`. */
export type Use = Readonly<{ tool: string; method: string; params: Readonly<Record<string, unknown>>; /** SHA-256 hex of what the backend says of the tool. */ pin?: string; title: string }>;

/** Judges one use and makes it ready. */
export function prepareUse({ backend, registry, send }: ToolGround, use: Use, input: Readonly<Record<string, unknown>>, { project, line }: PrepareContext): Prepared {
  const wish: Wish = { backend, tool: use.tool, arguments: input, project };
  const { verdict, warnings, readOnly } = registry.judge(wish);
  const facts: Fact[] = [
    { label: 'Server', key: backend, value: `sha256:${registry.identity(backend)}` },
    { label: 'Of the server', key: use.tool, value: use.pin === undefined ? use.method : `sha256:${use.pin}` },
    { label: 'Arguments', key: '', value: canonicalJson(input).text },
  ];
  return {
    verdict,
    facts,
    readOnly,
    show: { title: `${use.title}: ${backend}`, raw: `${backend}: ${use.tool}\n${JSON.stringify(input, undefined, 2)}`, cwd: project, details: warnings.map((warning) => ['Warning', warning] as const) },
    run: (signal, progress) => perform({ backend, registry, send }, use, wish, line, { signal, progress, ready: (tools) => requireSame(registry, { use, wish, verdict }, tools) }),
  };
}

async function perform({ backend, registry, send }: ToolGround, use: Use, wish: Wish, line: ClientLine | undefined, { signal, progress, ready }: Readonly<{ signal: AbortSignal; progress: Progress; ready(tools: readonly Descriptor[]): void }>): Promise<Outcome> {
  const wait = registry.spend(wish);
  if (wait !== undefined) return { kind: 'refused', code: 'CIRCUIT_OPEN', rule: 'external.rate', reason: `${use.tool} of ${backend} was called as often as the policy allows for now.`, retryAfterMs: wait };
  try {
    return outcomeOf(await send(use.method, withLine(use.params, line), line, { signal, ready, onProgress: (report) => progress(messageOf(report), report) }));
  } catch (thrown) {
    if (thrown instanceof ConductorError && thrown.code === 'BACKEND_QUARANTINED') return { kind: 'refused', code: thrown.code, rule: 'external.quarantined', reason: thrown.message };
    if (thrown instanceof ConductorError && thrown.code === 'APPROVAL_STALE') return { kind: 'refused', code: thrown.code, rule: 'external.stale', reason: thrown.message };
    return lost(thrown, backend, registry);
  }
}

/** A server that had to be started first may have other words for its tools by now: what was judged before holds for the words of then (T33). */
function requireSame(registry: Registry, { use, wish, verdict }: Readonly<{ use: Use; wish: Wish; verdict: Verdict }>, tools: readonly Descriptor[]): void {
  const present = tools.find(({ name }) => name === use.tool);
  const same = use.pin === undefined || (present !== undefined && toolDigest(present) === use.pin);
  if (same && isDeepStrictEqual(registry.judge(wish).verdict, verdict)) return;
  throw new ConductorError('APPROVAL_STALE', `${use.tool} of ${wish.backend} changed after this call was judged, so it was not sent.`);
}

function withLine(params: Readonly<Record<string, unknown>>, line: ClientLine | undefined): Readonly<Record<string, unknown>> {
  if (line === undefined) return params;
  return { ...params, ...line.rest, ...(Object.keys(line.meta).length === 0 ? {} : { _meta: line.meta }) };
}

function messageOf({ message }: Readonly<Record<string, unknown>>): string {
  return typeof message === 'string' ? message.slice(0, 500) : '';
}

/** What the server says of the tool, for clients; nothing here reads it. */
function hintsOf(given: unknown): Tool['annotations'] {
  const hints = isRecord(given) ? given : {};
  return { readOnlyHint: hints['readOnlyHint'] === true, destructiveHint: hints['destructiveHint'] !== false, idempotentHint: hints['idempotentHint'] === true, openWorldHint: hints['openWorldHint'] !== false };
}
