import type { Backend, Backends, ProjectBackends } from '../../../../protocol/src/backends';

/** What a project's file makes of the user's backends. */
export type Tightened = Readonly<{
  backends: Backends;
  /** What of the project's file has no effect, in sentences with its path in the file. */
  ignored: readonly Readonly<{ path: readonly string[]; says: string }>[];
}>;

/** Applies a project's file to the user's backends: it can switch off, lower and narrow, nothing else (T34). */
export function tighten(user: Backends, project: ProjectBackends): Tightened {
  const ignored: { path: readonly string[]; says: string }[] = [];
  const backends = new Map(Object.entries(user.backends));
  for (const [name, wanted] of Object.entries(project.backends)) {
    const held = backends.get(name);
    if (held === undefined) {
      ignored.push({ path: ['backends', name], says: `There is no backend ${name} in your own mcp_backends.json, so nothing of it can be tightened.` });
      continue;
    }
    for (const host of surplus(held, wanted.egress_allowlist)) ignored.push({ path: ['backends', name, 'egress_allowlist'], says: `Your own file does not let ${name} reach ${host}, and a project cannot add it.` });
    backends.set(name, tightened(held, wanted));
  }
  return { backends: { ...user, backends: Object.fromEntries(backends) }, ignored };
}

type Wanted = ProjectBackends['backends'][string];

function tightened(held: Backend, wanted: Wanted): Backend {
  const hosts = wanted.egress_allowlist;
  return {
    ...held,
    enabled: held.enabled && wanted.enabled !== false,
    optional: held.optional && wanted.optional !== false,
    timeout_ms: Math.min(held.timeout_ms, wanted.timeout_ms ?? held.timeout_ms),
    max_response_bytes: Math.min(held.max_response_bytes, wanted.max_response_bytes ?? held.max_response_bytes),
    required_env: union(held.required_env, wanted.required_env),
    preflight: { ...held.preflight, required_tools: union(held.preflight.required_tools, wanted.required_tools) },
    ...(hosts === undefined ? {} : { egress_allowlist: hosts.filter((host) => !surplus(held, hosts).includes(host)) }),
  };
}

function union(held: readonly string[], wanted: readonly string[] = []): string[] {
  return [...new Set([...held, ...wanted])];
}

function surplus({ egress_allowlist: held }: Backend, wanted: readonly string[] = []): string[] {
  return held === undefined ? [] : wanted.filter((host) => !held.some((wide) => covers(wide, host)));
}

/** Whether everything that one entry of a list of hosts lets through is let through by another. */
export function covers(wide: string, narrow: string): boolean {
  const [host, port] = split(wide);
  const [narrowHost, narrowPort] = split(narrow);
  if (port !== undefined && port !== narrowPort) return false;
  if (host === '*' || host === narrowHost) return true;
  return host.startsWith('*.') && narrowHost.endsWith(host.slice(1)) && narrowHost !== '*';
}

function split(entry: string): [host: string, port: string | undefined] {
  const [, host = entry, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
  return [host, port];
}
