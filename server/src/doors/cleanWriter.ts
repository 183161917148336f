import type { Message, MessageWriter } from 'vscode-jsonrpc';

/** What may be sent of a value: the same without secrets. */
export type Clean = <Value>(value: Value) => Value;

/** A writer of messages that takes secrets out of each, whoever wrote it: answers, errors, notifications, questions, diagnostics. */
export function cleanWriter(writer: MessageWriter, clean: Clean): MessageWriter {
  return {
    onError: writer.onError,
    onClose: writer.onClose,
    write: (message: Message) => writer.write(clean(message)),
    end: () => writer.end(),
    dispose: () => writer.dispose(),
  };
}
