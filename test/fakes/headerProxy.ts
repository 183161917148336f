import { createServer, request } from 'node:http';

/** Puts headers before requests for clients that cannot send them, and names the goal as host where they named the proxy; a wrong host or origin passes as it is. */
export async function startHeaderProxy(goal: Readonly<{ port: number; path: string; headers(): Readonly<Record<string, string>> }>): Promise<{ port: number; close(): Promise<void> }> {
  let own = '';
  const server = createServer((came, answer) => {
    const { host = '', origin, ...rest } = came.headers;
    const meant = (name: string): string => (name === own || name === own.replace('127.0.0.1', 'localhost') ? name.replace(/:\d+$/, `:${String(goal.port)}`) : name);
    // The origin of a page of this proxy is no page: what the suite means by it is "from here".
    const from = origin === undefined || meant(origin.replace('http://', '')) !== origin.replace('http://', '') ? {} : { origin };
    const sent = request({ host: '127.0.0.1', port: goal.port, path: goal.path, method: came.method, headers: { ...rest, ...from, host: meant(host), ...goal.headers() } }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      answer.flushHeaders();
      got.pipe(answer);
    });
    sent.on('error', () => answer.destroy());
    answer.on('close', () => sent.destroy());
    came.pipe(sent);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  own = `127.0.0.1:${String(port)}`;
  return { port, close: () => new Promise((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }) };
}
