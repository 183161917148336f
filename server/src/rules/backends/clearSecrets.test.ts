import assert from 'node:assert/strict';
import { backendSchema, type BackendInput } from '../../../../protocol/src/backends';
import { externalPolicySchema } from '../../../../protocol/src/externalPolicy';
import { clearElsewhere, heldInClear } from './clearSecrets';
import { judgeExternal, type ExternalGround } from './verdict';

const stdio = (more: object): BackendInput => ({ transport: 'stdio', command: 'x', ...more });
const http = (more: object): BackendInput => ({ transport: 'http', url: 'https://a.example/mcp', ...more });
const field = (more: object = {}): object => ({ type: 'object', properties: { PIN: { type: 'string', secret: true, ...more } } });
const token = `ghp_${'aB3dE6gH9j'.repeat(4)}`.slice(0, 40);

describe('secrets in clear in the profile of a server', () => {
  const cases: [title: string, profile: BackendInput, place: string | undefined][] = [
    ['a token by its format', stdio({ env: { ANYTHING: token } }), 'ANYTHING under "env"'],
    ['whatever stands under the name of a secret', stdio({ env: { DB_PASSWORD: 'postgres' } }), 'DB_PASSWORD under "env"'],
    ['a number under the name of a password', stdio({ env: { PASSWORD: '12345678' } }), 'PASSWORD under "env"'],
    ['a header', http({ headers: { Authorization: 'Bearer hunter2' } }), 'Authorization under "headers"'],
    ['a reference', stdio({ env: { DB_PASSWORD: '${secret:db.password}' } }), undefined],
    ['a reference behind a scheme', http({ headers: { Authorization: 'Bearer ${secret:a.token}' } }), undefined],
    ['a token beside a reference', stdio({ env: { A: `\${secret:a.b} ${token}` } }), 'A under "env"'],
    ['a field that is called secret', stdio({ env: { PIN: '4711' }, configSchema: field() }), 'PIN under "env"'],
    ['the same as a reference', stdio({ env: { PIN: '${secret:a.pin}' }, configSchema: field() }), undefined],
    ['the same, not there', stdio({ configSchema: field() }), undefined],
    ['what is no secret', stdio({ env: { MAX_TOKENS: '4096', TOKEN: '', USE_TOKEN: 'true', CREDENTIALS: '~/keys/service.json', NODE_ENV: 'production', REGION: 'eu' } }), undefined],
  ];
  for (const [title, profile, place] of cases) {
    it(`credentials:in-clear: ${title} ${place === undefined ? 'keeps no server from being started' : 'keeps the server from being started, with what mends it, and is not quoted'}`, () => {
      const found = heldInClear('calc', backendSchema.parse(profile));
      if (place === undefined) return assert.equal(found, undefined);
      assert.ok(found !== undefined);
      assert.ok(found.says.includes(`because ${place} of mcp_backends.json holds a secret in clear`), found.says);
      const name = place.split(' ')[0]?.toLowerCase() ?? '';
      assert.ok(found.next.startsWith(`Run "conductor secrets set calc.${name}", write "\${secret:calc.${name}}" in its place`), found.next);
      assert.doesNotMatch(`${found.says}${found.next}`, /ghp_|hunter2|postgres|4711|12345678/);
    });
  }

  it('credentials:in-clear: arguments and addresses, where no reference can stand, are told and nothing more', () => {
    const profile = backendSchema.parse(stdio({ args: ['--token', 'abcdefgh12345'] }));
    assert.equal(heldInClear('calc', profile), undefined);
    assert.match(clearElsewhere(profile).join(), /^args\.1: This argument seems to hold a secret/);
    const ground: ExternalGround = { policy: { kind: 'policy', policy: externalPolicySchema.parse({ version: '1', rules: [{ backend: 'calc', tools: ['add'], approval: 'never' }] }) }, profile: { ...profile, egress_allowlist: [] }, backendPin: 'approved', toolPin: 'approved', preflight: 'passed', missingEnv: [], mode: { enabled: true, strict: false, softFail: false, optional: [], remarks: [] }, platform: 'linux' };
    const judged = (strict: boolean): ReturnType<typeof judgeExternal> => judgeExternal({ backend: 'calc', tool: 'add', arguments: {} }, { ...ground, mode: { ...ground.mode, strict } });
    assert.deepEqual([judged(false).verdict.verdict, judged(false).warnings.length, judged(true).verdict.verdict, judged(true).verdict.rule], ['allow', 1, 'deny', 'external.clearSecret']);
    assert.match(clearElsewhere(backendSchema.parse(http({ url: 'https://a.example/mcp?api_key=abcdefgh12345' }))).join(), /^url: The address/);
  });
});
