// The smallest server that can be measured against: one tool that says what it is told, by hand, over stdio.
process.stdin.setEncoding('utf8');
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const echo = { name: 'echo', description: 'Says what it is told.', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } };
let rest = '';
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) continue;
    if (method === 'initialize') send({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1' } } });
    else if (method === 'tools/list') send({ id, result: { tools: [echo] } });
    else if (method === 'tools/call') send({ id, result: { content: [{ type: 'text', text: params.arguments.text }] } });
    else if (method === 'ping') send({ id, result: {} });
    else send({ id, error: { code: -32601, message: 'Method not found' } });
  }
});
process.stdin.on('end', () => process.exit(0));
