// Lets the conformance suite start on Node.js 20, whose `fs` has no `globSync` yet; the suite needs it for another command only.
import { register } from 'node:module';

const shim = "export * from 'node:fs'; import fs from 'node:fs'; export default fs; export const globSync = fs.globSync;";
const hooks = `export async function resolve(specifier, context, next) {
  if (specifier === 'fs' && context.parentURL?.includes('/conformance/dist/')) return { shortCircuit: true, url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(shim)}`)} };
  return next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
