// An external MCP server over stdio that reaches for hosts in every way that programs do, and says what came of it.
import { request } from 'node:http';
import { connect } from 'node:net';
import { existsSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';

const names = ['failing', 'through', 'tunnel', 'direct', 'unproven', 'look', 'environment', 'descriptors'];
const proxy = () => new URL(process.env.HTTP_PROXY);
const proof = () => `Basic ${Buffer.from(`${proxy().username}:${proxy().password}`).toString('base64')}`;

const body = (answer) => new Promise((done) => {
  let text = '';
  answer.on('data', (chunk) => (text += chunk)).on('end', () => done(text));
});
const asked = (options) => new Promise((done) => {
  request({ host: proxy().hostname, port: proxy().port, agent: false, ...options }, async (answer) => done(`${answer.statusCode} ${await body(answer)}`))
    .on('connect', (answer, socket) => {
      if (answer.statusCode !== 200) return socket.on('data', (chunk) => done(`${answer.statusCode} ${chunk}`)).on('end', () => done(`${answer.statusCode}`));
      let text = '';
      socket.on('data', (chunk) => (text += chunk)).on('end', () => done(`200 ${text.split('\r\n\r\n')[1]}`));
      socket.write(`GET / HTTP/1.1\r\nHost: tunnel\r\nConnection: close\r\n\r\n`);
    })
    .on('error', (error) => done(error.code ?? error.message))
    .end();
});

const calls = {
  through: ({ url, headers = {} }) => asked({ path: url, headers: { 'proxy-authorization': proof(), host: 'somewhere.else', connection: 'close, x-hop', 'x-hop': '1', ...headers } }),
  tunnel: ({ to }) => asked({ method: 'CONNECT', path: to, headers: { 'proxy-authorization': proof() } }),
  unproven: ({ url }) => asked({ path: url, headers: {} }),
  direct: ({ host, port }) => new Promise((done) => connect({ host, port, timeout: 5000 }).on('connect', () => done('connected')).on('timeout', () => done('timeout')).on('error', (error) => done(error.code))),
  look: ({ path }) => (existsSync(path) ? `there: ${readdirSync(path).length}` : 'not there'),
  environment: () => JSON.stringify(Object.fromEntries(Object.entries(process.env).filter(([name]) => /proxy|channel|^node_/i.test(name)))),
  descriptors: () => readdirSync('/proc/self/fd').length.toString() + (process.channel === undefined ? ' no channel' : ' channel'),
};

const answers = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'reaching', version: '1' } }),
  'tools/list': () => ({ tools: names.map((name) => ({ name, description: name, inputSchema: { type: 'object' } })) }),
  'tools/call': async ({ name, arguments: given = {} }) => (name === 'failing' ? { isError: true, content: [{ type: 'text', text: given.how === undefined ? 'The sum is wrong.' : `failed: ${await calls[given.how](given)}` }] } : { content: [{ type: 'text', text: String(await calls[name](given)) }] }),
};

if (process.argv[2] === 'needy') {
  // One that will not start without a host of its own.
  const got = await calls.through({ url: process.argv[3] });
  if (!got.startsWith('200')) process.exit(3);
}
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params = {} } = JSON.parse(line);
  if (id === undefined) return;
  const answer = answers[method] === undefined ? { error: { code: -32601, message: 'Method not found' } } : { result: await answers[method](params) };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
});
