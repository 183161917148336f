import { CodeLensRefreshRequest, CodeLensRequest, DocumentSymbolRequest, FoldingRangeRequest, HoverRequest, type CancellationToken, type Connection, type Disposable, type DocumentSymbol, type Hover, type Position } from 'vscode-languageserver';
import type { AuditLogLanguage } from './auditLog';

/** The language that files of the log have in an editor. */
const languageId = 'conductor-audit';

/** What an opened log answers, beside the configuration, to questions that both are asked. */
export type AttachedLog = Readonly<{
  owns(uri: string): boolean;
  hover(uri: string, position: Position, token: CancellationToken): Promise<Hover | null>;
  symbols(uri: string, token: CancellationToken): Promise<DocumentSymbol[]>;
  dispose(): void;
}>;

/**
 * Answers an editor's questions about opened files of the log. They are offered for that language alone and by registration, so that an editor
 * never sends the text of a log: the files are read here, by the line. `onVerified` tells when lenses are to be drawn anew.
 */
export function attachAuditLog(connection: Connection, log: AuditLogLanguage, onVerified: (listener: () => void) => () => void): AttachedLog {
  const selector = { documentSelector: [{ language: languageId, scheme: 'file' }] };
  const stopped = onVerified(() => void connection.sendRequest(CodeLensRefreshRequest.type).catch(() => undefined));
  const listeners: Disposable[] = [
    connection.onInitialized(() => {
      for (const type of [HoverRequest.type, DocumentSymbolRequest.type, FoldingRangeRequest.type, CodeLensRequest.type] as const) {
        // An editor that cannot be told later goes without.
        connection.client.register(type, selector).catch(() => undefined);
      }
    }),
    connection.onCodeLens(({ textDocument }, token) => within(token, (signal) => log.lenses(textDocument.uri, signal))),
    connection.onFoldingRanges(({ textDocument }, token) => within(token, (signal) => log.folding(textDocument.uri, signal))),
  ];
  return {
    owns: log.owns,
    hover: (uri, position, token) => within(token, (signal) => log.hover(uri, position, signal)),
    symbols: (uri, token) => within(token, (signal) => log.symbols(uri, signal)),
    dispose: () => {
      stopped();
      for (const listener of listeners) listener.dispose();
    },
  };
}

/** Work that ends when the editor no longer waits for it. */
async function within<T>(token: CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const taken = new AbortController();
  const listening = token.onCancellationRequested(() => taken.abort());
  try {
    return await work(taken.signal);
  } finally {
    listening.dispose();
  }
}
