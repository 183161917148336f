import type { Backend, ProjectBackends } from '../../../../protocol/src/backends';

/** A backend as it is in a project whose own file tightens it: switched off, mandatory, or in need of further variables; nothing else (T34). */
export function tighten(held: Backend, wanted: ProjectBackends['backends'][string] | undefined): Backend {
  if (wanted === undefined) return held;
  return {
    ...held,
    enabled: held.enabled && wanted.enabled !== false,
    optional: held.optional && wanted.optional !== false,
    required_env: [...new Set([...held.required_env, ...(wanted.required_env ?? [])])],
  };
}
