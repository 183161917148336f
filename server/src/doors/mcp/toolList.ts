import type { Tool as McpTool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Tool } from '../../tools/tool';

/** The tools as clients see them. */

/** The name of the tool that a client means: on the wire names have underscores, since many clients accept nothing else; the dotted name is accepted, too. */
export function dotted(name: string, tools: ReadonlyMap<string, Tool>): string {
  if (tools.has(name)) return name;
  for (const known of tools.keys()) if (wireName(known) === name) return known;
  return name;
}

function wireName(name: string): string {
  return name.replaceAll('.', '_');
}

const schemas = new WeakMap<Tool, McpTool['inputSchema']>();

/** What `tools/list` answers. */
export function listTools(tools: readonly Tool[]): (McpTool | Readonly<Record<string, unknown>>)[] {
  return tools.map((tool) => tool.descriptor ?? ({ name: wireName(tool.name), title: tool.title, description: tool.description, inputSchema: inputSchemaOf(tool), annotations: { title: tool.title, ...tool.annotations } }));
}

function inputSchemaOf(tool: Tool): McpTool['inputSchema'] {
  const known = schemas.get(tool);
  if (known !== undefined) return known;
  const { $schema: _dialect, ...schema } = z.toJSONSchema(tool.input, { io: 'input', target: 'draft-7' });
  const made = { ...schema, type: 'object' as const } as McpTool['inputSchema'];
  schemas.set(tool, made);
  return made;
}
