import assert from 'node:assert/strict';
import { configSchema, defaultConfig } from '../../../protocol/src/config';
import { configProblemSchema } from '../../../protocol/src/messages';
import type { Finding } from './finding';
import { problemLimit, sizeLimit } from './jsonc';
import { parseConfig } from './parse';

function problemsOf(source: string | Uint8Array): Finding[] {
  const parsed = parseConfig(source);
  return parsed.kind === 'broken' ? parsed.problems : assert.fail(`accepted ${String(source).slice(0, 200)}`);
}

function only(source: string | Uint8Array): Finding {
  const problems = problemsOf(source);
  assert.equal(problems.length, 1, JSON.stringify(problems));
  return problems[0] ?? assert.fail();
}

/** The text with every offered change made, last one first. */
function corrected(source: string): string {
  return problemsOf(source)
    .flatMap(({ fix }) => fix ?? [])
    .reduceRight((text, { offset, length, newText }) => text.slice(0, offset) + newText + text.slice(offset + length), source);
}

describe('config parser', () => {
  it('fills in the defaults, by which no command is allowed', () => {
    assert.deepEqual(parseConfig('{}'), { kind: 'config', config: defaultConfig });
    assert.deepEqual(defaultConfig.plugins.shell.allowedCommands, []);
    assert.deepEqual(defaultConfig.plugins.shell.requireApproval, []);
    assert.deepEqual(defaultConfig.plugins.filesystem, { enabled: true, allowedPaths: [], requireApproval: ['write', 'delete'], writeScope: [] });
    assert.deepEqual(defaultConfig.circuitBreaker, { failureThreshold: 5, successThreshold: 1, timeout: 30_000, overrides: {} });
  });

  it('accepts comments, trailing commas and a byte order mark, as text and as bytes', () => {
    const text = '\ufeff// mine\n{ "plugins": { /* the shell */ "shell": { "allowedCommands": ["git", "ls",], }, }, }\n';
    const expected = { kind: 'config', config: configSchema.parse({ plugins: { shell: { allowedCommands: ['git', 'ls'] } } }) };
    assert.deepEqual(parseConfig(text), expected);
    assert.deepEqual(parseConfig(Buffer.from(text)), expected);
    assert.deepEqual(parseConfig(text.slice(1)), expected);
  });

  it('keeps offsets and columns right after a byte order mark', () => {
    const { offset, length, column } = only('\ufeff{"plugin":{}}');
    assert.deepEqual([offset, length, column], [2, 8, 3]);
  });

  it('gives problems in the shape of the protocol', () => {
    const { message, path, line, column } = only('{\n  "approvalTimeout": "30s"\n}');
    assert.deepEqual(configProblemSchema.parse({ message, path, line, column }), {
      message: 'Write a number here, not "30s".',
      path: 'approvalTimeout',
      line: 2,
      column: 22,
    });
  });

  const places: [title: string, text: string, place: string, code: string][] = [
    ['an unclosed object', '{\n  "plugins": {', '2:15 ', 'config.syntax'],
    ['two values', '{}\n{}', '2:1 ', 'config.syntax'],
    ['a missing comma', '{"server":{}\r\n"plugins":{}}', '2:1 ', 'config.syntax'],
    ['nothing', '', '1:1 ', 'config.syntax'],
    ['only a comment', '// later', '1:9 ', 'config.syntax'],
    ['a list for the whole', '[]', '1:1 ', 'config.type'],
    ['null for the whole', 'null', '1:1 ', 'config.type'],
    ['T39: a misspelled key', '{"plugins":\r{"shel":{}}}', '2:2 plugins.shel', 'config.unknownKey'],
    ['T39: an unknown key after a good one', '{"audit":{},"x":{}}', '1:13 x', 'config.unknownKey'],
    ['T39: an unknown choice', '{"server":{"logLevel":"loud"}}', '1:23 server.logLevel', 'config.choice'],
    ['T39: a word for a switch', '{"plugins":{"shell":{"enabled":"false"}}}', '1:32 plugins.shell.enabled', 'config.type'],
    ['a number too small', '{"approvalTimeout":1}', '1:20 approvalTimeout', 'config.range'],
    ['a number too large', '{"plugins":{"shell":{"timeoutMs":600001}}}', '1:34 plugins.shell.timeoutMs', 'config.range'],
    ['a fraction', '{"approvalTimeout":500.5}', '1:20 approvalTimeout', 'config.type'],
    ['an infinite number', '{"approvalTimeout":1e999}', '1:20 approvalTimeout', 'config.type'],
    ['a duplicate key', '{"audit":{},\n "audit":{}}', '2:2 audit', 'config.duplicateKey'],
    ['a duplicate key written with an escape', '{"audit":{},"a\\u0075dit":{}}', '1:13 audit', 'config.duplicateKey'],
    ['a tool name without a dot', '{"circuitBreaker":{"overrides":{"shell":{}}}}', '1:33 circuitBreaker.overrides.shell', 'config.keyForm'],
    ['a key in a key with a dot', '{"circuitBreaker":{"overrides":{"shell.exec":{"x":1}}}}', '1:47 circuitBreaker.overrides["shell.exec"].x', 'config.unknownKey'],
    ['a wildcard', '{"plugins":{"shell":{"allowedCommands":["git","npm*"]}}}', '1:47 plugins.shell.allowedCommands[1]', 'config.form'],
    ['a relative folder', '{"plugins":{"filesystem":{"allowedPaths":["../x"]}}}', '1:43 plugins.filesystem.allowedPaths[0]', 'config.form'],
    ['T18: __proto__', '{"__proto__":{}}', '1:2 __proto__', 'config.unknownKey'],
    ['T18: __proto__ where keys are free', '{"circuitBreaker":{"overrides":{"__proto__":{"timeout":100}}}}', '1:33 circuitBreaker.overrides.__proto__', 'config.unknownKey'],
    ['T18: toString', '{"plugins":{"toString":{}}}', '1:13 plugins.toString', 'config.unknownKey'],
  ];
  for (const [title, text, place, code] of places) {
    it(`refuses ${title} and says where`, () => {
      const found = only(text);
      assert.deepEqual([`${String(found.line)}:${String(found.column)} ${found.path}`, found.code, found.severity], [place, code, 'error']);
    });
  }

  const advice: [text: string, words: RegExp][] = [
    ['{"plugins":{"shell":{"allowedComands":[]}}}', /Did you mean "allowedCommands"\?/],
    ['{"PLUGINS":{}}', /Did you mean "plugins"\?/],
    ['{"server":{"logLevel":"warning"}}', /Did you mean "warn"\?/],
    ['{"allowedCommands":[]}', /It belongs in plugins\.shell\./],
    ['{"requireApproval":[]}', /It belongs in plugins\.shell, plugins\.filesystem or plugins\.git\./],
    ['{"server":{"authToken":"x"}}', /secrets do not belong in this file/],
    ['{"server":{"zzz":1}}', /Known here: logLevel, idleMinutes, transport, port, allowedOrigins or requestsPerMinute\./],
    ['{"plugins":{"shell":{"allowedCommands":["/usr/bin/git"]}}}', /paths are not accepted.*Write "git"\./],
    ['{"plugins":{"shell":{"allowedCommands":["C:\\\\Git\\\\git.exe"]}}}', /Write "git"\./],
    ['{"plugins":{"shell":{"allowedCommands":["npm test"]}}}', /Write "npm"\./],
    ['{"plugins":{"shell":{"allowedCommands":["git*"]}}}', /wildcards are not accepted/],
    ['{"plugins":{"shell":{"allowedCommands":["gi\u200bt"]}}}', /gi\\u\{200b\}t/],
    ['', /Write \{\} for the defaults/],
  ];
  for (const [text, words] of advice) it(`says what to write instead of ${text}`, () => assert.match(only(text).message, words));

  it('marks keys and plain values whole, objects and lists by their first character', () => {
    const marked = (text: string): string => text.slice(only(text).offset, only(text).offset + only(text).length);
    assert.equal(marked('{"plugin":{}}'), '"plugin"');
    assert.equal(marked('{"approvalTimeout":"soon"}'), '"soon"');
    assert.equal(marked('{"plugins":{"shell":["git"]}}'), '[');
  });

  it('says to write double quotes instead of single ones', () => assert.match(problemsOf("{'plugins': {}}")[0]?.message ?? '', /double quotes/));

  it('offers changes that make the file right', () => {
    const text = '{"plugin":{"shell":{}},"server":{"logLevel":"warning"}}';
    assert.deepEqual(parseConfig(corrected(text)), { kind: 'config', config: configSchema.parse({ server: { logLevel: 'warn' } }) });
    const paths = '{"plugins":{"shell":{"allowedCommands":["/usr/bin/git","npm test"]}}}';
    assert.equal(corrected(paths), '{"plugins":{"shell":{"allowedCommands":["git","npm"]}}}');
  });

  it('tells everything that is wrong, in the order of the file', () => {
    const text = '{"audit":{"x":1},"server":{"logLevel":1},"audit":{},"approvalTimeout":true}';
    assert.deepEqual(problemsOf(text).map(({ path }) => path), ['server.logLevel', 'audit', 'approvalTimeout']);
  });

  it('says nothing of the schema while the syntax is wrong', () => {
    assert.deepEqual(problemsOf('{"plugin":{},"server":}').map(({ code }) => code), ['config.syntax']);
  });

  it('refuses files that are too large, too deep, or no UTF-8', () => {
    const padding = ' '.repeat(sizeLimit - 2);
    assert.equal(parseConfig(`{${padding}}`).kind, 'config');
    assert.equal(parseConfig(Buffer.from(`{${padding}}`)).kind, 'config');
    assert.match(only(`{${padding} }`).message, /larger than 1 MiB/);
    assert.match(only(Buffer.from(`{${padding} }`)).message, /larger than 1 MiB/);
    assert.match(only(Buffer.from(`{}//${'é'.repeat(sizeLimit / 2)}`)).message, /larger than 1 MiB/);
    assert.match(only('['.repeat(sizeLimit)).message, /levels deep/);
    assert.match(only(Buffer.from('{}', 'utf16le').fill(0xff, 0, 1)).message, /UTF-8/);
  });

  it('tells at most a hundred problems, however many there are', () => {
    const keys = Array.from({ length: 60_000 }, (_, index) => `"k${String(index)}":1`).join();
    assert.equal(problemsOf(`{${keys}}`).length, problemLimit);
    assert.equal(problemsOf(`{${'"audit":{},'.repeat(500)}}`).length, problemLimit);
    assert.equal(problemsOf(`[${'x '.repeat(300_000)}]`).length, problemLimit);
    assert.equal(problemsOf(`{"plugins":{"shell":{"allowedCommands":[${'1,'.repeat(300_000)}]}}}`).length, problemLimit);
  });
});
