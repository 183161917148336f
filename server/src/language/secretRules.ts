import { findNodeAtLocation } from 'jsonc-parser';
import type { SecretRules } from './secretPlaces';

/** What is a reference where, file by file: the same places as in the schemas of `protocol/src/config.ts` and `backends.ts`. */

/** Rules of `config.json`: variables of commands are its one place for references. */
export const configSecrets: SecretRules = {
  readsReference: (path) => path.length === 5 && path.slice(0, 3).join('.') === 'plugins.shell.secrets',
  isHanded: () => false,
  service: (path) => (path.slice(0, 3).join('.') === 'plugins.shell.secrets' ? String(path[3] ?? '') : ''),
  belongs: () => 'Nothing here reads it. A command gets it as a variable: "plugins": { "shell": { "secrets": { "<program>": { "<VARIABLE>": "${secret:service.key}" } } } }.',
};

/** Rules of `mcp_backends.json`: variables and headers read references, arguments and addresses do not. */
export const backendSecrets: SecretRules = {
  readsReference: (path) => path.length === 4 && path[0] === 'backends' && (path[2] === 'env' || path[2] === 'headers'),
  isDeclared: (path, root) => findNodeAtLocation(root, [...path.slice(0, 2), 'configSchema', 'properties', path[3] ?? '', 'secret'])?.value === true,
  refused: 'The server is not started while it stands here.',
  isHanded: (path) => path[0] === 'backends' && (path[2] === 'args' || path[2] === 'url'),
  service: (path) => (path[0] === 'backends' ? String(path[1] ?? '') : ''),
  belongs: (path) =>
    path[2] === 'url' ? 'It belongs in "headers", where ${secret:service.key} is read.' : path[2] === 'args' ? 'Every process list shows arguments: it belongs in "env", where ${secret:service.key} is read.' : 'It belongs in "env" or "headers" of the server that needs it, where ${secret:service.key} is read.',
};

/** Rules of files that read no reference anywhere. */
export const noSecrets: SecretRules = { readsReference: () => false, isHanded: () => false, service: () => '', belongs: () => 'Nothing in this file reads credentials.' };
