import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { canonicalInput, canonicalJson } from '../../../../protocol/src/audit/canonical';
import { strictest, type ClientLine, type Outcome, type Verdict } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { besideOf, loggedBeside } from '../../rules/backends/beside';
import { toolDigest } from '../../rules/backends/identity';
import { wireName } from '../../rules/backends/names';
import { secretReference } from '../../rules/backends/references';
import { flawWords, schemaFlaws } from '../../rules/backends/schema';
import { markValue } from '../../rules/backends/unseen';
import type { Fact } from '../fact';
import type { PrepareContext, Prepared, Progress, Tool } from '../tool';
import { isRecord, type Answer } from '../../base/frames';
import type { Descriptor } from './backend';
import type { Ask } from './peer';
import { guarded, isLost, lost, skippedRefusal } from './outcome';
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
  const seen = markValue(descriptor).value;
  const { title, description, annotations } = seen;
  const pin = toolDigest(descriptor);
  return {
    name,
    title: typeof title === 'string' ? title : seen.name,
    description: typeof description === 'string' ? description : '',
    input: anyObject,
    annotations: hintsOf(annotations),
    descriptor: { ...seen, name },
    origin: { backend: ground.backend, name: descriptor.name },
    listed: (project) => ground.registry.shown({ backend: ground.backend, tool: descriptor.name, arguments: {}, project }),
    countsAsFailure: isLost,
    skips: (refusal, project) => skippedRefusal(refusal, { backend: ground.backend, project }, ground.registry),
    prepare: (input, context) =>
      Promise.resolve().then(() => {
        const prepared = prepareUse(ground, { tool: descriptor.name, method: 'tools/call', params: { name: descriptor.name, arguments: input }, pin, title: 'Call a tool of an external server' }, input, context);
        if (prepared.verdict.verdict !== 'deny') requireFit(descriptor, input);
        return prepared;
      }),
  };
}

/** Arguments that the server would not take are refused before anybody is asked about them. */
function requireFit(descriptor: Descriptor, input: Readonly<Record<string, unknown>>): void {
  const flaws = schemaFlaws(descriptor['inputSchema'], input);
  if (flaws.length > 0) throw new ConductorError('INVALID_INPUT', `The arguments do not fit the input schema of the tool: ${flawWords(flaws)}.`);
}

/** Whether the policy lists a tool or method for some arguments. */
export function mayUse(registry: Pick<Registry, 'judge'>, backend: string, tool: string, project: string): boolean {
  const { verdict, rule } = registry.judge({ backend, tool, arguments: {}, project }).verdict;
  return verdict !== 'deny' || rule === 'external.arguments';
}

/** One use of a backend, judged under the name `tool` and sent as `method`. */
export type Use = Readonly<{ tool: string; method: string; params: Readonly<Record<string, unknown>>; /** SHA-256 hex of what the backend says of the tool. */ pin?: string; title: string; /** It only looks, so that it may be sent a second time. */ repeatable?: true }>;

/** Judges one use and makes it ready. */
export function prepareUse({ backend, registry, send }: ToolGround, use: Use, input: Readonly<Record<string, unknown>>, { project, line }: PrepareContext): Prepared {
  const wish: Wish = { backend, tool: use.tool, arguments: input, project };
  const { verdict: judged, warnings, readOnly } = registry.judge(wish);
  const beside = besideOf(line?.meta ?? {});
  const given = canonicalInput(input).text;
  const verdict = withoutReferences(judged, secretReference(given) ?? secretReference(canonicalJson(beside).text));
  const facts: Fact[] = [
    { label: 'Server', key: backend, value: `sha256:${registry.identity(backend)}` },
    { label: 'Of the server', key: use.tool, value: use.pin === undefined ? use.method : `sha256:${use.pin}` },
    { label: 'Arguments', key: '', value: given },
    ...(Object.keys(beside.bound).length === 0 ? [] : [{ label: 'Beside the arguments', key: '', value: canonicalJson(beside.bound).text }]),
  ];
  const task = line?.rest['task'];
  if (task !== undefined) facts.push({ label: 'As a task', key: '', value: canonicalJson(task).text });
  const sent = loggedBeside(beside);
  return {
    verdict,
    facts,
    readOnly,
    ...(sent === undefined ? {} : { beside: sent }),
    show: { title: `${use.title}: ${backend}`, get raw() { return `${backend}: ${use.tool}\n${JSON.stringify(input, undefined, 2)}`; }, cwd: project, details: [...warnings.map((warning) => ['Warning', warning] as const), ...Object.entries(beside.passing).map(([name, value]) => [`Beside the arguments, ${name}`, String(value)] as const)] },
    run: (signal, progress) => perform({ backend, registry, send: readOnly || use.repeatable === true ? sentAgain(send) : send }, use, wish, line, { signal, progress, ready: (tools) => requireSame(registry, { use, wish, verdict: judged }, tools) }),
  };
}

/** Nobody fills in a credential for an agent, so a reference to one would only tell its name. */
function withoutReferences(verdict: Verdict, reference: string | undefined): Verdict {
  if (reference === undefined) return verdict;
  return strictest([verdict, { verdict: 'deny', rule: 'external.secretReference', reason: `The arguments hold ${reference}. Credentials are never put into arguments: ask the user to name this one in env or headers of the server's profile.` }]);
}

async function perform({ backend, registry, send }: ToolGround, use: Use, wish: Wish, line: ClientLine | undefined, { signal, progress, ready }: Readonly<{ signal: AbortSignal; progress: Progress; ready(tools: readonly Descriptor[]): void }>): Promise<Outcome> {
  const wait = registry.spend(wish);
  if (wait !== undefined) return { kind: 'refused', code: 'RATE_LIMITED', rule: 'external.rate', reason: `${use.tool} of ${backend} was called as often as the policy allows for now.`, retryAfterMs: wait };
  try {
    return guarded(await send(use.method, withLine(use.params, line), line, { signal, ready, onProgress: (report) => progress(messageOf(report), report) }), registry.hidden());
  } catch (thrown) {
    if (thrown instanceof ConductorError && thrown.code === 'BACKEND_QUARANTINED') return { kind: 'refused', code: thrown.code, rule: 'external.quarantined', reason: thrown.message };
    if (thrown instanceof ConductorError && thrown.code === 'APPROVAL_STALE') return { kind: 'refused', code: thrown.code, rule: 'external.stale', reason: thrown.message };
    return lost(thrown, wish, registry);
  }
}

/** Sends once more when the connection ended before the answer. Never after silence, and never what was not even sent: the server may be at it, or is known to be gone (T62). */
function sentAgain(send: Send): Send {
  return async (method, params, line, ask) => {
    try {
      return await send(method, params, line, ask);
    } catch (thrown) {
      const lostOnTheWay = thrown instanceof ConductorError && thrown.code === 'BACKEND_UNAVAILABLE' && thrown.data['retryAfterMs'] === undefined && ask.signal?.aborted !== true;
      if (!lostOnTheWay) throw thrown;
      ask.onProgress?.({ progress: 0, message: 'The connection to the server ended; the request is sent once more.' });
      return await send(method, params, line, ask);
    }
  };
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
