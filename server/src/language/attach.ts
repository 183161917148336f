import {
  CodeActionKind, TextDocuments, TextDocumentSyncKind, type CodeAction, type Connection, type Disposable, type Range, type ServerCapabilities,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { attachAuditLog } from './attachLog';
import type { AuditLogLanguage } from './auditLog';
import { externalLanguages, type ExternalKnowledge } from './external';
import { createLanguage, joinLanguages, type ConfigLanguage, type LanguageOptions } from './language';

/** The languages of the configuration and of the log at one connection. */
export type AttachedLanguage = Readonly<{
  /** To be returned by the initialize handler. */
  capabilities: ServerCapabilities;
  dispose(): void;
}>;

/** The language of the log and what tells that it was verified, and how long to wait after a change before diagnostics are sent, in milliseconds. Default: 100. */
export type AttachOptions = LanguageOptions & Readonly<{ debounceMs?: number; /** Absent: nothing is said about the files of external servers. */ external?: ExternalKnowledge; /** Tells that `credentials` gives others now. */ onCredentials?(listener: () => void): () => void; log: AuditLogLanguage; onVerified(listener: () => void): () => void }>;

const capabilities: ServerCapabilities = {
  textDocumentSync: TextDocumentSyncKind.Incremental,
  completionProvider: { triggerCharacters: ['"', ':', '{'] },
  hoverProvider: true,
  documentSymbolProvider: true,
  documentFormattingProvider: true,
  documentRangeFormattingProvider: true,
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
};

/** Answers the requests of an editor about the configuration file, and pushes its diagnostics, and about files of the log; other documents get empty answers. */
export function attachLanguage(connection: Connection, { debounceMs = 100, log: logLanguage, onVerified, external, onCredentials, ...options }: AttachOptions): AttachedLanguage {
  const language = joinLanguages([createLanguage(options), ...(external === undefined ? [] : externalLanguages(external))]);
  const log = attachAuditLog(connection, logLanguage, onVerified);
  const documents = new TextDocuments(TextDocument);
  const owned = (uri: string): TextDocument | undefined => (language.owns(uri) ? documents.get(uri) : undefined);

  const listeners: Disposable[] = [
    pushDiagnostics(connection, documents, language, debounceMs, onCredentials),
    connection.onCompletion(({ textDocument, position }) => {
      const document = owned(textDocument.uri);
      return document === undefined ? null : language.completion(document, position);
    }),
    connection.onHover(({ textDocument, position }, token) => {
      if (log.owns(textDocument.uri)) return log.hover(textDocument.uri, position, token);
      const document = owned(textDocument.uri);
      return document === undefined ? null : language.hover(document, position);
    }),
    connection.onDocumentSymbol(({ textDocument }, token) => {
      if (log.owns(textDocument.uri)) return log.symbols(textDocument.uri, token);
      const document = owned(textDocument.uri);
      return document === undefined ? [] : language.symbols(document);
    }),
    connection.onDocumentFormatting(({ textDocument, options: formatting }) => {
      const document = owned(textDocument.uri);
      return document === undefined ? [] : language.format(document, formatting);
    }),
    connection.onDocumentRangeFormatting(({ textDocument, options: formatting, range }) => {
      const document = owned(textDocument.uri);
      return document === undefined ? [] : language.format(document, formatting, range);
    }),
    connection.onCodeAction(({ textDocument, range }) => {
      const document = owned(textDocument.uri);
      return document === undefined ? [] : quickFixes(language, document, range);
    }),
    documents.listen(connection),
  ];
  return {
    capabilities,
    dispose: () => {
      log.dispose();
      for (const listener of listeners) listener.dispose();
    },
  };
}

function pushDiagnostics(connection: Connection, documents: TextDocuments<TextDocument>, language: ConfigLanguage, debounceMs: number, onCredentials: AttachOptions['onCredentials']): Disposable {
  const timers = new Map<string, NodeJS.Timeout>();
  const send = (uri: string): void => {
    const document = documents.get(uri);
    const diagnostics = document === undefined ? [] : language.diagnostics(document).map(({ diagnostic }) => diagnostic);
    const version = document === undefined ? {} : { version: document.version };
    // An editor that left in the meantime needs no diagnostics.
    connection.sendDiagnostics({ uri, ...version, diagnostics }).catch(() => undefined);
  };
  const soon = (uri: string): void => {
    if (!language.owns(uri)) return;
    clearTimeout(timers.get(uri));
    timers.set(uri, setTimeout(send, debounceMs, uri));
  };
  const changed = documents.onDidChangeContent(({ document: { uri } }) => soon(uri));
  const forget = onCredentials?.(() => documents.keys().forEach(soon));
  const closed = documents.onDidClose(({ document: { uri } }) => {
    if (!language.owns(uri)) return;
    clearTimeout(timers.get(uri));
    timers.delete(uri);
    send(uri);
  });
  return {
    dispose: () => {
      changed.dispose();
      forget?.();
      closed.dispose();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function quickFixes(language: ConfigLanguage, document: TextDocument, range: Range): CodeAction[] {
  const from = document.offsetAt(range.start);
  const to = document.offsetAt(range.end);
  return language.diagnostics(document).flatMap(({ diagnostic, fix, command }): CodeAction[] => {
    const apart = document.offsetAt(diagnostic.range.end) < from || document.offsetAt(diagnostic.range.start) > to;
    if (apart) return [];
    const shared = { kind: CodeActionKind.QuickFix, diagnostics: [diagnostic] };
    const edits = fix === undefined ? [] : [{ title: fix.title, ...shared, isPreferred: true, edit: { changes: { [document.uri]: [fix.edit] } } }];
    return command === undefined ? edits : [...edits, { title: command.title, ...shared, isPreferred: fix === undefined, command }];
  });
}
