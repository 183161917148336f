import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parseConfig } from '../config/parse';
import { configJsonSchema } from '../config/schema';
import { createLanguage } from './language';

const configFile = '/home/me/.conductor/config.json';
const language = createLanguage({ configFile, tools: ['shell.exec', 'filesystem.read'] });

function documentOf(text: string): TextDocument {
  return TextDocument.create(pathToFileURL(configFile).href, 'jsonc', 1, text);
}

/** The text without `|`, and the position at which it stood. */
function at(marked: string) {
  const offset = marked.indexOf('|');
  const document = documentOf(marked.replace('|', ''));
  return { document, position: document.positionAt(offset) };
}

async function labels(marked: string): Promise<string[]> {
  const { document, position } = at(marked);
  const list = await language.completion(document, position);
  return (list?.items ?? []).map(({ label }) => label);
}

describe('configuration language', () => {
  describe('completion', () => {
    const table: [title: string, marked: string, offered: string[]][] = [
      ['keys at the top', '{ | }', ['server', 'plugins', 'approvalTimeout', 'circuitBreaker', 'audit']],
      ['keys of a plugin, inside quotes', '{ "plugins": { "shell": { "|" } } }', ['enabled', 'allowedCommands', 'requireApproval', 'timeoutMs']],
      ['choices', '{ "server": { "logLevel": | } }', ['"error"', '"warn"', '"info"', '"debug"']],
      ['file actions', '{ "plugins": { "filesystem": { "requireApproval": ["|"] } } }', ['"read"', '"write"', '"list"', '"search"', '"delete"']],
      ['well-known programs', '{ "plugins": { "shell": { "allowedCommands": [|] } } }', ['"git"', '"ls"', '"rg"']],
      ['well-known programs that ask', '{ "plugins": { "shell": { "requireApproval": ["|"] } } }', ['"rm"', '"docker"']],
      ['tools', '{ "circuitBreaker": { "overrides": { | } } }', ['shell.exec', 'filesystem.read']],
      ['keys of an override', '{ "circuitBreaker": { "overrides": { "shell.exec": { | } } } }', ['failureThreshold', 'successThreshold', 'timeout']],
      ['keys after a comment and in a document that is not whole yet', '{ // mine\n "audit": { |', ['readOnlyDurability']],
      ['keys although the document names a schema of its own', '{ "$schema": "https://example.com/other.json", "audit": { | } }', ['readOnlyDurability']],
    ];
    for (const [title, marked, offered] of table) {
      it(`offers ${title}`, async () => {
        const found = await labels(marked);
        for (const label of offered) assert.ok(found.includes(label), `${label} is not among ${found.join(' ')}`);
      });
    }

    it('offers each key once, and none that stands there already', async () => {
      const found = await labels('{ "audit": {}, | }');
      assert.equal(new Set(found).size, found.length);
      assert.equal(found.includes('audit'), false);
    });

    it('does not offer a program that the list has already', async () => {
      const found = await labels('{ "plugins": { "shell": { "allowedCommands": ["git", |] } } }');
      assert.equal(found.includes('"git"'), false);
      assert.ok(found.includes('"ls"'));
    });

    it('says of a program what asks anyway', async () => {
      const { document, position } = at('{ "plugins": { "shell": { "allowedCommands": [|] } } }');
      const list = await language.completion(document, position);
      const find = list?.items.find(({ label }) => label === '"find"');
      assert.match(JSON.stringify(find?.documentation), /-exec.*ask/);
    });

    it('makes a valid file of whatever it inserts for a key', async () => {
      for (const marked of ['{ | }', '{ "plugins": { "shell": { | } } }', '{ "circuitBreaker": { | } }', '{ "server": { | } }']) {
        const { document, position } = at(marked);
        const list = await language.completion(document, position);
        assert.ok((list?.items.length ?? 0) > 0, marked);
        for (const { label, textEdit } of list?.items ?? []) {
          if (textEdit === undefined || !('range' in textEdit)) continue;
          const plain = textEdit.newText.replace(/\$\{\d+:([^}]*)\}/g, '$1').replace(/(?<!\\)\$\d+/g, '').replaceAll('\\$', '$');
          if (/"\w+": *,?$/.test(plain)) continue; // A key whose value the person chooses among several.
          const text = TextDocument.applyEdits(document, [{ ...textEdit, newText: plain }]);
          assert.equal(parseConfig(text).kind, 'config', `${label}: ${text}`);
        }
      }
    });
  });

  it('shows the meaning of keys and programs on hover', async () => {
    const hover = async (marked: string): Promise<string> => {
      const { document, position } = at(marked);
      return JSON.stringify((await language.hover(document, position))?.contents ?? '');
    };
    assert.match(await hover('{ "approval|Timeout": 1000 }'), /Milliseconds that a call waits/);
    assert.match(await hover('{ "plugins": { "shell": { "allowed|Commands": [] } } }'), /without asking/);
    assert.match(await hover('{ "circuitBreaker": { "overrides": { "shell.exec": { "time|out": 100 } } } }'), /one probe is let through/);
    assert.match(await hover('{ "plugins": { "shell": { "allowedCommands": ["fi|nd"] } } }'), /-exec/);
  });

  describe('diagnostics', () => {
    const texts = ['', '{', '{}', '[]', '{"plugin":{}}', '{"plugins":{"shell":{"allowedCommands":["/bin/ls","a*",3]}}}', '{"audit":{},"audit":{}}', '{"approvalTimeout":1,}', '{"__proto__":1}', '['.repeat(100_000)];
    for (const text of texts) {
      it(`has the errors for which the broker refuses ${text.slice(0, 40) || 'an empty file'}, and no others`, () => {
        const parsed = parseConfig(text);
        const refused = parsed.kind === 'config' ? [] : parsed.problems.map(({ message, line, column, code }) => [message, line - 1, column - 1, code]);
        const errors = language.diagnostics(documentOf(text)).filter(({ diagnostic }) => diagnostic.severity === 1);
        assert.deepEqual(errors.map(({ diagnostic: { message, range, code } }) => [message, range.start.line, range.start.character, code]), refused);
      });
    }

    it('carries source, code and severity, advice included', () => {
      const found = language.diagnostics(documentOf('{"plugins":{"shell":{"allowedCommands":["node"],"requireApproval":["node"],"x":1}}}'));
      assert.deepEqual(found.map(({ diagnostic: { source, code, severity } }) => [source, code, severity]), [
        ['conductor', 'config.bothLists', 2],
        ['conductor', 'config.unknownKey', 1],
      ]);
    });

    it('carries the change that corrects a misspelled key', () => {
      const document = documentOf('{"plugin":{}}');
      const [found] = language.diagnostics(document);
      assert.equal(found?.fix?.title, 'Change to "plugins"');
      assert.equal(TextDocument.applyEdits(document, found?.fix === undefined ? [] : [found.fix.edit]), '{"plugins":{}}');
    });
  });

  it('answers nothing but diagnostics for text that nests without end', async () => {
    const document = documentOf('['.repeat(500_000));
    assert.equal(await language.completion(document, { line: 0, character: 5 }), null);
    assert.equal(await language.hover(document, { line: 0, character: 5 }), null);
    assert.deepEqual(language.symbols(document), []);
    assert.deepEqual(language.format(document, { tabSize: 2, insertSpaces: true }), []);
    assert.equal(language.diagnostics(document).length, 1);
  });

  it('gives an outline, and formats with comments kept', () => {
    const document = documentOf('{"audit":{},// keep\n"server":{"logLevel":"info"}}');
    assert.deepEqual(language.symbols(document).map(({ name }) => name), ['audit', 'server']);
    const formatted = TextDocument.applyEdits(document, language.format(document, { tabSize: 2, insertSpaces: true }));
    assert.match(formatted, /^\{\n {2}"audit": \{\}, \/\/ keep\n/);
  });

  it('leaves the schema of its caller as it was', () => {
    const schema = configJsonSchema();
    createLanguage({ configFile, schema, tools: ['shell.exec'] });
    assert.deepEqual(schema, configJsonSchema());
  });

  it('owns the configuration file and no other', () => {
    const table: [uri: string, owned: boolean][] = [
      [pathToFileURL(configFile).href, true],
      ['file:///home/me/%2Econductor/config.json', true],
      ['file:///home/me/x/../.conductor/config.json', true],
      ['file:///home/me/project/.conductor/config.json', false],
      ['untitled:/home/me/.conductor/config.json', false],
      ['git:/home/me/.conductor/config.json', false],
      ['file://server/home/me/.conductor/config.json', false],
      ['no uri', false],
    ];
    for (const [uri, owned] of table) assert.equal(language.owns(uri), owned, uri);
  });
});
