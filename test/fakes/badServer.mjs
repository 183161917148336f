// An external MCP server that misbehaves on demand, or speaks 2026-07-28 when told so. One JSON object a line, by hand.
const [era = 'session'] = process.argv.slice(2);
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const text = (said) => ({ content: [{ type: 'text', text: said }] });
const names = ['echo', 'hang', 'die', 'twice', 'unasked', 'junk', 'flood', 'floods', 'noise', 'huge', 'drip', 'doubled', 'odd', 'ask', 'cancelled', 'open', 'openFirst'];
const tools = names.map((name) => ({ name, description: name, inputSchema: { type: 'object' }, 'x-vendor': { kept: true } }));
let cancelled = 0;
let flooding = false;
const answered = new Map();

const calls = {
  echo: (id, { said = '' }) => send({ id, result: text(said) }),
  hang: () => undefined,
  die: () => process.exit(7),
  twice: (id) => [1, 2].forEach((n) => send({ id, result: text(`answer ${n}`) })),
  unasked: (id) => {
    for (let other = id + 1; other < id + 50; other += 1) send({ id: other, result: text('not asked') });
    send({ id: 'text', error: { code: 1, message: 'not asked' } });
    send({ method: 'notifications/progress', params: { progressToken: id + 7, progress: 1 } });
    send({ id, result: text('asked') });
  },
  junk: (id) => {
    for (let line = 0; line < 100; line += 1) console.log(`Listening on port ${line}`);
    send({ id, result: text('after junk') });
  },
  noise: () => setInterval(() => console.log('not JSON'), 1),
  floods: (id) => send({ id, result: text(String(flooding)) }),
  flood: () => (flooding = true) && setInterval(() => { for (let n = 0; n < 500; n += 1) send({ method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(1000) } }); }, 1),
  huge: (id, { megabytes = 500 }) => {
    process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`);
    const part = 'x'.repeat(1_000_000);
    let left = megabytes;
    const more = () => {
      for (; left > 0; left -= 1) if (!process.stdout.write(part)) return void process.stdout.once('drain', () => { left -= 1; more(); });
      process.stdout.write('"}]}}\n');
    };
    more();
  },
  drip: (id) => {
    const bytes = `{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}\n`;
    let at = 0;
    setInterval(() => at < bytes.length && process.stdout.write(bytes[at++]), 1000);
  },
  doubled: (id) => {
    process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"a","text":"b"}]}}\n`);
  },
  odd: (id) => send({ id, result: { content: [{ type: 'hologram', 'x-vendor': 1 }], structuredContent: [1, 2], 'x-vendor': 'kept', _meta: { trace: 't' } } }),
  open: (id, { url }) => {
    const question = { method: 'elicitation/create', params: { mode: 'url', message: 'Sign in', elicitationId: 'e1', url } };
    if (era === 'stateless') return send({ id, result: { resultType: 'input_required', inputRequests: { who: question } } });
    answered.set(`open ${id}`, (message) => send({ id, result: text(`answered: ${JSON.stringify(message.result ?? message.error)}`) }));
    send({ id: `open ${id}`, ...question });
  },
  openFirst: (id, { url }) => send({ id, error: { code: -32042, message: 'Open this first', data: { elicitations: [{ mode: 'url', message: 'Sign in', elicitationId: 'e1', url }] } } }),
  cancelled: (id) => send({ id, result: text(String(cancelled)) }),
  ask: (id, _args, { inputResponses, requestState }) => {
    if (inputResponses === undefined) send({ id, result: { resultType: 'input_required', inputRequests: { who: { method: 'elicitation/create', params: { mode: 'form', message: 'Who?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } } } }, requestState: 'opaque state' } });
    else send({ id, result: { resultType: 'complete', ...text(`${requestState}: ${JSON.stringify(inputResponses.who)}`) } });
  },
};

const answers = {
  initialize: (id) => send(era === 'stateless' ? { id, error: { code: -32601, message: 'Method not found' } } : { id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'bad', version: '1' } } }),
  'server/discover': (id) => send(era === 'stateless' ? { id, result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } } : { id, error: { code: -32601, message: 'Method not found' } }),
  'tools/list': (id) => send({ id, result: { tools } }),
  'tools/call': (id, params) => calls[params.name](id, params.arguments ?? {}, params),
};

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const { id, method, params, ...answer } = JSON.parse(line);
    if (method === undefined) answered.get(id)?.(answer);
    if (method === 'notifications/cancelled') cancelled += 1;
    else if (id !== undefined && method !== undefined && method !== 'subscriptions/listen') (answers[method] ?? (() => send({ id, error: { code: -32601, message: 'Method not found' } })))(id, params);
  }
});
process.stdin.on('end', () => process.exit(0));
