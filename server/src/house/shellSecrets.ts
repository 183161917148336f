import type { Config } from '../../../protocol/src/config';
import type { CredentialStore } from '../credentials/store';
import type { Redactor } from '../rules/redaction/redactor';
import { createByteStream, createRawStream } from '../rules/redaction/stream';
import { secretNames, type SecretRoom } from '../tools/shell/secrets';

/** Introduces the store of credentials to the tool that runs commands. */

/** The id under which commands use credentials. */
export const shellHolder = 'shell.exec';

/** The store as commands see it; it may be built later than the tool. */
export function shellSecrets(store: () => Pick<CredentialStore, 'state' | 'lease'>, redactor: Redactor): SecretRoom {
  return {
    changedAt: (name) => store().state().credentials.find((one) => one.name === name)?.changedAt,
    lease: (names) => store().lease(names, shellHolder),
    stream: () => createByteStream(redactor),
    between: () => createRawStream(redactor),
    edges: redactor,
  };
}

/** Declares what the settings give to commands; gives what takes it back. */
export function declareForCommands(store: Pick<CredentialStore, 'declare'>, { plugins }: Config): () => void {
  return store.declare(shellHolder, secretNames(plugins.shell.secrets));
}
