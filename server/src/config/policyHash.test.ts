import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { configSchema, defaultConfig, lockedConfig } from '../../../protocol/src/config';
import { policyHash } from './policyHash';

describe('policy hash', () => {
  it('is SHA-256 over the canonical JSON of the complete configuration', () => {
    const text =
      '{"approvalTimeout":120000,"approvals":{"callAgainWithinSeconds":120,"elicitation":false,"requireSigned":false},"audit":{"anchors":{"git":{"ref":"refs/conductor/audit"},"systemLog":false,"witnesses":[]},"compress":false,"maxSizeMb":64,"readOnlyDurability":"durable","retentionDays":0},"circuitBreaker":{"failureThreshold":5,"overrides":{},"successThreshold":1,"timeout":30000},"externalMcp":{"enabled":true,"hiddenCharacters":"mark","optionalBackends":[],"softFail":false,"strict":false},"grants":{"lastingDays":30,"sessionHours":8},' +
      '"plugins":{"filesystem":{"allowedPaths":[],"enabled":true,"requireApproval":["write","delete"],"writeScope":[]},"git":{"enabled":true,"requireApproval":["commit"]},' +
      '"shell":{"allowedCommands":[],"enabled":true,"limits":{"fileSizeMb":4096,"processes":1024},"requireApproval":[],' +
      '"sandbox":{"allowUnpatched":false,"commands":[],"mode":"off","network":[],"readable":[],"writable":[]},"secrets":{},"timeoutMs":120000}},"reviewResults":[],"secrets":{"inArguments":"deny"},"server":{"allowedOrigins":[],"idleMinutes":10,"logLevel":"info","port":3000,"requestsPerMinute":12000,"transport":"stdio"}}';
    assert.equal(policyHash(defaultConfig), createHash('sha256').update(text).digest('hex'));
  });

  it('does not depend on how a configuration is written', () => {
    const short = configSchema.parse({ plugins: { shell: { allowedCommands: ['git'] } } });
    const long = configSchema.parse({ plugins: { shell: { requireApproval: [], allowedCommands: ['git'], enabled: true } }, $schema: 'x', server: {} });
    assert.equal(policyHash(short), policyHash(long));
  });

  it('differs for configurations that differ', () => {
    const hashes = [defaultConfig, lockedConfig, configSchema.parse({ approvalTimeout: 1000 }), configSchema.parse({ plugins: { shell: { allowedCommands: ['git'] } } })].map(policyHash);
    assert.equal(new Set(hashes).size, hashes.length);
  });
});
