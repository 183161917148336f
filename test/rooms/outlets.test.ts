import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import outlets from './outlets.json';

/** Holds the table of outlets against the code: a new way out for bytes fails here until somebody has said what keeps secrets from it. */

const root = resolve(__dirname, '../..');

/** How code shows that it lets bytes out: by itself, or by one of the files of ours that do it for others. Imports of types let nothing out. */
const ways = {
  wire: /^import (?!type)[^;]*from '(?:node:(?:net|http|https|http2|tls|dgram)|undici|ws|vscode-jsonrpc[^']*|vscode-languageserver[^']*)'|\bfetch\(|\b(?:response|socket|stream|writer)\.(?:write|end)\(|^import (?!type)[^;]*from '[./\w]*\/(?:reply|dialer)'/m,
  terminal: /\bprocess\.(?:stdout|stderr)\b|\bconsole\./,
  program: /^import (?!type)[^;]*from '(?:node:child_process|[./\w]*\/(?:childProcess|lastingChild))'/m,
  file: /\b(?:writeFileSync|writeFile|appendFileSync|appendFile|writeSync|writevSync|createWriteStream|symlinkSync)\(|^import (?!type)[^;]*from '[./\w]*\/(?:privateFile|atomicFile|sealedFile)'/m,
} as const satisfies Record<Exclude<keyof typeof outlets, 'about'>, RegExp>;

function sources(): Map<string, string> {
  const files = ['server/src', 'link/src'].flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name.replaceAll('\\', '/')}`));
  return new Map(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).map((file) => [file, readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<![:'"])\/\/[^\n]*/g, '')]));
}

describe('outlets', () => {
  const code = sources();
  for (const [way, pattern] of Object.entries(ways) as [keyof typeof ways, RegExp][]) {
    it(`redaction:outlets: whatever lets bytes out over a ${way} is in the table, and nothing else`, () => {
      const found = [...code].filter(([, text]) => pattern.test(text)).map(([file]) => file).sort();
      assert.deepEqual(found, Object.keys(outlets[way]).sort(), `Say in test/rooms/outlets.json what keeps secrets out of a new outlet, and let the canary proof go through it.`);
    });
  }

  it('redaction:outlets: every door cleans what it sends', () => {
    const cleaned: Readonly<Record<string, RegExp>> = {
      'server/src/doors/editor.ts': /cleanWriter\(new StreamMessageWriter\(socket\), clean\)/,
      'server/src/doors/control.ts': /cleanWriter\(new StreamMessageWriter\(socket\), clean\)/,
      'server/src/doors/mcp/session.ts': /send: \(message, about\) => outlet\.send\(house\.clean\(message\), about\)/,
      'server/src/main.ts': /createLogger\([^;]*redactor\.value\)/,
    };
    for (const [file, pattern] of Object.entries(cleaned)) assert.match(code.get(file) ?? '', pattern, file);
    // A writer of messages that is not cleaned, and a session past its outlet.
    const raw = [...code].filter(([file, text]) => file.startsWith('server/src/doors/') && !file.includes('/cli/') && !file.endsWith('messageProof.ts') && (text.match(/new StreamMessageWriter\(/g) ?? []).length > (text.match(/cleanWriter\(new StreamMessageWriter\(/g) ?? []).length);
    assert.deepEqual(raw.map(([file]) => file), []);
  });
});
