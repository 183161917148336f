import assert from 'node:assert/strict';
import { parseToml } from './toml';

const plain = (text: string): unknown => JSON.parse(JSON.stringify(parseToml(text)));

describe('toml', () => {
  it('reads what configuration files hold', () => {
    assert.deepEqual(
      plain(`# mine\nmodel = "x" # a comment\nn = 1_000\n[mcp_servers.docs]\ncommand = 'npx'\nargs = [\n  "-y", # quiet\n  "a\\"b\\u0041",\n]\nenv = { TOKEN = "t", "odd key" = "v" }\n[mcp_servers."a.b".env]\nA = """\nx\ny"""\n[[list]]\non = true\n[[list]]\non = false\na.b = 1\n`),
      { model: 'x', n: 1000, mcp_servers: { docs: { command: 'npx', args: ['-y', 'a"bA'], env: { TOKEN: 't', 'odd key': 'v' } }, 'a.b': { env: { A: 'x\ny' } } }, list: [{ on: true }, { on: false, a: { b: 1 } }] },
    );
  });

  it('has no inherited members', () => {
    const read = parseToml('[__proto__]\npolluted = true');
    assert.deepEqual(Object.keys(read), ['__proto__']);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });

  for (const [text, line] of [['a = ', 1], ['a = 1\na = 2', 2], ['a = "x', 1], ['[a\nb = 1', 1], ['a = 1 b = 2', 1], ['a = [1', 1], ['a = "\\q"', 1], [`a = ${'['.repeat(100)}`, 1], ['a = 1\n[a.b]', 2]] as const) {
    it(`names the line of ${JSON.stringify(text.slice(0, 20))}`, () => assert.throws(() => parseToml(text), (error: unknown) => error instanceof SyntaxError && error.message.startsWith(`Line ${String(line)}:`)));
  }
});
