import assert from 'node:assert/strict';
import { nameFlaw, profileFrom } from './profile';

describe('the profile of a server as a person types it', () => {
  it('servers:add: a program with its words, and hosts; no host is none at all', () => {
    assert.deepEqual(profileFrom('a', ' npx -y  server "/my folder/x"', 'registry.npmjs.org:443, example.com'), { profile: { transport: 'stdio', command: 'npx', args: ['-y', 'server', '/my folder/x'], egress_allowlist: ['registry.npmjs.org:443', 'example.com'] } });
    assert.deepEqual(profileFrom('a', 'server $(id) ; rm', ''), { profile: { transport: 'stdio', command: 'server', args: ['$(id)', ';', 'rm'], egress_allowlist: [] } });
  });
  it('servers:add: an address is kept to its own host where none is named', () => {
    assert.deepEqual(profileFrom('a', 'https://mcp.example.com:8443/mcp', ''), { profile: { transport: 'http', url: 'https://mcp.example.com:8443/mcp', egress_allowlist: ['mcp.example.com:8443'] } });
  });
  for (const [what, goal, hosts] of [['nothing', ' ', ''], ['quotes without an end', 'npx "a b', ''], ['an address with a user', 'https://a:b@example.com/', ''], ['a host that is none', 'npx', 'https://example.com'], ['no address', 'http://', '']] as const) {
    it(`servers:add: ${what} is told`, () => assert.ok('flaw' in profileFrom('a', goal, hosts)));
  }
  it('servers:add: a name is new, and none of our own', () => {
    assert.equal(nameFlaw('files', ['other']), undefined);
    for (const [name, words] of [['other', /already/], ['conductor', /belongs to Conductor/], ['a__b', /single - or _/], ['', /1 to 32/]] as const) assert.match(nameFlaw(name, ['other']) ?? '', words);
  });
});
