import assert from 'node:assert/strict';
import { foreignServers } from './foreign';

describe('servers of other programs', () => {
  const only = (content: object, taken: string[] = []) => foreignServers(content, taken).servers[0] ?? assert.fail(JSON.stringify(foreignServers(content, taken)));

  it('backends:import: programs and addresses in the words of each program', () => {
    const table: [title: string, content: object, transport: string][] = [
      ['Claude, Cursor, Gemini', { mcpServers: { a: { command: 'npx', args: ['-y', 'x'] } } }, 'stdio'],
      ['VS Code', { servers: { a: { type: 'http', url: 'https://a.example/mcp' } } }, 'http'],
      ['VS Code settings', { mcp: { servers: { a: { type: 'sse', url: 'https://a.example/mcp' } } } }, 'sse'],
      ['Codex', { mcp_servers: { a: { url: 'https://a.example/mcp' } } }, 'http'],
      ['Gemini', { mcpServers: { a: { httpUrl: 'https://a.example/sse' } } }, 'http'],
      ['an older address', { mcpServers: { a: { url: 'https://a.example/sse' } } }, 'sse'],
      ['a project of Claude', { projects: { '/p': { mcpServers: { a: { command: 'x' } } } } }, 'stdio'],
    ];
    for (const [title, content, transport] of table) assert.equal(only(content).profile.transport, transport, title);
    assert.deepEqual(only({ servers: { a: { url: 'https://A.example:8443/mcp' } } }).profile.egress_allowlist, ['a.example:8443']);
  });

  it('backends:import: secrets leave the profile and keep their values', () => {
    const { profile, secrets, remarks } = only({ mcpServers: { git_hub: { command: 'x', env: { GITHUB_TOKEN: 'abcdefghij', MODE: 'fast' } } } });
    assert.deepEqual(profile, { transport: 'stdio', command: 'x', args: [], env: { GITHUB_TOKEN: '${secret:git_hub.GITHUB_TOKEN}', MODE: 'fast' } });
    assert.deepEqual([secrets, remarks], [[{ credential: 'git_hub.GITHUB_TOKEN', value: 'abcdefghij' }], []]);
    const header = only({ mcpServers: { a: { url: 'https://a.example/', headers: { Authorization: 'Bearer abcdefghij' } } } });
    assert.deepEqual([header.profile.transport !== 'stdio' && header.profile.headers, header.secrets], [{ Authorization: 'Bearer ${secret:a.Authorization}' }, [{ credential: 'a.Authorization', value: 'abcdefghij' }]]);
  });

  it('backends:import: names that do not fit or look like others become others, and that is said', () => {
    const { servers } = foreignServers({ mcpServers: { 'My Files!': { command: 'x' }, 'my-files': { command: 'y' }, mcp: { command: 'z' }, 'ﬁles': { command: 'w' } } }, ['files']);
    assert.deepEqual(servers.map(({ backend }) => backend), ['My-Files', 'my-files-2', 'mcp-server', 'files-2']);
    assert.deepEqual(servers[0]?.remarks, ['It is called My-Files here.']);
  });

  it('backends:import: what cannot be taken over is named', () => {
    const { servers, leftOut } = foreignServers({ mcpServers: { conductor: { command: 'conductor', args: ['mcp', 'start'] }, a: { command: 'x', env: { T: '${input:token}' } }, b: {}, c: { command: 'x', cwd: 'relative' } } }, []);
    assert.deepEqual([servers, leftOut.map(({ name }) => name)], [[], ['conductor', 'a', 'b', 'c']]);
  });

  it('backends:import: what is switched off there stays so', () => assert.equal(only({ mcpServers: { a: { command: 'x', disabled: true } } }).profile.enabled, false));
  for (const content of [null, [], 'x', 3, {}, { mcpServers: [] }, { mcpServers: { a: null } }]) it(`finds nothing in ${JSON.stringify(content)}`, () => assert.deepEqual(foreignServers(content, []).servers, []));
});
