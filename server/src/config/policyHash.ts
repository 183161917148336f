import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import type { Config } from '../../../protocol/src/config';

/** What the hash of a configuration is over: all of it but `$schema`, which decides nothing. */
export function policyOf(config: Config): object {
  return { ...config, $schema: undefined };
}

/** SHA-256 (64 hex digits) over the canonical JSON (RFC 8785) of a complete configuration. Comments, order of keys and `$schema` do not matter. */
export function policyHash(config: Config): string {
  return createHash('sha256').update(canonicalJson(policyOf(config)).text).digest('hex');
}
