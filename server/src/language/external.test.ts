import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { externalLanguages, type ExternalKnowledge } from './external';
import { joinLanguages } from './language';

const configDir = join(__dirname, 'nowhere', '.conductor');
const uriOf = (name: string, folder = configDir): string => pathToFileURL(join(folder, name)).href;
const backendsUri = uriOf('mcp_backends.json');
const policyUri = uriOf('external_mcp_policy.json');
const mode = { strict: false };
const knowledge: ExternalKnowledge = {
  configDir,
  backends: () => new Map([['files', { tools: ['read_text_file', 'write_file'], missingEnv: ['TOKEN'] }], ['mail', { tools: ['send_mail'], missingEnv: [] }], ['asleep', { tools: undefined, missingEnv: [] }]]),
  strict: () => mode.strict,
};
const language = joinLanguages(externalLanguages(knowledge));

async function labels(uri: string, marked: string): Promise<string[]> {
  const offset = marked.indexOf('|');
  const document = TextDocument.create(uri, 'jsonc', 1, marked.replace('|', ''));
  return ((await language.completion(document, document.positionAt(offset)))?.items ?? []).map(({ label }) => label);
}

async function hover(uri: string, marked: string): Promise<string> {
  const document = TextDocument.create(uri, 'jsonc', 1, marked.replace('|', ''));
  return JSON.stringify((await language.hover(document, document.positionAt(marked.indexOf('|'))))?.contents ?? '');
}

/** What is marked, and the code of the mark. */
function marks(uri: string, text: string): string[] {
  const document = TextDocument.create(uri, 'jsonc', 1, text);
  return language.diagnostics(document).map(({ diagnostic: { code, range, severity } }) => `${String(severity)} ${String(code)} ${document.getText(range)}`);
}

describe('language of the files about external servers', () => {
  beforeEach(() => { mode.strict = false; });

  const completions: [title: string, uri: string, marked: string, offered: string[]][] = [
    ['keys of a profile', backendsUri, '{ "version": 1, "backends": { "a": { "transport": "stdio", | } } }', ['command', 'args', 'egress_allowlist', 'required_env']],
    ['transports', backendsUri, '{ "version": 1, "backends": { "a": { "transport": | } } }', ['"stdio"', '"http"', '"sse"']],
    ['keys of a preflight', backendsUri, '{ "version": 1, "backends": { "a": { "transport": "http", "preflight": { | } } } }', ['required_tools', 'ttl_s']],
    ['backends in the policy', policyUri, '{ "version": "1", "rules": [{ "backend": | }] }', ['"files"', '"mail"']],
    ['the tools of that backend', policyUri, '{ "version": "1", "rules": [{ "backend": "files", "tools": [|] }] }', ['"read_text_file"', '"write_file"']],
    ['how to ask', policyUri, '{ "version": "1", "rules": [{ "backend": "files", "approval": | }] }', ['"always"', '"writes"', '"never"']],
    ['conditions', policyUri, '{ "version": "1", "rules": [{ "backend": "files", "arguments": { "path": { | } } }] }', ['below', 'one_of']],
    ['the keys of a project', uriOf('mcp_backends.json', '/p/.conductor'), '{ "version": 1, "backends": { "a": { | } } }', ['enabled', 'required_env']],
  ];
  for (const [title, uri, marked, offered] of completions) {
    it(`backends:language offers ${title}`, async () => {
      const found = await labels(uri, marked);
      for (const label of offered) assert.ok(found.includes(label), `${label} is not among ${found.join(' ')}`);
    });
  }

  it("backends:language: another backend's tools are not offered, nor keys of starting in a project", async () => {
    assert.equal((await labels(policyUri, '{ "version": "1", "rules": [{ "backend": "files", "tools": [|] }] }')).includes('"send_mail"'), false);
    assert.equal((await labels(uriOf('mcp_backends.json', '/p/.conductor'), '{ "version": 1, "backends": { "a": { | } } }')).includes('command'), false);
  });

  it('backends:language: keys tell their meaning on hover', async () => {
    assert.match(await hover(backendsUri, '{ "version": 1, "backends": { "a": { "transport": "stdio", "comm|and": "x" } } }'), /No shell reads it/);
    assert.match(await hover(policyUri, '{ "version": "1", "rules": [{ "backend": "files", "tools": [], "appro|val": "always" }] }'), /never spares a question/);
  });

  const profile = (more: string): string => `{ "version": 1, "backends": { "files": { "transport": "stdio", "command": "x"${more} } } }`;
  const rule = (more: string): string => `{ "version": "1", "rules": [{ ${more} }] }`;
  const diagnostics: [title: string, uri: string, text: string, expected: string[], strict?: string[]][] = [
    ['hosts that are not stated', backendsUri, profile(''), ['2 backends.egress "files"'], ['1 backends.egress "files"']],
    ['hosts that are stated', backendsUri, profile(', "egress_allowlist": []'), []],
    ['every host', backendsUri, profile(', "egress_allowlist": ["*"]'), ['2 backends.egress "egress_allowlist"']],
    ['a secret in clear', backendsUri, profile(', "egress_allowlist": [], "env": { "API_KEY": "hunter2hunter2" }'), ['1 backends.clearSecret "hunter2hunter2"']],
    ['what a field of the server calls a secret', backendsUri, profile(', "egress_allowlist": [], "env": { "PIN": "4711" }, "configSchema": { "type": "object", "properties": { "PIN": { "type": "string", "secret": true } } }'), ['1 backends.clearSecret "4711"']],
    ['what a field calls a secret, as a reference', backendsUri, profile(', "egress_allowlist": [], "env": { "PIN": "${secret:files.pin}" }, "configSchema": { "type": "object", "properties": { "PIN": { "type": "string", "secret": true } } }'), []],
    ['a required field that there is none of', backendsUri, profile(', "egress_allowlist": [], "configSchema": { "type": "object", "properties": {}, "required": ["PIN"] }'), ['1 config.value [']],
    ['a count, a switch and a place of a file under names of secrets', backendsUri, profile(', "egress_allowlist": [], "env": { "MAX_TOKENS": "4096", "USE_TOKEN": "true", "GOOGLE_APPLICATION_CREDENTIALS": "/home/me/key.json" }'), []],
    ['a secret of the store', backendsUri, profile(', "egress_allowlist": [], "env": { "API_KEY": "${secret:files.key}" }'), []],
    ['a secret among the arguments', backendsUri, profile(', "egress_allowlist": [], "args": ["--token", "abcdefgh12345"]'), ['2 backends.clearSecret "abcdefgh12345"']],
    ['a variable that is not set', backendsUri, profile(', "egress_allowlist": [], "required_env": ["TOKEN"]'), ['2 backends.missingEnv "TOKEN"']],
    ['a misspelled key', backendsUri, profile(', "egress_allowlist": [], "comand": 1'), ['1 config.unknownKey "comand"']],
    ['no transport', backendsUri, '{ "version": 1, "backends": { "a": { "command": "x" } } }', ['1 config.missing {']],
    ['another transport', backendsUri, '{ "version": 1, "backends": { "a": { "transport": "studio", "command": "x" } } }', ['1 config.choice "studio"']],
    ['names that look alike', backendsUri, '{ "version": 1, "backends": { "mail": { "transport": "stdio", "command": "x", "egress_allowlist": [] }, "ma1l": { "transport": "stdio", "command": "x", "egress_allowlist": [] } } }', ['2 backends.lookAlike "ma1l"']],
    ['an unknown backend', policyUri, rule('"backend": "fils", "tools": ["x"]'), ['2 policy.unknownBackend "fils"']],
    ['an unknown tool', policyUri, rule('"backend": "files", "tools": ["read_txt_file"]'), ['2 policy.unknownTool "read_txt_file"']],
    ['a tool of a backend that nobody asked yet', policyUri, rule('"backend": "asleep", "tools": ["x"]'), []],
    ['every tool', policyUri, rule('"backend": "files", "tools": ["*"]'), ['2 policy.wildcard "*"'], ['1 policy.wildcard "*"']],
    ['a rule for tracks, which there are none of yet', policyUri, rule('"backend": "files", "tools": ["read_text_file"], "tracks": ["docs"]'), ['2 policy.tracks "tracks"']],
    ['forbidding every tool', policyUri, '{ "version": "1", "deny": [{ "backend": "files", "tools": ["*"] }] }', []],
    ['T39 another default', policyUri, '{ "version": "1", "default": "allow" }', ['1 config.choice "allow"']],
    ['how to start, in a project', uriOf('mcp_backends.json', '/p/.conductor'), '{ "version": 1, "backends": { "files": { "command": "x" } } }', ['1 config.unknownKey "command"']],
  ];
  for (const [title, uri, text, expected, strict] of diagnostics) {
    it(`backends:language marks ${title}`, () => {
      assert.deepEqual(marks(uri, text), expected);
      mode.strict = true;
      if (strict !== undefined) assert.deepEqual(marks(uri, text), strict);
    });
  }

  it('backends:language: a slip in a name can be corrected', () => {
    const document = TextDocument.create(policyUri, 'jsonc', 1, rule('"backend": "files", "tools": ["read_txt_file"]'));
    assert.equal(language.diagnostics(document)[0]?.fix?.edit.newText, '"read_text_file"');
  });

  it('backends:language: other files are not touched', () => {
    for (const uri of [uriOf('config.json'), uriOf('mcp_backends.json', '/p'), 'untitled:mcp_backends.json']) assert.equal(language.owns(uri), false, uri);
  });
});
