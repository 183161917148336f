/** How strictly external servers are taken, and which of them work goes on without. */
export type ExternalMode = Readonly<{
  /** Whether external servers can be used at all; not while there is no usable configuration. */
  enabled: boolean;
  /** High assurance: what is a warning otherwise is a refusal. */
  strict: boolean;
  /** Whether work goes on, marked degraded, when an optional backend cannot be reached. Never spares a denial. */
  softFail: boolean;
  /** Backends that are optional besides those that say so themselves. */
  optional: readonly string[];
  /** What is wrong with a variable, in sentences; its strictest reading holds. */
  remarks: readonly string[];
}>;

/** The same choices as the configuration file words them. */
export type ModeSettings = Readonly<{ enabled: boolean; strict: boolean; softFail: boolean; optionalBackends: readonly string[] }>;

/** The variables that choose the mode. */
export const modeVariables = {
  strict: 'CONFLUX_EXTERNAL_MCP_STRICT_MODE',
  softFail: 'CONFLUX_OPTIONAL_EXTERNAL_MCP_SOFT_FAIL',
  optional: 'CONFLUX_OPTIONAL_EXTERNAL_MCP_BACKENDS',
} as const;

/**
 * The mode by environment and configuration. Whoever starts the broker makes its environment, so a variable can only make strict what the
 * configuration leaves open. A value other than 0 and 1 is read as the strict one (T39).
 */
export function modeOf(environment: Readonly<Record<string, string | undefined>>, settings: ModeSettings): ExternalMode {
  const strict = flag(environment, modeVariables.strict);
  const softFail = flag(environment, modeVariables.softFail);
  return {
    enabled: settings.enabled,
    strict: settings.strict || strict === true || strict === 'unknown',
    softFail: softFail === undefined ? settings.softFail : softFail === true,
    optional: [...new Set([...settings.optionalBackends, ...listed(environment[modeVariables.optional])])],
    remarks: [
      ...(strict === 'unknown' ? [`${modeVariables.strict} is neither 0 nor 1, so strict mode is on.`] : []),
      ...(softFail === 'unknown' ? [`${modeVariables.softFail} is neither 0 nor 1, so no backend is skipped.`] : []),
    ],
  };
}

function flag(environment: Readonly<Record<string, string | undefined>>, name: string): boolean | 'unknown' | undefined {
  const value = environment[name]?.trim();
  if (value === undefined || value === '') return undefined;
  return value === '1' ? true : value === '0' ? false : 'unknown';
}

function listed(value: string | undefined): string[] {
  return (value ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
}

/** Why a backend could not be used, when nothing was denied. */
export const unavailabilities = ['spawn', 'connect', 'timeout', 'breakerOpen', 'missingEnv'] as const;

/** What an agent gets instead of an error when an optional backend cannot be used. */
export type Skipped = Readonly<{ status: 'skipped_optional'; backend: string; reason: string }>;

/** What stands for the result of a call to a backend that cannot be used; undefined where the failure counts as one. Never call it for a denial. */
export function skipped(backend: string, optional: boolean, mode: ExternalMode, why: (typeof unavailabilities)[number], reason: string): Skipped | undefined {
  const skippable = mode.softFail && (optional || mode.optional.includes(backend));
  return skippable ? { status: 'skipped_optional', backend, reason: `${why}: ${reason}` } : undefined;
}
