import type { Backend as Profile } from '../../../protocol/src/backends';
import type { Config } from '../../../protocol/src/config';
import type { Admission } from '../breaker/breaker';
import type { Breakers } from '../breaker/breakers';
import type { NewsListener } from '../doors/mcp/house';
import { createBackends, type Backends, type BackendsNeeds } from '../tools/backends/backends';
import type { FillIn } from '../tools/backends/start';
import { createPassage, type Passage } from '../tools/backends/passage';
import type { Registry } from '../tools/backends/registry';
import type { Tool } from '../tools/tool';

/** Introduces external servers to the rooms of the house: their tools among the others, and their breakers. */

/** Backends as the house uses them. */
export type ExternalTools = Readonly<{
  backends: Backends;
  /** Names of Conductor's own tools. */
  own: readonly string[];
  /** Tells of lists that are others now; gives the function that stops it. */
  onNews(listener: NewsListener): () => void;
  /** What passes between an agent in a project and all servers, or only one, besides tools. */
  passage(project: string, only?: string): Passage;
}>;

/** What is needed to build them. */
export type ExternalGround = Readonly<{ configDir: string; registry: Registry; fillIn: FillIn; clean: BackendsNeeds['clean']; onRefused: BackendsNeeds['onRefused']; tools: Map<string, Tool>; wrap(tool: Tool): Tool; now(): number; /** Hears that a server starts, is there, fails or ends. */ changed(): void }>;

/** Builds the backends over the one table of tools; those of Conductor are never replaced. */
export function openExternalTools({ configDir, registry, fillIn, clean, onRefused, tools, wrap, now, changed }: ExternalGround): ExternalTools {
  const own = new Set(tools.keys());
  const published = new Map<string, readonly string[]>();
  const listeners = new Set<NewsListener>();
  const tell: NewsListener = (method, params) => { for (const listener of listeners) listener(method, params); };
  const wrapped = new WeakMap<Tool, Tool>();
  const backends = createBackends({
    registry, configDir, fillIn, clean, onRefused, now,
    changed,
    publish(backend, present) {
      const before = published.get(backend) ?? [];
      const was = before.map((name) => tools.get(name));
      for (const name of before) tools.delete(name);
      const placed = present.filter(({ name }) => !own.has(name) && !tools.has(name)).map((tool) => wrapped.get(tool) ?? wrap(tool));
      present.forEach((tool, index) => { const sealed = placed[index]; if (sealed !== undefined && sealed.name === tool.name) wrapped.set(tool, sealed); });
      for (const tool of placed) tools.set(tool.name, tool);
      published.set(backend, placed.map(({ name }) => name));
      changed();
      if (was.length === placed.length && placed.every((tool, index) => tool === was[index])) return;
      tell('notifications/tools/list_changed', {});
    },
    news: (_, method) => tell(method, {}),
  });
  // What a person approved or the policy lists by now is shown.
  registry.onChange(() => tell('notifications/tools/list_changed', {}));
  return {
    backends,
    own: [...own],
    passage: (project, only) => createPassage(backends, registry, project, only),
    onNews: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The backend behind the name of a tool, or undefined for Conductor's own. */
export function backendOf(tool: string): string | undefined {
  return /^(.+?)(?:__|\/)/.exec(tool)?.[1];
}

/** Asks the breaker of the backend and that of the tool, in this order; both hear how the call ended. */
export function admitBoth(breakers: Pick<Breakers, 'admit'>, tool: string): Admission {
  const backend = backendOf(tool);
  if (backend === undefined) return breakers.admit(tool);
  const outer = breakers.admit(backend);
  if (outer.kind === 'open') return outer;
  const inner = breakers.admit(tool);
  if (inner.kind === 'open') outer.settle('neutral');
  return inner.kind === 'open' ? inner : { kind: 'admitted', settle: (result, message) => (outer.settle(result, message), inner.settle(result, message)) };
}

/** The settings of breakers with what each backend's profile says of its own; the user's overrides come first. */
export function breakerSettings(section: Config['circuitBreaker'], registry: Pick<Registry, 'profiles'>): Config['circuitBreaker'] {
  const profiles = registry.profiles();
  const before = made.get(profiles);
  if (before?.of === section) return before.settings;
  const settings = joinedSettings(section, profiles);
  made.set(profiles, { of: section, settings });
  return settings;
}

/** Each call asks several times, and the profiles are the same object until they change. */
const made = new WeakMap<ReadonlyMap<string, Profile>, Readonly<{ of: Config['circuitBreaker']; settings: Config['circuitBreaker'] }>>();

function joinedSettings(section: Config['circuitBreaker'], profiles: ReadonlyMap<string, Profile>): Config['circuitBreaker'] {
  const own = [...profiles].map(([name, { circuit_breaker: { failure_threshold, reset_timeout_ms, success_threshold } }]) => [name, { failureThreshold: failure_threshold, successThreshold: success_threshold, timeout: reset_timeout_ms }] as const);
  return own.length === 0 ? section : { ...section, overrides: { ...Object.fromEntries(own), ...section.overrides } };
}
