import type { Command, TextDocument, Range } from 'vscode-json-languageservice';
import { moveSecretCommand, setCredentialCommand, type SecretMove } from '../../../protocol/src/secretMove';
import type { Span } from '../config/finding';
import type { Remedy } from './secrets';

/** The command of a quick fix. Its arguments say where a value stands, so that none passes through here. */
export function commandFor(document: TextDocument, remedy: Remedy): Command {
  if (remedy.kind === 'set') return { title: 'Set it now…', command: setCredentialCommand, arguments: [remedy.name] };
  const { value, escaped, name, remove } = remedy.secret;
  const move: SecretMove = {
    uri: document.uri, version: document.version, value: rangeOf(document, value), escaped, name,
    ...(remove.length === 0 ? {} : { remove: remove.map((span) => rangeOf(document, span)) }),
    ...(remedy.belongs === undefined ? {} : { belongs: remedy.belongs }),
  };
  return { title: 'Move to credential store…', command: moveSecretCommand, arguments: [move] };
}

/** A span as lines and columns of a document. */
export function rangeOf(document: TextDocument, { offset, length }: Span): Range {
  return { start: document.positionAt(offset), end: document.positionAt(offset + length) };
}
