import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backendsFileName, backendsSchema, type Backend } from '../../../protocol/src/backends';
import type { Config } from '../../../protocol/src/config';
import { ConductorError } from '../../../protocol/src/errors';
import { externalPolicyFileName, externalPolicySchema, nothingExternal } from '../../../protocol/src/externalPolicy';
import { parseJsonText } from '../base/jsonText';
import type { Logger } from '../base/logger';
import { launchIdentity } from '../rules/backends/identity';
import { modeOf, skipped } from '../rules/backends/mode';
import { judgeExternal, type PolicyState } from '../rules/backends/verdict';
import type { Registry } from '../tools/backends/registry';

/** What is known of external servers: their profiles and the policy, as the two files had them when the broker started. */
export function readRegistry(configDir: string, config: () => Config, logger: Logger): Registry {
  const profiles = readProfiles(join(configDir, backendsFileName), logger);
  const policy = readPolicy(join(configDir, externalPolicyFileName));
  const mode = modeOf(process.env, config().externalMcp);
  return {
    profiles: () => new Map([...profiles].filter(([, { enabled }]) => enabled)),
    quarantined: () => undefined,
    identity: (name) => {
      const profile = profiles.get(name);
      return profile === undefined ? '' : launchIdentity(profile, undefined, () => '').hash;
    },
    judge: (wish) => judgeExternal(wish, { policy, profile: profiles.get(wish.backend), backendPin: 'approved', toolPin: 'approved', preflight: 'passed', missingEnv: [], mode, platform: process.platform === 'win32' ? 'win32' : 'linux' }),
    spend: () => undefined,
    listed: () => undefined,
    skipped: (backend, why, reason) => skipped(backend, profiles.get(backend)?.optional === true, mode, why, reason),
    onChange: () => () => undefined,
  };
}

function readProfiles(file: string, logger: Logger): ReadonlyMap<string, Backend> {
  const given = read(file);
  if (given === undefined) return new Map();
  const parsed = backendsSchema.safeParse(given);
  if (parsed.success) return new Map(Object.entries(parsed.data.backends));
  logger.error('the file of external servers cannot be used', { file, problems: parsed.error.issues.length });
  return new Map();
}

function readPolicy(file: string): PolicyState {
  const given = read(file);
  if (given === undefined) return { kind: 'policy', policy: nothingExternal };
  const parsed = externalPolicySchema.safeParse(given);
  return parsed.success ? { kind: 'policy', policy: parsed.data } : { kind: 'unreadable', message: `${file} does not fit its schema.` };
}

/** Undefined without a file; what is no JSON is an object that fits nothing. */
function read(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConductorError('CONFIG_INVALID', `${file} cannot be read.`, { cause: thrown });
  }
  const json = parseJsonText(text);
  return json.kind === 'value' ? json.value : {};
}
