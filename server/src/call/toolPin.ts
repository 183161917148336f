import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import type { Tool } from '../tools/tool';

const pins = new WeakMap<Tool, string>();

/** SHA-256 hex of all that a tool says of itself to people and agents: a tool that says something else is another tool to whoever approved it (T43). */
export function pinOf(tool: Tool): string {
  const known = pins.get(tool);
  if (known !== undefined) return known;
  const { name, title, description, annotations, descriptor } = tool;
  const schema = z.toJSONSchema(tool.input, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  const pin = createHash('sha256').update(canonicalJson(JSON.parse(JSON.stringify({ name, title, description, annotations, schema, descriptor }))).text).digest('hex');
  pins.set(tool, pin);
  return pin;
}
