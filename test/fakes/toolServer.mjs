// A small MCP server over stdio. Its tools stand in the JSON file that is its first argument, read at every tools/list; each request is
// noted, one method a line, in the file that is its second argument. A tool answers with its `x-answer`, where it has one; one named `meta`
// with the `_meta` of its call, one named `where` with its folder, one named `tell` after the word that its tools
// are others, one named `end` with the end of the program.
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [, , tools, notes, words] = process.argv;
const offered = () => JSON.parse(readFileSync(tools, 'utf8'));
// Instructions and prompts, where a third file holds them.
const said = () => (words === undefined ? {} : JSON.parse(readFileSync(words, 'utf8')));

function answer(method, params) {
  switch (method) {
    case 'initialize':
      return { result: { protocolVersion: '2025-06-18', capabilities: { tools: { listChanged: true }, ...(words === undefined ? {} : { prompts: { listChanged: true } }) }, serverInfo: { name: 'tools', version: '1' }, instructions: said().instructions } };
    case 'tools/list':
      return { result: { tools: offered() } };
    case 'tools/call':
      if (params.name === 'end') process.exit(3);
      if (params.name === 'tell') process.stdout.write('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n');
      if (params.name === 'where') return { result: { content: [{ type: 'text', text: process.cwd() }] } };
      return offered().find(({ name }) => name === params.name)?.['x-answer'] ?? { result: { content: [{ type: 'text', text: params.name === 'meta' ? JSON.stringify(params._meta) : 'called' }] } };
    case 'prompts/list':
      return { result: { prompts: said().prompts } };
    case 'prompts/get':
      return { result: { messages: [{ role: 'user', content: { type: 'text', text: `prompt ${params.name}` } }] } };
    case 'ping':
      return { result: {} };
    default:
      return { error: { code: -32601, message: 'Method not found' } };
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (notes !== undefined) appendFileSync(notes, `${method}\n`);
  if (method === 'prompts/list' && said().hang === true) return;
  if (id !== undefined) process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer(method, params) })}\n`);
});
