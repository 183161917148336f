import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { secretMoveSchema, type SecretMove } from '../../../protocol/src/secretMove';
import { externalLanguages } from './external';
import { createLanguage, joinLanguages, type ConfigLanguage, type FixableDiagnostic } from './language';
import type { CredentialNames } from './secrets';

const configDir = join(__dirname, 'nowhere', '.conductor');
const uriOf = (name: string): string => pathToFileURL(join(configDir, name)).href;
const [config, backends, policy] = [uriOf('config.json'), uriOf('mcp_backends.json'), uriOf('external_mcp_policy.json')];
const token = `ghp_${'aB3dE6gH9j'.repeat(4)}`.slice(0, 40);
const password = 'q7Wv-2kLp9xT';

const moment = new Date(Date.now() - 3 * 86_400_000).toISOString();
const credential = (name: string): CredentialNames['credentials'][number] => ({ name, createdAt: moment, changedAt: moment, lastUsedAt: null, usableBy: ['backend:github'], trouble: null });
const open: CredentialNames = { state: 'open', message: '', credentials: [credential('github.token'), credential('npm.token')] };

function languageWith(names: CredentialNames = open): ConfigLanguage {
  const credentials = (): CredentialNames => names;
  return joinLanguages([createLanguage({ configFile: join(configDir, 'config.json'), credentials }), ...externalLanguages({ configDir, backends: () => new Map(), strict: () => false, credentials })]);
}

function found(uri: string, text: string, language = languageWith()): { document: TextDocument; said: readonly FixableDiagnostic[] } {
  const document = TextDocument.create(uri, 'jsonc', 7, text);
  return { document, said: language.diagnostics(document).filter(({ diagnostic: { code } }) => /secret|credentials/i.test(String(code))) };
}

/** What the editor would have after the fix with the proposed name, as the client makes it. */
function moved(uri: string, text: string): string {
  const { document, said } = found(uri, text);
  const move: SecretMove = secretMoveSchema.parse(said[0]?.command?.arguments?.[0]);
  assert.equal(move.version, 7);
  assert.equal(JSON.stringify(said).includes(document.getText(move.value)), false, 'the value is in the answer');
  const edits = (move.remove ?? [move.value]).map((range) => ({ range, newText: move.remove === undefined ? `\${secret:${move.name}}` : '' }));
  return `${document.getText(move.value)} => ${TextDocument.applyEdits(document, edits)}`;
}

const profile = (more: string): string => `{ "version": 1, "backends": { "github": { "transport": "stdio", "command": "x", "egress_allowlist": []${more} } } }`;
const remote = (more: string): string => `{ "version": 1, "backends": { "github": { "transport": "http", "egress_allowlist": [], ${more} } } }`;
const command = (value: string): string => `{"plugins":{"shell":{"secrets":{"gh":{"GH_TOKEN":${JSON.stringify(value)}}}}}}`;

describe('secrets in the configuration', () => {
  const clear: [title: string, uri: string, text: string, after: string][] = [
    ['a variable of a command', config, command('short'), `short => ${command('${secret:gh.token}')}`],
    ['a variable of a server', backends, profile(`, "env": { "GITHUB_TOKEN": "${token}" }`), `${token} => ${profile(', "env": { "GITHUB_TOKEN": "${secret:github.token}" }')}`],
    ['a header, whose scheme stays', backends, remote(`"url": "https://a.example/mcp", "headers": { "Authorization": "Bearer ${password}" }`), `${password} => ${remote('"url": "https://a.example/mcp", "headers": { "Authorization": "Bearer ${secret:github.authorization}" }')}`],
    ['escapes, as they stand', backends, profile(', "env": { "PASSWORD": "a\\"b\\u0041c\\\\" }'), `a\\"b\\u0041c\\\\ => ${profile(', "env": { "PASSWORD": "${secret:github.password}" }')}`],
    ['a value beside a reference', backends, profile(`, "env": { "X": "\${secret:github.token} ${token}" }`), `${token} => ${profile(', "env": { "X": "${secret:github.token} ${secret:github.x}" }')}`],
    ['an argument, which goes with its flag', backends, profile(`, "args": ["-v", "--token", "${password}"]`), `${password} => ${profile(', "args": ["-v"]')}`],
    ['an argument in one', backends, profile(`, "args": ["--token=${password}", "-v"]`), `${password} => ${profile(', "args": ["-v"]')}`],
    ['an address, of which the rest stays', backends, remote(`"url": "https://a.example/mcp?api_key=${password}"`), `${password} => ${remote('"url": "https://a.example/mcp?api_key="')}`],
    ['a key that does not exist', config, `{"audit":{},"apiKey":"${password}"}`, `${password} => {"audit":{}}`],
    ['a token as a key', config, `{"audit":{},"${token}":1}`, `${token} => {"audit":{}}`],
    ['a token in a list', config, `{"plugins":{"shell":{"allowedCommands":["ls","${token}"]}}}`, `${token} => {"plugins":{"shell":{"allowedCommands":["ls"]}}}`],
    ['a token that is first in its list', config, `{"plugins":{"shell":{"allowedCommands":["${token}", "ls"]}}}`, `${token} => {"plugins":{"shell":{"allowedCommands":["ls"]}}}`],
    ['a token that is alone before a comma', config, `{"plugins":{"shell":{"allowedCommands":["${token}" ,]}}}`, `${token} => {"plugins":{"shell":{"allowedCommands":[]}}}`],
    ['a token as the schema', config, `{"$schema":"${token}"}`, `${token} => {}`],
    ['a comment', config, `{ // "token": "${password}"\n}`, `${password} => { // "token": "\${secret:my.token}"\n}`],
    ['the note of a server', backends, profile(`, "description": "use ${token}"`), `${token} => ${profile('')}`],
  ];
  for (const [title, uri, text, after] of clear) {
    it(`credentials:typed: moves ${title}`, () => {
      assert.equal(moved(uri, text), after);
      const { said } = found(uri, text);
      // Where a reference would be read, the server is not started.
      assert.deepEqual(said.map(({ diagnostic: { severity, code } }) => [severity, code]), [[uri === backends && /"(?:env|headers)"/.test(text) ? 1 : 2, uri === config ? 'config.secret' : 'backends.clearSecret']]);
      assert.equal(said[0]?.command?.title, 'Move to credential store…');
    });
  }

  it('credentials:typed: says nothing of what is no secret', () => {
    const quiet: [uri: string, text: string][] = [
      [config, '{}'], [config, '{ // the token of GitHub is in the store; password: ask Ann\n"secrets": {"inArguments": "ask"} }'],
      [config, '{"plugins":{"shell":{"allowedCommands":["git","token"]},"filesystem":{"allowedPaths":["~/Secrets2/keyA1b2C3d4"]}}}'],
      [config, command('${secret:github.token}')], [config, '{"secrets":"allow","apiKey":"<your key>","password":"changeme"}'],
      [backends, profile(', "env": { "HOME_ID": "0f8fad5b-d9cb-469f-a165-70867728950e", "NODE_ENV": "production", "TOKEN": "${secret:github.token}" }, "args": ["--rev", "3f786850e387550fdab836ed7e6dc881de23001b"]')],
      [backends, remote('"url": "https://a.example:8443/mcp?x=1", "headers": { "Authorization": "Bearer ${secret:github.token}" }')],
      [policy, '{ "version": "1", "rules": [{ "backend": "a", "tools": ["list_secrets"] }] }'],
    ];
    for (const [uri, text] of quiet) assert.deepEqual(found(uri, text).said.map(({ diagnostic }) => diagnostic.code), [], text);
  });

  it('credentials:references: a name that is not in the store is told, with what sets it and one that is like it', () => {
    const { said } = found(backends, profile(', "env": { "A": "${secret:github.tokn}", "B": "x ${secret:github.token}", "C": "${secret:mail.password}" }'));
    assert.deepEqual(said.map(({ diagnostic: { code, severity }, fix, command: does }) => [code, severity, fix?.edit.newText, does?.command, does?.arguments]), [
      ['credentials.missing', 2, '${secret:github.token}', 'conductor.credentials.set', ['github.tokn']],
      ['credentials.missing', 2, undefined, 'conductor.credentials.set', ['mail.password']],
    ]);
    assert.deepEqual(found(config, command('${secret:gh.none}')).said.map(({ diagnostic }) => diagnostic.code), ['credentials.missing']);
  });

  it('credentials:references: a locked store gives one hint, and an empty one knows that nothing is set', () => {
    const text = profile(', "env": { "A": "${secret:a.a}", "B": "${secret:b.b}" }');
    const told = (state: CredentialNames['state']): unknown[] => found(backends, text, languageWith({ state, message: '', credentials: [] })).said.map(({ diagnostic }) => [diagnostic.severity, diagnostic.code]);
    assert.deepEqual(told('locked'), [[3, 'credentials.unknown']]);
    assert.deepEqual(told('empty'), [[2, 'credentials.missing'], [2, 'credentials.missing']]);
  });

  it('credentials:references: where none is read, that is told', () => {
    assert.deepEqual(found(backends, profile(', "args": ["${secret:github.token}"]')).said.map(({ diagnostic }) => diagnostic.code), ['credentials.notRead']);
  });

  const at = (uri: string, marked: string): { document: TextDocument; position: ReturnType<TextDocument['positionAt']> } => {
    const document = TextDocument.create(uri, 'jsonc', 1, marked.replace('|', ''));
    return { document, position: document.positionAt(marked.indexOf('|')) };
  };
  const completed: [title: string, uri: string, marked: string, after: string | undefined][] = [
    ['in an empty variable of a command', config, command('|'), command('${secret:github.token}')],
    ['after its beginning', config, command('${secret:|'), command('${secret:github.token}')],
    ['within braces that the editor closed', backends, profile(', "env": { "A": "x ${|} y" }'), profile(', "env": { "A": "x ${secret:github.token} y" }')],
    ['over what stands there', backends, remote('"url": "https://a.example", "headers": { "A": "${secret:gi|thub.other}" }'), remote('"url": "https://a.example", "headers": { "A": "${secret:github.token}" }')],
    ['not in arguments', backends, profile(', "args": ["${secret:|"]'), undefined],
    ['not in other texts', config, '{"$schema":"${secret:|"}', undefined],
  ];
  for (const [title, uri, marked, after] of completed) {
    it(`credentials:references: names are offered ${title}`, async () => {
      const { document, position } = at(uri, marked);
      const items = ((await languageWith().completion(document, position))?.items ?? []).filter(({ label }) => label.startsWith('${secret:'));
      assert.deepEqual(items.map(({ label, detail }) => [label, detail]), after === undefined ? [] : [['${secret:github.token}', 'set 3 days ago'], ['${secret:npm.token}', 'set 3 days ago']]);
      const edit = items[0]?.textEdit;
      if (after !== undefined) assert.equal(edit !== undefined && 'range' in edit && TextDocument.applyEdits(document, [edit]), after);
    });
  }

  it('credentials:references: hovering tells the name, its age and who may use it', async () => {
    const { document, position } = at(config, command('${secret:git|hub.token}'));
    assert.deepEqual((await languageWith().hover(document, position))?.contents, { kind: 'plaintext', value: `Credential github.token\nValue since ${moment.slice(0, 10)} (3 days ago)\nLast used: never\nMay be used by: backend:github` });
    const locked = await languageWith({ state: 'locked', message: '', credentials: [] }).hover(document, position);
    assert.match(JSON.stringify(locked?.contents), /locked/);
  });
});
