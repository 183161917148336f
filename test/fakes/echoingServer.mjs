// An MCP server over stdio that says the secret of its environment in every way it can: as results, structured results, errors, progress,
// messages of its log, names of resources, and on its standard error.
import { createInterface } from 'node:readline';

const secret = process.env.CANARY ?? 'no canary';
const bytes = Buffer.from(secret);
const forms = [
  secret, bytes.toString('base64'), Buffer.from(`u:${secret}`).toString('base64'), bytes.toString('base64url'), bytes.toString('hex'), bytes.toString('hex').toUpperCase(),
  encodeURIComponent(secret), JSON.stringify(secret), [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  [...secret].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''), [...secret].reverse().join(''), bytes.toString('base64').replace(/.{8}/g, '$&\n'),
];
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const tools = ['say', 'fail', 'refuse'].map((name) => ({ name, description: `Says it: ${secret}`, inputSchema: { type: 'object' } }));

function called({ name, _meta }) {
  process.stderr.write(`stderr: ${forms.join(' ')}\n`);
  send({ method: 'notifications/message', params: { level: 'error', data: { forms } } });
  if (_meta?.progressToken !== undefined) forms.forEach((message, progress) => send({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress, message } }));
  if (name === 'refuse') return { error: { code: -32000, message: `refused ${forms.join(' ')}`, data: { forms } } };
  return { result: { content: [{ type: 'text', text: forms.join('\n') }, { type: 'resource', resource: { uri: `test:${encodeURIComponent(secret)}`, text: secret } }], structuredContent: { forms, [secret]: 1 }, isError: name === 'fail' } };
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === 'initialize') send({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {}, logging: {} }, serverInfo: { name: `echoing ${secret}`, version: '1' }, instructions: `use ${secret}` } });
  else if (method === 'tools/list') send({ id, result: { tools } });
  else if (method === 'tools/call') send({ id, ...called(params) });
  else send({ id, result: {} });
});
