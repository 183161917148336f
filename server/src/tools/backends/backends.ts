import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { optionalSecrets } from '../../../../protocol/src/backendFields';
import type { Backend as Profile } from '../../../../protocol/src/backends';
import { destinationOf } from '../../rules/backends/egress';
import type { Frame } from '../../base/frames';
import { toolDigest } from '../../rules/backends/identity';
import { markValue } from '../../rules/backends/unseen';
import { markOf } from '../shell/runMark';
import type { Tool } from '../tool';
import { Backend, type Descriptor } from './backend';
import type { OpenTransport } from './connection';
import { createDialer } from './dialer';
import { expectedEgress, fence } from './fence';
import { openHttp, type HttpTarget } from './http';
import { openSse } from './sse';
import { lendable, sendTo } from './lending';
import { listNews, useNames } from './methods';
import type { Registry } from './registry';
import { programOf, type FillIn } from './start';
import { openStdio } from './stdio';
import type { Incoming } from './transport';
import { isSaid } from './said';
import { mayUse, toolOf, type Send, type ToolGround } from './tool';
import { usesOf } from './uses';

/** All backends: started as their profiles say, ended when these change, and their tools among the tools of Conductor. */

/** What the set of backends needs of others. */
export type BackendsNeeds = Readonly<{
  registry: Registry;
  configDir: string;
  /** Gives texts with their secrets in place. */
  fillIn: FillIn;
  /** Takes secrets out of what a backend says, before anything of it is kept, shown or passed on. */
  clean<Value>(value: Value): Value;
  /** Hears each host that a program of a backend asked for in vain. */
  onRefused(backend: string, host: string): void;
  now(): number;
  /** Takes away the tools of a backend and puts these in their place. */
  publish(backend: string, tools: readonly Tool[]): void;
  /** Hears that a list of a backend is another. */
  news(backend: string, method: string): void;
  /** Hears that a backend's state is another. */
  changed(): void;
}>;

/** The backends of one broker. */
export type Backends = Readonly<{
  /** Starts what is enabled, all at once; resolves when each has come up or failed. */
  start(): Promise<void>;
  get(name: string): Backend | undefined;
  all(): readonly Backend[];
  /** Starts one that could not be started, without the pause after its last try. */
  retry(name: string): void;
  /** A client left: what was opened for it alone is ended. */
  leave(key: string): void;
  close(): Promise<void>;
}>;

/** Makes the set; nothing is started before `start`, or the first use. */
export function createBackends(needs: BackendsNeeds): Backends {
  const all = new Map<string, Backend>();
  let closed = false;
  const follow = (): void => {
    const profiles = closed ? new Map<string, Profile>() : needs.registry.profiles();
    for (const [name, backend] of all) {
      // What is no longer approved does not go on running.
      const held = backend.state.kind !== 'stopped' && needs.registry.quarantined(name) !== undefined;
      if (!held && isDeepStrictEqual(profiles.get(name), backend.profile)) continue;
      all.delete(name);
      needs.publish(name, []);
      void backend.close();
    }
    for (const [name, profile] of profiles) if (!all.has(name)) all.set(name, backendOf(name, profile, needs));
    needs.changed();
  };
  follow();
  const unfollow = needs.registry.onChange(() => {
    follow();
    for (const backend of all.values()) backend.policyChanged();
    void wake();
  });
  const wake = async (): Promise<void> => {
    const asleep = [...all.values()].filter(({ name, state }) => state.kind === 'stopped' && needs.registry.quarantined(name) === undefined);
    await Promise.all(asleep.map((backend) => backend.shared().catch(() => undefined)));
  };
  return {
    start: wake,
    get: (name) => all.get(name),
    all: () => [...all.values()],
    retry(name) {
      const backend = all.get(name);
      if (backend?.state.kind === 'failed') void backend.rest().then(() => backend.shared()).catch(() => undefined); // its state says so
    },
    leave: (key) => { for (const backend of all.values()) backend.leave(key); },
    async close() {
      closed = true;
      unfollow();
      const open = [...all.values()];
      all.clear();
      await Promise.all(open.map((backend) => backend.close()));
    },
  };
}

function backendOf(name: string, profile: Profile, needs: BackendsNeeds): Backend {
  const send: Send = async (...request) => {
    const began = needs.now();
    const answer = await sendTo(backend, needs.registry)(...request);
    backend.latencyMs = Math.round((needs.now() - began) * 10) / 10;
    return answer;
  };
  const ground: ToolGround = { backend: name, registry: needs.registry, send };
  let known: ReadonlyMap<string, Tool> = new Map();
  // The same tool as before, as long as its backend says the same of it.
  const toolsFor = (tools: readonly Descriptor[]): readonly Tool[] => {
    known = new Map(named(tools).map((tool) => [toolDigest(tool), tool] as const).map(([digest, tool]) => [digest, known.get(digest) ?? toolOf(ground, tool)]));
    return [...known.values()];
  };
  const uses = usesOf(ground);
  // What was approved is there before the server is: a call starts it, and is not sent when its words are others then.
  needs.publish(name, [...toolsFor(needs.registry.approvedTools(name)), ...uses]);
  const backend: Backend = new Backend(name, profile, {
    quarantined: () => needs.registry.quarantined(name),
    open: (present, key) => openerOf(name, present, key, { ...needs, schemaOf: (tool) => backend.tools?.find((one) => one.name === tool)?.['inputSchema'] }),
    lendable: () => lendable(name, needs.registry, join(needs.configDir, 'no-project')),
    prompts: () => mayUse(needs.registry, name, 'prompts/get', join(needs.configDir, 'no-project')),
    listed: (tools, said) => {
      needs.registry.listed(name, [...tools, ...said]);
      needs.publish(name, [...toolsFor(tools), ...uses]);
    },
    told: (method) => { if (listNews.has(method)) needs.news(name, method); },
    changed: needs.changed,
    now: needs.now,
  });
  return backend;
}

/** Of several tools with one name the first counts, and what is named like a method is no tool. */
function named(tools: readonly Descriptor[]): readonly Descriptor[] {
  const seen = new Set<string>();
  return tools.filter(({ name }) => !useNames.has(name) && !isSaid(name) && !seen.has(name) && seen.add(name).size > 0);
}

/** What a server asks or tells by itself, without characters that cannot be seen. Answers are looked at where their calls end, so that these are counted. */
function marked(frame: Frame): Frame {
  return frame.kind === 'request' || frame.kind === 'notification' ? { ...frame, params: markValue(frame.params).value } : frame;
}

/** What a way to a backend needs. */
export type WayNeeds = Pick<BackendsNeeds, 'configDir' | 'fillIn' | 'clean' | 'onRefused'>;

/** The way to a backend under a profile. */
export function openerOf(name: string, profile: Profile, key: string, { configDir, fillIn, clean, onRefused, schemaOf }: WayNeeds & Pick<HttpTarget, 'schemaOf'>): OpenTransport {
  const cleaned = (incoming: Incoming): Incoming => ({ frame: (frame, about) => incoming.frame(marked(clean(frame)), about), tooLong: (head) => incoming.tooLong(head), ended: (why) => incoming.ended(clean(why)) });
  if (profile.transport === 'stdio') return async (incoming) => {
    const program = await programOf(name, profile, configDir, markOf(configDir, `backend-${name}-${key}`), fillIn);
    return openStdio(await fence(profile, program, { configDir, onRefused: (host) => onRefused(name, host) }), cleaned(incoming));
  };
  return async (incoming) => {
    // Without a list only the server itself may be reached.
    const own = destinationOf(profile.url);
    const dialer = createDialer(profile.egress_allowlist ?? (own === undefined ? [] : [`${own.host}:${String(own.port)}`]));
    const target = { url: profile.url, openMs: profile.preflight.timeout_ms, headers: await fillIn(name, profile.headers, optionalSecrets(profile)), dialer, limit: profile.max_response_bytes, egress: await expectedEgress(profile), ...(schemaOf === undefined ? {} : { schemaOf }) };
    if (profile.transport === 'http') return openHttp(target, cleaned(incoming));
    return await openSse(target, cleaned(incoming)).catch((thrown: unknown) => {
      dialer.close();
      throw thrown;
    });
  };
}
